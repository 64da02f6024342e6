"""Promise 13: of two reads of one stream the later wins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from landbridge.connector import Item
from landbridge.errors import Fenced
from landbridge.sync import read
from tests.sync.conftest import World


def test_13_the_later_of_two_reads_wins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = world.hr.read

    def overtaken(stream: str, cursor: Any = None) -> Iterator[Item]:
        monkeypatch.setattr(world.hr, "read", whole)
        read(world.bridge, "hr", "people")
        yield from whole(stream, None)

    monkeypatch.setattr(world.hr, "read", overtaken)
    with pytest.raises(Fenced):
        read(world.bridge, "hr", "people")
