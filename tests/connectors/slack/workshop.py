"""The emulator of Slack, seeded with the company, and connectors to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from connectors.slack.connector import Slack
from landbridge.connector import Connection
from landbridge.http import CursorPages
from sandbox.emulators.slack import Slack as Emulator
from sandbox.emulators.slack_workspace import BOT_USER

MAPPINGS = Path(__file__).parents[3] / "mappings" / "slack"
STREAMS = ("memberships", "messages", "rooms", "usergroup_members", "usergroups", "users")
TOKEN = "xoxb-5ecret-5ecret"
# Of after 2021, when Slack published its description last; and a channel in which nobody has said anything.
NEWER = ("include_all_metadata", "less than 1 item")
HELLO = '[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"Hello"}]}]}]'


class Workshop:
    """The emulator with its address, and short names for what the tests need of it."""

    def __init__(self, emulator: Emulator, url: str) -> None:
        self.emulator, self.space, self.url = emulator, emulator.space, url
        self.people = [key for key in self.space.users if key != BOT_USER]
        self.channel = self.entered()[0]

    def entered(self) -> list[str]:
        return [key for key, one in self.space.channels.items() if BOT_USER in one["_members"]]

    def connector(self, token: str = TOKEN, **extra: Any) -> Slack:
        return Slack(Slack.Config.of(Connection("slack", "landbridge_slack", self.url, None, token, extra=extra)))


def small(pages: Any) -> Any:
    return replace(pages, size=2) if isinstance(pages, CursorPages) else pages
