"""Microsoft Teams: channels of teams, who is in them, and what is said there."""

from __future__ import annotations

import re
from collections.abc import Collection, Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, partial
from operator import attrgetter
from typing import Any

from connectors.microsoft365 import chat
from connectors.microsoft365.graph import DELTA, LISTED, Json
from connectors.microsoft365.notifications import Notified
from connectors.microsoft365.spaces import CHANNEL, IN_CHAT, MAX_FILE, MESSAGES, TEAM, ChannelFiles, Space, TeamsConfig
from landbridge.connector import Account, Item, News, Stream, reads, resumed, similar, writes
from landbridge.errors import NotFound, RecordError, ScopeError
from landbridge.http import Next

__all__ = ["Teams", "TeamsConfig"]

MESSAGE = f"{MESSAGES}/{{root}}"
REPLY = f"{MESSAGE}/replies/{{reply}}"
# As notifications name a message.
TOLD = re.compile(r"/?teams\('([^']+)'\)/channels\('([^']+)'\)/messages\('([^']+)'\)(?:/replies\('([^']+)'\))?")
WITH_REPLIES = {"$top": 50, "$expand": "replies"}
# Messages to one channel: Teams takes four, but they do not arrive as evenly as they leave.
A_SECOND = 3.0
# Clocks differ; what is told twice is sorted out by its fingerprint.
SKEW = timedelta(minutes=10)
NEVER = "9999-12-31T23:59:59Z"
# How many pages of 50 an earlier attempt is looked for in.
RECENT = 3


