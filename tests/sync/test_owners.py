"""Several processes write one room, some are killed: each message stands there once, and in order."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import pytest

from landbridge.store import partitions, runs
from landbridge.store.hub import Hub
from landbridge.sync import guard, load_company, merge, plan, read, write
from landbridge.testing.memory import Memory
from tests.sync.conftest import HOME, make_world, staff

MESSAGES = 24


class Shared(Memory):
    """A chat whose messages lie in a file that several processes append to; it answers late."""

    file: Path

    def create(self, stream: str, native: Any, marker: str) -> Any:
        kept = {**native, "id": marker, "marker": marker, "pid": os.getpid()}
        with self.file.open("a") as file:
            file.write(json.dumps(kept) + "\n")
        time.sleep(0.05)
        return {name: value for name, value in kept.items() if name != "pid"}

    def find(self, stream: str, native: Any, marker: str) -> Any:
        return next((one for one in self.said() if one["marker"] == marker), None)

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]


def write_until_done(url: str, file: Path, batch: dict[str, Any], unseen: bool) -> None:
    """One process of several. `unseen`: as on another host, where nobody can see whether it still runs."""
    runs.BEAT, runs.SILENT = 0.2, 1.5
    if unseen:
        name = f"host-{os.getpid()}"
        runs._host = lambda: name  # type: ignore[assignment]
    hub = Hub(url)
    world = make_world(load_company(HOME), hub)
    chat = Shared("chat")
    chat.file = file
    world.bridge._connectors["chat"] = chat
    while True:
        with hub.begin() as conn:
            left = partitions.between(conn, "news", batch["target"], batch["first"], batch["last"])
            partitions.abandon(conn)
        if not left and len(chat.said()) == MESSAGES:
            break
        write(world.bridge, "news", batch)
        time.sleep(0.05)
    hub.close()


@pytest.mark.parametrize("unseen", [False, True])
def test_7_a_room_has_one_writer_at_a_time_and_a_killed_one_is_replaced(
    hub_url: str, tmp_path: Path, unseen: bool
) -> None:
    hub = Hub(hub_url)
    world = staff(make_world(load_company(HOME), hub))
    world.run("people")
    world.intranet.put("posts", title="first", body="b", state="published", category="it", at="2026-01-01T10:00:00Z")
    world.run("news")  # which makes the room
    for minute in range(MESSAGES):
        at = f"2026-01-02T10:{minute:02}:00Z"
        world.intranet.put("posts", title=f"T{minute:02}", body="b", state="published", category="it", at=at)
    read(world.bridge, "intranet", "posts")
    merge(world.bridge, "news")
    (batch,) = guard(world.bridge, "news", plan(world.bridge, "news").run).free
    file = tmp_path / "said"
    file.touch()
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_until_done, args=(hub_url, file, batch, unseen)) for _ in range(3)]
    for writer in writers:
        writer.start()
    killed: set[int] = set()
    for most in (4, 12):
        killed.add(_kill_the_writer(file, writers, most))
    for writer in writers:
        writer.join(120)
    assert sorted(writer.exitcode or 0 for writer in writers) == [-9, -9, 0]
    said = [json.loads(line) for line in file.read_text().splitlines()]
    assert [one["text"][2:5] for one in said] == [f"T{minute:02}" for minute in range(MESSAGES)]
    assert killed < {one["pid"] for one in said}
    hub.close()


def _kill_the_writer(file: Path, writers: list[Any], after: int) -> int:
    """Once so many messages are there: the process that wrote the last of them."""
    until = time.monotonic() + 90
    while len(lines := file.read_text().splitlines()) < after:
        assert time.monotonic() < until
        time.sleep(0.01)
    pid = int(json.loads(lines[-1])["pid"])
    next(writer for writer in writers if writer.pid == pid).kill()
    return pid
