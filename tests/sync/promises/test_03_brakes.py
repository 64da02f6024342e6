"""Promise 3: too many deletes and disables wait for a person."""

from __future__ import annotations

import dataclasses

import pytest

from landbridge.errors import ConfigError
from landbridge.store import decisions
from landbridge.store.clock import later
from landbridge.store.tables import removal
from landbridge.sync import Report, guard, merge, plan, read, release, write
from tests.sync.acting import answer_all, come_back, disabled, hire, leave, questions, second_flow
from tests.sync.conftest import World, account


def twelve_leave(world: World) -> Report:
    """Two more than the brake lets go; the report of the run that is held."""
    hire(world, 12)
    world.run("people")
    leave(world, *range(100, 112))
    return world.run("people")["people"]


def test_3_too_many_leavers_wait_for_a_person(world: World) -> None:
    assert twelve_leave(world).counts["held"] == 24
    assert disabled(world, "chat") == 0
    asked = questions(world)
    assert set(asked) == {"chat/people", "intranet/people"}
    assert "would disable 12 in chat/people; the brake is at 10" in asked["chat/people"].question
    for batch in release(world.bridge, "people", [asked["chat/people"].id], True, "vera"):
        write(world.bridge, "people", batch)
    assert disabled(world, "chat") == 12
    assert release(world.bridge, "people", [asked["intranet/people"].id], False, "vera") == []
    world.run("people")
    assert disabled(world, "intranet") == 0


@pytest.mark.parametrize("answer", ["approve", "reject"])
def test_3_an_answer_taken_elsewhere_holds_for_what_it_was_given_for(world: World, answer: str) -> None:
    """The next run carries it out; the same question asked of other facts is another."""
    twelve_leave(world)
    answer_all(world, answer)
    world.run("people")
    assert disabled(world, "chat") == (12 if answer == "approve" else 0)
    come_back(world, *range(100, 112))
    world.run("people")
    leave(world, *range(100, 112))
    assert world.run("people")["people"].counts["held"] == 24
    assert set(questions(world)) == {"chat/people", "intranet/people"}


def test_3_a_brake_that_nobody_needs_any_more_is_not_asked(world: World) -> None:
    twelve_leave(world)
    come_back(world, *range(100, 112))
    world.run("people")
    assert questions(world) == {}


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
    answer_all(world, "approve")
    for leaver, gone in ((112, 13), (113, 14)):  # with what was approved under way, and with it written
        leave(world, leaver)
        world.run("people")
        assert disabled(world, "chat") == gone
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


@pytest.mark.parametrize("planned", [True, False])
def test_3_an_older_batch_is_no_way_round(world: World, planned: bool) -> None:
    """A batch that the guard has let go meets a delivery that has become a disable since, or becomes one just now."""
    world.run("people")
    world.hr.put("people", id="1", family="Meyer")
    read(world.bridge, "hr", "people")
    merge(world.bridge, "people")
    (batch, *_) = guard(world.bridge, "people", plan(world.bridge, "people").run).free
    assert batch["target"] == "chat/people"
    leave(world, 1)
    read(world.bridge, "hr", "people")
    merge(world.bridge, "people")
    if planned:
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
    leave(world, *range(100, 106))
    world.run("people")
    second_flow(world)
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
