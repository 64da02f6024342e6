"""A person edits what we are just writing, and it is read before our write is kept: neither side's words are lost."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from landbridge.store import records
from landbridge.sync import read
from tests.sync.conftest import World
from tests.sync.test_two_way import retitle, titles, two_way

__all__ = ["two_way"]
Act = Callable[[], object]


def nothing() -> None:
    """Nobody does anything."""


def around(world: World, op: str, *, before: Act = nothing, after: Act = nothing) -> None:
    """The next write of this kind to the chat: what happens just before it arrives, and just after its answer was made."""
    chat = world.chat
    real = getattr(chat, op)

    def once(*told: Any) -> Any:
        setattr(chat, op, real)
        before()
        answer = deepcopy(real(*told))
        after()
        return answer

    setattr(chat, op, once)


def edited_and_read(world: World, title: str) -> Act:
    def act() -> None:
        retitle(world, "chat", title)
        read(world.bridge, "chat", "people")

    return act


def families(world: World) -> set[str]:
    return {world.systems[name].all("people")[0]["family"] for name in ("hr", "chat", "cms")}


def test_9_what_a_person_edits_after_our_write_is_kept_where_it_is_read_before_the_write_is(two_way: World) -> None:
    two_way.hr.put("people", id="1", family="Miller")
    around(two_way, "update", after=edited_and_read(two_way, "Seller"))
    two_way.run("people")
    two_way.run("people")
    assert titles(two_way) == ["Seller"] * 3
    assert families(two_way) == {"Miller"}


def test_the_field_that_we_write_may_be_edited_meanwhile(two_way: World) -> None:
    retitle(two_way, "hr", "Manager")
    around(two_way, "update", after=edited_and_read(two_way, "Seller"))
    two_way.run("people")
    two_way.run("people")
    assert titles(two_way) == ["Seller"] * 3


def test_an_edit_that_our_write_has_covered_leaves_all_sides_saying_the_same(two_way: World) -> None:
    """The system has overwritten it itself: whichever of the two wins, it wins everywhere."""
    retitle(two_way, "hr", "Manager")
    around(two_way, "update", before=edited_and_read(two_way, "Seller"))
    two_way.run("people")
    two_way.run("people")
    assert len(set(titles(two_way))) == 1


def test_a_page_from_before_our_write_does_not_take_it_back(two_way: World) -> None:
    """It was fetched before, and kept after the write was decided: what it says of our fields is what was there."""
    people, old = two_way.chat.state["people"], {}

    def fetch() -> None:
        retitle(two_way, "chat", "Seller")
        old.update(deepcopy(people))

    def kept() -> None:
        new = dict(people)
        people.update(old)
        read(two_way.bridge, "chat", "people", full=True)
        people.update(new)

    two_way.hr.put("people", id="1", family="Miller")
    around(two_way, "update", before=fetch, after=kept)
    two_way.run("people")
    two_way.run("people")
    assert families(two_way) == {"Miller"}
    assert titles(two_way) == ["Seller"] * 3


def test_9_what_stood_there_before_our_write_is_nobodys_edit(two_way: World) -> None:
    """Such a page, with another field edited; the one that we write both sides may change."""
    people, old = two_way.chat.state["people"], {}

    def fetch() -> None:
        two_way.chat.put("people", id=next(iter(people)), family="Miller")
        old.update(deepcopy(people))

    def kept() -> None:
        new = dict(people)
        people.update(old)
        read(two_way.bridge, "chat", "people", full=True)
        people.update(new)

    retitle(two_way, "hr", "Manager")
    around(two_way, "update", before=fetch, after=kept)
    two_way.run("people")
    two_way.run("people")
    assert titles(two_way) == ["Manager"] * 3


def test_what_we_have_just_made_may_be_edited_before_that_is_kept(two_way: World) -> None:
    def edit() -> None:
        two_way.chat.put("people", id=next(iter(made())), title="Seller")
        read(two_way.bridge, "chat", "people")

    def made() -> list[str]:
        return [one["id"] for one in two_way.chat.all("people") if one["login"] == "bert"]

    two_way.hr.put("people", id="2", number="2", login="bert", given="Bert", family="B", title="Clerk", active=True)
    around(two_way, "create", after=edit)
    two_way.run("people")
    two_way.run("people")
    found = [
        next(one["title"] for one in two_way.systems[name].all("people") if one["login"] == "bert")
        for name in ("hr", "chat", "cms")
    ]
    assert found == ["Seller"] * 3


def test_2_what_is_deleted_after_our_write_stays_gone(two_way: World) -> None:
    (account,) = two_way.chat.all("people")

    def delete() -> None:
        two_way.chat.delete("people", account["id"])
        read(two_way.bridge, "chat", "people", full=True)

    two_way.hr.put("people", id="1", family="Miller")
    around(two_way, "update", after=delete)
    two_way.run("people")
    with two_way.bridge.hub.read() as conn:
        found = records.get(conn, "chat", "people", account["id"])
    assert found and found.gone_at
