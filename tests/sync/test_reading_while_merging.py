"""A page is kept while its records are merged: on PostgreSQL both lock them in the order of their ids."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from sqlalchemy import select

from landbridge.store.tables import record
from landbridge.sync import read
from tests.store.working import working
from tests.sync.conftest import World

HR = ("hr", "people")
# How far another transaction comes before it waits.
AS_FAR_AS_IT_CAN = 0.5


def ids_of(world: World, *keys: str) -> list[int]:
    with world.bridge.hub.read() as conn:
        of_hr = select(record.c.key, record.c.id).where(record.c.system == "hr", record.c.stream == "people")
        found = {row.key: row.id for row in conn.execute(of_hr)}
    return [found[key] for key in keys]


def crosswise(world: World, busy: int, changed: Sequence[int], woken: Sequence[int] = ()) -> None:
    """Read, and merge the changed and the woken ones; both begin while somebody else is busy with one of them."""
    failed: list[Exception] = []

    def attempt(act: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                act()
            except Exception as error:
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join(AS_FAR_AS_IT_CAN)
        return thread

    def merging() -> None:
        with working(world.bridge.hub) as unit:
            unit.records.load(changed)
            unit.records.wake([*changed, *woken])

    with world.bridge.hub.begin() as conn:
        conn.execute(select(record.c.id).where(record.c.id == busy).with_for_update()).one()
        threads = [attempt(lambda: read(world.bridge, *HR, full=True)), attempt(merging)]
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert failed == []


def test_changed_records_are_kept_in_the_order_of_their_ids(world: World) -> None:
    world.run("people")
    world.hr.put("people", id="0", number="0", login="dora", given="Dora", family="X", active=True)
    world.run("people")
    first, last = ids_of(world, "1", "0")
    assert first < last
    for key in ("0", "1"):
        world.hr.put("people", id=key, family="Changed")
    crosswise(world, last, [first, last])


def test_what_is_gone_is_locked_with_what_has_changed(world: World) -> None:
    world.run("people")
    first, last = ids_of(world, "1", "3")
    assert first < last
    world.hr.put("people", id="3", family="Changed")
    del world.hr.state["people"]["1"]
    crosswise(world, last, [first, last])
    with world.bridge.hub.read() as conn:
        gone = conn.execute(select(record.c.id).where(record.c.gone_at.is_not(None))).scalars().all()
    assert gone == [first]


def test_what_a_merge_only_wakes_is_locked_with_what_it_changes(world: World) -> None:
    world.run("people")
    first, middle, last = ids_of(world, "1", "2", "3")
    assert first < middle < last
    for key in ("1", "2", "3"):
        world.hr.put("people", id=key, family="Changed")
    crosswise(world, middle, [last], woken=[first])
