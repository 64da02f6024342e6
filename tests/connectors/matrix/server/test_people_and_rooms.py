"""Accounts and rooms of a real Synapse."""

from __future__ import annotations

import hashlib
from collections import Counter
from urllib.parse import quote

import pytest

from connectors.matrix.connector import Matrix
from landbridge.connector import Gone, key_text
from landbridge.errors import AuthError, NotFound, RecordError, ScopeError
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.synapse import SENDER
from tests.connectors.matrix.server.desk import (
    ANNA,
    CLIENT,
    COMPANY,
    LENA,
    MAPPINGS,
    PHOTO,
    PNG,
    Desk,
    Follower,
    Make,
    closed_room,
    desk_room_of,
    full,
    newcomer,
    user,
)

pytestmark = pytest.mark.server


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
