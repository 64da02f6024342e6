"""The Matrix connector without a server: recorded answers replayed, and what a server rarely does on demand."""

from __future__ import annotations

import copy
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from connectors.matrix import contents, natives, reading, users
from connectors.matrix.connector import Matrix
from landbridge.connector import (
    Checkpoint,
    Complete,
    Connection,
    Failure,
    Finds,
    Gone,
    HasFiles,
    Impersonates,
    News,
    Record,
    Watches,
)
from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.mapping import load_mapping
from landbridge.model import validate
from landbridge.testing import recording as recordings
from landbridge.testing.recording import Recording
from landbridge.testing.scrubbing import Scrubber
from tests.connectors.matrix_server import ADMIN_TOKEN, BOT, IDS, RECORDED, ROOM, TOKEN, Server, refused
from tests.connectors.reading import natives_of

MAPPINGS = Path(__file__).parents[2] / "mappings" / "matrix"
STREAMS = ("memberships", "messages", "rooms", "users")
EXTRA = {"server_name": "halbrueck.example", "admin_token": ADMIN_TOKEN}
CONNECTION = Connection("chat", "landbridge_matrix", "http://chat.example", BOT, TOKEN, extra=EXTRA)
ANNA, LUKASZ, SIOBHAN, ZOE = (
    f"@{name}:halbrueck.example" for name in ("anna.mueller", "lukasz.wisniewski", "siobhan.obrien", "zoe.oezguer")
)


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in (responses.GET, responses.POST, responses.PUT):
            mock.add_callback(method, re.compile("http://chat.example/.*"), found)
        yield found


@pytest.fixture
def matrix() -> Iterator[Matrix]:
    made = Matrix(Matrix.Config.of(CONNECTION))
    yield made
    made.close()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGES", replace(reading.PAGES, size=2))
    monkeypatch.setattr(reading, "ABOUT", replace(reading.ABOUT, size=1))
    monkeypatch.setattr(users, "LISTED", replace(users.LISTED, size=2))


def key(name: str) -> str:
    return f"{ROOM}/{IDS[name]}"


def told(*events: Any, limited: bool = False, state: tuple[Any, ...] = ()) -> dict[str, Any]:
    timeline = {"events": list(events), "limited": limited, "prev_batch": "s1"}
    return {"rooms": {"join": {ROOM: {"timeline": timeline, "state": {"events": list(state)}}}}}


def event_of(server: Server, name: str) -> Any:
    return next(event for event in server.events[ROOM] if event["event_id"] == IDS[name])


# --- what it is ------------------------------------------------------------------------------------------------


def test_what_the_class_can_do(matrix: Matrix) -> None:
    assert tuple(sorted(Matrix.streams())) == STREAMS
    can = {stream: [op for op in ("create", "update", "disable", "enable", "delete") if Matrix.can_write(stream, op)]
           for stream in STREAMS}  # fmt: skip
    assert can == {
        "memberships": ["create", "delete"],
        "messages": ["create", "update", "delete"],
        "rooms": ["create", "update", "disable", "enable"],
        "users": ["create", "update", "disable", "enable", "delete"],
    }
    assert all(isinstance(matrix, ability) for ability in (Finds, HasFiles, Impersonates))
    assert matrix.authors == "users"


def test_listening_names_the_stream_first_and_whenever_something_is_said(server: Server, matrix: Matrix) -> None:
    assert isinstance(matrix, Watches)
    assert matrix.listen(5) == [News("messages")]  # nobody has listened before
    assert matrix.listen(5) == []
    assert "timeout=5000" in str(server.asked("GET", "/sync")[-1].url)
    server.news = told(event_of(server, "thread"))
    assert matrix.listen(5) == [News("messages")]
    server.news = told()
    assert matrix.listen(5) == []
    server.script["/sync"] = [refused(400, "M_UNKNOWN")]
    with pytest.raises(ExpiredCursor):
        matrix.listen(5)
    assert matrix.listen(5) == [News("messages")]  # what was missed is read


@pytest.mark.parametrize("wrong", [{"sever_name": "x"}, {"admin_token": None}, {"join": "all"}])
def test_a_wrong_connection_names_the_field_and_no_secret(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))) as caught:
        Matrix.Config.of(replace(CONNECTION, extra={**EXTRA, **wrong}))
    assert TOKEN not in str(caught.value)
    assert ADMIN_TOKEN not in str(caught.value)
    with pytest.raises(ConfigError, match="login"):
        Matrix.Config.of(replace(CONNECTION, login="landbridge"))


