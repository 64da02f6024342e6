from __future__ import annotations

import threading
from typing import Any
from unittest.mock import ANY

import pytest

from landbridge.store import brakes, deliveries, partitions, runs, sending
from landbridge.store.hub import Hub
from landbridge.store.tables import lease, run

PLACE = ("chat/messages", "message:room")


def put(conn: Any, entity: str, **columns: Any) -> int:
    values = {"flow": "news", "target": PLACE[0], "partition": PLACE[1], "op": "create", "state": "planned"} | columns
    return deliveries.put(conn, entity=entity, **values)


def hold(conn: Any, run: str, *wanted: str) -> list[str]:
    return sorted(partitions.hold(conn, PLACE[0], wanted or PLACE[1:], run))


def following(conn: Any, run: str) -> Any:
    return partitions.following(conn, "news", PLACE[0], PLACE[1:], run).get(PLACE[1])


def claim(conn: Any, id: int, run: str) -> int:
    return sending.claim(conn, run, {id: {"marker": "m"}})


def test_a_partition_is_written_in_order_by_who_holds_it(hub: Hub) -> None:
    with hub.begin() as conn:
        one, other = (runs.start(conn, "write", "news").id for _ in range(2))
        put(conn, "second", position="2")
        first = put(conn, "first", position="1")
        put(conn, "elsewhere", position="0", partition="message:other")
        put(conn, "foreign", position="0", flow="cases")
        put(conn, "for nobody knows where", position="0", state="waiting", partition="")
        waits = put(conn, "waits", position="15", state="waiting")
        assert hold(conn, one) == [PLACE[1]]
        assert hold(conn, one) == [PLACE[1]]
        assert hold(conn, other) == []
        assert following(conn, other) is None
        assert hold(conn, other, "message:other", PLACE[1]) == ["message:other"]
        assert following(conn, one).entity == "first"
        assert claim(conn, first, one) == 1
        assert following(conn, one) is None
        deliveries.set_state(conn, waits, "dropped")
        assert following(conn, one).entity == "second"
        partitions.release(conn, PLACE[0], PLACE[1:], other)
        assert hold(conn, other) == []
        partitions.release(conn, PLACE[0], PLACE[1:], one)
        assert hold(conn, other) == [PLACE[1]]


def test_what_the_dead_were_sending_is_looked_up_first(hub: Hub) -> None:
    with hub.begin() as conn:
        one, other = (runs.start(conn, "write", "news").id for _ in range(2))
        assert hold(conn, one)
        sent = put(conn, "sent", position="1")
        put(conn, "next", position="2")
        claim(conn, sent, one)
        runs.finish(conn, one, "failed", {})
        assert hold(conn, other)
        found = following(conn, other)
        assert (found.entity, found.state, found.marker) == ("sent", "uncertain", "m")
        # It was only stopped for a while: what it brings now is no longer asked for.
        assert sending.hold(conn, one, [sent]) == {}
        claim(conn, sent, other)
        runs.finish(conn, other, "failed", {})
        partitions.abandon(conn)
        assert conn.execute(lease.select()).all() == []
        third = runs.start(conn, "write", "news").id
        assert hold(conn, third)
        assert following(conn, third).entity == "sent"


def test_a_run_whose_process_nobody_can_see_lives_by_its_beat(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub.begin() as conn:
        ours = runs.start(conn, "write", "news").id
        silent = run.update().where(run.c.id == ours).values(beat=run.c.beat - runs.SILENT - 1)
        conn.execute(run.update().where(run.c.id == ours).values(process="elsewhere 1 1"))
        assert runs.is_alive(conn, ours)
        conn.execute(silent)
        assert not runs.is_alive(conn, ours)
    again, real = threading.Event(), runs.beat

    def beat(conn: Any, id: str) -> None:
        real(conn, id)
        again.set()

    monkeypatch.setattr(runs, "BEAT", 0.01)
    monkeypatch.setattr(runs, "beat", beat)
    with runs.Beating(hub, ours):
        assert again.wait(10)
    with hub.begin() as conn:
        assert runs.is_alive(conn, ours)
        conn.execute(silent)
        assert not runs.is_alive(conn, ours)


def test_a_delete_goes_only_after_it_was_let_pass(hub: Hub) -> None:
    with hub.begin() as conn:
        one = runs.start(conn, "write", "news").id
        assert hold(conn, one)
        put(conn, "e", op="delete")
        assert following(conn, one) is None
        assert partitions.pages(conn, "news", [PLACE[0]], 10) == []
        brakes.let_pass(conn, "news", PLACE[0])
        assert following(conn, one).entity == "e"
        put(conn, "e", op="delete")  # planned anew, by somebody who did not ask
        assert following(conn, one) is None


def test_batches_are_ranges_that_hold_every_delivery_once(hub: Hub) -> None:
    with hub.begin() as conn:
        ids = [put(conn, f"e{n:02}", partition=f"p{n % 3}", position=str(9 - n % 3)) for n in range(25)]
        put(conn, "done", state="done")
        put(conn, "other", target="wiki/pages")
        deliveries.set_state(conn, ids[3], "uncertain")
        found = partitions.pages(conn, "news", [PLACE[0]], 10)
        ends = [(ids[0], ids[9], 10), (ids[10], ids[19], 10), (ids[20], ids[24], 5)]
        assert found == [(PLACE[0], *one) for one in ends]
        assert partitions.pages(conn, "news", ["wiki/pages", PLACE[0]], 100)[1:] == [("wiki/pages", ANY, ANY, 1)]
        assert partitions.between(conn, "news", PLACE[0], ids[0], ids[9]) == ["p2", "p1", "p0"]
