"""One thread claims and keeps for many workers: in few transactions, in order, and whatever happens to one of a set."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select

from landbridge import boundary
from landbridge.errors import AuthError
from landbridge.store import deliveries, records
from landbridge.store.tables import lease
from landbridge.sync.workers import Workers
from tests.sync.acting import hire, logins
from tests.sync.conftest import World

PEOPLE = 60


def states(world: World, target: str) -> dict[str, int]:
    with world.bridge.hub.read() as conn:
        return deliveries.counts(conn, target)


def test_many_are_claimed_and_kept_in_few_transactions(world: World) -> None:
    hire(world, PEOPLE)
    names: Counter[str] = Counter()
    boundary.watch(lambda name: names.update([name]))
    world.chat.before = lambda *told: time.sleep(0.02)
    try:
        world.run("people")
    finally:
        boundary.watch(None)
    written = states(world, "chat/people")["done"]
    assert written >= PEOPLE
    for step in ("claim.claim", "keep.keep"):
        assert (
            names[f"landbridge.sync.{step}: before commit"]
            < names["landbridge.sync.deliver._asked: after the write"] / 2
        )


def test_7_a_partition_has_one_on_its_way_and_the_system_no_more_than_its_workers(world: World) -> None:
    world.run("people")
    rooms = ("it", "sales", "canteen")
    for minute in range(24):
        at = f"2026-01-02T10:{minute:02}:00Z"
        category = rooms[minute % len(rooms)]
        world.intranet.put("posts", title=f"T{minute:02}", body="b", state="published", category=category, at=at)
    lock, under_way, most = threading.Lock(), Counter[str](), Counter[str]()

    def begins(op: str, stream: str, native: Any) -> None:
        room = native["room"] if stream == "messages" else stream
        with lock:
            under_way.update([room])
            most[room] = max(most[room], under_way[room])
            most["all"] = max(most["all"], under_way.total())
        time.sleep(0.01)
        with lock:
            under_way.subtract([room])

    world.chat.before = begins
    world.run("news")
    world.run("news")
    workers = world.bridge.company.system("chat").workers
    assert 1 < most.pop("all") <= workers
    aliases = {one["id"]: one["alias"] for one in world.chat.all("rooms")}
    assert {aliases[room]: count for room, count in most.items() if room in aliases} == {
        f"news-{room}": 1 for room in rooms
    }
    for room, alias in aliases.items():
        said = [one["text"][2:5] for one in world.chat.all("messages") if one["room"] == room]
        assert said == sorted(said), alias


def test_6_one_that_cannot_be_kept_is_the_only_one_that_is_not(
    world: World, monkeypatch: pytest.MonkeyPatch, no_run_alive: None
) -> None:
    hire(world, 20)
    save = records.save_written

    def fail(conn: Any, system: str, stream: str, key: str, *told: Any, **more: Any) -> int:
        if system == "chat" and world.chat.state[stream][key].get("login") == "p105":
            raise ZeroDivisionError
        return save(conn, system, stream, key, *told, **more)

    monkeypatch.setattr(records, "save_written", fail)
    world.chat.before = lambda *told: time.sleep(0.02)
    with pytest.raises(ZeroDivisionError):
        world.run("people")
    made = len(world.chat.all("people"))
    assert states(world, "chat/people")["sending"] == 1
    monkeypatch.setattr(records, "save_written", save)
    world.run("people")
    assert len(set(logins(world, "chat"))) == len(world.chat.all("people")) >= made
    world.quiet()


def test_8_what_is_claimed_when_a_target_stops_is_not_sent_and_stays_planned(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run("people")
    hire(world, PEOPLE)
    before, asked = len(world.chat.calls), itertools.count()
    called_off, call_off = threading.Event(), Workers.call_off

    def refuse(op: str, stream: str, native: Any) -> None:
        if next(asked):
            called_off.wait(2)  # the first answer has its consequences before the others are there
        raise AuthError("The token is not accepted.")

    def then(self: Workers) -> None:
        call_off(self)
        called_off.set()

    monkeypatch.setattr(Workers, "call_off", then)
    world.chat.before = refuse
    world.run("people")
    # All that had begun: one for each worker, and what the one that was refused at once took up before it was told.
    assert 1 <= len(world.chat.calls) - before <= world.bridge.company.system("chat").workers + 1
    found = states(world, "chat/people")
    assert (found["planned"], found.keys() & {"sending", "uncertain", "set_aside"}) == (PEOPLE, set())
    with world.bridge.hub.read() as conn:
        assert conn.execute(select(lease)).all() == []
    world.chat.before = lambda *told: None
    world.quiet()
