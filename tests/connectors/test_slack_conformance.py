"""Slack against the conformance suite, on the emulator: accounts and messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.slack import limits, natives, people, reading
from connectors.slack.connector import Slack
from landbridge.connector import Stream
from landbridge.connector.items import Native
from landbridge.http import LocalThrottle
from landbridge.testing import faults
from landbridge.testing.conformance import Conformance, Harness
from landbridge.testing.exchange import Fault
from sandbox.emulators.base import serving
from sandbox.emulators.slack import Slack as Emulator
from sandbox.emulators.slack_workspace import BOT_USER

TOKEN = "xoxb-5ecret-5ecret"


def says(code: str) -> Fault:
    """Slack's own way of refusing: a success as status."""
    return faults.refuse(200, json.dumps({"ok": False, "error": code}).encode())


class SlackHarness(Harness):
    connector = Slack
    mappings = Path(__file__).parents[2] / "mappings"
    exempt: ClassVar[dict[str, str]] = {
        "rooms": "a channel's name is not any text: test_slack.py asks about channels",
        "memberships": "a membership holds no text by which the suite could know it: test_slack.py",
        "usergroups": "a user group is read with one call, its handle is not any text: test_slack.py",
        "usergroup_members": "a membership holds no text by which the suite could know it: test_slack.py",
        "messages.expired_cursor": "a cursor is a time, which Slack does not forget",
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(limits, "_throttle", lambda method: LocalThrottle(sleep=lambda _: None))
            patch.setattr(people, "MEMBERS", replace(people.MEMBERS, size=2))
            patch.setattr(reading, "MESSAGES", replace(reading.MESSAGES, size=2))
            self.emulator = Emulator(token=TOKEN, unlimited=True)
            self.space = self.emulator.space
            self.anna = self.space.user("anna", "Anna Müller", email="anna@halbrueck.example")["id"]
            self.channel = self.space.channel("general", [self.anna, BOT_USER], creator=self.anna)["id"]
            with serving(self.emulator) as url:
                yield url

    def config(self, url: str) -> dict[str, Any]:
        return {"host": url, "password": TOKEN}

    def add(self, stream: str, text: str) -> str:
        if stream == "users":
            return str(self.space.user(f"c{text.rpartition(' ')[2]}", text)["id"])
        return natives.key(self.channel, self.space.say(self.channel, self.anna, text)["ts"])

    def change(self, stream: str, key: str, text: str) -> None:
        if stream == "users":
            self.space.users[key]["real_name"] = self.space.users[key]["profile"]["real_name"] = text
        else:
            self.space.edit(*natives.parts(key), text)

    def remove(self, stream: str, key: str) -> None:
        if stream == "users":
            del self.space.users[key]
        else:
            self.space.remove(*natives.parts(key))

    def keys(self, stream: str) -> set[str]:
        if stream == "users":
            return set(self.space.users)
        return {natives.key(self.channel, raw["ts"]) for raw in self.space.messages[self.channel]}

    def native(self, stream: str, text: str) -> Native:
        return {"channel": self.channel, "user": self.anna, "text": text}

    def changes(self, stream: str, text: str) -> Native:
        return {"text": text}

    # How Slack says it

    def path(self, stream: Stream) -> str:
        return "*/users.list" if stream.name == "users" else "*/conversations.history"

    def items(self, stream: Stream) -> str | None:
        return "members" if stream.name == "users" else "messages"

    def known_by(self, stream: Stream) -> set[str]:
        return {"id"} if stream.name == "users" else {"ts"}

    def forbidden(self) -> Fault:
        return says("missing_scope")

    def refused(self) -> Fault:
        return says("invalid_blocks")


class TestSlack(Conformance):
    harness = SlackHarness
