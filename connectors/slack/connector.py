"""Slack, by the Web API and the bot token of an app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from connectors.slack.api import SlackConfig
from connectors.slack.listening import Listening
from connectors.slack.people import Memberships
from connectors.slack.posting import MAX_FILE
from landbridge.connector import Account

__all__ = ["Slack", "SlackConfig"]

# What each scope is for stands in the README.
SCOPES = (
    "users:read", "users:read.email", "channels:read", "groups:read", "channels:history", "groups:history",
    "reactions:read", "files:read", "files:write", "chat:write", "chat:write.customize", "channels:manage", "groups:write",
    "reactions:write",
)  # fmt: skip
OF_PLANS = ("usergroups:read", "usergroups:write")
TO_JOIN = "channels:join"


class Slack(Memberships, Listening):
    """One workspace. It reads what its bot is let into and writes as its bot, under the author's name and picture."""

    system = "slack"
    Config = SlackConfig
    authors: ClassVar[str] = Memberships.users.name

    def check(self) -> Account:
        """One call: Slack says in its headers what the app was given."""
        answer = self.signed_in
        given = {scope.strip() for scope in answer.headers.get("X-OAuth-Scopes", "").split(",")}
        needed = (*SCOPES, *([TO_JOIN] if self.config.join == "public" else []))
        lacking = [scope for scope in OF_PLANS if scope not in given]
        detail = f"Without {' and '.join(lacking)} user groups cannot be read or written." if lacking else ""
        name = f"{answer.part('user', str)} in {answer.part('team', str)}"
        return Account(name, tuple(scope for scope in needed if scope not in given), detail)

    def open(self, locator: str) -> Iterator[bytes]:
        """A file by its id; Slack's own file server is the only other host that sees the token."""
        url = self.client.get("api/files.info", params={"file": locator}).part("file.url_private_download", str)
        return self.client.stream(url, limit=MAX_FILE)
