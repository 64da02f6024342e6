"""Promise 9: conflicts are decided, not overwritten."""

from __future__ import annotations

from landbridge.store import decisions
from tests.sync.conftest import World, account


def test_9_a_field_changed_on_both_sides_becomes_a_decision(world: World) -> None:
    world.run("people")
    post = world.intranet.put("posts", title="T", body="b", state="published", category="it")
    world.intranet.put(
        "comments", post=post, author=account(world, "intranet", "anna"), text="one", at="2026-01-02T10:00:00Z"
    )
    world.run("news")
    here, there = (
        world.intranet.all("comments")[0]["id"],
        next(one["id"] for one in world.chat.all("messages") if one["text"] == "one"),
    )
    world.chat.put("messages", id=there, text="one b")
    world.run("news")
    world.intranet.put("comments", id=here, text="two")
    world.chat.put("messages", id=there, text="three")
    world.run("news")
    with world.bridge.hub.begin() as conn:
        (asked,) = decisions.open_decisions(conn)
        assert asked.kind == "conflict"
        assert world.intranet.state["comments"][here]["text"] == "two"
        assert world.chat.state["messages"][there]["text"] == "three"
        assert asked.details["values"] == {"intranet/comments": "two", "chat/messages": "three"}
        decisions.decide(conn, asked.id, "chat/messages", "vera")
    world.run("news")
    world.quiet()
    assert {world.intranet.state["comments"][here]["text"], world.chat.state["messages"][there]["text"]} == {"three"}
