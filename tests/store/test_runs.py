from __future__ import annotations

import threading

import pytest

from landbridge.errors import Fenced
from landbridge.store import runs
from landbridge.store.clock import now
from landbridge.store.hub import Hub
from landbridge.store.tables import run

HR = ("hr", "people")


def test_a_run_is_started_and_finished(hub: Hub) -> None:
    with hub.begin() as conn:
        one, two = runs.start(conn, "read", "hr/people"), runs.start(conn, "merge", "people")
        runs.finish(conn, one.id, "done", {"new": 3}, "fine")
    with hub.read() as conn:
        done = runs.get(conn, one.id)
        assert done
        assert (done.state, done.counts, done.reason) == ("done", {"new": 3}, "fine")
        assert done.ended_at
        assert [run.id for run in runs.recent(conn)] == [two.id, one.id]
        assert [run.state for run in runs.recent(conn, "people")] == ["running"]


def test_the_later_start_wins(hub: Hub) -> None:
    with hub.begin() as conn:
        first = runs.take_fence(conn, *HR).fence
    with hub.begin() as conn:
        runs.hold_fence(conn, *HR, first)
        other = runs.take_fence(conn, *HR, "space-1").fence
    with hub.begin() as conn:
        second = runs.take_fence(conn, *HR).fence
    with pytest.raises(Fenced, match="hr/people"), hub.begin() as conn:
        runs.hold_fence(conn, *HR, first)
    with hub.begin() as conn:
        runs.hold_fence(conn, *HR, second)
        runs.hold_fence(conn, *HR, other, "space-1")
    with pytest.raises(Fenced), hub.begin() as conn:
        runs.hold_fence(conn, "hr", "unknown", 1)


def test_a_fence_that_is_held_cannot_be_taken_before_the_commit(hub: Hub) -> None:
    with hub.begin() as conn:
        first = runs.take_fence(conn, *HR).fence
    order: list[str] = []

    def take() -> None:
        with hub.begin() as conn:
            runs.take_fence(conn, *HR)
            order.append("taken")

    with hub.begin() as conn:
        runs.hold_fence(conn, *HR, first)
        taking = threading.Thread(target=take)
        taking.start()
        taking.join(0.3)
        runs.set_cursor(conn, *HR, {"page": 1})
        order.append("committed")
    taking.join()
    assert order == ["committed", "taken"]
    with hub.read() as conn:
        assert runs.cursor(conn, *HR) == {"page": 1}


def test_two_that_start_at_once_get_different_fences(hub: Hub) -> None:
    fences: list[int] = []

    def take() -> None:
        with hub.begin() as conn:
            fences.append(runs.take_fence(conn, *HR).fence)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(fences) == list(range(1, 9))


def test_cursors_keep_what_is_not_given(hub: Hub) -> None:
    with hub.begin() as conn:
        assert runs.cursor(conn, *HR) is None
        assert runs.checkpoint_of(conn, *HR) is None
        runs.take_fence(conn, *HR)
        runs.set_cursor(conn, *HR, "token", full_at=now(), mapping="v1")
        runs.set_cursor(conn, *HR, {"since": None}, partition="p")
        runs.set_cursor(conn, *HR, ["next"])
        state = runs.checkpoint_of(conn, *HR)
        assert state
        assert (state.cursor, state.mapping, state.fence) == (["next"], "v1", 1)
        assert state.full_at
        runs.set_full(conn, *HR, "2026-01-01T00:00:00.000000Z", "v2")
        state = runs.checkpoint_of(conn, *HR)
        assert state
        assert (state.cursor, state.mapping, state.full_at) == (["next"], "v2", "2026-01-01T00:00:00.000000Z")
        runs.set_cursor(conn, *HR, None)
        assert runs.cursor(conn, *HR) is None
        assert runs.cursor(conn, *HR, "p") == {"since": None}
        assert [one.partition for one in runs.checkpoints(conn, "hr")] == ["", "p"]
        assert runs.checkpoints(conn, "crm") == []


def test_a_run_lives_as_long_as_its_process(hub: Hub) -> None:
    with hub.begin() as conn:
        ours = runs.start(conn, "write", "chat").id
        assert runs.is_alive(conn, ours)
        named = run.c.id == ours
        conn.execute(run.update().where(named).values(process=runs.this_process() + "0"))
        assert not runs.is_alive(conn, ours)
        conn.execute(run.update().where(named).values(process="elsewhere 1 1"))
        assert runs.is_alive(conn, ours)
        conn.execute(run.update().where(named).values(beat=run.c.beat - runs.SILENT - 1))
        assert not runs.is_alive(conn, ours)
        assert not runs.is_alive(conn, "unknown")
        runs.finish(conn, ours, "done", {})
        assert not runs.is_alive(conn, ours)