def test_every_mapping_example_holds_both_ways() -> None:
    mappings = {stream: load_mapping(MAPPINGS / f"{stream}.yaml") for stream in STREAMS}
    assert [problem for mapping in mappings.values() for problem in mapping.run_examples()] == []
    assert mappings["messages"].writable == {
        "space", "thread", "reply_to", "author", "body", "sent_at", "reactions", "attachments",
    }  # fmt: skip
    assert "active" not in mappings["users"].writable


@pytest.mark.parametrize("stream", ["messages", "rooms", "users"])
def test_recorded_answers_become_valid_claims(server: Server, matrix: Matrix, stream: str) -> None:
    mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
    found = natives_of(matrix, stream)
    assert found
    for native in found.values():
        assert validate(mapping.kind, mapping.into(native).claim)


# --- accounts --------------------------------------------------------------------------------------------------


def test_an_account_is_complete_and_steady(server: Server, matrix: Matrix) -> None:
    native = natives_of(matrix, "users")[ZOE]
    assert native == {
        "user_id": ZOE,
        "localpart": "zoe.oezguer",
        "displayname": "Zoë Özgür 🪜",
        "emails": ["zoe.oezguer@halbrueck.example", "zoe@halbrueck.example"],
        "employee_number": "E0099",
        "avatar": {"media_type": None, "url": RECORDED["account"]["avatar_url"].removeprefix("mxc://")},
        "admin": False,
        "locked": False,
        "deactivated": False,
        "guest": False,
        "bot": False,
    }
    server.accounts[ZOE] |= {"last_seen_ts": 1, "shadow_banned": True}
    server.accounts[ZOE]["threepids"].reverse()
    assert natives_of(matrix, "users")[ZOE] == native


def test_only_people_are_taken_for_people(server: Server, matrix: Matrix) -> None:
    server.accounts["@bot:x"] = {**server.accounts[ZOE], "name": "@bot:x", "user_type": "bot"}
    server.accounts["@irc:x"] = {**server.accounts[ZOE], "name": "@irc:x", "appservice_id": "irc"}
    server.accounts["@left:x"] = {**server.accounts[ZOE], "name": "@left:x", "deactivated": True}
    server.accounts["@guest:x"] = {**server.accounts[ZOE], "name": "@guest:x", "is_guest": True}
    mapping = load_mapping(MAPPINGS / "users.yaml")
    assert [user for user, native in natives_of(matrix, "users").items() if mapping.accepts(native)] == [ZOE]


def test_later_only_what_changed_is_asked_for(server: Server, matrix: Matrix, small_pages: None) -> None:
    for number in range(30):
        name = f"@p{number}:halbrueck.example"
        server.accounts[name] = {**server.accounts[ZOE], "name": name}
    *records, checkpoint, complete = matrix.read("users")
    assert (len(records), isinstance(complete, Complete)) == (32, True)
    assert isinstance(checkpoint, Checkpoint)
    server.seen.clear()
    assert list(matrix.read("users", checkpoint.cursor)) == [checkpoint]
    assert len(server.asked("GET", "/v2/users/")) == 0
    server.accounts["@p7:halbrueck.example"] |= {"locked": True}
    server.accounts["@new:halbrueck.example"] = {**server.accounts[ZOE], "name": "@new:halbrueck.example"}
    items = list(matrix.read("users", checkpoint.cursor))
    assert {item.key for item in items[:-1] if isinstance(item, Record)} >= {
        "@p7:halbrueck.example",
        "@new:halbrueck.example",
    }
    assert len(server.asked("GET", "/v2/users/")) < 6
    assert list(matrix.read("users", items[-1].cursor)) == items[-1:]


def test_two_equal_changes_do_not_cancel_out(server: Server, matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "BUCKETS", 1)
    server.accounts["@two:x"] = {**server.accounts[ZOE], "name": "@two:x"}
    cursor = next(item.cursor for item in matrix.read("users") if isinstance(item, Checkpoint))
    for name in (ZOE, "@two:x"):
        server.accounts[name] = {**server.accounts[name], "locked": True}
    assert len(natives_of(matrix, "users", cursor)) == 3


def test_one_bad_account_stops_nobody(server: Server, matrix: Matrix) -> None:
    server.accounts[BOT]["threepids"] = None
    items = list(matrix.read("users"))
    assert [type(item) for item in items] == [Failure, Record, Checkpoint, Complete]
    assert items[0].key == BOT


