"""Promise 3: widening an audience always stops, be it a single message, and nobody's answer to a brake lets it pass."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from landbridge.model import Audience, Scope
from landbridge.policy import AudienceException, PolicyConfig, refusal
from landbridge.store import deliveries
from landbridge.sync import guard, merge, plan, read, write
from tests.sync.acting import answer_all
from tests.sync.conftest import World, room_of, said

NEWS = {"body": "b", "state": "published", "category": "it"}


COMPANY, PUBLIC = Audience(scope=Scope.COMPANY), Audience(scope=Scope.PUBLIC)
WITH_GUESTS = Audience(scope=Scope.COMPANY, guests=True)


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


@pytest.mark.parametrize(
    ("meant_for", "seen_by", "may"),
    [
        (COMPANY, COMPANY, True),
        (COMPANY, Audience.members("sales"), True),
        (COMPANY, PUBLIC, False),
        (COMPANY, WITH_GUESTS, False),
        (WITH_GUESTS, WITH_GUESTS, False),  # others may be guests there
        (PUBLIC, WITH_GUESTS, True),
        (None, Audience.members("sales"), False),
        (PUBLIC, None, False),
        (Audience(), Audience.members("sales"), False),
        (PUBLIC, Audience(), False),
        (Audience.members("sales"), Audience.members("sales"), True),
        (Audience.members("sales"), Audience.members("it"), False),
        (Audience.members("sales"), Audience.members("sales", "it"), False),
        (Audience.members("sales"), Audience.members("sales", guests=True), False),
        (Audience.members("sales", guests=True), Audience.members("sales", guests=True), True),
        (Audience.members("sales"), COMPANY, False),
    ],
)
def test_3_nobody_sees_what_was_not_meant_for_them(
    meant_for: Audience | None, seen_by: Audience | None, may: bool
) -> None:
    assert bool(refusal(PolicyConfig(), "news", "chat/messages", "!it", meant_for, seen_by)) is not may


@pytest.mark.parametrize(
    ("days", "flow", "target", "space", "holds"),
    [
        (0, "news", "chat/messages", "!it", True),
        (0, "news", "chat/messages", None, True),
        (-1, "news", "chat/messages", "!it", False),
        (0, "cases", "chat/messages", "!it", False),
        (0, "news", "wiki/pages", "!it", False),
        (0, "news", "chat/messages", "!sales", False),
    ],
)
def test_3_an_exception_holds_for_what_it_names_and_ends(
    days: int, flow: str, target: str, space: str | None, holds: bool
) -> None:
    until = date.today() + timedelta(days)
    one = AudienceException(flow=flow, target=target, space=space, owner="vera", reason="agreed", until=until)
    policy = PolicyConfig(exceptions=(one,))
    assert bool(refusal(policy, "news", "chat/messages", "!it", COMPANY, PUBLIC)) is not holds
