"""Reading a provider that keeps the standard, and what scim2-server has answered."""

from __future__ import annotations

import json

import pytest

from connectors.scim.connector import Scim
from landbridge.connector import Complete, Failure, Record
from landbridge.errors import ExpiredCursor
from landbridge.mapping import load_mapping
from landbridge.model import validate
from tests.connectors.reading import cursor_of, natives_of
from tests.connectors.scim.acting import MAPPINGS, MARKER, connection, crowd
from tests.connectors.scim.provider import RECORDING, Provider, replaying


def test_pages_are_read_to_the_end(provider: Provider, scim: Scim) -> None:
    users = crowd(provider)
    items = list(scim.read("users"))
    assert {item.key for item in items if isinstance(item, Record)} == users
    assert isinstance(items[-1], Complete)


def test_later_only_what_changed_is_read(provider: Provider, scim: Scim) -> None:
    crowd(provider, 20)
    cursor = cursor_of(scim, "users")
    provider.clock += 60
    scim.writer("users", "update")("u1", {"title": "Head of IT"}, MARKER)
    changed = natives_of(scim, "users", cursor)
    assert changed["u1"]["title"] == "Head of IT"
    assert len(changed) < 5
    assert not any(isinstance(item, Complete) for item in scim.read("users", cursor))


def test_a_cursor_that_is_not_ours_has_expired(scim: Scim) -> None:
    for cursor in ("x", {"since": "yesterday"}, {"since": "yesterday"}):
        with pytest.raises(ExpiredCursor):
            list(scim.read("users", cursor))


def test_what_a_provider_knows_but_leaves_out_is_null_and_of_the_rest_nothing_is_said(
    provider: Provider, scim: Scim
) -> None:
    provider.add("Users", userName="anna")
    (found,) = natives_of(scim, "users").values()
    assert found["title"] is None
    assert "locale" not in found
    assert "active" not in found


def test_one_bad_record_stops_nobody(provider: Provider, scim: Scim) -> None:
    bad = provider.add("Users", userName="bad", active="perhaps")
    good = provider.add("Users", userName="good", active="False")
    items = list(scim.read("users"))
    assert [item.key for item in items if isinstance(item, Failure)] == [bad]
    assert [item.native["active"] for item in items if isinstance(item, Record) and item.key == good] == [False]


def test_a_recorded_read() -> None:
    recorded = json.loads(RECORDING.read_text())
    scim = Scim(Scim.Config.of(connection(page_size=25)))
    with replaying(recorded["answers"]):
        people, groups = natives_of(scim, "users"), natives_of(scim, "groups")
        mapping = load_mapping(MAPPINGS / "users.yaml")
        claims = [validate("person", mapping.into(native).claim) for native in people.values()]
        assert len({claim["employee_number"] for claim in claims}) == len(people) == 60
        assert "Logistics" in {native["displayName"] for native in groups.values()}
        (changed,) = natives_of(scim, "users", recorded["cursor"]).values()
        assert (changed["id"], changed["title"], changed["active"]) == (recorded["key"], "Buyer", False)
