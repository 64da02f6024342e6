"""docs/how-to/bring-an-archive-home.md: its files bring a Slack export into chat and wiki, once, as it was said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from landbridge.connector import Connection
from landbridge.store.hub import Hub
from landbridge.store.tables import entity
from landbridge.sync import Bridge, Report, load_company, run_flow
from tests.docs.archive_home import CALLED, CHANNELS, START, Chat, Wiki, messages, pack, pack_mattermost, pack_yammer
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "bring-an-archive-home.md"
FLOWS = ("people", "rooms", "conversations", "answers")


class Home:
    """The page's files, an archive, and the systems that it comes home to."""

    def __init__(self, folder: Path, hub: Hub, count: int, tool: str = "slack") -> None:
        for block in blocks(PAGE):
            if block.name:
                (folder / block.name).parent.mkdir(parents=True, exist_ok=True)
                (folder / block.name).write_text(_for(tool, block.text))
        (folder / "mappings").symlink_to(ROOT / "mappings")
        self.archive = folder / "slack.zip"
        self.said = {channel: messages(number, count) for number, channel in enumerate(CHANNELS if count else ())}
        self.bridge = Bridge(load_company(folder), hub, lambda name: Connection(name, "x", str(self.archive)))
        self.chat, self.wiki = Chat("chat"), Wiki("wiki")
        self.bridge._connectors |= {"chat": self.chat, "wiki": self.wiki}
        for name in ("ada", "dee"):
            self.chat.put(
                "users", id=f"@{name}:x", localpart=name, displayname=name.title(), emails=[f"{name}@company.example"]
            )

    def run(self) -> dict[str, Report]:
        if self.said:
            pack(self.archive, self.said)
        return {flow: run_flow(self.bridge, flow) for flow in FLOWS}

    def calls(self) -> int:
        return len(self.chat.calls) + len(self.wiki.calls)

    def shown(self) -> list[dict[str, Any]]:
        return self.chat.all("messages")


def _for(tool: str, text: str) -> str:
    """As the page says what is otherwise with another tool."""
    text = text.replace("slack_export", f"{tool}_export")
    return text.replace("old/channels", "old/groups") if tool == "yammer" else text


def words(one: dict[str, Any]) -> str:
    """What the chat shows of a message of the archive."""
    return one["text"].replace("*Better*", "Better").replace("<@U2>", "@Bo Beck").replace("<#Cworks>", "#works")


def test_an_archive_comes_home_once_with_authors_times_threads_and_files(tmp_path: Path, hub: Hub) -> None:
    home = Home(tmp_path, hub, 100)
    home.run()
    _conversations(home)
    _pages(home)
    _files(home)
    assert {one["id"] for one in home.chat.all("users")} == {"@ada:x", "@dee:x"}, "Nobody gets an account by it."
    before = home.calls()
    home.run()
    assert home.calls() == before, "An archive that was copied again brings nothing twice."


def _conversations(home: Home) -> None:
    rooms = {room["name"]: room["id"] for room in home.chat.all("rooms")}
    assert sorted(rooms) == sorted(CHANNELS)
    by_time = {(one["room_id"], one["ts"]): one for one in home.shown()}
    assert len(home.shown()) == len(by_time) == sum(map(len, home.said.values()))
    accounts = {"U1": "@ada:x", "U3": "@dee:x"}
    for channel, found in home.said.items():
        for one in found:
            there, known = by_time[rooms[channel], int(float(one["ts"]) * 1000)], accounts.get(one["user"])
            assert there.get("sender") == known
            assert there["body"] == (words(one) if known else f"{CALLED[one['user']]}: {words(one)}")
            thread = one.get("thread_ts")
            root = by_time[rooms[channel], int(float(thread) * 1000)]["id"] if thread and thread != one["ts"] else None
            assert there.get("thread") == root


def _pages(home: Home) -> None:
    """Of what was answered, with whose words and when."""
    assert len(home.wiki.all("pages")) == sum(map(len, home.said.values())) // 10
    [page] = [one for one in home.wiki.all("pages") if "Question 0-20" in str(one["title"])]
    for one in (home.said["it-help"][20], home.said["it-help"][23]):
        moment = datetime.fromtimestamp(float(one["ts"]), UTC).strftime("%Y-%m-%d %H:%M")
        name = {"U1": "Ada", "U3": "Dee"}.get(one["user"], CALLED[one["user"]])
        assert f"''{name}, {moment} UTC''" in page["text"]
    assert "Words 0-23 for @Bo Beck and @nobody in #works" in page["text"]


def _files(home: Home) -> None:
    """They stay in the archive, and can be had."""
    with home.bridge.hub.begin() as conn:
        said = conn.scalars(select(entity.c.data).where(entity.c.kind == "message")).all()
    found = [file for one in said for file in one.get("attachments") or ()]
    assert len(found) == sum(map(len, home.said.values())) // 5
    assert {b"".join(home.bridge.open_file(one)).decode() for one in found[:3]} == {one["name"] for one in found[:3]}


def test_a_newer_export_changes_what_was_edited_and_takes_back_what_is_gone(tmp_path: Path, hub: Hub) -> None:
    home = Home(tmp_path, hub, 20)
    home.run()
    one = home.said["works"][7]
    one |= {"text": "Said otherwise", "edited": {"user": one["user"], "ts": f"{float(one['ts']) + 9}"}}
    gone = home.said["works"].pop(9)
    before = home.calls()
    home.run()
    assert home.calls() == before + 2
    assert words(gone) not in "\n".join(home.chat.texts())
    assert len(home.shown()) == sum(map(len, home.said.values()))
    assert any(text.endswith("Said otherwise") for text in home.chat.texts())


@pytest.mark.parametrize("tool", [pack_mattermost, pack_yammer])
def test_other_tools_go_the_same_way(tmp_path: Path, hub: Hub, tool: Callable[[Path], None]) -> None:
    home = Home(tmp_path, hub, 0, tool.__name__.removeprefix("pack_"))
    tool(home.archive)
    for _ in range(2):
        home.run()
        root, reply = home.shown()
        assert (root.get("sender"), root["body"], root["ts"]) == ("@ada:x", "Where is it?", START * 1000)
        assert (reply.get("sender"), reply["body"], reply["ts"]) == (None, "Bo Beck: There.", (START + 60) * 1000)
        assert reply["thread"] == root["id"]
