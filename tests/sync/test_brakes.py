"""Brakes, grace periods and flows that share a target."""

from __future__ import annotations

import dataclasses

from landbridge.errors import RecordError
from landbridge.mapping import compile_expression
from landbridge.store import decisions, deliveries
from tests.sync.conftest import World
from tests.sync.test_people import people
from tests.sync.test_promises import hire


def test_an_approval_holds_for_what_it_was_given_for(world: World) -> None:
    hire(world, 12)
    world.run("people")

    def leave(active: bool) -> None:
        for n in range(100, 112):
            world.hr.put("people", id=str(n), active=active)

    leave(False)
    world.run("people")
    with world.bridge.hub.begin() as conn:
        for one in decisions.open_decisions(conn):
            decisions.decide(conn, one.id, "approve", "vera")
    world.run("people")
    leave(True)
    world.run("people")
    leave(False)
    r = world.run("people")["people"]
    assert r.counts["held"] == 24


def test_a_rejection_holds_until_the_facts_change(world: World) -> None:
    hire(world, 12)
    world.run("people")

    def leave(active: bool) -> None:
        for n in range(100, 112):
            world.hr.put("people", id=str(n), active=active)

    leave(False)
    world.run("people")
    with world.bridge.hub.begin() as conn:
        for one in decisions.open_decisions(conn):
            decisions.decide(conn, one.id, "reject", "vera")
    world.run("people")
    leave(True)
    world.run("people")
    leave(False)
    r = world.run("people")["people"]
    assert r.counts["held"] == 24
    with world.bridge.hub.begin() as conn:
        assert len(decisions.open_decisions(conn)) == 2


def test_a_brake_that_nobody_needs_any_more_is_not_asked(world: World) -> None:
    hire(world, 12)
    world.run("people")
    for n in range(100, 112):
        world.hr.put("people", id=str(n), active=False)
    world.run("people")
    for n in range(100, 112):
        world.hr.put("people", id=str(n), active=True)
    world.run("people")
    with world.bridge.hub.begin() as conn:
        assert len(decisions.open_decisions(conn)) == 0


def test_a_refused_delete_does_not_begin_its_grace_period_anew(world: World) -> None:
    world.run("people")
    world.hr.put("people", id="1", active=False)
    world.run("people")
    world.run("people")

    def due(state: str) -> None:
        with world.bridge.hub.begin() as conn:
            (w,) = deliveries.of_flow(conn, "people", (state,), "chat/people")
            deliveries.set_state(conn, w.id, state, next_at="2020-01-01T00:00:00.000000Z")

    world.hr.put("people", id="1", title="q")
    world.run("people")
    due("scheduled")
    world.chat.before = lambda op, s, n: (
        (_ for _ in ()).throw(RecordError("no")) if op == "delete" and s == "people" else None
    )
    world.run("people")
    world.chat.before = lambda *a: None
    due("set_aside")
    world.run("people")
    assert "anna" not in people(world, "chat")


def test_two_flows_that_share_a_target_do_not_undo_each_other(world: World) -> None:
    f = world.bridge.company.flows["people"]
    only = compile_expression('employee_number == "2"', file="x", line=1, what="only")
    second = dataclasses.replace(
        f,
        name="second",
        memberships=(),
        routes=tuple(dataclasses.replace(r, flow="second", only=only) for r in f.routes if r.kind == "person"),
    )
    world.bridge.company.flows["second"] = second
    world.run()
    world.run("second")
    world.run()
    world.run("second")
    assert people(world, "chat")["anna"].get("active") is not False
    before = len(world.chat.calls)
    world.run()
    world.run("second")
    assert len(world.chat.calls) == before
