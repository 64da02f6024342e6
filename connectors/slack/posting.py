"""Saying something in a channel, changing it, and taking it back."""

from __future__ import annotations

from functools import cached_property
from itertools import chain, islice

import orjson

from connectors.slack import natives
from connectors.slack.api import Json
from connectors.slack.limits import POST
from connectors.slack.reading import HISTORY, REPLIES, Reading
from landbridge.connector import writes
from landbridge.connector.files import spooled
from landbridge.errors import RecordError

# How far back an earlier attempt is looked for in a channel: pages of 200 messages.
RECENT_PAGES = 5
LONGEST = 40_000
UPLOAD = "files.getUploadURLExternal"
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
        # Not sent twice by itself: Slack keeps no account of what was sent, only the marker tells.
        raw = self.told(POST, body, safe=False).part("message", dict)
        if native.get("files"):
            return self._attach(channel, raw["ts"], native["files"], _said(native))
        return self._native(channel, {**raw, "metadata": told, "user": self.me})

    @writes(Reading.messages, "update")
    def update_message(self, key: str, changes: Json, marker: str) -> Json:
        """The text and the files; metadata and name stay as they are."""
        channel, ts = natives.parts(key)
        said = _said(changes) if "blocks" in changes or "text" in changes else None
        if changes.get("files"):
            now = self.read_back(channel, ts)
            return self._attach(channel, ts, changes["files"], said or {"blocks": orjson.loads(now["blocks"])})
        if said:
            self.told("chat.update", {"channel": channel, "ts": ts, **said})
        return self.read_back(channel, ts)

    @writes(Reading.messages, "delete")
    def delete_message(self, key: str, marker: str) -> None:
        channel, ts = natives.parts(key)
        self.tell("chat.delete", {"channel": channel, "ts": ts}, fine=("message_not_found", "channel_not_found"))

    def find_message(self, native: Json, marker: str) -> Json | None:
        """By the marker in its metadata."""
        channel, thread = native["channel"], native.get("thread")
        if thread:  # which Slack tells from its beginning
            pages = self._pages(REPLIES, channel=channel, ts=natives.parts(thread)[1])
        else:
            pages = islice(self._pages(HISTORY, channel=channel), RECENT_PAGES)
        for raw in chain.from_iterable(pages):
            if natives.marker(raw, self.ours) == marker and not natives.is_removed(raw):
                return self._native(channel, raw)
        return None

    # Steps of the above

    def _attach(self, channel: str, ts: str, attachments: list[Json], said: Json) -> Json:
        """A message is given its files after it is there: nothing else leaves it its author's name and its marker."""
        files = [self._upload(one) for one in attachments]
        self.told("chat.update", {"channel": channel, "ts": ts, "file_ids": files, **said})
        return self.read_back(channel, ts)

    def _upload(self, attachment: Json) -> str:
        name = str(attachment.get("name") or "file")
        with spooled(self.open_file(attachment), MAX_FILE) as (file, size):
            params = {"filename": name, "length": size}
            place = self.client.get(f"api/{UPLOAD}", params=params, limit=self.limits.of(UPLOAD))
            kind = {"Content-Type": "application/octet-stream"}
            self.client.post(place.part("upload_url", str), data=file, headers=kind, safe=True)
        number = place.part("file_id", str)
        self.told("files.completeUploadExternal", {"files": [{"id": number, "title": name}]}, safe=False)
        return number

    @cached_property
    def _faces(self) -> dict[str, Json]:
        return {}

    def _shown_as(self, user: str) -> Json:
        """Name and picture of the author, asked for once."""
        if user not in self._faces:
            profile = self.ask("users.info", user=user).part("user.profile", dict)
            name = profile.get("display_name") or profile.get("real_name") or ""
            face = {"username": name, "icon_url": profile.get("image_72")}
            self._faces[user] = {field: value for field, value in face.items() if value}
        return self._faces[user]


def _said(native: Json) -> Json:
    """The blocks, and the text that notifications show; in it, nobody can be called by spelling a call."""
    blocks = orjson.loads(native.get("blocks") or "[]")
    text = str(native.get("text") or "")
    if not blocks and not text:
        raise RecordError("A message needs a text.")
    for sign, spelt in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, spelt)
    return {"text": text[:LONGEST], "blocks": blocks}
