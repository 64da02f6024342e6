"""Fields that two systems may change, which are read and written at different moments; each test was found by tests/model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from landbridge.errors import TransientError
from landbridge.store import decisions
from landbridge.store.hub import Hub
from landbridge.sync import guard, load_company, merge, plan, read, write
from tests.sync.conftest import World, make_world

HOME = Path(__file__).parent.parent / "model" / "company"


@pytest.fixture
def two_way(hub: Hub) -> World:
    """Anna works in Sales; her title may be changed in HR and in chat."""
    world = make_world(load_company(HOME), hub)
    for code in ("sales", "it"):
        world.hr.put("groups", id=code, name=code, code=code)
    world.hr.put(
        "people", id="1", number="1", login="anna", given="Anna", family="M", mail="anna@example.org", title="Clerk",
        dept="sales", active=True,
    )  # fmt: skip
    world.run("people")
    return world


def retitle(world: World, system: str, title: str) -> None:
    world.systems[system].put("people", id=world.systems[system].all("people")[0]["id"], title=title)


def titles(world: World) -> list[str]:
    return [world.systems[name].all("people")[0]["title"] for name in ("hr", "chat", "cms")]


def test_9_a_field_changed_on_both_sides_is_asked_although_they_are_read_one_after_the_other(two_way: World) -> None:
    retitle(two_way, "chat", "Seller")
    read(two_way.bridge, "chat", "people")
    merge(two_way.bridge, "people")
    retitle(two_way, "hr", "Manager")
    two_way.run("people")
    with two_way.bridge.hub.begin() as conn:
        (asked,) = decisions.open_decisions(conn)
        assert asked.details["values"] == {"chat/people": "Seller", "hr/people": "Manager"}
        decisions.decide(conn, asked.id, "hr/people", "vera")
    two_way.run("people")
    assert titles(two_way) == ["Manager"] * 3


def test_9_who_has_seen_the_other_sides_change_may_change_it_again(two_way: World) -> None:
    retitle(two_way, "chat", "Seller")
    two_way.run("people")
    retitle(two_way, "hr", "Manager")
    two_way.run("people")
    assert titles(two_way) == ["Manager"] * 3
    with two_way.bridge.hub.read() as conn:
        assert decisions.open_decisions(conn) == []


def test_9_what_somebody_changes_while_we_write_something_else_there_is_not_lost(two_way: World) -> None:
    """The read-back of our title already says that Anna has moved, and no later read will call that news."""

    def move(op: str, stream: str, what: Any) -> None:
        two_way.hr.before = lambda *call: None
        two_way.hr.put("people", id="1", dept="it", active=False)

    two_way.hr.before = move
    retitle(two_way, "chat", "Seller")
    two_way.run("people")
    two_way.run("people")
    assert two_way.hr.all("people")[0]["title"] == "Seller"
    assert two_way.chat.all("people")[0]["active"] is False
    assert two_way.chat.all("memberships") == []


@pytest.fixture
def lost(two_way: World) -> World:
    """Anna's account in chat was made, and the answer was lost."""

    def lose(*call: Any) -> None:
        two_way.chat.after = lambda *call: None
        raise TransientError("The answer was lost.", uncertain=True)

    two_way.chat.drop("people", two_way.chat.all("people")[0]["id"])
    two_way.chat.after = lose
    two_way.run("people")
    assert len(two_way.chat.all("people")) == 1
    return two_way


def test_9_what_somebody_changes_before_a_lost_write_is_found_is_not_lost(lost: World) -> None:
    retitle(lost, "chat", "Seller")
    lost.run("people")
    lost.run("people")
    assert titles(lost) == ["Seller"] * 3


def test_5_what_a_system_made_of_a_lost_write_is_no_news(lost: World) -> None:
    retitle(lost, "chat", "CLERK.")
    lost.run("people")
    lost.run("people")
    assert titles(lost) == ["Clerk", "CLERK.", "Clerk"]


def test_5_what_a_system_makes_of_a_write_whose_first_try_never_arrived_is_no_news(two_way: World) -> None:
    """However far from what was wanted: nobody but the system can have changed it."""

    def cut(*call: Any) -> None:
        two_way.chat.before = lambda *call: None
        raise TransientError("cut", uncertain=True)

    def named_by_the_system(stream: str, native: dict[str, Any]) -> dict[str, Any]:
        return native | {"title": "Staff"}

    two_way.chat.drop("people", two_way.chat.all("people")[0]["id"])
    two_way.chat.before = cut
    two_way.run("people")
    assert two_way.chat.all("people") == []
    two_way.chat.normalise = named_by_the_system
    two_way.run("people")
    two_way.run("people")
    assert titles(two_way) == ["Clerk", "Staff", "Clerk"]


def families(world: World) -> list[str]:
    return [world.systems[name].all("people")[0]["family"] for name in ("hr", "chat", "cms")]


def test_9_an_edit_before_a_lost_write_is_found_is_not_lost_although_something_else_is_wanted_now(lost: World) -> None:
    lost.hr.put("people", id="1", family="Miller")
    retitle(lost, "chat", "Seller")
    lost.run("people")
    lost.run("people")
    assert titles(lost) == ["Seller"] * 3
    assert families(lost) == ["Miller"] * 3


