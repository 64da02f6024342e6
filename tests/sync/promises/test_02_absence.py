"""Promise 2: an error is not absence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from landbridge.connector import Complete, Failure, Item
from landbridge.errors import IncompleteRead, TransientError
from landbridge.sync import read
from tests.sync.acting import disabled, hire
from tests.sync.conftest import World


def test_2_an_empty_success_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hire(world, 12)
    world.run("people")
    monkeypatch.setattr(world.hr, "read", lambda stream, cursor=None: iter([Complete()]))
    with pytest.raises(IncompleteRead, match="nothing was called gone"):
        read(world.bridge, "hr", "people", full=True)
    assert disabled(world, "chat") == 0


def test_2_half_a_read_calls_nothing_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run("people")
    whole = world.hr.read

    def half(stream: str, cursor: Any = None) -> Iterator[Item]:
        yield next(iter(whole(stream, None)))
        raise TransientError("The connection broke.")

    def with_failure(stream: str, cursor: Any = None) -> Iterator[Item]:
        yield next(iter(whole(stream, None)))
        yield Failure(None, TransientError("One part could not be read."))
        yield Complete()

    def ends_early(stream: str, cursor: Any = None) -> Iterator[Item]:
        yield next(iter(whole(stream, None)))

    monkeypatch.setattr(world.hr, "read", half)
    with pytest.raises(TransientError):
        read(world.bridge, "hr", "people", full=True)
    monkeypatch.setattr(world.hr, "read", ends_early)
    assert read(world.bridge, "hr", "people", full=True).counts["gone"] == 0
    monkeypatch.setattr(world.hr, "read", with_failure)
    assert read(world.bridge, "hr", "people", full=True).counts["gone"] == 0


def test_2_a_complete_read_tells_who_is_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run("people")
    del world.hr.state["people"]["2"]
    assert read(world.bridge, "hr", "people", full=True).counts["gone"] == 1
