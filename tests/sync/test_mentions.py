"""Whom a text names: a mention where a link leads to the person's account, and text where none does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from landbridge.store.hub import Hub
from landbridge.sync import load_company, run_flow
from tests.sync.conftest import HOME, World, make_world

FILES = {
    "config/systems.yaml": "systems:\n  left: {connector: chat_app}\n  right: {connector: chat_app}\n",
    "config/flows/talk.yaml": (
        "flow: talk\npurpose: Two rooms are one conversation.\nkind: message\nreplies: both\n"
        "from: {left/messages: {}, right/messages: {creates: true}}\nto: {left/messages: {}, right/messages: {}}\n"
    ),
}


@pytest.fixture
def talk(tmp_path: Path, hub: Hub) -> World:
    """Two forums that write people as @name, and whose accounts nobody has joined."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    shutil.copytree(HOME / "mappings" / "chat_app", tmp_path / "mappings" / "chat_app")
    messages = tmp_path / "mappings" / "chat_app" / "messages.yaml"
    messages.write_text(
        messages.read_text().replace("body: text", 'body: text | richtext("markdown", people="people")')
    )
    world = make_world(load_company(tmp_path), hub)
    for system in (world.left, world.right):
        system.put("rooms", name="Help", alias="help", visibility="public")
    return world


def test_a_name_that_nobody_has_stays_text(talk: World) -> None:
    """Also where an account of the other system has such a key."""
    talk.right.put("people", id="nobody", number="7", given="Nora", family="Body")
    [room] = talk.left.all("rooms")
    talk.left.put("messages", room=room["id"], text="Ask @nobody and a@b.c", at="2026-03-02T09:00:00Z")
    run_flow(talk.bridge, "talk")
    [shown] = talk.right.all("messages")
    assert shown["text"] == "Ask \\@nobody and a\\@b.c"
    assert talk.left.all("messages")[0]["text"] == "Ask @nobody and a@b.c"
    before = len(talk.left.calls) + len(talk.right.calls)
    assert not run_flow(talk.bridge, "talk").moved
    assert len(talk.left.calls) + len(talk.right.calls) == before


def test_who_is_known_only_to_the_system_is_named_as_there(talk: World) -> None:
    talk.left.put("people", id="u17", number="8", login="ann.x", given="Ann", family="Xu", mail="ann@x.example")
    [room] = talk.left.all("rooms")
    talk.left.put("messages", room=room["id"], text="Ask @u17", at="2026-03-02T09:00:00Z")
    run_flow(talk.bridge, "talk")
    assert talk.right.all("messages")[0]["text"] == "Ask \\@Ann Xu"
