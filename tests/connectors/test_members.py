"""Memberships, and what an uncertain write has left, by the steps of a connector."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from landbridge.connector import (
    Complete,
    ConnectionConfig,
    Connector,
    Failure,
    Finding,
    Finds,
    Item,
    MemberLists,
    Members,
    Native,
    Record,
    Stream,
    finds,
    reads,
    writes,
)
from landbridge.errors import NotFound, RecordError, ScopeError


class Club(Members):
    system = "club"
    teams = Stream("teams", ("id",), "group", native=lambda raw: {"id": raw["id"], "name": raw["title"]})
    players = Stream("players", ("team", "player"), "membership")
    fans = Stream("fans", ("team", "fan"), "membership")

    def __init__(self) -> None:
        super().__init__(ConnectionConfig(host="https://club.example.org"))
        self.there: dict[str, dict[str, list[Any]]] = {
            "players": {"red": ["ada", "bo"], "secret": ["cem"], "blue": ["dee", None]}, "fans": {"red": []},
        }  # fmt: skip

    def everyone(self, stream: Stream) -> Iterator[tuple[str, Iterator[Any]]]:
        return ((team, self._people(stream, team)) for team in self.there[stream.name])

    def is_in(self, stream: Stream, place: str, person: str) -> bool:
        if place not in self.there[stream.name]:
            raise NotFound("There is no such team.")
        return person in self.there[stream.name][place]

    def bring_in(self, stream: Stream, place: str, person: str) -> None:
        self.there[stream.name][place].append(person)

    def put_out(self, stream: Stream, place: str, person: str) -> None:
        self.there[stream.name][place].remove(person)

    @reads(fans)
    def read_fans(self, cursor: Any) -> Iterator[Item]:
        yield Record("own", {})

    @writes(fans, "delete")
    def delete_fan(self, key: str, marker: str) -> None:
        raise RecordError("Once a fan, always a fan.")

    @finds(teams)
    def find_team(self, native: Native, marker: str) -> Native | None:
        return {"id": marker} if native["name"] == "Red" else None

    def _people(self, stream: Stream, team: str) -> Iterator[Any]:
        if team == "secret":
            raise ScopeError("Nobody may see this team.")
        yield from self.there[stream.name][team]


@pytest.fixture
def club() -> Club:
    return Club()


def test_one_place_that_nobody_may_see_and_one_person_without_a_key_stop_no_other(club: Club) -> None:
    items = list(club.read("players"))
    assert [item.native for item in items if isinstance(item, Record)] == [
        {"team": "red", "player": "ada"}, {"team": "red", "player": "bo"}, {"team": "blue", "player": "dee"},
    ]  # fmt: skip
    failures = [item for item in items if isinstance(item, Failure)]
    assert [(one.key, type(one.error)) for one in failures] == [(None, ScopeError), (None, RecordError)]
    assert items[-1] == Complete()


class Register(MemberLists):
    system = "register"
    pupils = Stream("pupils", ("class", "pupil"), "membership")

    def everyone(self, stream: Stream) -> Iterator[tuple[str, list[str]] | Failure]:
        yield Failure(None, ScopeError("A class of which nobody may know."))
        yield "1a", ["ada", "bo"]


def test_members_may_be_listed_only_and_a_place_that_has_not_even_a_key_stops_no_other() -> None:
    items = list(Register(ConnectionConfig(host="https://register.example.org")).read("pupils"))
    assert [type(item) for item in items] == [Failure, Record, Record, Complete]
    assert not any(Register.can_write("pupils", op) for op in ("create", "delete"))
    assert not issubclass(Register, Finding)


def test_who_is_brought_in_is_found_and_can_be_put_out(club: Club) -> None:
    wanted = {"team": "blue", "player": "eve"}
    assert club.find("players", wanted, "m") is None
    assert club.writer("players", "create")(wanted | {"since": "today"}, "m") == wanted
    assert club.find("players", wanted, "m") == wanted
    club.writer("players", "delete")(Club.players.key_of(wanted), "m")
    assert club.find("players", wanted, "m") is None
    assert club.find("players", {"team": "nowhere", "player": "eve"}, "m") is None


@pytest.mark.parametrize("native", [{"team": "red"}, {"team": "", "player": "eve"}, {}])
def test_a_membership_needs_a_place_and_a_person(club: Club, native: Native) -> None:
    with pytest.raises(RecordError, match="a team and a player"):
        club.writer("players", "create")(native, "m")


@pytest.mark.parametrize("key", ["red", json.dumps(["red"]), json.dumps(7), json.dumps(["red", "ada", "x"])])
def test_a_key_of_another_kind_names_no_membership(club: Club, key: str) -> None:
    with pytest.raises(RecordError, match="a place and a person"):
        club.writer("players", "delete")(key, "m")
    assert club.there["players"]["red"] == ["ada", "bo"]


def test_what_is_marked_for_a_stream_stands_above_what_is_marked_for_its_kind(club: Club) -> None:
    assert list(club.read("fans")) == [Record("own", {})]
    assert club.writer("fans", "create")({"team": "red", "fan": "eve"}, "m") == {"team": "red", "fan": "eve"}
    with pytest.raises(RecordError, match="always a fan"):
        club.writer("fans", "delete")('["red","eve"]', "m")
    assert not Club.can_write("teams", "create"), "What is marked for a kind is no method of other streams."


def test_a_connector_finds_by_its_marked_methods(club: Club) -> None:
    assert isinstance(club, Finds) and not isinstance(Connector(ConnectionConfig(host="x")), Finds)
    assert club.find("teams", {"name": "Red"}, "m7") == {"id": "m7"}
    assert club.find("teams", {"name": "Blue"}, "m7") is None

    class Quiet(Finding):
        system = "quiet"
        notes = Stream("notes", ("id",), "message")

    assert Quiet(ConnectionConfig(host="x")).find("notes", {}, "m") is None


def test_a_stream_may_say_what_a_record_is_made_into(club: Club) -> None:
    assert club.item(Club.teams, {"id": 7, "title": "Red", "seen": "today"}) == Record("7", {"id": 7, "name": "Red"})
    found = club.item(Club.teams, {"id": 7})
    assert isinstance(found, Failure) and found.key == "7"