@pytest.mark.parametrize("path", ["threepid/email", "auth_providers"])
def test_nobody_loses_an_address_or_number_to_a_new_account(server: Server, matrix: Matrix, path: str) -> None:
    server.script[path] = [(200, {}, json.dumps({"user_id": ANNA}))]
    new = {"localpart": "new", "emails": ["a@halbrueck.example"], "employee_number": "E1"}
    with pytest.raises(RecordError, match="Another account holds this") as caught:
        matrix.create_user(new, "m")
    assert ANNA not in str(caught.value)
    assert server.asked("PUT") == []


# --- rooms -----------------------------------------------------------------------------------------------------


def test_a_room_is_complete(server: Server, matrix: Matrix) -> None:
    native = natives_of(matrix, "rooms")[ROOM]
    assert native | {"alias": None} == {
        "room_id": ROOM,
        "alias": None,
        "name": "Leitern & Gerüste",
        "topic": "Alles über Höhe",
        "room_type": None,
        "join_rule": "public",
        "guests": False,
        "archived": False,
        "encrypted": False,
        "url": f"https://matrix.to/#/{ROOM}?via=halbrueck.example",
    }
    assert native["alias"].startswith("leitern")


def member(user: str) -> dict[str, Any]:
    return {"type": "m.room.member", "state_key": user, "sender": user, "content": {"membership": "join"}}


def state(kind: str, **content: Any) -> dict[str, Any]:
    return {"type": kind, "state_key": "", "sender": BOT, "content": content}


@pytest.mark.parametrize(
    "event", [member("@eve:elsewhere.example"), state("m.room.guest_access", guest_access="can_join")]
)
def test_guests_are_noticed(server: Server, matrix: Matrix, event: Any) -> None:
    server.state[ROOM].append(event)
    assert natives_of(matrix, "rooms")[ROOM]["guests"] is True


def test_the_marker_of_a_room_counts_only_where_landbridge_made_it(server: Server, matrix: Matrix) -> None:
    assert next(matrix.read("rooms")).marker == "lbroom1"
    create = next(event for event in server.state[ROOM] if event["type"] == "m.room.create")
    create["sender"] = ANNA
    assert next(matrix.read("rooms")).marker is None


def test_later_only_rooms_in_which_something_moved_are_read(server: Server, matrix: Matrix) -> None:
    cursor = {"since": "s1"}
    assert list(matrix.read("rooms", cursor)) == [Checkpoint({"since": "s2"})]
    server.news = told(state("m.room.topic", topic="x"))
    server.news["rooms"]["leave"] = {"!left": {}}
    items = list(matrix.read("rooms", cursor))
    assert [type(item) for item in items] == [Record, Gone, Checkpoint]
    assert (items[0].key, items[1].key) == (ROOM, "!left")


def test_open_rooms_are_entered_and_no_others(server: Server, matrix: Matrix) -> None:
    row = {"creator": ANNA, "join_rules": "public", "encryption": None}
    server.listed = [
        {**row, "room_id": "!open"},
        {**row, "room_id": ROOM},
        {**row, "room_id": "!closed", "join_rules": "invite"},
        {**row, "room_id": "!knock", "join_rules": "knock"},
        {**row, "room_id": "!secret", "encryption": "m.megolm.v1.aes-sha2"},
        {**row, "room_id": "!elsewhere", "creator": "@eve:elsewhere.example"},
        {**row, "room_id": "!unwanted"},
        {**row, "room_id": "!banned"},
    ]
    server.script["!unwanted/state/m.room.member"] = [(200, {}, json.dumps({"sender": ANNA, "type": "m.room.member"}))]
    server.script["/join/!banned"] = [refused(403, "M_FORBIDDEN")]
    natives_of(matrix, "messages")
    assert [request.url.rpartition("/join/")[2].split("?")[0] for request in server.asked("POST", "/join/")] == [
        "%21open", "%21banned",
    ]  # fmt: skip
    shy = Matrix(Matrix.Config.of(replace(CONNECTION, extra={**EXTRA, "join": "never"})))
    server.seen.clear()
    natives_of(shy, "rooms")
    assert server.asked("GET", "/_synapse/") == []
    shy.close()


# --- messages --------------------------------------------------------------------------------------------------


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


# --- refusals --------------------------------------------------------------------------------------------------


