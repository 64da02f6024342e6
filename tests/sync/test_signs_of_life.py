"""Every run gives signs of life, so that one that died is known within minutes on every host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select

from landbridge.errors import TransientError
from landbridge.store import runs
from landbridge.store.tables import run
from landbridge.sync import merge, plan, read
from landbridge.sync.batch import Batch
from landbridge.sync.planner import Planner
from tests.sync.conftest import World

STEPS: dict[str, Callable[[World], object]] = {
    "read": lambda world: read(world.bridge, "hr", "people"),
    "merge": lambda world: merge(world.bridge, "people"),
    "plan": lambda world: plan(world.bridge, "people"),
}


def waiting(working: Any, begun: threading.Event) -> Any:
    """It takes until the first sign of life after the beginning."""

    @contextmanager
    def entered(*given: Any) -> Iterator[None]:
        with working(*given):
            yield
            assert begun.wait(10)

    return entered


def last_run(world: World) -> Any:
    with world.bridge.hub.read() as conn:
        return conn.execute(select(run.c.what, run.c.state, run.c.beat, run.c.reason).order_by(run.c.id.desc())).first()


def interrupt(world: World, monkeypatch: pytest.MonkeyPatch, step: str, act: Callable[[], None]) -> None:
    """What happens in the midst of this step."""
    read(world.bridge, "hr", "people")
    if step == "plan":
        merge(world.bridge, "people")
    place: tuple[Any, str] = {
        "read": (type(world.hr), "read"), "merge": (Batch, "merge"), "plan": (Planner, "entities"),
    }[step]  # fmt: skip
    real = getattr(*place)

    def interrupted(*given: Any, **named: Any) -> Any:
        act()
        return real(*given, **named)

    monkeypatch.setattr(*place, interrupted)


@pytest.mark.parametrize("step", STEPS)
def test_a_long_step_gives_signs_of_life(world: World, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    begun = threading.Event()
    monkeypatch.setattr(runs, "BEAT", 0.01)
    monkeypatch.setattr(runs, "beat", lambda conn, id: begun.set())
    monkeypatch.setattr(world.bridge, "working", waiting(world.bridge.working, begun))
    STEPS[step](world)
    assert last_run(world).what == step


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_is_not_left_running(world: World, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def fail() -> None:
        raise TransientError("The hub is away.")

    interrupt(world, monkeypatch, step, fail)
    with pytest.raises(TransientError):
        STEPS[step](world)
    ended = last_run(world)
    assert (ended.what, ended.state, "The hub is away." in ended.reason) == (step, "failed", True)
