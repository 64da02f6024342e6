"""Brakes, grace periods and flows that share a target."""

from __future__ import annotations

import dataclasses

import pytest

from landbridge.errors import ConfigError, RecordError
from landbridge.mapping import compile_expression
from landbridge.store import decisions, deliveries
from landbridge.store.clock import later
from landbridge.store.tables import removal
from landbridge.sync import guard, merge, plan, read, write
from tests.sync.conftest import World, account
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


def leave(world: World, *numbers: int) -> None:
    for n in numbers:
        world.hr.put("people", id=str(n), active=False)


def disabled(world: World, system: str) -> int:
    return sum(one.get("active") is False for one in people(world, system).values())


def questions(world: World) -> dict[str | None, decisions.Decision]:
    with world.bridge.hub.read() as conn:
        return {one.target: one for one in decisions.open_decisions(conn)}


def test_3_several_small_runs_do_not_slip_under_the_brake(world: World) -> None:
    hire(world, 20)
    world.run("people")
    leave(world, *range(100, 106))
    world.run("people")
    assert disabled(world, "chat") == 6
    leave(world, *range(106, 112))
    world.run("people")
    assert disabled(world, "chat") == 6
    assert (
        "would disable 6 in chat/people, after 6 lately; the brake is at 10" in questions(world)["chat/people"].question
    )
    leave(world, 112)
    world.run("people")
    assert disabled(world, "chat") == 6, "what is held counts for what comes after it"
    with world.bridge.hub.begin() as conn:
        conn.execute(removal.update().values(at=later(-86_401)))
    leave(world, 113)
    world.run("people")
    assert "would disable 8 in chat/people; the brake is at 10" in questions(world)["chat/people"].question
    assert disabled(world, "chat") == 6


def test_3_after_a_day_what_was_written_no_longer_counts(world: World) -> None:
    hire(world, 20)
    world.run("people")
    leave(world, *range(100, 106))
    world.run("people")
    with world.bridge.hub.begin() as conn:
        conn.execute(removal.update().values(at=later(-86_401)))
    leave(world, *range(106, 112))
    world.run("people")
    assert disabled(world, "chat") == 12


def test_3_what_a_person_let_pass_is_not_counted(world: World) -> None:
    hire(world, 20)
    world.run("people")
    leave(world, *range(100, 112))
    world.run("people")
    with world.bridge.hub.begin() as conn:
        for one in decisions.open_decisions(conn):
            decisions.decide(conn, one.id, "approve", "vera")
    leave(world, 112)
    world.run("people")
    assert disabled(world, "chat") == 13
    assert questions(world) == {}


def test_3_one_leaver_is_one_cause_and_twelve_people_are_twelve(world: World) -> None:
    hire(world, 12)
    sales = next(iter(world.hr.state["groups"]))
    for n in range(100, 112):
        world.hr.put("people", id=str(n), dept=sales)
    cleo = world.crm.put("people", number="3", login="cleo", mail="cleo@example.org", active=True)
    for n in range(12):
        world.crm.put("cases", number=str(n), subject=f"Deal {n}", status="open", owner=cleo)
    world.run()
    hers = [one for one in world.chat.all("memberships") if one["user"] == account(world, "chat", "cleo")]
    assert len(hers) == 13
    leave(world, 3)
    world.run()
    assert questions(world) == {}
    assert not [one for one in world.chat.all("memberships") if one["user"] == account(world, "chat", "cleo")]
    before = len(world.chat.all("memberships"))
    for n in range(100, 112):
        world.hr.put("people", id=str(n), dept=None)
    world.run()
    assert "would delete 12 in chat/memberships" in questions(world)["chat/memberships"].question
    assert len(world.chat.all("memberships")) == before


def test_3_an_older_batch_is_no_way_round(world: World) -> None:
    """A batch that the guard has let go meets a delivery that has become a disable since."""
    world.run("people")
    world.hr.put("people", id="1", family="Meyer")
    read(world.bridge, "hr", "people")
    merge(world.bridge, "people")
    (batch, *_) = guard(world.bridge, "people", plan(world.bridge, "people").run).free
    assert batch["target"] == "chat/people"
    leave(world, 1)
    read(world.bridge, "hr", "people")
    merge(world.bridge, "people")
    plan(world.bridge, "people")
    write(world.bridge, "people", batch)
    assert disabled(world, "chat") == 0
    world.run("people")
    assert disabled(world, "chat") == 1


def test_3_nobody_answers_for_more_than_was_shown(world: World) -> None:
    hire(world, 20)
    world.run("people")
    leave(world, *range(100, 112))
    world.run("people")
    asked = questions(world)["chat/people"]
    leave(world, 112)
    world.run("people")
    assert questions(world)["chat/people"].details["fingerprint"] != asked.details["fingerprint"]
    with pytest.raises(ConfigError, match="something else"), world.bridge.hub.begin() as conn:
        decisions.decide(conn, asked.id, "approve", "vera", about=asked.details["fingerprint"])
    assert disabled(world, "chat") == 0


def test_3_two_flows_share_the_brake_of_a_target(world: World) -> None:
    hire(world, 20)
    world.run("people")
    first = world.bridge.company.flows["people"]
    second = dataclasses.replace(
        first, name="second", memberships=(), routes=tuple(
            dataclasses.replace(one, flow="second") for one in first.routes if one.kind == "person"
        ),
    )  # fmt: skip
    leave(world, *range(100, 106))
    world.run("people")
    world.bridge.company.flows["second"] = second
    leave(world, *range(106, 112))
    read(world.bridge, "hr", "people")
    del world.bridge.company.flows["people"]
    merge(world.bridge, "second")
    guarded = guard(world.bridge, "second", plan(world.bridge, "second").run)
    assert [held["text"].partition(";")[0] for held in guarded.held] == [
        "second would disable 6 in chat/people, after 6 lately",
        "second would disable 6 in intranet/people, after 6 lately",
    ]


def test_3_however_few_the_causes_there_is_a_most(world: World) -> None:
    flow = world.bridge.company.flows["cases"]
    brake = flow.brake.model_copy(update={"most": 11})
    world.bridge.company.flows["cases"] = dataclasses.replace(flow, brake=brake)
    cleo = world.crm.put("people", number="3", login="cleo", mail="cleo@example.org", active=True)
    for n in range(12):
        world.crm.put("cases", number=str(n), subject=f"Deal {n}", status="open", owner=cleo)
    world.run()
    leave(world, 3)
    world.run()
    assert "cases would delete 12 in chat/memberships" in questions(world)["chat/memberships"].question