def test_a_refused_token_is_named_and_not_shown(server: Server, matrix: Matrix) -> None:
    server.script["/_matrix/"] = [refused(401, "M_UNKNOWN_TOKEN")]
    with pytest.raises(AuthError, match="password") as caught:
        matrix.check()
    server.script["/_synapse/"] = [refused(401, "M_UNKNOWN_TOKEN")]
    with pytest.raises(AuthError, match="admin_token") as again:
        list(matrix.read("users"))
    for error in (caught.value, again.value):
        assert not any(secret in str(error) for secret in (TOKEN, ADMIN_TOKEN, "anna"))


def test_a_locked_author_is_no_refused_token(server: Server, matrix: Matrix) -> None:
    server.script["/send/"] = [refused(401, "M_USER_LOCKED")] * 2
    said = matrix.create_message({"room_id": ROOM, "sender": SIOBHAN, "body": "Hallo"}, "m")
    assert (said["sender"], said["body"]) == (BOT, "Siobhán O'Brien: Hallo")


def test_check_names_the_account_and_what_it_lacks(server: Server, matrix: Matrix) -> None:
    account = matrix.check()
    assert (account.name, account.missing, account.detail) == (BOT, (), "In 1 rooms.")
    server.script = {"/_synapse/": [refused(403, "M_FORBIDDEN")]}
    assert matrix.check().missing == ("admin_token: server administrator",)
    server.script = {"whoami": [refused(403, "M_FORBIDDEN")]}
    assert "namespaces.users" in matrix.check().missing[0]


def test_a_rate_limit_is_waited_for_or_handed_on(server: Server, matrix: Matrix) -> None:
    server.script["joined_rooms"] = [refused(429, "M_LIMIT_EXCEEDED", retry_after_ms=1)]
    assert natives_of(matrix, "rooms")
    server.script["joined_rooms"] = [refused(429, "M_LIMIT_EXCEEDED", retry_after_ms=600_000)]
    with pytest.raises(RateLimited) as caught:
        list(matrix.read("rooms"))
    assert caught.value.after == 600


# --- writing ---------------------------------------------------------------------------------------------------


def test_a_message_is_sent_once_and_found_after_an_uncertain_outcome(server: Server, matrix: Matrix) -> None:
    native = {"room_id": ROOM, "sender": SIOBHAN, "body": "Einmal", "ts": 1790000000100}
    for failure in (requests.ConnectionError("broken"), (502, {}, "<html>")):
        server.script["/send/"] = [failure]
        with pytest.raises(TransientError) as caught:
            matrix.create_message(native, "lb1")
        assert caught.value.uncertain
    assert len(server.asked("PUT", "/send/")) == 2
    assert matrix.find("messages", native, "lb1") is None
    written = matrix.create_message(native, "lb1")
    assert matrix.find("messages", native, "lb1") == written
    assert natives_of(matrix, "messages")[written["id"]] == written
    sent = server.asked("PUT", "/send/")[-1]
    assert f"ts={native['ts']}" in str(sent.url)
    assert json.loads(sent.body or "")["landbridge.marker"] == "lb1"


def test_the_same_marker_of_another_author_is_another_transaction(server: Server, matrix: Matrix) -> None:
    for author in (SIOBHAN, LUKASZ, SIOBHAN):
        matrix.create_message({"room_id": ROOM, "sender": author, "body": "x"}, "lb1")
    paths = [str(request.url).split("?")[0] for request in server.asked("PUT", "/send/")]
    assert paths[0] == paths[2] != paths[1]


def test_an_author_enters_an_open_room_to_speak(server: Server, matrix: Matrix) -> None:
    server.script["/send/"] = [refused(403, "M_FORBIDDEN")]
    server.script["/join/"] = [(200, {}, json.dumps({"room_id": ROOM}))]
    said = matrix.create_message({"room_id": ROOM, "sender": SIOBHAN, "body": "x"}, "m")
    assert said["sender"] == SIOBHAN
    assert "user_id=%40siobhan" in str(server.asked("POST", "/join/")[0].url)


def test_in_a_closed_room_the_bot_speaks_for_who_is_not_in_it(server: Server, matrix: Matrix) -> None:
    server.script["/send/"] = [refused(403, "M_FORBIDDEN")]
    server.script["m.room.join_rules"] = [(200, {}, json.dumps({"join_rule": "invite"}))]
    native = {"room_id": ROOM, "sender": SIOBHAN, "body": "Hallo", "formatted_body": "<i>Hallo</i>"}
    said = matrix.create_message(native, "m")
    assert server.asked("POST", "/join/") == []
    assert (said["sender"], said["body"]) == (BOT, "Siobhán O'Brien: Hallo")
    assert said["formatted_body"] == "<strong>Siobhán O&#x27;Brien:</strong> <i>Hallo</i>"
    matrix.update_message(said["id"], {"body": "Neu"}, "m2")
    assert json.loads(server.asked("PUT", "/send/")[-1].body or "")["m.new_content"]["body"] == "Siobhán O'Brien: Neu"


