"""Slack's limits: so many calls a minute per method, one message a second per channel."""

from __future__ import annotations

import logging

from landbridge.http import Throttle

log = logging.getLogger("landbridge.slack")
# Calls a minute by tier, and how many of them may come at once; together no minute holds more than the first.
TIERS = {1: (1, 1), 2: (20, 5), 3: (50, 10), 4: (100, 20)}
METHODS = {
    "users.list": 2, "users.info": 4, "usergroups.list": 2, "usergroups.users.list": 2, "usergroups.create": 2,
    "usergroups.update": 2, "usergroups.enable": 2, "usergroups.disable": 2, "usergroups.users.update": 2,
    "conversations.list": 2, "conversations.info": 3, "conversations.members": 4, "conversations.history": 3,
    "conversations.replies": 3, "conversations.join": 3, "conversations.create": 2, "conversations.rename": 2,
    "conversations.setTopic": 2, "conversations.archive": 2, "conversations.unarchive": 2, "conversations.invite": 3,
    "conversations.kick": 3, "chat.update": 3, "chat.delete": 3, "reactions.add": 3, "reactions.remove": 2,
    "files.info": 4, "files.delete": 3, "auth.test": 4, "files.getUploadURLExternal": 4, "files.completeUploadExternal": 4,
    "apps.connections.open": 3,
}  # fmt: skip
POST = "chat.postMessage"
PER_CHANNEL = 1.0  # messages a second
# What history and replies give to apps that are sold outside Slack's Marketplace, however much they ask for.
FEW = 15


class Limits:
    """One limit per method, for posting one per channel; shared by all processes that share the system's own."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._narrow: set[str] = set()

    def of(self, method: str, channel: str = "") -> Throttle:
        if method == POST:
            return self._throttle.of(f"{method} {channel}", *allowed(method))
        if method in self._narrow:
            return self._throttle.of(f"{method} narrow", 1 / 60)
        return self._throttle.of(method, *allowed(method))

    def seen(self, method: str, asked: int, came: int, *, more: bool) -> None:
        """A page of just so few, with more to come, tells an app that may only call once a minute."""
        if not (more and came == FEW < asked) or method in self._narrow:
            return
        log.warning(
            "Slack gives this app %d messages a minute only (%s): it is sold outside the Marketplace. "
            "An app that the company has made for itself is not limited so.", FEW, method,
        )  # fmt: skip
        self._narrow.add(method)


def allowed(method: str) -> tuple[float, float]:
    """Calls a second, and how many may come at once."""
    if method == POST:
        return PER_CHANNEL, 1
    calls, at_once = TIERS[METHODS[method]]
    return (calls - at_once) / 60 or 1 / 60, at_once
