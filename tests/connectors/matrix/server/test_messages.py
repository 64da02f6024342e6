"""Messages of a real Synapse, read and written."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest

from connectors.matrix import natives
from connectors.matrix.connector import Matrix
from landbridge.connector import Gone, Record
from landbridge.errors import ExpiredCursor, NotFound, ScopeError
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.synapse import ADMIN, Synapse
from tests.connectors.matrix.server.desk import (
    ANNA,
    CLIENT,
    COMPANY,
    LENA,
    LUKASZ,
    MAPPINGS,
    PHOTO,
    PNG,
    Desk,
    Follower,
    Make,
    closed_room,
    desk_room_of,
    full,
    user,
)

pytestmark = pytest.mark.server


def test_every_conversation_of_the_open_rooms_is_read_as_it_was_held(matrix: Matrix) -> None:
    rooms = {native["alias"]: key for key, native in full(matrix, "rooms").items()}
    found = list(full(matrix, "messages").values())
    for room in COMPANY.rooms:
        expected = [message for message in COMPANY.messages if message.room == room.alias]
        if room.visibility != "public":
            texts = {native["body"] for native in found}
            assert texts.isdisjoint(message.text for message in expected)
            continue
        said = [native for native in found if native["room_id"] == rooms[room.alias]][: len(expected)]
        assert [native["body"] for native in said] == [message.text for message in expected]
        assert [native["sender"] for native in said] == [user(message.author) for message in expected]
        assert [native["ts"] / 1000 for native in said] == [message.sent.timestamp() for message in expected]
        keys = {message.key: native["id"] for message, native in zip(expected, said, strict=True)}
        for message, native in zip(expected, said, strict=True):
            assert native["thread"] == (keys[message.thread] if message.thread else None)
            reactions: dict[str, list[str]] = {}
            for emoji, name in message.reactions:
                reactions.setdefault(emoji, []).append(user(name))
            assert native["reactions"] == {emoji: sorted(names) for emoji, names in sorted(reactions.items())}


def test_news_arrive_with_edits_reactions_threads_and_removals(matrix: Matrix, desk: Desk) -> None:
    room = desk_room_of(matrix, "it-help")
    news = Follower(matrix, "messages")
    root = desk.say(room, ANNA, "Wo ist die Leiter? 🪜")
    thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}
    reply = desk.say(room, LUKASZ, "Hale 2", **thread)
    found = news.records()
    assert [native["body"] for native in found.values()] == ["Wo ist die Leiter? 🪜", "Hale 2"]
    assert found[f"{room}/{reply}"]["thread"] == f"{room}/{root}"
    right = {"m.new_content": {"msgtype": "m.text", "body": "Halle 2"}}
    desk.say(room, LUKASZ, "* Halle 2", **right, **{"m.relates_to": {"rel_type": "m.replace", "event_id": reply}})
    mark = desk.react(room, ANNA, reply, "✅")
    desk.ask("POST", f"{CLIENT}/join/{quote(room)}", LENA, {})
    desk.react(room, LENA, reply, "👍")
    (native,) = news.records().values()
    assert (native["body"], native["reactions"]) == ("Halle 2", {"✅": [ANNA], "👍": [LENA]})
    desk.take_back(room, ANNA, mark)
    (native,) = news.records().values()
    assert native["reactions"] == {"👍": [LENA]}
    desk.take_back(room, LUKASZ, reply)
    assert news.items() == [Gone(f"{room}/{reply}")]
    assert news.items() == []
    assert f"{room}/{reply}" not in full(matrix, "messages")


def test_more_news_than_one_answer_holds_come_complete_and_in_order(matrix: Matrix, desk: Desk) -> None:
    room = desk.room(ANNA, name="Viel")
    matrix.join(room)
    news = Follower(matrix, "messages")
    old = desk.say(room, ANNA, "alt")
    news.items()
    texts = [f"Nr. {number}" for number in range(140)]
    events = [desk.say(room, ANNA, text) for text in texts]
    desk.react(room, ANNA, events[3], "👍")
    desk.react(room, ANNA, old, "👀")
    desk.take_back(room, ANNA, events[5])
    bodies = [item.native["body"] for item in news.items() if isinstance(item, Record)]
    assert [body for body in dict.fromkeys(bodies) if body != "alt"] == texts[:5] + texts[6:]
    assert "alt" in bodies


def test_a_room_entered_later_is_read_from_its_beginning(matrix: Matrix, desk: Desk) -> None:
    news = Follower(matrix, "messages")
    room = desk.room(ANNA, name="Früher")
    desk.say(room, ANNA, "lange vorher")
    matrix.join(room)
    desk.say(room, ANNA, "danach")
    assert [native["body"] for native in news.records().values()] == ["lange vorher", "danach"]


def test_a_message_is_written_as_its_author_and_reads_the_same(matrix: Matrix, desk: Desk) -> None:
    mapping = load_mapping(MAPPINGS / "messages.yaml")
    room = desk_room_of(matrix, "general")
    news = Follower(matrix, "messages")
    claim = {
        "space": {"stream": "rooms", "key": room},
        "author": {"stream": "users", "key": LUKASZ},
        "body": f"**Neu** im Intranet, @{{person:~{quote(ANNA, safe='')}}}: [Leitern](https://intranet.example/leitern) 🪜",
        "sent_at": "2026-05-04T09:12:33.915000Z",
    }
    root = matrix.create_message(mapping.out(claim, labels=lambda kind, key: "Anna Müller").native, "lb-root")
    (record,) = news.items()
    assert (record.native, record.marker) == (root, "lb-root")
    found = validate("message", mapping.into(root).claim)
    assert {field: found[field] for field in claim} == claim
    event = matrix.event(room, root["event_id"])
    assert event["content"]["m.mentions"] == {"user_ids": [ANNA]}
    reply = claim | {"thread": {"stream": "messages", "key": root["id"]}, "body": "Antwort"}
    written = matrix.create_message(mapping.out(reply).native, "lb-reply")
    assert (written["thread"], written["reply_to"]) == (root["id"], None)
    news.items()
    edited = matrix.update_message(root["id"], mapping.out({"body": "**Anders**"}).native, "lb-edit")
    assert (edited["formatted_body"], edited["ts"]) == ("<strong>Anders</strong>", root["ts"])
    assert news.records() == {root["id"]: edited}
    for _ in range(2):
        matrix.delete_message(root["id"], "lb-gone")
    assert news.items() == [Gone(root["id"])]
    with pytest.raises(NotFound):
        matrix.update_message(root["id"], {"body": "x"}, "m")


def test_who_is_not_in_a_closed_room_is_spoken_for_by_the_bot(matrix: Matrix, desk: Desk) -> None:
    room = closed_room(matrix, "case-104", ANNA)
    native = {"room_id": room, "sender": LENA, "body": "von außen"}
    said = matrix.create_message(native, "lb-104")
    assert (said["sender"], said["body"]) == (user("landbridge"), "Lena Vogt: von außen")
    assert matrix.find("messages", native, "lb-104") == said
    assert matrix.update_message(said["id"], {"body": "neu"}, "lb-105")["body"] == "Lena Vogt: neu"
    assert matrix.find("memberships", {"room": room, "user": LENA}, "m") is None
    matrix.delete_message(said["id"], "lb-106")
    open_room = desk.room(ANNA, name="Offen")
    matrix.join(open_room)
    assert matrix.create_message({"room_id": open_room, "sender": LENA, "body": "x"}, "lb-107")["sender"] == LENA
    assert matrix.create_message({"room_id": open_room, "body": "x"}, "lb-108")["sender"] == user("landbridge")


def test_a_message_of_a_room_that_has_put_us_out_is_not_taken_for_deleted(matrix: Matrix, desk: Desk) -> None:
    room = desk.room(ANNA, name="Without us")
    matrix.join(room)
    desk.ask("POST", f"{CLIENT}/rooms/{quote(room)}/kick", ANNA, {"user_id": user("landbridge")})
    late = f"{room}/{desk.say(room, ANNA, 'Said later')}"
    with pytest.raises(ScopeError):
        matrix.delete_message(late, "m")
    assert desk.ask("GET", f"{CLIENT}/rooms/{quote(room)}/event/{quote(late.partition('/')[2])}", ANNA)["content"][
        "body"
    ]
    matrix.join(room)
    matrix.delete_message(f"{room}/$nothing", "m")


def test_after_a_restart_only_the_marker_keeps_a_message_from_being_sent_twice(synapse: Synapse, make: Make) -> None:
    matrix = make()
    room = closed_room(matrix, "case-105", ANNA)
    native = {"room_id": room, "sender": ANNA, "body": "einmal"}
    first = matrix.create_message(native, "lb-once")
    assert matrix.create_message(native, "lb-once") == first
    synapse.stop()
    synapse.start()
    again = make()
    assert again.find("messages", native, "lb-once") == first
    assert again.create_message(native, "lb-once")["id"] != first["id"]


def test_the_longest_message_fits(matrix: Matrix) -> None:
    room = closed_room(matrix, "case-106", ANNA)
    mapping = load_mapping(MAPPINGS / "messages.yaml")
    claim = {"space": {"stream": "rooms", "key": room}, "body": f"**{'梯' * 30_000}**"}
    out = mapping.out(claim)
    assert out.lossy
    said = matrix.create_message(out.native, "lb-long")
    assert said["formatted_body"] == out.native["formatted_body"]
    edited = matrix.update_message(said["id"], mapping.out({"body": f"*{'梯' * 30_000}*"}).native, "lb-long-2")
    assert edited["formatted_body"].startswith("<em>")


def test_a_position_that_synapse_does_not_know(matrix: Matrix) -> None:
    for stream in ("rooms", "messages"):
        with pytest.raises(ExpiredCursor):
            list(matrix.read(stream, {"since": "nonsense"}))


def test_nothing_personal_in_what_a_refusal_says(make: Make, synapse: Synapse) -> None:
    matrix = make()
    with pytest.raises(ScopeError) as caught:
        matrix.set_state(desk_room_of(matrix, "general"), "m.room.topic", {"topic": "x"})
    secrets = json.dumps(synapse.connections()["chat"]["extra"]) + synapse.facts()["as_token"]
    assert not any(word in str(caught.value) for word in ("@", "general", secrets))


def test_admin_account_is_no_bot(matrix: Matrix) -> None:
    assert full(matrix, "users")[user(ADMIN)]["bot"] is False


PLAN = {"name": "plan.pdf", "media_type": "application/pdf", "url": "mail:plan"}


def checksums(matrix: Matrix, native: dict[str, Any]) -> list[str]:
    return [hashlib.sha256(b"".join(matrix.open(one["url"]))).hexdigest() for one in native["attachments"]]


@pytest.mark.parametrize("threaded", [False, True])
def test_a_message_with_files_is_one_message_and_goes_as_one(matrix: Matrix, desk: Desk, threaded: bool) -> None:
    room = desk.room(ANNA)
    root = f"{room}/{desk.say(room, ANNA, 'Fotos?')}"
    follower = Follower(matrix, "messages")
    native = {"room_id": room, "sender": LENA, "body": "Hier", "attachments": [PHOTO, PLAN]}
    said = matrix.create_message(native | ({"thread": root} if threaded else {}), "lb1")
    assert [(one["name"], one["media_type"]) for one in said["attachments"]] == [
        ("zoë.png", "image/png"), ("plan.pdf", "application/pdf"),
    ]  # fmt: skip
    assert checksums(matrix, said) == [hashlib.sha256(PNG).hexdigest()] * 2
    assert (said["msgtype"], said["body"], said["thread"]) == ("m.image", "Hier", root if threaded else None)
    assert follower.records() == {said["id"]: said}
    assert full(matrix, "messages")[said["id"]] == said
    edited = matrix.update_message(said["id"], {"body": "Hier sind sie"}, "lb2")
    assert (edited["body"], edited["msgtype"]) == ("Hier sind sie", "m.image")
    assert edited["attachments"] == said["attachments"]
    other = {"name": "neu.txt", "media_type": "text/plain", "url": "mail:neu"}
    for number, wanted in enumerate(([PHOTO, other], [PLAN, PHOTO, other], [], [PLAN, other])):
        edited = matrix.update_message(said["id"], {"attachments": wanted}, f"lb-files-{number}")
        assert [one["name"] for one in edited["attachments"]] == [one["name"] for one in wanted]
        assert (edited["body"], edited["thread"]) == ("Hier sind sie", said["thread"])
        there = desk.ask("GET", f"{CLIENT}/rooms/{quote(room)}/messages", ANNA, dir="b", limit=50)["chunk"]
        parts = [one["content"]["body"] for one in there if natives.is_part(one)]
        assert sorted(parts) == sorted(one["name"] for one in wanted[1:])
        assert full(matrix, "messages")[said["id"]] == edited
    matrix.delete_message(said["id"], "lb3")
    left = desk.ask("GET", f"{CLIENT}/rooms/{quote(room)}/messages", ANNA, dir="b", limit=50)["chunk"]
    assert not any("url" in one["content"] for one in left)
    assert said["id"] in {item.key for item in follower.items() if isinstance(item, Gone)}


def test_files_and_reactions_that_a_crash_has_left_out_follow(
    matrix: Matrix, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = desk.room(ANNA)
    follower = Follower(matrix, "messages")
    native = {
        "room_id": room,
        "sender": LENA,
        "body": "Hier",
        "attachments": [PHOTO, PLAN],
        "reactions": {"👍": [ANNA]},
    }
    with monkeypatch.context() as patch:
        patch.setattr(matrix, "_completed", lambda *args: {})
        matrix.create_message(native, "lb4")
    found = [matrix.find("messages", native, "lb4") for _ in range(2)]
    assert found[0] == found[1]
    assert len(found[0]["attachments"]) == 2
    assert len(follower.records()) == 1
    events = desk.ask("GET", f"{CLIENT}/rooms/{quote(room)}/messages", ANNA, dir="b", limit=50)["chunk"]
    assert Counter(one["type"] for one in events if "url" in one["content"] or one["type"] == "m.reaction") == {
        "m.room.message": 2, "m.reaction": 1,
    }  # fmt: skip


def test_in_a_closed_room_the_bot_reacts_for_who_is_not_in_it(matrix: Matrix, desk: Desk) -> None:
    bot = matrix.config.login
    room = desk.room(ANNA, preset="private_chat", invite=[bot])
    matrix.join(room)
    event = desk.say(room, ANNA, "Wer kommt?")
    for number, wanted in enumerate(({"👍": [LENA]}, {"👍": [LENA], "👀": []}, {"👀": []})):
        matrix.update_message(f"{room}/{event}", {"reactions": wanted}, f"lb-closed-{number}")
        found = list(matrix.related(room, event, "m.annotation", "m.reaction"))
        assert {(one["content"]["m.relates_to"]["key"], one["sender"]) for one in found} == {
            (emoji, bot) for emoji in wanted
        }  # fmt: skip


def test_reactions_are_put_as_the_people_and_what_they_put_themselves_stays(matrix: Matrix, desk: Desk) -> None:
    room = desk.room(ANNA)
    event = desk.say(room, ANNA, "Wer kommt?")
    desk.react(room, ANNA, event, "👀")
    follower = Follower(matrix, "messages")

    def shown() -> set[tuple[str, str]]:
        path = f"/_matrix/client/v1/rooms/{quote(room)}/relations/{quote(event)}/m.annotation/m.reaction"
        found = desk.ask("GET", path, ANNA)["chunk"]
        return {(one["content"]["m.relates_to"]["key"], one["sender"]) for one in found}

    wanted = {"👍": [LENA, LUKASZ], "👀": [ANNA], "🪜": []}
    for _ in range(2):
        said = matrix.update_message(f"{room}/{event}", {"reactions": wanted}, "lb5")
    assert shown() == {("👀", ANNA), ("👍", LENA), ("👍", LUKASZ), ("🪜", matrix.config.login)}
    assert said["reactions"] == {"👀": [ANNA]}
    assert follower.items() == []
    matrix.update_message(f"{room}/{event}", {"reactions": {"👍": [LENA]}}, "lb6")
    assert shown() == {("👀", ANNA), ("👍", LENA)}
