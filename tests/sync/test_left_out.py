"""What a condition leaves out of a target is not answered there either; what was said follows once it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from landbridge.store.hub import Hub
from landbridge.sync import run_flow
from tests.sync.acting import rewritten, threads, under_way
from tests.sync.conftest import World, account, make_world, room_of, staff
from tests.sync.test_talk import talking

AT = "2026-01-02T10:00:00Z"
NEWS = """
flow: {flow}
purpose: What is published reaches the room that cares.
kind: document
from: {{intranet/posts: {{only: '{scope}'}}}}
as: announcement
to: {{chat/messages: {{space: "news-{{category}}", only: '{only}'}}}}
replies: {replies}
"""
PUBLISHED, IT, OTHERS = 'state == "published"', 'category == "it"', 'category != "it"'


def news(flow: str = "news", *, scope: str = PUBLISHED, only: str = PUBLISHED, replies: str = "both") -> str:
    return NEWS.format(flow=flow, scope=scope, only=only, replies=replies)


@pytest.fixture
def world(hub: Hub, tmp_path: Path) -> World:
    """Only news of IT are shown in chat."""
    return populated(hub, tmp_path, news=news(only=IT))


def populated(hub: Hub, folder: Path, **flows: str) -> World:
    world = staff(make_world(rewritten(folder / "company", **flows), hub))
    world.run("people")
    return world


def publish(world: World, category: str) -> str:
    """A post with an answer to it."""
    post = world.intranet.put("posts", title="New printer", body="b", state="published", category=category)
    author = account(world, "intranet", "anna")
    world.intranet.put("comments", post=post, author=author, text="Where?", at=AT)
    return post


def shown(world: World) -> list[tuple[str, bool]]:
    """(text, does it stand under the post?)"""
    return [(text, bool(root and "New printer" in root)) for text, root in threads(world, "chat") if text == "Where?"]


@pytest.mark.parametrize("where", ["only", "scope"])
def test_7_answers_to_what_is_left_out_wait_for_nothing_and_come_with_it(hub: Hub, tmp_path: Path, where: str) -> None:
    kept: dict[str, Any] = {where: IT}
    world = populated(hub, tmp_path, news=news(**kept))
    world.intranet.put("posts", title="The first of its room", body="b", state="published", category="it")
    post = publish(world, "sales")
    world.run()
    assert (len(world.chat.all("messages")), under_way(world, "news")) == (1, [])
    world.intranet.put("posts", id=post, category="it")
    world.run()
    assert shown(world) == [("Where?", True)]
    world.quiet()


def test_answers_go_with_what_is_left_out_and_come_again(world: World) -> None:
    post = publish(world, "it")
    world.run()
    for category, there in (("sales", []), ("it", [("Where?", True)])):
        world.intranet.put("posts", id=post, category=category)
        world.run()
        world.run()
        assert (shown(world), under_way(world, "news")) == (there, [])
    world.quiet()


def test_what_people_have_said_there_stays(world: World) -> None:
    post = publish(world, "it")
    world.run()
    root = world.chat.all("messages")[0]["id"]
    world.chat.put("messages", room=room_of(world, "news-it"), thread=root, author="@bert", text="Nice", at=AT)
    world.run()
    world.intranet.put("posts", id=post, category="sales")
    world.run()
    assert [one["text"] for one in world.chat.all("messages")] == ["Nice"]
    assert {one["text"] for one in world.intranet.all("comments")} == {"Where?", "Nice"}
    assert under_way(world, "news") == []
    world.quiet()


def test_what_another_flow_shows_there_is_answered_there(hub: Hub, tmp_path: Path) -> None:
    flows = {"news": news(only=IT), "others": news("others", only=OTHERS, replies="none")}
    world = populated(hub, tmp_path, **flows)
    publish(world, "sales")
    world.run("others", "news")
    assert shown(world) == [("Where?", True)]
    assert under_way(world, *flows) == []


def test_3_all_that_goes_with_a_post_counts_as_the_post(world: World) -> None:
    """For the brake: twelve answers are one cause."""
    post = publish(world, "it")
    for minute in range(12):
        world.intranet.put("comments", post=post, guest="Eve", text=f"{minute}", at=f"2026-01-02T11:{minute:02}:00Z")
    world.run()
    assert len(world.chat.all("messages")) == 14
    world.intranet.put("posts", id=post, category="sales")
    world.run()
    assert (world.chat.all("messages"), under_way(world, "news")) == ([], [])


def test_a_conversation_follows_its_first_message(hub: Hub, tmp_path: Path) -> None:
    """Both ways: what is said in a room needs no condition to be answered from the other one."""
    world = talking(tmp_path, hub, to="{left/messages: {}, right/messages: {only: 'marked(\"📌\")'}}")
    left, right = (world.systems[name].all("rooms")[0]["id"] for name in ("left", "right"))
    root = world.left.put("messages", room=left, text="Question", at=AT)
    world.left.put("messages", room=left, text="Answer", thread=root, at="2026-01-02T10:01:00Z")
    own = world.right.put("messages", room=right, text="Own", at=AT)
    run_flow(world.bridge, "talk")
    assert (threads(world, "right"), under_way(world, "talk")) == ([("Own", None)], [])
    copy = next(one["id"] for one in world.left.all("messages") if one["text"] == "Own")
    world.left.put("messages", room=left, text="Reply", thread=copy, at="2026-01-02T10:02:00Z")
    world.left.put("messages", id=root, reactions={"📌": ["a"]})
    run_flow(world.bridge, "talk")
    run_flow(world.bridge, "talk")
    assert sorted(threads(world, "right")) == [
        ("Answer", "Question"),
        ("Own", None),
        ("Question", None),
        ("Reply", "Own"),
    ]
    assert own in {one["id"] for one in world.right.all("messages")}
    world.left.put("messages", id=root, reactions={})
    run_flow(world.bridge, "talk")
    run_flow(world.bridge, "talk")
    assert (sorted(threads(world, "right")), under_way(world, "talk")) == ([("Own", None), ("Reply", "Own")], [])
