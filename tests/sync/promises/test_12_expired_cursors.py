"""Promise 12: an expired cursor leads to a full read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from landbridge.connector import Item
from landbridge.errors import ExpiredCursor
from landbridge.sync import read
from tests.sync.conftest import World


def test_12_an_expired_cursor_is_read_in_full_with_its_deletes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run("people")
    whole = world.hr.read

    def expired(stream: str, cursor: Any = None) -> Iterator[Item]:
        if cursor is not None:
            raise ExpiredCursor("The cursor is no longer known.")
        yield from whole(stream, None)

    del world.hr.state["people"]["2"]
    monkeypatch.setattr(world.hr, "read", expired)
    report = read(world.bridge, "hr", "people")
    assert report.counts["gone"] == 1
    assert report.warnings == ["The cursor had expired: read in full."]
