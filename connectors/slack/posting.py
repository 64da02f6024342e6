"""Saying something in a channel, changing it, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from html import escape
from itertools import chain, islice

import orjson

from connectors.slack import natives
from connectors.slack.api import POST, Json
from connectors.slack.reading import HISTORY, REPLIES, Reading
from landbridge.connector import finds, writes
from landbridge.connector.files import carried
from landbridge.errors import RecordError

# How far back an earlier attempt is looked for in a channel: pages of 200 messages.
RECENT_PAGES = 5
LONGEST = 40_000
MAX_FILE = 100 * 2**20


class Messages(Reading):
    """Slack knows no posting as somebody else: the app posts, under the author's name and picture."""

    @writes(Reading.messages, "create")
    def create_message(self, native: Json, marker: str) -> Json:
        channel, author = native.get("channel"), native.get("user")
        if not channel:
            raise RecordError("A new message needs a channel.")
        told = {
            "event_type": natives.EVENT,
            "event_payload": {"marker": marker, **({"author": author} if author else {})},
        }
        body = {"channel": channel, "metadata": told, **_said(native), **(self._shown_as(author) if author else {})}
        if native.get("thread"):
            body["thread_ts"] = natives.parts(native["thread"])[1]
        # Before the message is there: what is refused stays at its source, and the message says so.
        files = [self._upload(one) for one in native.get("files") or ()]
        # Not sent twice by itself: Slack keeps no account of what was sent, only the marker tells.
        raw = self.client.post(POST, json=body).part("message", dict)
        return self._completed(self._native(channel, {**raw, "metadata": told, "user": self.me}), native, files)

    @writes(Reading.messages, "update")
    def update_message(self, key: str, changes: Json, marker: str) -> Json:
        """The text, the files, and the reactions of people elsewhere; metadata and name stay as they are."""
        channel, ts = natives.parts(key)
        if "reactions" in changes:
            self._react(channel, ts, changes["reactions"] or {})
        said = _said(changes) if "blocks" in changes or "text" in changes else None
        if "files" in changes:
            return self._replace(self.read_back(channel, ts), changes["files"] or [], said)
        if said:
            self.tell("chat.update", {"channel": channel, "ts": ts, **said})
        return self.read_back(channel, ts)

    @writes(Reading.messages, "delete")
    def delete_message(self, key: str, marker: str) -> None:
        channel, ts = natives.parts(key)
        self.tell("chat.delete", {"channel": channel, "ts": ts}, fine=("message_not_found", "channel_not_found"))

    @finds(Reading.messages)
    def find_message(self, native: Json, marker: str) -> Json | None:
        """By the marker in its metadata; what it is given after it is there may still be missing."""
        channel, thread = native["channel"], native.get("thread")
        if thread:  # which Slack tells from its beginning
            pages = self._pages(REPLIES, channel=channel, ts=natives.parts(thread)[1])
        else:
            pages = islice(self._pages(HISTORY, channel=channel), RECENT_PAGES)
        for raw in chain.from_iterable(pages):
            if natives.marker(raw, self.ours) == marker and not natives.is_removed(raw):
                return self._completed(self._native(channel, raw), native, None)
        return None

    # Steps of the above

    def _completed(self, made: Json, native: Json, files: list[str] | None) -> Json:
        """With its files, uploaded by now or not, and reactions, which Slack takes only for a message that is there."""
        channel, ts = natives.parts(made["id"])
        if native.get("reactions"):
            self._react(channel, ts, native["reactions"])
        if native.get("files") and not made["files"]:
            files = [self._upload(one) for one in native["files"]] if files is None else files
            return self._attach(channel, ts, files, _said(native))
        return made

    def _react(self, channel: str, ts: str, wanted: Json) -> None:
        """As the app, once for all who did so elsewhere; what people here put stays theirs."""
        names = {natives.reaction_name(emoji) for emoji in wanted} - {None}
        there = natives.repeated(self.one(channel, ts), self.ours)
        for name in sorted(there - names):
            self._mark("reactions.remove", channel, ts, name)
        for name in sorted(filter(None, names - there)):
            self._mark("reactions.add", channel, ts, name)

    def _mark(self, method: str, channel: str, ts: str, name: str) -> None:
        """An emoji that this workspace does not have is left out."""
        fine = ("already_reacted", "no_reaction", "invalid_name")
        self.tell(method, {"channel": channel, "timestamp": ts, "name": name}, fine=fine)

    def _attach(self, channel: str, ts: str, files: list[str], said: Json) -> Json:
        """A message is given its files after it is there: nothing else leaves it its author's name and its marker."""
        self.tell("chat.update", {"channel": channel, "ts": ts, **({"file_ids": files} if files else {}), **said})
        return self.read_back(channel, ts)

    def _replace(self, now: Json, attachments: list[Json], said: Json | None) -> Json:
        """Other files in place of those that the app gave it; Slack takes one from a message by deleting it."""
        channel, ts = natives.parts(now["id"])
        said = said or {"blocks": orjson.loads(now["blocks"]), "text": now["text"]}
        self._attach(channel, ts, [self._upload(one) for one in attachments], said)
        for file in now["files"]:
            self.tell("files.delete", {"file": file["url"]}, fine=("file_not_found", "file_deleted"))
        return self.read_back(channel, ts)

    def _upload(self, attachment: Json) -> str:
        name = str(attachment.get("name") or "file")
        with carried(self.open_file, attachment, MAX_FILE) as (file, size):
            place = self.client.get("api/files.getUploadURLExternal", params={"filename": name, "length": size})
            kind = {"Content-Type": "application/octet-stream"}
            self.client.post(place.part("upload_url", str), data=file, headers=kind, safe=True)
        number = place.part("file_id", str)
        self.client.post("api/files.completeUploadExternal", json={"files": [{"id": number, "title": name}]})
        return number

    @cached_property
    def _shown_as(self) -> Callable[[str], Json]:
        """Name and picture of an author, asked for once."""
        return cache(self._face)

    def _face(self, user: str) -> Json:
        profile = self.client.get("api/users.info", params={"user": user}).part("user.profile", dict)
        name = profile.get("display_name") or profile.get("real_name") or ""
        face = {"username": name, "icon_url": profile.get("image_72")}
        return {field: value for field, value in face.items() if value}


def _said(native: Json) -> Json:
    """The blocks, and the text that notifications show; in it, nobody can be called by spelling a call."""
    blocks = orjson.loads(native.get("blocks") or "[]")
    text = str(native.get("text") or "")
    if not blocks and not text:
        raise RecordError("A message needs a text.")
    return {"text": escape(text, quote=False)[:LONGEST], "blocks": blocks}
