"""A Slack workspace's export: users, channels, and their messages of each day."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson
from pydantic import Field

from connectors.archives.archive import Archive, opened
from connectors.archives.export import MEGABYTE, Export, ExportConfig, part
from landbridge.connector import Failure, Stream
from landbridge.connector.items import Native
from landbridge.errors import NotFound, RecordError
from landbridge.http import Client
from landbridge.richtext.emoji import emoji_of

_DAY = re.compile(r"(?P<folder>[^/]+)/\d{4}-\d{2}-\d{2}\.json")
# What Slack no longer shows, or never had.
ABSENT = frozenset({"tombstone", "hidden_by_limit", "access_denied"})
UPLOADS = "__uploads/"


class SlackExportConfig(ExportConfig):
    """Slack's export names its files, it does not hold them: they are fetched from Slack by the links in it."""

    files: bool = Field(True, description="offer the files, which are fetched from Slack as long as it keeps them")
    max_file: int = Field(100 * MEGABYTE, gt=0, description="bytes of one such file, at most")


class SlackExport(Export):
    """The export holds what was there on its day: edits are in it, what was deleted is not."""

    system = "slack_export"
    Config = SlackExportConfig
    config: SlackExportConfig
    files_host: ClassVar[str] = "https://files.slack.com/"

    users = Stream("users.json", ("id",), "person")
    channels = Stream("channels.json", ("id",), "space")
    messages = Stream("messages", ("id",), "message")

    def natives(self, archive: Archive) -> Mapping[str, Iterator[Native | Failure]]:
        return {
            "users": iter(_users(archive)),
            "channels": self._channels(archive),
            "messages": self._messages(archive),
        }

    def make_client(self) -> Client:
        return Client(self.files_host, throttle=self.throttle)

    def open(self, locator: str) -> Iterator[bytes]:
        """A file of the archive where an unpacker has put it there, else from Slack by the link in its message."""
        member, _, file_id = locator.partition("#")
        if not file_id:
            yield from super().open(locator)
            return
        with opened(self.config.host, self.config.max_size) as archive:
            link = _link(part(archive, member, list), file_id)
        if urlsplit(link)[:2] != urlsplit(self.files_host)[:2]:
            raise RecordError("The file does not lie at Slack.")
        yield from self.client.stream(link, limit=self.config.max_file)

    def _channels(self, archive: Archive) -> Iterator[Native]:
        """With their folder: direct messages lie under their id, everything else under its name."""
        wanted = {"channels.json": ("public", True), "groups.json": ("private", self.config.private)}
        wanted |= dict.fromkeys(("mpims.json", "dms.json"), ("direct", self.config.direct))
        for name, (kind, read) in wanted.items():
            for raw in part(archive, name, list) if read else ():
                yield raw | {"kind": kind, "folder": raw.get("name") or raw.get("id")}

    def _messages(self, archive: Archive) -> Iterator[Native | Failure]:
        days: dict[str, list[str]] = defaultdict(list)
        for name in archive.names():
            if found := _DAY.fullmatch(name):
                days[found["folder"]].append(name)
        names = {str(one.get("id")): _called(one) for one in _users(archive)}
        for channel in self._channels(archive):
            for day in sorted(days.get(str(channel["folder"]), ())):
                yield from self._day(archive, channel, day, names)

    def _day(self, archive: Archive, channel: Native, day: str, names: Mapping[str, str]) -> Iterator[Native | Failure]:
        try:
            found = part(archive, day, list)
        except RecordError as error:
            yield Failure(None, error)
            return
        for raw in sorted(found, key=lambda one: str(one.get("ts"))):
            if raw.get("ts"):
                native = self._message(archive, channel["id"], raw, day)
                yield native | {"guest": names.get(str(native["user"])) or _name(raw)}

    def _message(self, archive: Archive, channel: str, raw: Native, day: str) -> Native:
        ts, thread = raw["ts"], raw.get("thread_ts")
        comment, edited = raw.get("comment") or {}, raw.get("edited") or {}
        user = raw.get("user") or comment.get("user")
        return {
            "id": f"{channel}/{ts}",
            "channel": channel,
            "ts": ts,
            "user": user,
            "subtype": raw.get("subtype"),
            "thread": f"{channel}/{thread}" if thread and thread != ts else None,
            "body": _body(raw),
            "edited_ts": edited.get("ts"),
            "reactions": _reactions(raw),
            "attachments": list(self._files(archive, raw, day)),
        }

    def _files(self, archive: Archive, raw: Native, day: str) -> Iterator[Native]:
        for file in raw.get("files") or filter(None, [raw.get("file")]):
            held = f"{UPLOADS}{file.get('id')}/{file.get('name')}"
            there = self.config.files and (file.get("url_private_download") or file.get("url_private"))
            if file.get("mode") in ABSENT or file.get("is_external") or not (held in archive or there):
                continue
            yield {
                "name": file.get("name") or file.get("title"),
                "media_type": file.get("mimetype") or "application/octet-stream",
                "size": file.get("size"),
                "url": held if held in archive else f"{day}#{file.get('id')}",
            }


def _body(raw: Native) -> str:
    """Blocks as JSON where people wrote them; the text of apps may be in legacy attachments only."""
    blocks = raw.get("blocks") or []
    if any(block.get("type") == "rich_text" for block in blocks):
        return orjson.dumps(blocks).decode()
    legacy = (one.get("text") or one.get("fallback") for one in raw.get("attachments") or ())
    return str(raw.get("text") or "") or "\n".join(str(text) for text in legacy if text)


def _users(archive: Archive) -> list[Native]:
    found: list[Native] = part(archive, "users.json", list) or part(archive, "org_users.json", list)
    return found


def _called(user: Native) -> str:
    profile: Any = user.get("profile") or {}
    return str(profile.get("real_name") or user.get("real_name") or user.get("name") or "")


def _name(raw: Native) -> str:
    """Of whom the list of users does not hold: an app, or somebody of another workspace."""
    bot, person = raw.get("bot_profile") or {}, raw.get("user_profile") or {}
    said = raw.get("username") or bot.get("name") or person.get("real_name") or person.get("name")
    return str(said or ("somebody" if raw.get("user") else "an app"))


def _reactions(raw: Native) -> dict[str, list[str]]:
    """Emoji → who; a workspace's own emoji keeps its name."""
    found = raw.get("reactions") or ()
    return {emoji_of(one["name"]) or f":{one['name']}:": list(one.get("users") or ()) for one in found}


def _link(messages: list[Native], file_id: str) -> str:
    for raw in messages:
        for file in raw.get("files") or filter(None, [raw.get("file")]):
            if file.get("id") == file_id:
                return str(file.get("url_private_download") or file.get("url_private"))
    raise NotFound("The archive names no such file.")
