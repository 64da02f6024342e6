"""The steps of a run, one by one."""

from __future__ import annotations

from landbridge.sync import guard, merge, plan, read, run_flow, write
from tests.sync.acting import logins
from tests.sync.conftest import World


def test_the_steps_of_a_run_can_be_called_one_by_one(world: World) -> None:
    """As DAG tasks do, with nothing but ids and counts between them."""
    for stream in world.bridge.company.flow("people").sources:
        read(world.bridge, *stream.split("/"))
    merge(world.bridge, "people")
    planned = plan(world.bridge, "people")
    guarded = guard(world.bridge, "people", planned.run)
    assert guarded.held == []
    for batch in guarded.free:
        write(world.bridge, "people", batch)
    assert logins(world, "chat") == ["anna", "bert", "cleo"]
    assert run_flow(world.bridge, "people").moved is False
