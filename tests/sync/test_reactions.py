"""Reactions of two chats: each says its own people's, shows those of the others, and takes none of its own away."""

from __future__ import annotations

import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from landbridge.connector.items import Native
from landbridge.store import deliveries
from landbridge.store.hub import Hub
from landbridge.sync import load_company, run_flow
from landbridge.testing.memory import Memory
from tests.sync.conftest import HOME, World, make_world

SYSTEMS = "systems:\n  left: {connector: chat_app}\n  right: {connector: chat_app}\n"
PEOPLE = (
    "flow: people\npurpose: Who speaks is known.\nkind: person\nmatch: [emails]\n"
    "from: {left/people: {}, right/people: {creates: true}}\n"
)
TALK = (
    "flow: talk\npurpose: Two rooms are one conversation.\nkind: message\nreplies: both\nspaces: [help]\n"
    "from: {left/messages: {}, right/messages: {creates: true}}\nto: {left/messages: {}, right/messages: {}}\n"
)
BOTH_WAYS = ("reactions: {native: reactions, direction: in}", 'reactions: reactions | refs("people")')
WHEN = "2026-03-02T09:00:00Z"


class Chat(Memory):
    """What people put there is in `reactions`, what it is given to show of others in `repeated`."""

    def create(self, stream: str, native: Native, marker: str) -> Native:
        return super().create(stream, _kept(native), marker)

    def update(self, stream: str, key: str, changes: Native) -> Native:
        return super().update(stream, key, _kept(changes))


def _kept(native: Native) -> Native:
    kept = deepcopy(native)
    if "reactions" in kept:
        kept["repeated"] = kept.pop("reactions")
    return kept


def talking(home: Path, hub: Hub, *, both_ways: bool = True) -> World:
    for name, text in (("systems", SYSTEMS), ("flows/people", PEOPLE), ("flows/talk", TALK)):
        file = home / "config" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    shutil.copytree(HOME / "mappings" / "chat_app", home / "mappings" / "chat_app")
    mapping = home / "mappings" / "chat_app" / "messages.yaml"
    if both_ways:
        mapping.write_text(mapping.read_text().replace(*BOTH_WAYS))
    world = make_world(load_company(home), hub)
    for name in world.systems:
        system: Memory = Chat(name)
        world.systems[name] = world.bridge._connectors[name] = system
        system.put("rooms", id="help", name="Help", alias="help", visibility="public")
        system.put("rooms", id="board", name="Board", alias="board", visibility="public")
        for login in ("anna", "bert"):
            system.put("people", id=login, login=login, mail=f"{login}@example.org", active=True)
    run(world)
    return world


@pytest.fixture
def talk(tmp_path: Path, hub: Hub) -> World:
    return talking(tmp_path, hub)


def run(world: World) -> int:
    """How many writes it took."""
    before = len(world.left.calls) + len(world.right.calls)
    for flow in ("people", "talk"):
        run_flow(world.bridge, flow)
    return len(world.left.calls) + len(world.right.calls) - before


def only(world: World, system: str) -> dict[str, Any]:
    [found] = world.systems[system].all("messages")
    return found


def say(world: World, room: str = "help") -> str:
    return world.left.put("messages", room=room, author="anna", text="Question", at=WHEN)


def test_each_shows_those_of_the_other_until_they_are_taken_back(talk: World) -> None:
    root = say(talk)
    run(talk)
    shown = only(talk, "right")["id"]
    talk.left.put("messages", id=root, reactions={"👍": ["anna"]})
    talk.right.put("messages", id=shown, reactions={"👍": ["bert"], "🎉": ["bert"]})
    assert run(talk) == 2
    assert only(talk, "left")["repeated"] == {"👍": ["bert"], "🎉": ["bert"]}
    assert only(talk, "right")["repeated"] == {"👍": ["anna"]}
    assert run(talk) == 0
    talk.right.put("messages", id=shown, reactions={"👍": ["bert"]})
    assert run(talk) == 1
    assert only(talk, "left")["repeated"] == {"👍": ["bert"]}
    talk.right.put("messages", id=shown, reactions={})
    talk.left.put("messages", id=root, reactions={})
    assert run(talk) == 2
    assert only(talk, "left")["repeated"] == only(talk, "right")["repeated"] == {}
    assert run(talk) == 0


def test_9_what_the_others_take_back_is_taken_back_where_it_was_said(talk: World) -> None:
    """Also where by then only the message's own tool has any reaction."""
    root = say(talk)
    talk.left.put("messages", id=root, reactions={"👍": ["anna"]})
    run(talk)
    shown = only(talk, "right")["id"]
    talk.right.put("messages", id=shown, reactions={"🎉": ["bert"]})
    run(talk)
    assert only(talk, "left")["repeated"] == {"🎉": ["bert"]}
    talk.right.put("messages", id=shown, reactions={})
    assert run(talk) == 1
    assert only(talk, "left")["repeated"] == {}
    assert run(talk) == 0


def test_two_who_react_at_once_are_no_dispute(talk: World) -> None:
    root = say(talk)
    run(talk)
    for _ in range(2):
        talk.left.put("messages", id=root, reactions={"👍": ["anna", "bert"]})
        talk.right.put("messages", id=only(talk, "right")["id"], reactions={"👍": ["bert"], "👀": ["bert"]})
        run(talk)
        assert only(talk, "left")["repeated"] == {"👀": ["bert"]}
        assert only(talk, "right")["repeated"] == {"👍": ["anna"]}
    with talk.bridge.hub.read() as conn:
        assert not deliveries.ops(conn, "talk", ("undecided", "set_aside", "waiting"))


def test_who_has_no_account_there_is_shown_as_a_reaction_of_nobody(talk: World) -> None:
    talk.left.put("people", id="carl", login="carl", mail="carl@example.org", active=True)
    root = say(talk)
    talk.left.put("messages", id=root, reactions={"👍": ["carl"], "👀": ["anna", "carl"]})
    run(talk)
    assert only(talk, "right")["repeated"] == {"👍": [], "👀": ["anna"]}
    talk.right.put("people", id="anna", active=False)
    talk.left.put("messages", id=root, reactions={"👀": ["anna"], "🎉": ["bert"]})
    run(talk)
    assert only(talk, "right")["repeated"] == {"👀": [], "🎉": ["bert"]}
    talk.left.put("messages", id=root, reactions={})
    run(talk)
    assert only(talk, "right")["repeated"] == {}


def test_where_no_reaction_can_be_shown_it_is_counted_as_lost(tmp_path: Path, hub: Hub) -> None:
    world = talking(tmp_path, hub, both_ways=False)
    root = say(world)
    run(world)
    with hub.read() as conn:
        [before] = [one.lossy for one in deliveries.due(conn, "right/messages", ("done",))]
    world.left.put("messages", id=root, reactions={"👍": [{"stream": "people", "key": "anna"}]})
    told = run_flow(world.bridge, "talk").as_dict()
    assert (told["counts"], told["moved"], len(world.right.calls)) == ({"lossy": 1}, False, 1)
    with hub.read() as conn:
        [after] = [one.lossy for one in deliveries.due(conn, "right/messages", ("done",))]
    assert (before, after) == (None, ["reactions"])


def test_only_the_named_rooms_are_joined(talk: World) -> None:
    say(talk, "board")
    say(talk, "help")
    assert run(talk) == 1
    assert [one["room"] for one in talk.right.all("messages")] == ["help"]
    talk.right.put("messages", room="board", author="bert", text="Here as well", at=WHEN)
    assert run(talk) == 0