class Teams(ChannelFiles, Notified):
    """The teams of one tenant. It reads as the application where it can, and speaks as the person who signed in."""

    system = "teams"
    Config = TeamsConfig
    config: TeamsConfig

    told_stream = "messages"
    messages = Stream(
        f"{MESSAGES}/delta", ("id",), "message", DELTA, params=WITH_REPLIES, reports_gone=True, gone=chat.is_removed,
        native=chat.message,
    )  # fmt: skip

    def check(self) -> Account:
        found = self.account(("teams", {"$select": "id", "$top": 1}, "Team.ReadBasic.All"))
        missing = [*found.missing]
        if not self._may_read_chats():
            right = "Chat.Read.All" if self.config.has_application else "Chat.Read, as a person who is in them"
            missing.append(f"{right}: without it chats that policy names cannot be read")
        if not self.config.has_person:
            missing.append("ChannelMessage.Send, as a person (sign_in_file): without it nothing can be said")
        return replace(found, missing=tuple(missing))

    # Reading

    @reads(messages)
    def read_messages(self, cursor: Any) -> Iterator[Item]:
        """Per channel all there is, later what its delta tells; a delta alone goes back eight months only."""
        yield from resumed(cursor, "channels", self.spaces(), attrgetter("key"), self._read_space)

    # Writing, as the person who has signed in

    @writes(messages, "create")
    def create_message(self, native: Json, marker: str) -> Json:
        team, channel, _, _ = _parts(str(native.get("thread") or native.get("channel") or ""))
        if not channel:
            raise RecordError("A new message needs a channel of a team, or a chat.")
        path, values = _list_of(native)
        if team == chat.CHATS and native.get("attachments"):
            raise RecordError("Files can be put into channels only.")
        files = self.attached(team, channel, native.get("attachments") or [], marker)
        self._pace(f"{team}/{channel}")
        answer = self.person.post(path, path_params=values, json=chat.to_send(native, files))
        answer.part("id", str)
        return chat.message(chat.placed(f"{team}/{channel}", answer.part("", dict)))

    @writes(messages, "update")
    def update_message(self, key: str, changes: Json, marker: str) -> Json:
        """Text and files of what this account has said itself; Teams lets nobody change what others said."""
        path, values = _address(key)
        raw = self._message(path, values)
        if chat.is_removed(raw):
            raise NotFound("The message was removed meanwhile.")
        if changes.keys() & {"content", "attachments"}:
            files = chat.references(raw)
            if "attachments" in changes:
                files = self.attached(values["team"], values["channel"], changes["attachments"] or [], marker)
            body = chat.to_send({"content": changes.get("content", chat.content(raw))}, files)
            self._pace(raw["space"])
            self.person.patch(path, path_params=values, json=body, safe=True)
            raw = self._message(path, values)
        return chat.message(raw)

    @writes(messages, "delete")
    def delete_message(self, key: str, marker: str) -> None:
        path, values = _address(key)
        try:
            if not chat.is_removed(self._message(path, values)):
                self.person.post(f"{path}/softDelete", path_params=values, json={}, safe=True)
        except NotFound:
            pass

    def alike(self, stream: str, native: Json) -> Iterator[Json]:
        """A message can carry no marker: what this account has said there, in the same words, not before it was due."""
        team, channel, _, _ = _parts(str(native.get("thread") or native["channel"]))
        path, values = _list_of(native)
        every = self.client.items(path, LISTED, most=RECENT, path_params=values, params={"$top": 50})
        said = (raw for raw in every if chat.is_said(raw) and not chat.is_removed(raw))
        found = (chat.message(chat.placed(f"{team}/{channel}", raw)) for raw in said)
        mine = (one for one in found if one["author"] == self._me)
        return similar(mine, native, lambda one: chat.visible(str(one.get("content") or "")), "created")

    # What Microsoft tells

    def resources(self) -> Iterator[str]:
        """A channel each: all at once are charged for, and would be of closed teams, too. Of chats nothing is told."""
        for space in self.spaces():
            if isinstance(space, Space) and "channel" in space.values:
                yield MESSAGES.format(**space.values)

    def news_of(self, resource: str) -> News | None:
        found = TOLD.fullmatch(resource)
        return News(self.told_stream, again=("/".join(filter(None, found.groups())),)) if found else None

    def again(self, stream: str, told: Collection[str]) -> Iterator[Item]:
        """What cannot be seen (any more) is told by the next read. Whether a channel is open is asked each time."""
        is_open = cache(self._is_open)
        for key in told:
            team, channel, _, _ = _parts(key)
            with suppress(NotFound, ScopeError):
                if f"{team}/{channel}" in self.private_spaces or is_open(team, channel):
                    raw = self._message(*_address(key))
                    if chat.is_said(raw):
                        yield self.item(self.messages, raw)

    def open(self, locator: str) -> Iterator[bytes]:
        """A file of SharePoint by its share, a picture by its message."""
        if locator.startswith("shares/"):
            return self.shared(locator, MAX_FILE)
        key, _, id = locator.partition("#")
        path, values = _address(key)
        return self.client.stream(f"{path}/hostedContents/{{id}}/$value", path_params={**values, "id": id})

    # Steps of the above

    def _may_read_chats(self) -> bool:
        """Asks each that policy names for what was said after the end of time: that takes the right, and tells nothing."""
        chats = [id for kind, _, id in (key.partition("/") for key in self.private_spaces) if kind == chat.CHATS]
        try:
            for id in chats:
                self.client.find(IN_CHAT, path_params={"chat": id}, params=_changed_after(NEVER))
        except ScopeError:
            return False
        return True

    def _is_open(self, team: str, channel: str) -> bool:
        values = {"team": team, "channel": channel}
        of_team, raw = (self.client.get(path, path_params=values).part("", dict) for path in (TEAM, CHANNEL))
        return bool(chat.channel(of_team, raw, guests=False)["visibility"] == "public")

    def _read_space(self, space: Space, since: str | None) -> Generator[Item, None, str | None]:
        """Yields what was said; returns where a later read goes on."""
        if "chat" in space.values:
            return (yield from self._read_chat(space, since))
        if since is None:
            start = f"{datetime.now(UTC) - SKEW:%Y-%m-%dT%H:%M:%SZ}"
            wanted = WITH_REPLIES | {"$filter": f"lastModifiedDateTime gt {start}"}
            # Only where it goes on later: the list, which is asked for next, tells the same and more.
            *_, end = self.client.pages(self.messages.path, DELTA, path_params=space.values, params=wanted)
            for root in self.client.items(space.path, LISTED, path_params=space.values, params=WITH_REPLIES):
                yield from (self.item(self.messages, raw) for raw in self._chain(space, root))
            return end.cursor
        return (yield from self.round(self.messages, since, partial(self._chain, space), space.values))

    def _read_chat(self, space: Space, since: str | None) -> Generator[Item, None, str | None]:
        """Chats have no delta of their own; newest first, so a chat is read to its end or not at all."""
        newest = since or "2000-01-01T00:00:00Z"
        for raw in self.client.items(space.path, LISTED, path_params=space.values, params=_changed_after(newest)):
            if chat.is_said(raw):
                yield self.item(self.messages, chat.placed(space.key, raw))
            newest = max(newest, str(raw.get("lastModifiedDateTime") or ""))
        return newest

    def _chain(self, space: Space, root: Json) -> Iterator[Json]:
        """A message and its replies, the oldest first."""
        replies = list(root.get("replies") or ())
        if more := root.get("replies@odata.nextLink"):
            start = Next(url=more).cursor(0)
            replies += self.client.items(space.path, LISTED, path_params=space.values, start=start)
        for raw in (root, *sorted(replies, key=lambda one: str(one.get("createdDateTime")))):
            if chat.is_said(raw):
                yield chat.placed(space.key, raw)

    def _message(self, path: str, values: Json) -> Json:
        answer = self.client.get(path, path_params=values)
        answer.part("id", str)
        return chat.placed(f"{values['team']}/{values['channel']}", answer.part("", dict))

    @cached_property
    def _me(self) -> str:
        return self.person.get("me", params={"$select": "id"}).part("id", str)

    def _pace(self, channel: str) -> None:
        """Waits until this channel takes one more message."""
        self.throttle.of(f"post {channel}", A_SECOND).acquire()


def _parts(key: str) -> tuple[str, str, str, str]:
    """Team, channel, root and reply; empty where the key ends before."""
    team, channel, root, reply = [*key.split("/"), "", "", "", ""][:4]
    return team, channel, root, reply


def _list_of(native: Json) -> tuple[str, Json]:
    """Path and values of the messages among which this one stands. Raises RecordError for a reply in a chat."""
    team, channel, root, _ = _parts(str(native.get("thread") or native["channel"]))
    if team == chat.CHATS:
        if root:
            raise RecordError("Chats have no threads.")
        return IN_CHAT, {"chat": channel}
    values = {"team": team, "channel": channel}
    return (f"{MESSAGE}/replies", {**values, "root": root}) if root else (MESSAGES, values)


def _address(key: str) -> tuple[str, Json]:
    """Path and values of one message."""
    team, channel, root, reply = _parts(key)
    if not root or team == chat.CHATS:
        raise RecordError("In chats Landbridge changes nothing that was said.")
    values = {"team": team, "channel": channel, "root": root}
    return (REPLY, {**values, "reply": reply}) if reply else (MESSAGE, values)


def _changed_after(moment: str) -> Json:
    """What asks for the messages of a chat that were changed later, the newest first."""
    return {"$top": 50, "$orderby": "lastModifiedDateTime desc", "$filter": f"lastModifiedDateTime gt {moment}"}
