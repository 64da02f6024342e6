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


def talking(folder: Path, hub: Hub, markup: str) -> World:
    """Two tools whose accounts and rooms nobody has joined."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    shutil.copytree(HOME / "mappings" / "chat_app", folder / "mappings" / "chat_app")
    messages = folder / "mappings" / "chat_app" / "messages.yaml"
    messages.write_text(messages.read_text().replace("body: text", f"body: text | {markup}"))
    world = make_world(load_company(folder), hub)
    for system in (world.left, world.right):
        system.put("rooms", name="Help", alias="help", visibility="public")
    return world


@pytest.fixture
def talk(tmp_path: Path, hub: Hub) -> World:
    """They write people as @name."""
    return talking(tmp_path, hub, 'richtext("markdown", people="people")')


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


@pytest.mark.parametrize(("visibility", "shown"), [("public", "#Canteen"), ("members", "#unknown")])
def test_a_room_is_named_where_everyone_may_see_it(tmp_path: Path, hub: Hub, visibility: str, shown: str) -> None:
    """And is no room of the other system that has the same key."""
    talk = talking(tmp_path, hub, 'richtext("slack", people="people", spaces="rooms")')
    room = talk.left.all("rooms")[0]["id"]
    talk.left.put("rooms", id="C00000007", name="Canteen", alias="canteen", visibility=visibility)
    talk.right.put("rooms", id="C00000007", name="Board", alias="board", visibility="members")
    talk.left.put("messages", room=room, text="See <#C00000007>", at="2026-03-02T09:00:00Z")
    run_flow(talk.bridge, "talk")
    [there] = talk.right.all("messages")
    assert shown in there["text"]
    assert "C00000007" not in there["text"]


def test_a_room_that_is_shown_there_is_mentioned_as_there(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / "config" / "flows").mkdir(parents=True)
    (tmp_path / "config" / "flows" / "rooms.yaml").write_text(
        "flow: rooms\npurpose: Rooms are there, too.\nkind: space\nfrom: {left/rooms: {}}\nto: {right/rooms: {}}\n"
    )
    talk = talking(tmp_path, hub, 'richtext("slack", people="people", spaces="rooms")')
    room = talk.left.all("rooms")[0]["id"]
    talk.left.put("rooms", id="C00000007", name="Canteen", alias="canteen", visibility="public")
    talk.left.put("messages", room=room, text="See <#C00000007>", at="2026-03-02T09:00:00Z")
    talk.right.put("rooms", id="C00000008", name="Kantine", alias="canteen", visibility="public")
    for flow in ("rooms", "talk"):
        run_flow(talk.bridge, flow)
    [there] = talk.right.all("messages")
    assert '"channel_id":"C00000008"' in there["text"]
