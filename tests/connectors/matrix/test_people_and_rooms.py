"""Accounts and rooms of Matrix, as recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from connectors.matrix.connector import Matrix
from landbridge.connector import Checkpoint, Complete, Failure, Gone, Record
from landbridge.errors import RecordError
from landbridge.mapping import load_mapping
from tests.connectors.matrix.replay import (
    ANNA,
    BOT,
    CONNECTION,
    EXTRA,
    MAPPINGS,
    RECORDED,
    ROOM,
    ZOE,
    Server,
    member,
    refused,
    state,
    told,
)
from tests.connectors.reading import natives_of


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
    monkeypatch.setattr("landbridge.connector.sums.BUCKETS", 1)
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
