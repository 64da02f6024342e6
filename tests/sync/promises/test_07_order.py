"""Promise 7: messages of one space arrive in order, a reply after its root."""

from __future__ import annotations

from typing import Any

from landbridge.errors import TransientError
from tests.sync.conftest import World, room_of, said


def test_7_messages_arrive_in_order_and_a_reply_waits_for_its_root(world: World) -> None:
    world.run("people")
    post = world.intranet.put("posts", title="T", body="b", state="published", category="it")
    for minute in (5, 3, 4, 1, 2):
        world.intranet.put("comments", post=post, guest="Eve", text=f"at {minute}", at=f"2026-01-02T10:0{minute}:00Z")

    def refuse_root(op: str, stream: str, native: Any) -> None:
        if stream == "messages" and "**T**" in native.get("text", ""):
            raise TransientError("Not now.")

    world.chat.before = refuse_root
    assert isinstance(world.run("news")["news"].failures[0], TransientError)
    assert world.chat.all("messages") == []
    world.chat.before = lambda *call: None
    world.run("news")
    texts = [text for _, text in said(world, room_of(world, "news-it"))]
    assert texts[0].startswith("**T**")
    assert texts[1:] == [f"**Eve:** at {minute}" for minute in (1, 2, 3, 4, 5)]


def test_7_what_follows_one_that_could_not_be_sent_waits(world: World, post: str) -> None:
    for minute in (1, 2, 3):
        world.intranet.put("comments", post=post, guest="Eve", text=f"at {minute}", at=f"2026-01-02T10:0{minute}:00Z")

    def refuse(op: str, stream: str, native: Any) -> None:
        if "at 2" in native.get("text", ""):
            raise TransientError("Not now.")

    world.chat.before = refuse
    world.run("news")
    world.chat.before = lambda *call: None
    world.run("news")
    texts = [text for _, text in said(world, room_of(world, "news-it"))]
    assert texts[1:] == [f"**Eve:** at {minute}" for minute in (1, 2, 3)]
