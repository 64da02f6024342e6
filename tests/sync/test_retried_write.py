"""Airflow tries a killed write again with the same batch, before any plan has looked at what was left behind."""

from __future__ import annotations

from typing import Any

import pytest

from landbridge import sync
from tests.sync.acting import Killed
from tests.sync.conftest import World, room_of, said


@pytest.mark.parametrize("moment", ["before", "after"])
def test_7_a_retried_batch_keeps_the_order(world: World, moment: str, no_run_alive: None) -> None:
    world.run("people")
    for day in range(1, 5):
        at = f"2026-01-0{day}T10:00:00Z"
        world.intranet.put("posts", title=f"T{day}", body="b", state="published", category="it", at=at)
        if day == 1:
            world.run("news")  # which makes the room
    sync.read(world.bridge, "intranet", "posts")
    sync.merge(world.bridge, "news")
    planned = sync.plan(world.bridge, "news")
    (batch,) = sync.guard(world.bridge, "news", planned.run).free

    def die(op: str, stream: str, native: Any) -> None:
        if stream == "messages":
            raise Killed

    setattr(world.chat, moment, die)
    with pytest.raises(Killed):
        sync.write(world.bridge, "news", batch)
    setattr(world.chat, moment, lambda *call: None)
    sync.write(world.bridge, "news", batch)
    assert [text[:6] for _, text in said(world, room_of(world, "news-it"))] == [f"**T{day}**" for day in range(1, 5)]
