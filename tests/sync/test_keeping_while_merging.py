"""A write is kept while its record is merged: on PostgreSQL both go on, neither waits for what the other one holds, and
nothing is kept that has become untrue meanwhile."""

from __future__ import annotations

import threading
from copy import deepcopy
from dataclasses import replace

import pytest

from landbridge.store import deliveries, records, sending
from landbridge.store.records import Staged
from landbridge.store.unit import Unit
from landbridge.sync import read
from landbridge.sync.batch import Batch
from landbridge.sync.decide import Action
from landbridge.sync.job import Job, Result
from landbridge.sync.keep import Kept, kept
from landbridge.sync.reports import Report
from tests.sync.conftest import World

CHAT, RUN = ("chat", "people"), "writing"


def under_way(world: World, key: str, op: str) -> Job:
    """A write of this account under way, which is to be planned again."""
    flow, target = world.bridge.company.flow("people"), "/".join(CHAT)
    with world.bridge.hub.begin() as conn:
        row = records.get(conn, *CHAT, key)
        assert row and row.entity
        deliveries.put(conn, flow="people", target=target, entity=row.entity, op=op, state="planned")
        put = deliveries.get(conn, target, row.entity)
        assert put and sending.claim(conn, RUN, {put.id: {"marker": "m"}})
        sending.want_again(conn, [row.entity])
    route = next(one for one in flow.routes_of("person") if one.target == target)
    return Job(RUN, flow, put, route, Action(op, "planned", row), world.bridge.company.mapping(target), "m")


@pytest.mark.parametrize("op", ["update", "delete"])
def test_keeping_and_merging_never_wait_crosswise(world: World, op: str) -> None:
    world.run()
    job = under_way(world, "@bert", op)
    world.chat.put("people", id="@bert", given="Bertram")
    read(world.bridge, *CHAT)
    native = world.chat.state["people"]["@bert"] if op == "update" else None
    result = Result(job, "written", "done", written=True, native=native)
    began, done = threading.Event(), threading.Event()
    kept_by: list[Kept] = []
    failed: list[Exception] = []
    with world.bridge.hub.begin() as conn:
        batch = Batch(Unit(conn, RUN).alone(), world.bridge.company, Report(RUN, "people"))
        ids = records.pending_ids(conn, [CHAT], 10)
        assert ids
        batch.merge(ids, [CHAT])
        keep_beside(world, result, kept_by, failed, began, done)
        done.wait(0.5)  # it goes as far as it can
        batch.finish()
    assert done.wait(10)
    assert failed == []
    assert [one.taken for one in kept_by] == [0]
    with world.bridge.hub.read() as conn:
        found = deliveries.by_id(conn, job.delivery.id)
        row = records.get(conn, *CHAT, "@bert")
    assert found and found.state == "done"
    assert row and bool(row.gone_at) == (op == "delete")


def keep_beside(
    world: World,
    result: Result,
    into: list[Kept],
    failed: list[Exception],
    began: threading.Event,
    done: threading.Event,
) -> None:
    def run() -> None:
        try:
            with world.bridge.hub.begin() as conn:
                began.set()
                into.append(kept(world.bridge, conn, RUN, [result]))
        except Exception as error:
            failed.append(error)
        done.set()

    threading.Thread(target=run).start()


def test_what_becomes_somebody_elses_while_we_keep_it_stays_so(world: World) -> None:
    """The system answers our create with a record that is just being linked to another entity."""
    world.run()
    job = under_way(world, "@bert", "update")
    world.chat.put("people", id="@new", login="new", given="New", family="One", active=True)
    read(world.bridge, *CHAT)
    native = world.chat.state["people"]["@new"]
    result = Result(replace(job, action=Action("create", "planned")), "written", "done", written=True, native=native)
    began, done = threading.Event(), threading.Event()
    kept_by: list[Kept] = []
    with world.bridge.hub.begin() as conn:
        unit = Unit(conn, RUN).alone()
        row = records.get(conn, *CHAT, "@new")
        assert row
        another = unit.create("person")
        unit.records.link(unit.records.get(row.id), another)
        keep_beside(world, result, kept_by, [], began, done)
        began.wait(0.5)
        done.wait(0.5)
        unit.flush()
    assert done.wait(10)
    assert [one.state for found in kept_by for one in found.results] == ["set_aside"]
    with world.bridge.hub.read() as conn:
        row, found = records.get(conn, *CHAT, "@new"), deliveries.by_id(conn, job.delivery.id)
    assert row and row.entity == another
    assert found and found.state == "set_aside"


def test_9_what_is_read_while_a_write_is_kept_is_not_lost(world: World) -> None:
    """A page that holds a person's edit is about to be committed when our write is kept."""
    world.run()
    job = under_way(world, "@bert", "update")
    answer = deepcopy(world.chat.state["people"]["@bert"])
    began, done = threading.Event(), threading.Event()
    failed: list[Exception] = []
    with world.bridge.hub.begin() as conn:
        row = job.action.record
        assert row and row.claim
        edited = Staged("@bert", b"x" * 16, row.claim | {"title": "Seller"})
        records.upsert_claims(conn, *CHAT, "person", [edited], records.look_up(conn, *CHAT, ["@bert"]))
        keep_beside(world, Result(job, "written", "done", written=True, native=answer), [], failed, began, done)
        began.wait(0.5)
        done.wait(0.5)
    assert done.wait(10)
    assert failed == []
    with world.bridge.hub.read() as conn:
        found = records.get(conn, *CHAT, "@bert")
    assert found and found.claim and found.claim["title"] == "Seller"
    assert found.pending
