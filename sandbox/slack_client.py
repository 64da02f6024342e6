"""Slack as a colleague sees it: signed in as oneself, through the Web API, never through Landbridge."""

from __future__ import annotations

from html import escape
from typing import Any

import requests

Message = dict[str, Any]


class SlackDesk:
    """Whoever runs the emulator: knows everybody's token."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self._token = url, token
        self._ids: dict[str, str] = {}

    def acting_as(self, user_name: str) -> SlackClient:
        return SlackClient(self.url, self.token_of(user_name))

    def token_of(self, user_name: str) -> str:
        if user_name not in self._ids:  # asked for with the app's token, so it counts as one of the app's few calls
            members = SlackClient(self.url, self._token).ask("users.list", limit=1000)["members"]
            self._ids = {one["name"]: one["id"] for one in members}
        return f"xoxp-{self._ids[user_name]}-{self._token}"

    def page(self, user_name: str) -> str:
        """Where to look at what somebody sees."""
        return f"{self.url}/?token={self.token_of(user_name)}"


class SlackClient:
    """One colleague's Slack; a channel is named without its #. Raises LookupError where Slack refuses."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._headers = url, {"Authorization": f"Bearer {token}"}

    def say(self, channel: str, text: str, *, thread: str | None = None) -> str:
        """Plain text; its time, which is its number."""
        where = {"channel": self.channel(channel), **({"thread_ts": thread} if thread else {})}
        return str(self.ask("chat.postMessage", text=escape(text, quote=False), **where)["ts"])

    def messages(self, channel: str) -> list[Message]:
        """What opens a thread or stands alone, newest first."""
        return list(self.ask("conversations.history", channel=self.channel(channel), limit=200)["messages"])

    def thread(self, channel: str, ts: str) -> list[Message]:
        """With its root, oldest first."""
        return list(self.ask("conversations.replies", channel=self.channel(channel), ts=ts, limit=200)["messages"])

    def channel(self, name: str) -> str:
        """The id of one that this colleague may see."""
        found = self.ask("conversations.list", types="public_channel,private_channel", limit=1000)["channels"]
        return next(str(one["id"]) for one in found if one["name"] == name)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        answer = requests.post(f"{self._url}/api/{method}", data=params, headers=self._headers, timeout=30)
        answer.raise_for_status()
        told = dict(answer.json())
        if not told["ok"]:
            raise LookupError(f"Slack refuses {method}: {told['error']}")
        return told