def test_contents_hold_mentions_threads_and_answers() -> None:
    pill = '<a href="https://matrix.to/#/@anna.mueller:halbrueck.example">Anna</a> and <a href="https://matrix.to/#/!r/$e">that</a>'
    content = contents.message({"body": "Anna and that", "formatted_body": pill, "thread": "!r/$root"})
    assert content["m.mentions"] == {"user_ids": [ANNA]}
    assert content["m.relates_to"] == {
        "rel_type": "m.thread", "event_id": "$root", "is_falling_back": True, "m.in_reply_to": {"event_id": "$root"},
    }  # fmt: skip
    answer = contents.message({"body": "x", "thread": "!r/$root", "reply_to": "!r/$other"})["m.relates_to"]
    assert (answer["is_falling_back"], answer["m.in_reply_to"]) == (False, {"event_id": "$other"})
    assert "m.relates_to" not in contents.message({"body": "x", "formatted_body": "x", "thread": None})
    assert contents.edit("$e", {"body": "x", "formatted_body": pill})["m.mentions"] == {}


def test_bytes_are_counted_not_characters() -> None:
    long = "€" * 19_990
    content = contents.fitted(contents.message({"body": long, "formatted_body": f"<b>{long}</b>"}))
    assert content["formatted_body"] == f"<b>{long}</b>"
    assert content["body"] == "€" * contents.FALLBACK + "…"
    edit = contents.fitted(contents.edit("$e", {"body": long, "formatted_body": f"<b>{long}</b>"}))
    assert edit["m.new_content"]["formatted_body"] == f"<b>{long}</b>"
    with pytest.raises(RecordError, match="bytes"):
        contents.fitted(contents.message({"body": long * 2}))


@pytest.mark.parametrize(
    "native", [{"room_id": ROOM}, {"room_id": ROOM, "body": "", "formatted_body": ""}, {"body": "x"}]
)
def test_an_empty_or_homeless_message_is_not_sent(server: Server, matrix: Matrix, native: dict[str, Any]) -> None:
    with pytest.raises(RecordError):
        matrix.create_message(native, "m")
    assert server.seen == []


def test_no_secret_and_no_text_in_any_log(server: Server, matrix: Matrix, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for stream in STREAMS:
        try:
            list(matrix.read(stream))
        except RecordError:
            continue
    matrix.create_message({"room_id": ROOM, "sender": SIOBHAN, "body": "Vertraulich"}, "m")
    server.script["/send/"] = [refused(403, "M_FORBIDDEN")] * 3
    server.script["/join/"] = [refused(403, "M_FORBIDDEN")]
    with pytest.raises(ScopeError) as caught:
        matrix.create_message({"room_id": ROOM, "sender": SIOBHAN, "body": "Vertraulich"}, "m")
    said = caplog.text + str(caught.value) + repr(matrix.config)
    assert "GET chat.example/_matrix" in said
    assert not any(word in said for word in (TOKEN, ADMIN_TOKEN, "siobhan", "Siobh", "Vertraulich", "anna.mueller"))


# --- recordings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
def test_a_recording_without_people_plays_back(server: Server, matrix: Matrix, stream: str) -> None:
    """Rooms and accounts stand escaped in paths, and an account's name is its whole id."""
    with recordings.recorded() as exchanges:
        natives = recordings.natives(matrix, stream, 100)
    kind, config = Matrix.streams()[stream], recordings.config_of(matrix)
    real = Recording("matrix", stream, kind.kind, kind.key, config, tuple(exchanges), natives)
    made = recordings.scrubbed(real, Scrubber([TOKEN, ADMIN_TOKEN], recordings.host_of(exchanges)))
    assert not re.search("anna.mueller|zoe|Wiśniewski|halbrueck", made.text(), re.IGNORECASE)
    again = recordings.player(Matrix, made)
    with recordings.replayed(made):
        found = recordings.natives(again, stream, 100)
    again.close()
    assert [matrix.streams()[stream].key_of(one) for one in found] == [kind.key_of(one) for one in made.natives]
    assert len(found) == len(natives) > 0
