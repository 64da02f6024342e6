"""Messages of Matrix are read as recorded, and as a server rarely tells them."""

from __future__ import annotations

import copy
import json
from urllib.parse import unquote

import pytest

from connectors.matrix import natives
from connectors.matrix.connector import Matrix
from landbridge.connector import Checkpoint, Complete, Failure, Gone, Record
from landbridge.errors import ExpiredCursor, ScopeError
from tests.connectors.matrix.replay import (
    ANNA,
    BOT,
    IDS,
    LUKASZ,
    ROOM,
    SIOBHAN,
    ZOE,
    Server,
    event_of,
    key,
    refused,
    told,
)
from tests.connectors.reading import cursor_of, natives_of


def test_messages_come_folded_and_in_order(server: Server, matrix: Matrix) -> None:
    *records, checkpoint, complete = (item for item in matrix.read("messages") if item != Gone(key("gone")))
    assert [record.key for record in records] == [key(name) for name in ("root", "thread", "reply", "image", "ours")]
    assert (checkpoint, complete) == (Checkpoint({"since": "s2"}), Complete())
    found = {record.key: record.native for record in records}
    assert found[key("root")]["reactions"] == {"👍": [LUKASZ, SIOBHAN]}
    thread = found[key("thread")]
    assert (thread["thread"], thread["reply_to"]) == (key("root"), None)
    assert (thread["body"], thread["formatted_body"]) == ("Ich, Łukasz. Halle 2.", "Ich, Łukasz. <b>Halle 2</b>.")
    assert (thread["ts"], thread["edited_ts"]) == (1790000000004, 1790000000006)
    assert (found[key("reply")]["reply_to"], found[key("reply")]["thread"]) == (key("thread"), None)
    assert found[key("reply")]["body"] == "Danke!"
    assert found[key("image")]["attachments"] == [
        {"name": "leiter.png", "media_type": "image/png", "size": 70, "url": "halbrueck.example/abc"}
    ]
    assert found[key("ours")]["url"] == f"https://matrix.to/#/{ROOM}/{IDS['ours']}?via=halbrueck.example"


def test_small_pages_say_the_same(server: Server, matrix: Matrix, small_pages: None) -> None:
    records = [item for item in matrix.read("messages") if isinstance(item, Record)]
    keys = [record.key for record in records]
    # The root comes again, complete, where its reactions stand on later pages.
    assert list(dict.fromkeys(keys)) == [key(name) for name in ("root", "thread", "reply", "image", "ours")]
    assert keys.count(key("root")) > 1
    whole = Server()
    server.events, server.state = whole.events, whole.state
    assert {record.key: record.native for record in records} == natives_of(matrix, "messages")


