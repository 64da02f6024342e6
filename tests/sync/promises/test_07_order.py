"""Promise 7: messages of one space arrive in order, a reply after its root."""

from __future__ import annotations

from typing import Any

import pytest

from landbridge.errors import LandbridgeError, RecordError, TransientError
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


@pytest.mark.parametrize("announced", [True, False], ids=["there", "to be announced"])
@pytest.mark.parametrize("error", [TransientError("Not now."), RecordError("Never.")], ids=["for now", "given up"])
def test_7_what_follows_one_that_waits_for_its_authors_account_waits(
    world: World, post: str, error: LandbridgeError, announced: bool
) -> None:
    if not announced:  # then its place is not known either, and comes first
        world.intranet.put("posts", id=post, state="draft")
        world.run()
        world.intranet.put("posts", id=post, state="published")
    world.hr.put("people", number="9", login="dora", mail="dora@example.org", given="Dora", family="Neu", active=True)
    author = world.intranet.put("people", number="9", login="dora", mail="dora@example.org", active=True)
    for minute, who in ((1, {"author": author}), (2, {"guest": "Eve"}), (3, {"author": author})):
        world.intranet.put("comments", post=post, **who, text=f"at {minute}", at=f"2026-01-02T10:0{minute}:00Z")

    def refuse(op: str, stream: str, native: Any) -> None:
        if stream == "people" and native.get("login") == "dora":
            raise error

    world.chat.before = refuse
    world.run("people")
    world.run("news")
    room, given_up = room_of(world, "news-it"), isinstance(error, RecordError)
    texts = ["**Dora Neu:** at 1", "**Eve:** at 2", "**Dora Neu:** at 3"] if given_up else []
    assert [text for _, text in said(world, room)][1:] == texts
    world.chat.before = lambda *call: None
    world.run("people")
    world.run("news")
    if not given_up:
        assert said(world, room)[1:] == [("dora", "at 1"), ("", "**Eve:** at 2"), ("dora", "at 3")]
