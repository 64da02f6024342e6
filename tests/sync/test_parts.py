"""What a connector could not read at all, a part of a stream or one record, is read when its time comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from landbridge.connector import Failure, Item, Record
from landbridge.errors import ScopeError
from landbridge.store import setaside
from landbridge.sync import read
from tests.sync.conftest import World


@pytest.mark.parametrize("key", [None, "9"])
@pytest.mark.parametrize("full", [True, False])
def test_8_what_could_not_be_read_is_not_passed_over_for_good(
    world: World, monkeypatch: pytest.MonkeyPatch, key: str | None, full: bool
) -> None:
    """The cursor moves on past it, and a system that reports deletions is never read in full by itself."""
    read(world.bridge, "hr", "people")
    world.hr.put("people", id="9", number="9", login="dora", mail="dora@example.org", active=True)
    whole = world.hr.read

    def without(stream: str, cursor: Any = None) -> Iterator[Item]:
        for item in whole(stream, cursor):
            hidden = isinstance(item, Record) and item.key == "9"
            yield Failure(key, ScopeError("This part may not be read now.")) if hidden else item

    monkeypatch.setattr(world.hr, "read", without)
    assert read(world.bridge, "hr", "people", full=full).counts["set_aside"] == 1
    monkeypatch.setattr(world.hr, "read", whole)
    assert read(world.bridge, "hr", "people").counts["read"] == 0
    with world.bridge.hub.begin() as conn:
        setaside.retry(conn, "hr", "people", [key or "?"])
    assert read(world.bridge, "hr", "people").counts["new"] == 1
    with world.bridge.hub.read() as conn:
        assert setaside.list(conn) == []
    assert read(world.bridge, "hr", "people").counts["read"] == 0


def test_8_a_part_that_stays_closed_is_tried_by_the_schedule_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = world.hr.read

    def closed(stream: str, cursor: Any = None) -> Iterator[Item]:
        items = list(whole(stream, cursor))
        if cursor is None:
            items.insert(0, Failure(None, ScopeError("Closed.")))
        yield from items

    monkeypatch.setattr(world.hr, "read", closed)
    assert read(world.bridge, "hr", "people").counts["read"] == 3
    assert read(world.bridge, "hr", "people").counts["read"] == 0
    with world.bridge.hub.read() as conn:
        (aside,) = setaside.list(conn)
    assert (aside.key, aside.attempts) == ("?", 1)