def test_news_touch_what_they_are_about(server: Server, matrix: Matrix) -> None:
    reaction = {**event_of(server, "reaction"), "event_id": "$new", "sender": ANNA}
    server.events[ROOM].append(reaction)
    server.news = told(reaction)
    items = list(matrix.read("messages", {"since": "s1"}))
    assert [type(item) for item in items] == [Record, Checkpoint]
    assert items[0].native["reactions"] == {"👍": [ANNA, LUKASZ, SIOBHAN]}
    edit = {**event_of(server, "thread"), "event_id": "$edit"}
    edit["content"] = {
        "m.new_content": {"msgtype": "m.text", "body": "Neu"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": IDS["ours"]},
    }
    server.news = told(edit)
    assert list(natives_of(matrix, "messages", {"since": "s1"})) == [key("ours")]


def test_a_new_message_needs_no_further_call(server: Server, matrix: Matrix) -> None:
    whole = natives_of(matrix, "messages")
    events = copy.deepcopy(server.events[ROOM])
    for event in events:  # as sync tells them: without what is said about them
        event["unsigned"].pop("m.relations", None)
    edit = event_of(server, "thread")["unsigned"]["m.relations"]["m.replace"]
    server.news = told(*[event for event in events if event["type"] != "m.room.redaction"], edit)
    server.seen.clear()
    assert natives_of(matrix, "messages", {"since": "s1"}) == whole
    assert len(server.seen) == 3  # what may be entered, and the news


def test_a_message_that_was_taken_back_is_gone(server: Server, matrix: Matrix) -> None:
    redaction = next(event for event in reversed(server.events[ROOM]) if event["type"] == "m.room.redaction")
    server.news = told(redaction)
    assert list(matrix.read("messages", {"since": "s1"})) == [Gone(key("gone")), Checkpoint({"since": "s2"})]
    # Landbridge was out of the room when that happened: the room's history says so as well.
    server.news = told(limited=True, state=tuple(server.state[ROOM][:1]))
    assert Gone(key("gone")) in list(matrix.read("messages", {"since": "s1"}))
    assert key("gone") not in natives_of(matrix, "messages")


def test_2_nobody_is_gone_by_a_single_404(server: Server, matrix: Matrix) -> None:
    server.script[f"v2/users/{ZOE}"] = [refused(404, "M_NOT_FOUND")]
    items = list(matrix.read("users"))
    assert [item.key for item in items if isinstance(item, Failure)] == [ZOE]
    assert ZOE in natives_of(matrix, "users")


def test_2_no_message_is_gone_by_a_single_404(server: Server, matrix: Matrix) -> None:
    """A reaction leads back to a message, which is not found once, or never, or is known to nobody any more."""
    server.news = told(event_of(server, "reaction"))
    (message,) = natives_of(matrix, "messages", {"since": "s1"})
    name, missing = message.removeprefix(f"{ROOM}/"), refused(404, "M_NOT_FOUND")
    for script, wanted in (
        ({f"/event/{name}": [missing]}, [Record]),
        ({f"/event/{name}": [missing, missing]}, []),
        ({f"/event/{name}": [missing], f"fetch_event/{name}": [refused(403, "M_FORBIDDEN")]}, []),
        ({f"/event/{name}": [missing], f"fetch_event/{name}": [missing]}, [Gone]),
    ):
        server.script = script
        assert [type(item) for item in matrix.read("messages", {"since": "s1"})] == [*wanted, Checkpoint]


def test_a_reaction_that_was_taken_back_touches_its_message(server: Server, matrix: Matrix) -> None:
    redaction = next(event for event in server.events[ROOM] if event["type"] == "m.room.redaction")
    server.news = told(redaction)
    items = list(matrix.read("messages", {"since": "s1"}))
    assert [getattr(item, "key", None) for item in items] == [key("root"), None]
    assert items[0].native["reactions"] == {"👍": [LUKASZ, SIOBHAN]}
    # Without the administrator's help, and where the server has forgotten it, nothing else is lost.
    server.script["fetch_event"] = [refused(403, "M_FORBIDDEN"), refused(404, "M_NOT_FOUND")]
    for _ in range(2):
        server.news = told(redaction, event_of(server, "image"))
        assert list(natives_of(matrix, "messages", {"since": "s1"})) == [key("image")]


def test_more_news_than_sync_holds_are_fetched_in_pages(server: Server, matrix: Matrix, small_pages: None) -> None:
    server.news = told(event_of(server, "ours"), limited=True)
    found = natives_of(matrix, "messages", {"since": "s0"})
    assert found == natives_of(matrix, "messages")


def test_a_room_newly_entered_is_read_from_its_beginning(server: Server, matrix: Matrix) -> None:
    create = next(event for event in server.state[ROOM] if event["type"] == "m.room.create")
    server.news = told(limited=True, state=(create,))
    assert len(natives_of(matrix, "messages", {"since": "s9"})) == 5
    assert "from=" not in str(server.asked("GET", "/messages")[0].url)


def test_edits_by_others_do_not_count() -> None:
    event = {"event_id": "$1", "type": "m.room.message", "sender": ANNA, "origin_server_ts": 1,
             "content": {"msgtype": "m.text", "body": "mine"}}  # fmt: skip
    forged = {**event, "event_id": "$2", "sender": LUKASZ, "origin_server_ts": 2}
    forged["content"] = {"m.new_content": {"body": "his"}, "m.relates_to": {"rel_type": "m.replace", "event_id": "$1"}}
    assert natives.message("!r", event, natives.window([event, forged]), "x")["body"] == "mine"


def test_a_copied_marker_is_not_ours(server: Server, matrix: Matrix) -> None:
    records = {item.key: item.marker for item in matrix.read("messages") if isinstance(item, Record)}
    assert {key: marker for key, marker in records.items() if marker} == {key("ours"): "lb0123456789abcdef"}
    event_of(server, "ours")["content"]["body"] = "Something else under the same marker"
    assert not any(item.marker for item in matrix.read("messages") if isinstance(item, Record))


def test_one_bad_message_stops_nobody(server: Server, matrix: Matrix) -> None:
    event_of(server, "reply")["content"]["m.relates_to"]["m.in_reply_to"] = "not an object"
    del event_of(server, "image")["origin_server_ts"]
    event_of(server, "thread")["content"] = {"m.relates_to": "nonsense", "body": 7}
    items = list(matrix.read("messages"))
    assert [item.key for item in items if isinstance(item, Failure)] == [key("reply"), key("image")]
    assert isinstance(items[-1], Complete)


def test_a_room_that_put_landbridge_out_does_not_hide_the_others(server: Server, matrix: Matrix) -> None:
    server.script["joined_rooms"] = [(200, {}, json.dumps({"joined_rooms": [ROOM, "!a"]}))] * 2
    items = list(matrix.read("messages"))
    assert [type(item) for item in items if not isinstance(item, Record | Gone)] == [Failure, Checkpoint, Complete]
    assert items[0].key is None
    assert isinstance(items[0].error, ScopeError)


def test_an_unknown_position_means_to_read_in_full(server: Server, matrix: Matrix) -> None:
    server.script["/sync"] = [refused(400, "M_UNKNOWN")] * 2
    for stream in ("messages", "rooms"):
        with pytest.raises(ExpiredCursor):
            list(matrix.read(stream, {"since": "nonsense"}))
    for stream, cursor in (("messages", {"page": 7}), ("rooms", "x"), ("users", {"since": "s1"}), ("users", 7)):
        with pytest.raises(ExpiredCursor):
            list(matrix.read(stream, cursor))


def test_what_is_said_in_a_private_room_is_not_asked_for_unless_it_may_be_read(server: Server, matrix: Matrix) -> None:
    """The list of rooms may be behind the room itself."""
    server.listed = [{"room_id": ROOM, "creator": ANNA, "join_rules": None, "encryption": None}]
    private = [(200, {}, json.dumps({"join_rule": "invite"}))]
    assert natives_of(matrix, "messages")
    cursor = cursor_of(matrix, "messages")
    server.seen.clear()
    server.script["m.room.join_rules"] = private * 3
    assert natives_of(matrix, "messages") == {}
    assert server.asked("GET", f"{ROOM}/messages") == []
    list(matrix.read("messages", cursor))
    matrix.listen(5)
    matrix.listen(5)
    followed = [one for one in server.asked("GET", "/sync") if "since=" in str(one.url)]
    assert len(followed) == 2 and all(f'"not_rooms":["{ROOM}"]' in unquote(str(one.url)) for one in followed)
    matrix.private_spaces = {ROOM}
    assert natives_of(matrix, "messages")


@pytest.mark.parametrize(("sender", "is_read"), [(BOT, True), (ANNA, False)])
def test_a_private_room_of_its_own_is_read_also_before_the_hub_knows_it(
    server: Server, matrix: Matrix, sender: str, is_read: bool
) -> None:
    server.listed = [{"room_id": ROOM, "creator": sender, "join_rules": "invite", "encryption": None}]
    server.script["m.room.join_rules"] = [(200, {}, json.dumps({"join_rule": "invite"}))]
    made = {"sender": sender, "type": "m.room.create", "content": {natives.MARKER: "lb-1"}}
    server.script["m.room.create"] = [(200, {}, json.dumps(made))]
    assert bool(natives_of(matrix, "messages")) is is_read
