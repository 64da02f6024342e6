"""Slack against the conformance suite, on our emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.slack import listening, natives
from connectors.slack.connector import Slack
from landbridge.connector import Stream
from landbridge.connector.items import Native
from landbridge.http import Client, CursorPages, LocalThrottle
from landbridge.testing import faults
from landbridge.testing.conformance import Conformance, Harness
from landbridge.testing.exchange import Fault
from sandbox.emulators.base import serving
from sandbox.emulators.slack import Slack as Emulator
from sandbox.emulators.slack_workspace import BOT_USER, Workspace

TOKEN = "xoxb-5ecret-5ecret"
NO_TEXT = "a membership holds no text by which the suite could know it: test_writing.py"
KEPT = "Slack only deactivates accounts and user groups, and lists them as that"
LISTS = {"users": ("users.list", "members"), "rooms": ("conversations.list", "channels"),
         "usergroups": ("usergroups.list", "usergroups"), "messages": ("conversations.history", "messages")}  # fmt: skip


def small(pages: Any) -> Any:
    return replace(pages, size=2) if isinstance(pages, CursorPages) else pages


class SlackHarness(Harness):
    connector = Slack
    mappings = Path(__file__).parents[3] / "mappings"
    exempt: ClassVar[dict[str, str]] = {
        "memberships": NO_TEXT,
        "usergroup_members": NO_TEXT,
        "users.deletion": KEPT,
        "usergroups.paging": "Slack answers all user groups at once",
        "usergroups.turning_pages": "Slack answers all user groups at once",
        "usergroups.deletion": KEPT,
        "usergroups.update_of_what_is_gone": KEPT,
        "messages.written_deletion": "an app may delete only its own messages: test_writing.py",
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        self.emulator = Emulator(token=TOKEN, unlimited=True)
        self.reset()
        with serving(self.emulator) as url, pytest.MonkeyPatch.context() as patch:
            patch.setattr("connectors.slack.api.LIMITS", {})
            patch.setattr("landbridge.connector.base.LocalThrottle", partial(LocalThrottle, sleep=lambda _: None))
            # So that a few records are several pages.
            whole = Client.pages
            patch.setattr(Client, "pages", lambda self, path, pages, **more: whole(self, path, small(pages), **more))
            yield url

    def reset(self) -> None:
        self.space = self.emulator.space = Workspace(self.emulator.clock)
        self.anna = self.space.user("anna", "Anna Müller")["id"]
        self.room = self.space.channel("help", [BOT_USER, self.anna], creator=self.anna)["id"]

    def config(self, url: str) -> dict[str, Any]:
        return {"host": url, "password": TOKEN}

    def add(self, stream: str, text: str) -> str:
        number = text.rpartition(" ")[2]
        if stream == "messages":
            return natives.key(self.room, self.space.say(self.room, self.anna, text)["ts"])
        if stream == "users":
            return str(self.space.user(f"c{number}", text)["id"])
        if stream == "usergroups":
            return str(self.space.group(text, f"c{number}", "")["id"])
        made = self.space.channel(f"c{number}", [self.anna], creator=self.anna)
        made["topic"]["value"] = text
        return str(made["id"])

    def change(self, stream: str, key: str, text: str) -> None:
        if stream == "messages":
            self.space.edit(*natives.parts(key), text)
        elif stream == "users":
            self.space.users[key]["profile"]["real_name"] = text
        elif stream == "usergroups":
            self.space.groups[key]["name"] = text
        else:
            self.space.channels[key]["topic"]["value"] = text

    def remove(self, stream: str, key: str) -> None:
        if stream == "messages":
            self.space.remove(*natives.parts(key))
        else:
            del self.space.channels[key]

    def keys(self, stream: str) -> set[str]:
        if stream == "messages":
            return {natives.key(room, one["ts"]) for room, said in self.space.messages.items() for one in said}
        kept = {"users": self.space.users, "usergroups": self.space.groups, "rooms": self.space.channels}
        return set(kept[stream])

    def told(self, stream: str, key: str) -> str | None:
        return listening.place(*natives.parts(key), listening.NO_THREAD) if stream == "messages" else None

    def native(self, stream: str, text: str) -> Native:
        number = text.rpartition(" ")[2]
        if stream == "messages":
            return {"channel": self.room, "user": self.anna, **self.changes(stream, text)}
        if stream == "usergroups":
            return {"name": text, "handle": f"n{number}", "description": None}
        return {"name": f"n{number}", "topic": text, "private": False}

    def changes(self, stream: str, text: str) -> Native:
        if stream == "messages":
            section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
            return {"blocks": json.dumps([{"type": "rich_text", "elements": [section]}]), "text": text}
        return {"name": text} if stream == "usergroups" else {"topic": text}

    # How Slack says it

    def path(self, stream: Stream) -> str:
        return f"*/api/{LISTS[stream.name][0]}*"

    def items(self, stream: Stream) -> str | None:
        return LISTS[stream.name][1]

    def forbidden(self) -> Fault:
        return said("missing_scope")

    def refused(self) -> Fault:
        return said("invalid_arguments")

    def expired(self) -> Fault:
        return said("invalid_cursor")

    def known_by(self, stream: Stream) -> set[str]:
        return {"ts"} if stream.name == "messages" else {"id"}

    def worn_out(self, stream: str, cursor: Any) -> Any:
        return {"since": "yesterday"} if stream == "messages" else None


def said(code: str) -> Fault:
    return faults.refuse(200, json.dumps({"ok": False, "error": code}).encode())


class TestSlack(Conformance):
    harness = SlackHarness
