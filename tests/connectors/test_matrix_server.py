"""The Matrix connector against a real Synapse, seeded with the whole company."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from connectors.matrix.connector import Matrix
from landbridge.connector import Checkpoint, Complete, Gone, Record, key_text
from landbridge.connector.config import connection_from
from landbridge.errors import AuthError, ExpiredCursor, NotFound, RecordError, ScopeError
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.company import halbrueck
from sandbox.synapse import ADMIN, SENDER, SERVER_NAME, Synapse
from tests.servers import brought_up

pytestmark = pytest.mark.server

MAPPINGS = Path(__file__).parents[2] / "mappings" / "matrix"
COMPANY = halbrueck()
CLIENT = "/_matrix/client/v3"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0000000030001015a0a2db4"
    "0000000049454e44ae426082"
)
PHOTO = {"name": "zoë.png", "media_type": "image/png", "size": len(PNG), "url": "directory:zoe"}
Make = Callable[..., Matrix]
_numbers = itertools.count(1)


def user(name: str) -> str:
    return f"@{name}:{SERVER_NAME}"


ANNA, LENA, LUKASZ = user("anna.mueller"), user("lena.vogt"), user("lukasz.wisniewski")


@pytest.fixture(scope="session")
def synapse() -> Iterator[Synapse]:
    with brought_up(Synapse) as system:
        yield system


@pytest.fixture
def make(synapse: Synapse) -> Iterator[Make]:
    made: list[Matrix] = []

    def build(login: str = "", **extra: Any) -> Matrix:
        data = synapse.connections()["chat"]
        data |= {"extra": data["extra"] | extra, "login": login or data["login"]}
        made.append(Matrix(Matrix.Config.of(connection_from("chat", data))))
        made[-1].open_file = lambda attachment: iter([PNG[:20], PNG[20:]])
        return made[-1]

    yield build
    for one in made:
        one.close()


@pytest.fixture
def matrix(make: Make) -> Matrix:
    return make()


class Desk:
    """What people do in their chat."""

    def __init__(self, synapse: Synapse) -> None:
        self.facts = synapse.facts()

    def ask(self, method: str, path: str, name: str, body: Any = None, token: str = "", **params: Any) -> Any:
        url = f"http://127.0.0.1:{self.facts['port']}{path}"
        params |= {} if token else {"user_id": name}
        headers = {"Authorization": f"Bearer {token or self.facts['as_token']}"}
        answer = requests.request(method, url, params=params, json=body, headers=headers, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def room(self, creator: str, **wanted: Any) -> str:
        return str(self.ask("POST", f"{CLIENT}/createRoom", creator, {"preset": "public_chat", **wanted})["room_id"])

    def send(self, room: str, name: str, kind: str = "m.room.message", **content: Any) -> str:
        path = f"{CLIENT}/rooms/{quote(room)}/send/{kind}/people-{next(_numbers)}"
        return str(self.ask("PUT", path, name, content)["event_id"])

    def say(self, room: str, name: str, text: str, **more: Any) -> str:
        return self.send(room, name, msgtype="m.text", body=text, **more)

    def react(self, room: str, name: str, event: str, emoji: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event, "key": emoji}
        return self.send(room, name, "m.reaction", **{"m.relates_to": relation})

    def take_back(self, room: str, name: str, event: str) -> None:
        path = f"{CLIENT}/rooms/{quote(room)}/redact/{quote(event)}/people-{next(_numbers)}"
        self.ask("PUT", path, name, {})


@pytest.fixture
def desk(synapse: Synapse) -> Desk:
    return Desk(synapse)


class Follower:
    """Reads a stream on and on, as the engine does."""

    def __init__(self, matrix: Matrix, stream: str) -> None:
        self.matrix, self.stream, self.cursor = matrix, stream, None
        self.items()

    def items(self) -> list[Any]:
        items = list(self.matrix.read(self.stream, self.cursor))
        self.cursor = next(item.cursor for item in items if isinstance(item, Checkpoint))
        return [item for item in items if not isinstance(item, Checkpoint | Complete)]

    def records(self) -> dict[str, Any]:
        return {item.key: item.native for item in self.items()}


def full(matrix: Matrix, stream: str) -> dict[str, Any]:
    return {item.key: item.native for item in matrix.read(stream) if isinstance(item, Record)}


def newcomer(name: str) -> dict[str, Any]:
    address = f"{name}@{SERVER_NAME}"
    return {
        "localpart": name,
        "displayname": f"Zoë {name} 🪜",
        "emails": [address.title()],
        "employee_number": f"X-{name}",
    }


def closed_room(matrix: Matrix, alias: str, *members: str) -> str:
    room = matrix.create_room({"alias": alias, "name": alias, "join_rule": "invite"}, f"lb-{alias}")["room_id"]
    for member in members:
        matrix.writer("memberships", "create")({"room": room, "user": member}, "m")
    return str(room)


# --- the connection --------------------------------------------------------------------------------------------


def test_check_says_whose_account_it_is_and_what_it_lacks(make: Make, desk: Desk) -> None:
    account = make().check()
    assert (account.name, account.missing) == (user("landbridge"), ())
    assert "no service's sender" in make(login=user(SENDER)).check().missing[0]
    assert "namespaces.users" in make(login=user("nobody")).check().missing[0]
    login = {"type": "m.login.application_service", "identifier": {"type": "m.id.user", "user": LENA}}
    token = desk.ask("POST", f"{CLIENT}/login", LENA, login)["access_token"]
    assert make(admin_token=token).check().missing == ("admin_token: server administrator",)
    with pytest.raises(AuthError, match="admin_token"):
        make(admin_token="wrong").check()


# --- accounts --------------------------------------------------------------------------------------------------


def test_everybody_in_the_chat_is_read(matrix: Matrix) -> None:
    mapping = load_mapping(MAPPINGS / "users.yaml")
    claims = {key: validate("person", mapping.into(native).claim)
              for key, native in full(matrix, "users").items() if mapping.accepts(native)}  # fmt: skip
    for person in COMPANY.in_chat():
        claim = claims[user(person.user_name)]
        assert (claim["display_name"], claim["active"]) == (person.full_name, True)
        assert claim["emails"] == [{"value": person.email.lower(), "primary": True}]
    assert user("landbridge") not in claims


def test_an_account_from_the_first_day_to_the_last(matrix: Matrix, desk: Desk) -> None:
    people, native = Follower(matrix, "users"), newcomer("zoe")
    made = matrix.create_user({**native, "avatar": PHOTO}, "m1")
    key = made["user_id"]
    assert made["emails"] == ["zoe@halbrueck.example"]
    assert people.records() == {key: made}
    assert hashlib.sha256(b"".join(matrix.open(made["avatar"]["url"]))).digest() == hashlib.sha256(PNG).digest()
    assert matrix.find("users", native, "m1") == made
    changed = matrix.update_user(
        key, {"displayname": "Zoë Neu", "emails": ["neu@halbrueck.example"], "avatar": None}, "m2"
    )
    assert changed == made | {"displayname": "Zoë Neu", "emails": ["neu@halbrueck.example"], "avatar": None}
    assert people.records()[key] == changed
    login = {"type": "m.login.application_service", "identifier": {"type": "m.id.user", "user": key}}
    token = desk.ask("POST", f"{CLIENT}/login", key, login)["access_token"]
    assert matrix.disable_user(key, "m3") == changed | {"locked": True}
    with pytest.raises(AssertionError, match="M_UNKNOWN_TOKEN"):
        desk.ask("GET", f"{CLIENT}/account/whoami", key, token=token)
    assert people.records()[key]["locked"] is True
    assert matrix.enable_user(key, "m4") == changed
    matrix.delete_user(key, "m5")
    matrix.delete_user(key, "m5")
    matrix.delete_user(user("nobody"), "m5")
    assert people.records()[key]["deactivated"] is True
    with pytest.raises(RecordError, match="deactivated for good"):
        matrix.enable_user(key, "m6")
    with pytest.raises(RecordError, match="Reactivate it"):
        matrix.create_user(native, "m7")


def test_nobody_loses_anything_to_another_account(matrix: Matrix) -> None:
    first = matrix.create_user(newcomer("first"), "m")
    with pytest.raises(RecordError, match="user name"):
        matrix.create_user(newcomer("first"), "m")
    for field in ("emails", "employee_number"):
        with pytest.raises(RecordError, match="Another account holds"):
            matrix.create_user(newcomer("second") | {field: newcomer("first")[field]}, "m")
        with pytest.raises(RecordError, match="Another account holds"):
            matrix.update_user(LENA, {field: newcomer("first")[field]}, "m")
    assert matrix.find("users", newcomer("second"), "m") is None
    assert matrix.find("users", {**newcomer("second"), "localpart": "first"}, "m") is None
    assert full(matrix, "users")[first["user_id"]] == first
    for op in ("disable", "enable"):
        with pytest.raises(NotFound):
            matrix.writer("users", op)(user("nobody"), "m")
    assert user("nobody") not in full(matrix, "users")


def test_what_others_set_beside_stays(matrix: Matrix, desk: Desk) -> None:
    key = matrix.create_user(newcomer("beside"), "m")["user_id"]
    others = {"threepids": [{"medium": "msisdn", "address": "493023125099"}],
              "external_ids": [{"auth_provider": "keycloak", "external_id": "k-1"}]}  # fmt: skip
    path = f"/_synapse/admin/v2/users/{quote(key)}"
    desk.ask("PUT", path, key, others, token=desk.facts["admin_token"])
    matrix.update_user(key, {"emails": ["b@halbrueck.example"], "employee_number": "X-b"}, "m")
    row = desk.ask("GET", path, key, token=desk.facts["admin_token"])
    assert Counter(entry["medium"] for entry in row["threepids"]) == {"email": 1, "msisdn": 1}
    assert {entry["auth_provider"]: entry["external_id"] for entry in row["external_ids"]} == {
        "keycloak": "k-1", "landbridge": "X-b",
    }  # fmt: skip


# --- rooms -----------------------------------------------------------------------------------------------------


def test_the_open_rooms_are_read_and_no_closed_one(matrix: Matrix) -> None:
    mapping = load_mapping(MAPPINGS / "rooms.yaml")
    claims = {
        native["alias"]: validate("space", mapping.into(native).claim) for native in full(matrix, "rooms").values()
    }
    for room in COMPANY.rooms:
        if room.visibility == "public":
            found = claims[room.alias]
            assert (found["name"], found["topic"], found["visibility"]) == (room.name, room.topic, "public")
            assert (found["guests_present"], found["archived"]) == (False, False)
        else:
            assert room.alias not in claims


def test_a_new_open_room_is_entered_and_left_alone_when_it_does_not_want_that(matrix: Matrix, desk: Desk) -> None:
    rooms = Follower(matrix, "rooms")
    room, closed = desk.room(ANNA, name="Neu"), desk.room(ANNA, preset="private_chat")
    # Synapse lists a room for administrators a moment after it was made.
    for _ in range(100):
        found = rooms.records()
        if found:
            break
    assert [native["name"] for native in found.values()] == ["Neu"]
    desk.ask("POST", f"{CLIENT}/rooms/{quote(room)}/kick", ANNA, {"user_id": user("landbridge")})
    assert rooms.items() == [Gone(room)]
    assert {room, closed}.isdisjoint(full(matrix, "rooms"))


def test_a_room_is_made_kept_and_archived(matrix: Matrix, desk: Desk) -> None:
    rooms = Follower(matrix, "rooms")
    native = {"alias": "case-101", "name": "case-101", "topic": "Leitern für Łabędź", "join_rule": "invite"}
    made = matrix.create_room(native, "lb-101")
    room = made["room_id"]
    assert {field: made[field] for field in native} == native
    (record,) = rooms.items()
    assert (record.native, record.marker) == (made, "lb-101")
    state = {
        event["type"]: event["content"]
        for event in desk.ask("GET", f"{CLIENT}/rooms/{quote(room)}/state", user("landbridge"))
    }
    assert state["m.room.create"]["m.federate"] is False
    assert state["m.room.guest_access"]["guest_access"] == "forbidden"
    assert state["m.room.history_visibility"]["history_visibility"] == "shared"
    assert matrix.find("rooms", native, "lb-101") == made
    assert matrix.find("rooms", native, "lb-102") is None
    assert matrix.find("rooms", {"alias": "works-council"}, "lb-101") is None
    with pytest.raises(RecordError, match="M_ROOM_IN_USE"):
        matrix.create_room(native, "lb-102")
    changed = matrix.update_room(room, {"topic": "Gewonnen 🎉", "alias": "case-101-won"}, "m")
    assert changed == made | {"topic": "Gewonnen 🎉", "alias": "case-101-won"}
    assert rooms.records() == {room: changed}
    with pytest.raises(RecordError, match="Another room"):
        matrix.update_room(room, {"alias": "general"}, "m")


def test_an_archived_room_is_read_only_until_it_is_opened_again(matrix: Matrix, desk: Desk) -> None:
    room = closed_room(matrix, "case-102", ANNA)
    mine = desk.say(room, ANNA, "vorher")
    levels = desk.ask("GET", f"{CLIENT}/rooms/{quote(room)}/state/m.room.power_levels", ANNA)
    for _ in range(2):
        assert matrix.archive_room(room, "m")["archived"] is True
    with pytest.raises(AssertionError, match="M_FORBIDDEN"):
        desk.say(room, ANNA, "nachher")
    desk.take_back(room, ANNA, mine)
    for _ in range(2):
        assert matrix.reopen_room(room, "m")["archived"] is False
    assert desk.ask("GET", f"{CLIENT}/rooms/{quote(room)}/state/m.room.power_levels", ANNA) == levels
    desk.say(room, ANNA, "wieder")
    with pytest.raises(ScopeError):
        matrix.archive_room(desk_room_of(matrix, "general"), "m")


def desk_room_of(matrix: Matrix, alias: str) -> str:
    return next(key for key, native in full(matrix, "rooms").items() if native["alias"] == alias)


def test_people_come_into_rooms_and_out_of_them(matrix: Matrix, desk: Desk) -> None:
    room = closed_room(matrix, "case-103")
    native, key = {"room": room, "user": LENA}, key_text((room, LENA))
    assert matrix.find("memberships", native, "m") is None
    for _ in range(2):
        assert matrix.writer("memberships", "create")(native, "m") == native
    assert matrix.find("memberships", native, "m") == native
    assert full(matrix, "memberships")[key] == native
    for _ in range(2):
        matrix.writer("memberships", "delete")(key, "m")
    assert key not in full(matrix, "memberships")
    general = key_text((desk_room_of(matrix, "general"), LENA))
    matrix.writer("memberships", "delete")(general, "m")  # where the bot does not moderate
    assert general not in full(matrix, "memberships")
    with pytest.raises(ScopeError):
        matrix.writer("memberships", "create")({"room": desk.room(ANNA, preset="private_chat"), "user": LENA}, "m")


# --- messages --------------------------------------------------------------------------------------------------


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