@pytest.mark.parametrize("again", [0, 1, 2])
def test_9_what_was_lost_then_changed_on_both_sides_is_asked(lost: World, again: int) -> None:
    """However often it was looked for in vain, with something else wanted each time."""

    def in_vain(*call: Any) -> None:
        raise TransientError("It cannot be asked now.")

    find = lost.chat.find
    lost.chat.find = in_vain  # type: ignore[method-assign]
    for number in range(again):
        retitle(lost, "hr", f"Manager {number}")
        lost.run("people")
    lost.chat.find = find  # type: ignore[method-assign]
    retitle(lost, "hr", "Manager")
    retitle(lost, "chat", "Seller")
    lost.run("people")
    lost.run("people")
    with lost.bridge.hub.begin() as conn:
        (asked,) = decisions.open_decisions(conn)
        assert asked.details["values"] == {"chat/people": "Seller", "hr/people": "Manager"}
        decisions.decide(conn, asked.id, "hr/people", "vera")
    lost.run("people")
    assert titles(lost) == ["Manager"] * 3


@pytest.mark.parametrize("spelled", ["Clerk", "CLERK."])
def test_what_a_lost_write_has_made_is_brought_up_to_date(lost: World, spelled: str) -> None:
    retitle(lost, "chat", spelled)
    retitle(lost, "hr", "Manager")
    lost.run("people")
    lost.run("people")
    assert titles(lost) == ["Manager"] * 3
    with lost.bridge.hub.read() as conn:
        assert decisions.open_decisions(conn) == []


@pytest.mark.parametrize("when", ["before it is planned", "before it is written"])
def test_9_what_is_read_but_not_merged_is_not_overwritten(two_way: World, when: str) -> None:
    retitle(two_way, "hr", "Manager")
    two_way.hr.put("people", id="1", family="Miller")
    read(two_way.bridge, "hr", "people")
    merge(two_way.bridge, "people")
    edits = iter([when == "before it is planned", True])
    for step in (plan_it, write_it):
        if next(edits) and titles(two_way)[1] != "Seller":
            retitle(two_way, "chat", "Seller")
            read(two_way.bridge, "chat", "people")
        step(two_way)
    assert titles(two_way)[1] == "Seller"
    assert families(two_way) == ["Miller"] * 3  # what nobody disputes is written all the same
    two_way.run("people")
    with two_way.bridge.hub.read() as conn:
        (asked,) = decisions.open_decisions(conn)
    assert asked.details["values"] == {"chat/people": "Seller", "hr/people": "Manager"}


def plan_it(world: World) -> None:
    plan(world.bridge, "people")


def write_it(world: World) -> None:
    for batch in guard(world.bridge, "people", "run").free:
        write(world.bridge, "people", batch)


def test_9_what_was_disputed_is_written_everywhere_once_it_is_decided(two_way: World) -> None:
    """Also where another field was written while it was disputed: the disputed one was not sent then."""
    retitle(two_way, "chat", "Seller")
    read(two_way.bridge, "chat", "people")
    merge(two_way.bridge, "people")
    retitle(two_way, "hr", "Manager")
    two_way.hr.put("people", id="1", family="N")
    two_way.run("people")
    with two_way.bridge.hub.begin() as conn:
        (asked,) = decisions.open_decisions(conn)
        decisions.decide(conn, asked.id, "chat/people", "vera")
    two_way.run("people")
    assert titles(two_way) == ["Seller"] * 3


def test_the_name_before_a_copy_does_not_go_home_with_an_edit(world: World, post: str) -> None:
    world.intranet.put("comments", post=post, guest="Vic", text="Hi", at="2026-01-02T10:00:00Z")
    world.run("news")
    copy = next(one for one in world.chat.all("messages") if one["text"] == "**Vic:** Hi")
    world.chat.put("messages", id=copy["id"], text="**Vic:** Hello")
    world.quiet()
    assert [one["text"] for one in world.intranet.all("comments")] == ["Hello"]
    assert world.chat.state["messages"][copy["id"]]["text"] == "**Vic:** Hello"


def test_10_an_account_whose_key_was_given_to_somebody_else_is_asked_and_written_by_nobody(two_way: World) -> None:
    """Anna's was deleted and its key is that of Bert's, which we have just made, before anybody has read of it."""
    chat, key = two_way.chat, two_way.chat.all("people")[0]["id"]
    new_key = chat._new_key

    def deleted(*call: Any) -> None:
        chat.before = lambda *call: None
        chat.drop("people", key)
        chat._new_key = lambda stream: key  # type: ignore[method-assign]

    chat.before = deleted
    two_way.hr.put("people", id="2", number="2", login="bert", mail="bert@example.org", title="Boss", active=True)
    two_way.run("people")
    chat._new_key = new_key  # type: ignore[method-assign]
    two_way.hr.put("people", id="1", title="Chief", family="Miller")
    two_way.run("people")
    two_way.run("people")
    assert [(one["login"], one["title"], one.get("family")) for one in chat.all("people")] == [("bert", "Boss", None)]
    with two_way.bridge.hub.begin() as conn:
        (asked,) = decisions.open_decisions(conn)
        assert "been given to a new person" in asked.question
        decisions.decide(conn, asked.id, "new", "vera")
    two_way.run("people")
    two_way.run("people")
    assert {(one["login"], one["title"]) for one in chat.all("people")} == {("bert", "Boss"), ("anna", "Chief")}
    assert {(one["number"], one["title"]) for one in two_way.hr.all("people")} == {("2", "Boss"), ("1", "Chief")}
