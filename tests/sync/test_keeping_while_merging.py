"""A write is kept while its record is merged: on PostgreSQL both go on, and neither waits for what the other one holds."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from landbridge.store import deliveries, records
from landbridge.store.unit import Unit
from landbridge.sync import read
from landbridge.sync.batch import Batch
from landbridge.sync.decide import Action
from landbridge.sync.job import Job, Result
from landbridge.sync.keep import kept
from landbridge.sync.reports import Report
from tests.sync.conftest import World

CHAT, RUN = ("chat", "people"), "writing"


def sending(world: World, key: str, op: str) -> Job:
    """A write of this account under way, which is to be planned again."""
    flow, target = world.bridge.company.flow("people"), "/".join(CHAT)
    with world.bridge.hub.begin() as conn:
        row = records.get(conn, *CHAT, key)
        assert row and row.entity
        deliveries.put(conn, flow="people", target=target, entity=row.entity, op=op, state="planned")
        put = deliveries.get(conn, target, row.entity)
        assert put and deliveries.claim(conn, RUN, {put.id: {"marker": "m"}})
        deliveries.want_again(conn, [row.entity])
    route = next(one for one in flow.routes_of("person") if one.target == target)
    return Job(RUN, flow, put, route, Action(op, "planned", row), world.bridge.company.mapping(target), "m")


@pytest.mark.parametrize("op", ["update", "delete"])
def test_keeping_and_merging_never_wait_crosswise(world: World, op: str) -> None:
    world.run()
    job = sending(world, "@bert", op)
    world.chat.put("people", id="@bert", given="Bertram")
    read(world.bridge, *CHAT)
    native = world.chat.state["people"]["@bert"] if op == "update" else None
    result = Result(job, "written", "done", written=True, native=native)
    failed: list[Exception] = []

    def keep(before: threading.Event, done: threading.Event) -> None:
        def run() -> Any:
            try:
                with world.bridge.hub.begin() as conn:
                    before.set()
                    assert kept(world.bridge, conn, RUN, [result]).taken == 0
            except Exception as error:
                failed.append(error)
            done.set()

        threading.Thread(target=run).start()

    began, done = threading.Event(), threading.Event()
    with world.bridge.hub.begin() as conn:
        batch = Batch(Unit(conn, RUN).alone(), world.bridge.company, Report(RUN, "people"))
        ids = records.pending_ids(conn, [CHAT], 10)
        assert ids
        batch.merge(ids, [CHAT])
        keep(began, done)
        done.wait(0.5)  # it goes as far as it can
        batch.finish()
    assert done.wait(10)
    assert failed == []
    with world.bridge.hub.read() as conn:
        found = deliveries.by_id(conn, job.delivery.id)
        row = records.get(conn, *CHAT, "@bert")
    assert found and found.state == "done"
    assert row and bool(row.gone_at) == (op == "delete")
