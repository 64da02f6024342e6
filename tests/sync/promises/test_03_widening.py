"""Promise 3: widening an audience always stops, be it a single message, and nobody's answer to a brake lets it pass."""

from __future__ import annotations

from typing import Any

import pytest

from landbridge.store import deliveries
from landbridge.sync import guard, merge, plan, read, write
from tests.sync.acting import answer_all
from tests.sync.conftest import World, room_of, said

NEWS = {"body": "b", "state": "published", "category": "it"}


def publish(world: World, **more: Any) -> str:
    return world.intranet.put("posts", **{"title": "Salaries", **NEWS, **more})


def blocked(world: World) -> list[str]:
    """Why each of what waits to be shown is not."""
    with world.bridge.hub.read() as conn:
        return [str(one.reason) for one in deliveries.of_flow(conn, "news", ["blocked"])]


@pytest.mark.parametrize(
    ("room", "post_is_for", "why"),
    [
        ({"guests": True}, None, "There are guests"),
        ({"visibility": None}, None, "that of chat/messages is unknown"),
        ({}, {"scope": "members", "of": ["board"]}, "Its audience is members"),
        ({}, {"scope": "nobody"}, "Its audience is nobody"),
    ],
)
def test_3_widening_an_audience_always_stops(
    world: World, post: str, room: dict[str, Any], post_is_for: dict[str, Any] | None, why: str
) -> None:
    place = room_of(world, "news-it")
    before = said(world, place)
    world.chat.put("rooms", id=place, **room)
    publish(world, audience=post_is_for)
    for _ in range(3):
        world.run()
        answer_all(world, "approve")
    assert said(world, place) == before
    (reason,) = blocked(world)
    assert why in reason


def test_3_what_was_planned_before_the_room_opened_is_not_written(world: World, post: str) -> None:
    place = room_of(world, "news-it")
    before = said(world, place)
    publish(world)
    read(world.bridge, "intranet", "posts")
    merge(world.bridge, "news")
    (batch,) = guard(world.bridge, "news", plan(world.bridge, "news").run).free
    world.chat.put("rooms", id=place, guests=True)
    read(world.bridge, "chat", "rooms")
    merge(world.bridge, "news")
    write(world.bridge, "news", batch)
    assert said(world, place) == before
    assert len(blocked(world)) == 1


def test_3_it_is_shown_once_the_audience_fits(world: World, post: str) -> None:
    place = room_of(world, "news-it")
    world.chat.put("rooms", id=place, guests=True)
    publish(world)
    world.run()
    assert len(blocked(world)) == 1
    world.chat.put("rooms", id=place, guests=False)
    world.run()
    assert (len(said(world, place)), blocked(world)) == (2, [])
