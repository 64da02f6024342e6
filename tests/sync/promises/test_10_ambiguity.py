"""Promise 10: a record that could be two people is asked about."""

from __future__ import annotations

import pytest

from landbridge.store import decisions, records
from tests.sync.acting import logins
from tests.sync.conftest import World


def asked_about(world: World, key: str) -> list[str]:
    """The entities that are offered for a record of the directory; empty where nobody asks."""
    with world.bridge.hub.read() as conn:
        row = records.get(conn, "directory", "people", key)
        assert row is not None
        assert row.entity is None
        asked = decisions.find(conn, "match", f"record:{row.id}")
        return [one for one in asked.options if one.startswith("link:")] if asked else []


def test_10_a_record_that_could_be_two_people_is_asked(world: World) -> None:
    world.hr.put("people", id="4", number="4", login="anna2", mail="anna@example.org", active=True)
    world.run("people")
    with world.bridge.hub.begin() as conn:
        asked = [one for one in decisions.open_decisions(conn) if one.kind == "match"]
        assert len(asked) == 1
        assert set(asked[0].options) >= {"new", "ignore"}
        decisions.decide(conn, asked[0].id, "new", "vera")
    assert "anna2" not in logins(world, "chat")
    world.run("people")
    assert "anna2" in logins(world, "chat")


def test_10_an_address_that_two_people_share_is_asked(world: World) -> None:
    for number in ("4", "5"):
        world.hr.put("people", id=number, number=number, login=f"d{number}", mail="d@example.org", active=True)
    world.run("people")
    with world.bridge.hub.begin() as conn:
        (twin,) = [one for one in decisions.open_decisions(conn) if one.kind == "match"]
        decisions.decide(conn, twin.id, "new", "vera")
    world.run("people")
    key = world.directory.put("people", login="d", mail="D@example.org", phone="4")
    world.run("people")
    assert len(asked_about(world, key)) == 2


def test_10_a_number_that_contradicts_the_address_is_asked(world: World) -> None:
    world.run("people")
    key = world.directory.put("people", number="99", login="c", mail="cleo@example.org", phone="4")
    world.run("people")
    assert len(asked_about(world, key)) == 1


def test_10_a_weak_agreement_is_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = (*world.bridge.company.match_fields["person"], "title")
    monkeypatch.setitem(world.bridge.company.match_fields, "person", fields)
    world.hr.put("people", id="3", title="Chief of all")
    world.run("people")
    key = world.directory.put("people", title="Chief of all", phone="4")
    world.run("people")
    assert len(asked_about(world, key)) == 1
