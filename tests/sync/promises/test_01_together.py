"""Promise 1: data and cursor commit together, or not at all."""

from __future__ import annotations

import pytest

from tests.sync.acting import Killed, hire, kill_at, logins, people
from tests.sync.conftest import World


@pytest.mark.parametrize("nth", range(2, 40, 3))
def test_1_killed_before_any_commit_nothing_is_lost_and_nothing_twice(
    world: World, nth: int, no_run_alive: None
) -> None:
    begin = world.bridge.hub.begin
    kill_at(world, nth)
    with pytest.raises(Killed):
        world.run("people")
        raise Killed
    world.bridge.hub.begin = begin  # type: ignore[method-assign]
    world.run("people")
    assert logins(world, "chat") == logins(world, "intranet") == ["anna", "bert", "cleo"]
    assert len(world.chat.all("memberships")) == 3
    assert sorted(one["alias"] for one in world.chat.all("rooms")) == ["help", "it", "sales"]


@pytest.mark.parametrize("nth", range(1, 25, 2))
def test_1_killed_before_any_commit_no_change_is_lost(world: World, nth: int, no_run_alive: None) -> None:
    world.run("people")
    hire(world, 2)
    world.hr.put("people", id="2", title="Chief")
    world.hr.put("people", id="3", active=False)
    begin = world.bridge.hub.begin
    kill_at(world, nth)
    with pytest.raises(Killed):
        world.run("people")
        raise Killed
    world.bridge.hub.begin = begin  # type: ignore[method-assign]
    world.run("people")
    assert logins(world, "chat") == ["anna", "bert", "cleo", "p100", "p101"]
    assert people(world, "chat")["bert"]["title"] == "Chief"
    assert people(world, "chat")["cleo"]["active"] is False
