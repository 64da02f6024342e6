"""Two rooms that are one, opened and closed at either side: the wider one never holds without a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from landbridge.store import decisions
from landbridge.store.hub import Hub
from landbridge.store.tables import entity
from landbridge.sync import merge, read, run_flow
from tests.sync.acting import answer_all
from tests.sync.conftest import World
from tests.sync.test_talk import SYSTEMS, admit, talk, talking, texts

__all__ = ["talk"]
ROOMS = """
flow: rooms
purpose: The two rooms are one, whoever opens or closes it.
kind: space
from: {left/rooms: {}, right/rooms: {creates: true}}
to: {left/rooms: {}, right/rooms: {}}
"""
AT = "2026-03-02T09:00:00Z"


@pytest.fixture
def joined(tmp_path: Path, hub: Hub) -> World:
    """A flow keeps both rooms alike; they are open, and were closed and opened from either side before."""
    world = talking(tmp_path, hub, rooms=ROOMS)
    run(world)
    for system in ("left", "right"):
        for visibility in ("members", "public"):
            admit(world, system, visibility)
            run(world)
            assert seen(world) == (visibility, visibility)
    return world


def run(world: World) -> None:
    for flow in world.bridge.company.flows:
        run_flow(world.bridge, flow)


def seen(world: World) -> tuple[str, str]:
    left, right = (world.systems[name].all("rooms")[0]["visibility"] for name in ("left", "right"))
    return left, right


def asked(world: World) -> list[dict[str, str]]:
    """Of each question: who says what."""
    with world.bridge.hub.read() as conn:
        return [one.details["values"] for one in decisions.open_decisions(conn)]


def known(world: World) -> list[str]:
    with world.bridge.hub.read() as conn:
        return [data["visibility"] for data in conn.scalars(select(entity.c.data).where(entity.c.kind == "space"))]


def test_9_about_rooms_that_no_flow_keeps_alike_nobody_is_asked(talk: World) -> None:
    """An answer would change neither: who may see what was said in each is what each says itself."""
    talk.left.put("messages", room=talk.left.all("rooms")[0]["id"], text="Question", at=AT)
    admit(talk, "right", "members")
    run(talk)
    admit(talk, "left", "members")
    admit(talk, "right", "public")
    run(talk)
    assert (asked(talk), known(talk)) == ([], ["members"])
    assert (texts(talk, "left"), texts(talk, "right")) == (["Question"], [])
    assert seen(talk) == ("members", "public")


def test_nor_about_what_one_of_them_has_not_seen_of_the_other(hub: Hub, tmp_path: Path) -> None:
    """A flow that names rooms may make them, but tells them nothing afterwards."""
    news = "flow: news\nkind: document\nfrom: {cms/posts: {}}\nas: announcement\n"
    news += "to: {left/messages: {space: help}, right/messages: {space: help}}\n"
    world = talking(tmp_path, hub, systems=f"{SYSTEMS}  cms: {{connector: cms_app}}\n", news=news)
    for topic, system in (("Tea", "left"), ("Coffee", "right")):
        world.systems[system].put("rooms", id=world.systems[system].all("rooms")[0]["id"], topic=topic)
        run(world)
    assert asked(world) == []


@pytest.mark.parametrize("open_one", ["left", "right"])
@pytest.mark.parametrize("holds", ["left", "right"])
def test_3_rooms_that_differ_when_they_are_joined_stay_so_until_a_person_decides(
    hub: Hub, tmp_path: Path, open_one: str, holds: str
) -> None:
    world = talking(tmp_path, hub, rooms=ROOMS)
    admit(world, "right" if open_one == "left" else "left", "members")
    before = seen(world)
    for _ in range(2):
        run(world)
        assert (seen(world), known(world)) == (before, ["members"])
    (values,) = asked(world)
    assert values == {"left/rooms": before[0], "right/rooms": before[1]}
    answer_all(world, f"{holds}/rooms")
    run(world)
    assert seen(world) == (values[f"{holds}/rooms"],) * 2
    assert asked(world) == []


@pytest.mark.parametrize("holds", ["left", "right"])
def test_9_one_that_is_opened_while_the_other_is_closed_is_asked_about(joined: World, holds: str) -> None:
    """The left one was closed and opened again before the right one heard of it, where it is closed meanwhile."""
    admit(joined, "left", "members")
    read(joined.bridge, "left", "rooms")
    merge(joined.bridge, "talk")
    admit(joined, "left", "public")
    admit(joined, "right", "members")
    run(joined)
    assert (seen(joined), known(joined)) == (("public", "members"), ["members"])
    assert asked(joined) == [{"left/rooms": "public", "right/rooms": "members"}]
    answer_all(joined, f"{holds}/rooms")
    for _ in range(2):
        run(joined)
        assert seen(joined) == ({"left": "public", "right": "members"}[holds],) * 2
    assert asked(joined) == []


def test_3_while_it_is_asked_the_narrower_one_holds(joined: World) -> None:
    """Also where the wider one was known to hold before."""
    for system in ("left", "right"):
        admit(joined, system, "members")
    run(joined)
    admit(joined, "left", "public")
    read(joined.bridge, "left", "rooms")
    merge(joined.bridge, "talk")
    admit(joined, "left", "hidden")
    admit(joined, "right", "public")
    run(joined)
    assert (seen(joined), known(joined)) == (("hidden", "public"), ["hidden"])
    assert len(asked(joined)) == 1


@pytest.mark.parametrize("agreed", ["members", "public"])
def test_who_agrees_is_asked_no_longer(hub: Hub, tmp_path: Path, agreed: str) -> None:
    world = talking(tmp_path, hub, rooms=ROOMS)
    admit(world, "right", "members")
    run(world)
    assert len(asked(world)) == 1
    admit(world, "left" if agreed == "members" else "right", agreed)
    run(world)
    assert (asked(world), seen(world), known(world)) == ([], (agreed, agreed), [agreed])
