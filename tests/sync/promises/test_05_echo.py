"""Promise 5: what we wrote never comes back as a change."""

from __future__ import annotations

from typing import Any

import pytest

from landbridge.store import deliveries
from tests.sync.acting import Killed
from tests.sync.conftest import World, account, room_of


def test_5_what_a_system_normalises_is_no_change(world: World) -> None:
    def shout(stream: str, native: dict[str, Any]) -> dict[str, Any]:
        return {
            key: value.upper() if key in ("family", "text", "body", "topic") else value for key, value in native.items()
        }

    for system in (world.chat, world.intranet, world.wiki):
        system.normalise = shout
    world.run()
    author = account(world, "intranet", "anna")
    world.intranet.put("posts", title="T", body="b", author=author, state="published", category="it")
    world.quiet()
    room, root = room_of(world, "news-it"), world.chat.all("messages")[0]["id"]
    world.chat.put("messages", room=room, thread=root, author="@bert", text="loud", at="2026-01-02T10:00:00Z")
    world.quiet()
    assert [one["text"] for one in world.intranet.all("comments")] == ["LOUD"]


def test_5_our_own_record_seen_before_its_answer_is_no_news(world: World, no_run_alive: None) -> None:
    world.run("people")
    world.intranet.put("posts", title="T", body="b", state="published", category="it")

    def die(op: str, stream: str, native: Any) -> None:
        if stream == "messages":
            raise Killed

    world.chat.after = die
    with pytest.raises(Killed):
        world.run("news")
    world.chat.after = lambda *call: None
    world.quiet()
    assert len(world.chat.all("messages")) == 1
    assert world.intranet.all("comments") == []


def test_5_our_own_reply_seen_before_its_answer_is_no_news(world: World, post: str, no_run_alive: None) -> None:
    author = account(world, "intranet", "anna")
    world.intranet.put("comments", post=post, author=author, text="mine", at="2026-01-02T10:00:00Z")

    def die(op: str, stream: str, native: Any) -> None:
        raise Killed

    world.chat.after = die
    with pytest.raises(Killed):
        world.run("news")
    world.chat.after = lambda *call: None
    world.quiet()
    assert [one["text"] for one in world.chat.all("messages")].count("mine") == 1
    assert [one["text"] for one in world.intranet.all("comments")] == ["mine"]
    with world.bridge.hub.read() as conn:
        assert deliveries.of_flow(conn, "news", ("set_aside",)) == []
