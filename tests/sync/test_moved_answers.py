"""People move answers to another thread, or out of any: each is shown once, where it belongs by now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from landbridge.store.hub import Hub
from landbridge.sync import Report, merge, read, run_flow
from tests.sync.acting import questions, threads, under_way
from tests.sync.conftest import World, room_of
from tests.sync.test_talk import SYSTEMS, talking

AT = "2026-01-02T10:00:00Z"
# What a system says of a message that stands in no thread.
NONE, ABSENT = None, ...


def move(world: World, system: str, key: str, thread: Any) -> None:
    """Some systems say that it stands in no thread, others say nothing."""
    found = world.systems[system]
    if thread is ABSENT:
        found.state["messages"][key].pop("thread", None)
        found.put("messages", id=key)
    else:
        found.put("messages", id=key, thread=thread)


@pytest.fixture
def announced(world: World, post: str) -> tuple[str, str, str]:
    """The keys of an announcement, of an answer to it in chat, and of another message there."""
    room, root = room_of(world, "news-it"), world.chat.all("messages")[0]["id"]
    answer = world.chat.put("messages", room=room, thread=root, author="@bert", text="Nice", at=AT)
    plain = world.chat.put("messages", room=room, author="@bert", text="Lunch?", at=AT)
    world.run()
    assert comments(world) == ["Nice"]
    return root, answer, plain


def comments(world: World) -> list[str]:
    return [one["text"] for one in world.intranet.all("comments")]


@pytest.mark.parametrize("where", ["a plain thread", NONE, ABSENT])
def test_an_answer_that_leaves_the_thread_of_a_post_is_no_comment_any_more(
    world: World, announced: tuple[str, str, str], where: Any
) -> None:
    root, answer, plain = announced
    move(world, "chat", answer, plain if where == "a plain thread" else where)
    world.run()
    assert (comments(world), under_way(world, "news")) == ([], [])
    world.quiet()
    move(world, "chat", answer, root)
    world.run()
    assert comments(world) == ["Nice"]
    world.quiet()


def test_what_was_moved_and_then_deleted_is_taken_back_as_well(world: World, announced: tuple[str, str, str]) -> None:
    _, answer, plain = announced
    move(world, "chat", answer, plain)
    read(world.bridge, "chat", "messages")
    merge(world.bridge, "news")
    world.chat.drop("messages", answer)
    world.run()
    assert comments(world) == []


def test_2_as_long_as_nobody_knows_where_it_went_it_stays(world: World, announced: tuple[str, str, str]) -> None:
    move(world, "chat", announced[1], "elsewhere")
    world.run()
    assert comments(world) == ["Nice"]
    world.chat.put("messages", id="elsewhere", room=room_of(world, "news-it"), author="@bert", text="Party", at=AT)
    world.run()
    assert comments(world) == []
    world.quiet()


def test_only_our_own_copy_is_taken_back(world: World, announced: tuple[str, str, str]) -> None:
    """What somebody has said under the post, and what answers it there, is theirs."""
    theirs = world.intranet.put(
        "comments", post=world.intranet.all("posts")[0]["id"], guest="Eve", text="Where?", at="2026-01-02T10:01:00Z"
    )
    world.run()
    copy = next(one["id"] for one in world.chat.all("messages") if "Where?" in one["text"])
    move(world, "chat", copy, announced[2])
    move(world, "chat", announced[1], announced[2])
    world.run()
    assert [one["id"] for one in world.intranet.all("comments")] == [theirs]


def test_3_answers_that_leave_a_post_count_one_by_one(world: World, announced: tuple[str, str, str]) -> None:
    """Twelve that leave a thread are twelve, wherever they go."""
    root, answer, plain = announced
    said = {"room": room_of(world, "news-it"), "thread": root, "author": "@bert", "at": AT}
    others = [world.chat.put("messages", text=f"{number}", **said) for number in range(12)]
    world.run()
    assert len(comments(world)) == 13
    for key in (answer, *others):
        move(world, "chat", key, plain)
    world.run()
    assert len(comments(world)) == 13
    assert questions(world)["intranet/comments"].kind == "brake"


def test_7_what_goes_along_to_another_room_stands_there_in_order(world: World, post: str) -> None:
    """Also what was shown late in the first one, and while others talk in the second."""
    other = world.intranet.put("posts", title="Sale", body="Soon.", state="published", category="sales")
    for minute in (3, 1, 2):
        comment(world, post, f"At {minute}", f"2026-01-02T10:0{minute}:00Z")
        world.run()
    world.intranet.put("posts", id=post, category="sales")
    for hour in range(3):  # the room; the announcement; then what was said there
        for minute in range(3):
            comment(world, other, "When?", f"2026-01-03T1{hour}:0{minute}:00Z")
        world.run()
    there = [one["text"] for one in world.chat.all("messages") if one["room"] == room_of(world, "news-sales")]
    assert [text[-4:] for text in there if "At " in text] == ["At 1", "At 2", "At 3"]


def comment(world: World, post: str, text: str, at: str) -> None:
    world.intranet.put("comments", post=post, guest="Eve", text=text, at=at)


def test_what_leaves_the_room_of_a_case_is_no_note_any_more(world: World, case: str) -> None:
    pinned = {"author": "@bert", "text": "They sign", "reactions": {"📌": ["@bert"]}, "at": AT}
    message = world.chat.put("messages", room=room_of(world, "case-7"), **pinned)
    world.run()
    assert ["They sign" in one["text"] for one in world.crm.all("notes")] == [True]
    world.chat.put("messages", id=message, room="!help")
    world.run()
    assert world.crm.all("notes") == []
    world.quiet()


# --- in two chats that are one conversation, where posts are announced too ------------------------------------------


@pytest.fixture
def both(tmp_path: Path, hub: Hub) -> World:
    """A post, announced in both rooms, and a question that was asked in the left one."""
    news = """
