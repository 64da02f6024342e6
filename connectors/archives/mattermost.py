"""Mattermost's bulk export: one object per line, and the files beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from connectors.archives.archive import Archive, whole
from connectors.archives.export import Export
from landbridge.connector import Failure, Stream
from landbridge.connector.items import Native
from landbridge.errors import ConfigError, RecordError
from landbridge.richtext.emoji import emoji_of

LONGEST_LINE = 64 * 2**20


class MattermostExport(Export):
    """Posts have no ids in it: one is known by its channel, its author and its millisecond, as Mattermost itself does."""

    system = "mattermost_export"

    users = Stream("user", ("username",), "person")
    channels = Stream("channel", ("id",), "space")
    messages = Stream("post", ("id",), "message")

    def natives(self, archive: Archive) -> Mapping[str, Iterator[Native | Failure]]:
        return {
            "users": self._users(archive),
            "channels": self._channels(archive),
            "messages": self._messages(archive),
        }

    def _users(self, archive: Archive) -> Iterator[Native | Failure]:
        for kind, native in _objects(archive, "user"):
            yield native if kind else _bad(native)

    def _channels(self, archive: Archive) -> Iterator[Native | Failure]:
        for kind, native in _objects(archive, "channel", "direct_channel"):
            if not kind:
                yield _bad(native)
            elif kind == "channel" and (native.get("type") == "O" or self.config.private):
                yield native | {"id": _channel(native)}
            elif kind == "direct_channel" and self.config.direct:
                yield native | {"id": _direct(native), "type": "D"}

    def _messages(self, archive: Archive) -> Iterator[Native | Failure]:
        """The file comes in the order of channels: which of them may be read is known before the first post."""
        allowed = {found["id"] for found in self._channels(archive) if isinstance(found, dict)}
        names = {
            one["username"]: _called(one) for one in self._users(archive) if isinstance(one, dict) and "username" in one
        }
        for kind, native in _objects(archive, "post", "direct_post"):
            if not kind:
                yield _bad(native)
                continue
            channel = f"{native.get('team')}/{native.get('channel')}" if kind == "post" else _direct(native)
            if channel in allowed:
                for message in _thread(archive, channel, native):
                    yield message | {"guest": names.get(message["user"]) or message["user"] or "somebody"}


def _called(user: Native) -> str:
    full = " ".join(filter(None, (user.get("first_name"), user.get("last_name"))))
    return str(user.get("nickname") or full or user["username"])


def _thread(archive: Archive, channel: str, root: Native) -> Iterator[Native]:
    first = _message(archive, channel, root, None)
    yield first
    replies = sorted(root.get("replies") or (), key=lambda one: int(one.get("create_at") or 0))
    yield from (_message(archive, channel, one, first["id"]) for one in replies)


def _message(archive: Archive, channel: str, raw: Native, thread: str | None) -> Native:
    return {
        "id": f"{channel}/{raw.get('user')}/{raw.get('create_at')}",
        "channel": channel,
        "thread": thread,
        "user": raw.get("user"),
        "type": raw.get("type") or "",
        "message": raw.get("message") or "",
        "create_at": raw.get("create_at"),
        "edit_at": raw.get("edit_at") or None,
        "reactions": _reactions(raw.get("reactions") or ()),
        "attachments": list(_files(archive, raw.get("attachments") or ())),
    }


def _reactions(found: Iterable[Native]) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for one in found:
        name = str(one.get("emoji_name"))
        made.setdefault(emoji_of(name) or f":{name}:", []).append(str(one.get("user")))
    return made


def _files(archive: Archive, found: Iterable[Native]) -> Iterator[Native]:
    """Those that were exported too (`--attachments`); their paths start below `data`."""
    for one in found:
        path = str(one.get("path"))
        held = next((name for name in (path, f"data/{path}") if name in archive), None)
        if held:
            yield archive.attachment(held)


def _channel(native: Native) -> str:
    return f"{native.get('team')}/{native.get('name')}"


def _direct(native: Native) -> str:
    """Named by who is in it, in any order."""
    members = sorted(str(name) for name in native.get("members") or native.get("channel_members") or ())
    return f"direct/{hashlib.sha256(orjson.dumps(members)).hexdigest()[:24]}"


def _objects(archive: Archive, *kinds: str) -> Iterator[tuple[str, Any]]:
    """Kind and object of each line; without a kind, the number of a line that is no JSON."""
    name = next((one for one in sorted(archive.names()) if one.endswith(".jsonl")), None)
    if name is None:
        raise ConfigError("The archive holds no .jsonl file.", remedy="Name the zip file that the export has made.")
    with archive.open(name) as file, whole():
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            try:
                found = orjson.loads(line)
            except orjson.JSONDecodeError:
                found = None
            kind = found.get("type") if isinstance(found, dict) else None
            if kind is None and line.strip():
                yield "", number
            elif kind in kinds and isinstance(found[kind], dict):
                yield str(kind), found[kind]


def _bad(number: Any) -> Failure:
    return Failure(None, RecordError(f"Line {number} is no JSON object."))
