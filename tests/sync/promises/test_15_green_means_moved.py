"""Promise 15: a run that moved nothing says why."""

from __future__ import annotations

from landbridge.sync import read
from tests.sync.conftest import World


def test_15_a_run_that_moved_nothing_says_why(world: World) -> None:
    world.run("people")
    report = world.run("people")["people"]
    assert not report.moved
    assert report.reason
    assert report.warnings == []
    assert read(world.bridge, "hr", "people").reason == "The system has nothing (new) to say."
    world.hr.put("groups", id="x", name="X", code="x")
    assert read(world.bridge, "hr", "groups").reason == ""