flow: news
purpose: What is published is told everywhere.
kind: document
from: {intranet/posts: {}}
as: announcement
to: {left/messages: {space: help}, right/messages: {space: help}}
replies: both
"""
    systems = f"{SYSTEMS}  intranet: {{connector: cms_app, audience: company}}\n"
    world = talking(tmp_path, hub, systems=systems, news=news)
    world.left.put("messages", room=room(world, "left"), text="Question", at=AT)
    world.intranet.put("posts", title="Post", body="b", state="published")
    run(world)
    assert [len(world.systems[name].all("messages")) for name in ("left", "right")] == [2, 2]
    return world


def room(world: World, system: str) -> str:
    return str(world.systems[system].all("rooms")[0]["id"])


def run(world: World) -> list[Report]:
    return [run_flow(world.bridge, flow) for _ in range(2) for flow in ("talk", "news")]


def root(world: World, words: str) -> str | None:
    """The key of what begins so in the left room."""
    return next((one["id"] for one in world.left.all("messages") if words in one["text"]), None)


def stands(world: World, system: str) -> list[str | None]:
    """The first words over each "Answer"."""
    tops = [top for text, top in threads(world, system) if text == "Answer"]
    return [top and top.strip("*").partition("\n")[0].strip("*") for top in tops]


WALK = ("Question", "Post", "Question", NONE, "Post", ABSENT, "Question", ABSENT, "Post", NONE, "Question")


def test_6_an_answer_stands_once_where_it_belongs(both: World) -> None:
    """Wherever it comes from, and again where it was before."""
    answer = both.left.put("messages", room=room(both, "left"), text="Answer", at=AT)
    for place in WALK:
        move(both, "left", answer, root(both, place) if isinstance(place, str) else place)
        run(both)
        top = place if isinstance(place, str) else None
        assert (stands(both, "left"), stands(both, "right")) == ([top], [top])
        assert comments(both) == (["Answer"] if top == "Post" else [])
        assert under_way(both, "talk", "news") == []
    assert not any(report.moved for report in run(both))
