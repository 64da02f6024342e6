"""Two rooms that are one conversation: messages and their answers reach the same stream by two routes of one flow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from landbridge.connector import Finds
from landbridge.errors import TransientError
from landbridge.store import decisions, entities
from landbridge.store.hub import Hub
from landbridge.store.tables import entity
from landbridge.sync import load_company, run_flow
from landbridge.testing.memory import Memory
from tests.sync.conftest import HOME, World, make_world

SYSTEMS = "systems:\n  left: {connector: chat_app}\n  right: {connector: chat_app}\n"
TALK = """
flow: talk
purpose: Two rooms are one conversation.
kind: message
replies: both
from: {left/messages: {}, right/messages: {creates: true}}
"""


def talking(
    home: Path, hub: Hub, *, to: str = "{left/messages: {}, right/messages: {}}", systems: str = SYSTEMS, **flows: str
) -> World:
    """Two chats that both have a help room, the flow between them, and other systems and flows."""
    files = {f"flows/{name}.yaml": text for name, text in flows.items()}
    for name, text in {"systems.yaml": systems, "flows/talk.yaml": f"{TALK}to: {to}\n", **files}.items():
        (home / "config" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "config" / name).write_text(text)
    shutil.copytree(HOME / "mappings", home / "mappings")
    world = make_world(load_company(home), hub)
    for system in (world.left, world.right):
        system.put("rooms", name="Help", alias="help", visibility="public")
    return world


@pytest.fixture
def talk(tmp_path: Path, hub: Hub) -> World:
    return talking(tmp_path, hub)


def room(world: World, system: str) -> str:
    return str(world.systems[system].all("rooms")[0]["id"])


def texts(world: World, system: str) -> list[str]:
    return [str(one["text"]) for one in world.systems[system].all("messages")]


def test_answers_reach_the_other_room_and_stand_in_their_thread(talk: World) -> None:
    root = talk.left.put("messages", room=room(talk, "left"), text="Question", at="2026-03-02T09:00:00Z")
    run_flow(talk.bridge, "talk")
    [shown] = talk.right.all("messages")
    talk.right.put("messages", room=room(talk, "right"), text="Answer", thread=shown["id"], at="2026-03-02T09:01:00Z")
    run_flow(talk.bridge, "talk")
    assert texts(talk, "left") == ["Question", "Answer"]
    assert talk.left.all("messages")[1]["thread"] == root
    before = len(talk.left.calls) + len(talk.right.calls)
    assert not run_flow(talk.bridge, "talk").moved
    assert len(talk.left.calls) + len(talk.right.calls) == before


def test_a_conversation_read_at_once_comes_whole_and_in_order(talk: World) -> None:
    place = room(talk, "left")
    root = talk.left.put("messages", room=place, text="Question", at="2026-03-02T09:00:00Z")
    for number in range(3):
        talk.left.put(
            "messages", room=place, text=f"Answer {number}", thread=root, at=f"2026-03-02T09:0{number + 1}:00Z"
        )
    run_flow(talk.bridge, "talk")
    assert texts(talk, "right") == ["Question", "Answer 0", "Answer 1", "Answer 2"]
    [thread] = {one["thread"] for one in talk.right.all("messages")[1:]}
    assert thread == talk.right.all("messages")[0]["id"]


def test_the_answers_to_what_was_taken_back_are_taken_back_where_they_are_shown(talk: World) -> None:
    place = room(talk, "left")
    root = talk.left.put("messages", room=place, text="Question", at="2026-03-02T09:00:00Z")
    talk.left.put("messages", room=place, text="Answer", thread=root, at="2026-03-02T09:01:00Z")
    run_flow(talk.bridge, "talk")
    assert texts(talk, "right") == ["Question", "Answer"]
    talk.left.put("messages", room=place, text="Late", thread=root, at="2026-03-02T09:02:00Z")
    talk.left.drop("messages", root)
    report = run_flow(talk.bridge, "talk")
    assert (texts(talk, "left"), texts(talk, "right")) == (["Answer", "Late"], [])
    assert report.warnings == []
    assert not run_flow(talk.bridge, "talk").moved


def test_so_they_are_where_it_was_shown_nowhere_any_more(talk: World) -> None:
    root = talk.left.put("messages", room=room(talk, "left"), text="Question", at="2026-03-02T09:00:00Z")
    run_flow(talk.bridge, "talk")
    [shown] = talk.right.all("messages")
    talk.right.put("messages", room=room(talk, "right"), text="Answer", thread=shown["id"], at="2026-03-02T09:01:00Z")
    run_flow(talk.bridge, "talk")
    talk.right.drop("messages", shown["id"])
    run_flow(talk.bridge, "talk")
    talk.left.drop("messages", root)
    run_flow(talk.bridge, "talk")
    assert (texts(talk, "left"), texts(talk, "right")) == ([], ["Answer"])


class Forgetful(Memory):
    """It keeps no markers: what was written there is known by its words only."""

    find = None  # type: ignore[assignment]

    def alike(self, stream: str, native: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from (one for one in reversed(self.all(stream)) if one["text"] == native["text"])


@pytest.mark.parametrize("applied", [True, False])
def test_of_two_alike_messages_the_second_is_looked_for_beside_the_first(talk: World, applied: bool) -> None:
    right = talk.systems["right"] = Forgetful("right")
    assert not isinstance(right, Finds)
    talk.bridge._connectors["right"] = right
    right.put("rooms", name="Help", alias="help", visibility="public")
    talk.left.put("messages", room=room(talk, "left"), text="Thank you", at="2026-03-02T09:00:00Z")
    run_flow(talk.bridge, "talk")
    talk.left.put("messages", room=room(talk, "left"), text="Thank you", at="2026-03-02T09:01:00Z")

    def cut(*call: Any) -> None:
        right.before = right.after = lambda *call: None
        raise TransientError("cut", uncertain=True)

    setattr(right, "after" if applied else "before", cut)
    run_flow(talk.bridge, "talk")
    assert len(texts(talk, "right")) == 1 + applied
    for _ in range(2):
        run_flow(talk.bridge, "talk")
    assert texts(talk, "right") == ["Thank you", "Thank you"]


def test_6_what_is_edited_before_a_lost_write_is_found_is_found_by_its_first_words(talk: World) -> None:
    right = talk.systems["right"] = Forgetful("right")
    talk.bridge._connectors["right"] = right
    right.put("rooms", name="Help", alias="help", visibility="public")
    said = talk.left.put("messages", room=room(talk, "left"), text="Thank you", at="2026-03-02T09:00:00Z")

    def cut(*call: Any) -> None:
        right.after = lambda *call: None
        raise TransientError("cut", uncertain=True)

    right.after = cut
    run_flow(talk.bridge, "talk")
    talk.left.put("messages", id=said, text="Thank you all")
    for _ in range(2):
        run_flow(talk.bridge, "talk")
    assert texts(talk, "right") == ["Thank you all"]


def react(world: World, system: str, **given: list[str]) -> None:
    [message] = world.systems[system].all("messages")
    world.systems[system].put("messages", id=message["id"], reactions=given)


def reactions(world: World) -> dict[str, list[str]]:
    with world.bridge.hub.read() as conn:
        assert decisions.open_decisions(conn) == []
        [message] = entities.get_many(
            conn, conn.scalars(select(entity.c.id).where(entity.c.kind == "message"))
        ).values()
    given: dict[str, list[str]] = message.data["reactions"]
    return {emoji: sorted(who) for emoji, who in given.items()}


def test_reactions_of_both_rooms_count(talk: World) -> None:
    """What people do in one room takes nothing away from what others did in the other; nobody is asked."""
    talk.left.put("messages", room=room(talk, "left"), text="Done?", at="2026-03-02T09:00:00Z")
    run_flow(talk.bridge, "talk")
    react(talk, "left", yes=["a"], done=["a"])
    react(talk, "right", yes=["b"], party=["b"])
    run_flow(talk.bridge, "talk")
    assert reactions(talk) == {"yes": ["a", "b"], "done": ["a"], "party": ["b"]}
    react(talk, "right", yes=["b"])
    run_flow(talk.bridge, "talk")
    assert reactions(talk) == {"yes": ["a", "b"], "done": ["a"]}
    react(talk, "left", done=["a", "c"])
    react(talk, "right")
    run_flow(talk.bridge, "talk")
    assert reactions(talk) == {"done": ["a", "c"]}


def admit(world: World, system: str, visibility: str) -> None:
    world.systems[system].put("rooms", id=room(world, system), visibility=visibility)


def test_once_both_rooms_are_closed_they_are_one_conversation_again(talk: World) -> None:
    talk.left.put("messages", room=room(talk, "left"), text="Question", at="2026-03-02T09:00:00Z")
    run_flow(talk.bridge, "talk")
    admit(talk, "left", "members")
    run_flow(talk.bridge, "talk")
    assert texts(talk, "right") == []
    admit(talk, "right", "members")
    run_flow(talk.bridge, "talk")
    assert texts(talk, "right") == ["Question"]


def test_what_is_said_in_a_room_that_closes_is_taken_back_where_the_other_one_opens(talk: World) -> None:
    """Of the two together it can be said neither before nor afterwards that they are open."""
    talk.left.put("messages", room=room(talk, "left"), text="Question", at="2026-03-02T09:00:00Z")
    admit(talk, "right", "members")
    run_flow(talk.bridge, "talk")
    assert texts(talk, "right") == ["Question"]
    admit(talk, "left", "members")
    admit(talk, "right", "public")
    run_flow(talk.bridge, "talk")
    assert texts(talk, "right") == []


def test_3_what_moves_elsewhere_while_its_room_closes_is_taken_back_as_well(talk: World) -> None:
    """It waits for its new thread, which is shown no more; until then it would stand where everybody reads."""
    here = room(talk, "left")
    first, second = (
        talk.left.put("messages", room=here, text=text, at=f"2026-03-02T09:0{number}:00Z")
        for number, text in enumerate(("Question", "Another"))
    )
    answer = talk.left.put("messages", room=here, text="Answer", thread=first, at="2026-03-02T09:05:00Z")
    run_flow(talk.bridge, "talk")
    assert texts(talk, "right") == ["Question", "Another", "Answer"]
    talk.left.put("messages", id=answer, thread=second)
    admit(talk, "left", "members")
    for _ in range(2):
        run_flow(talk.bridge, "talk")
    assert texts(talk, "right") == []
