"""Viva Engage's (Yammer's) network export: a zip file of tables."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping

from connectors.archives.archive import Archive, whole
from connectors.archives.export import Export
from landbridge.connector import Failure, Stream
from landbridge.connector.items import Native
from landbridge.errors import ConfigError
from landbridge.richtext import escape

_FILE = re.compile(r"uploadedfile:(\d+)", re.IGNORECASE)
# As `escape` leaves it.
_PERSON = re.compile(r"\\\[\\\[user:(\d+)\\\]\\\]")
LONGEST_FIELD = 16 * 2**20
NOBODY = "none"
# By id: where the file lies in the archive, and its name.
Files = dict[str, tuple[str, str]]


class YammerExport(Export):
    """Communities are channels, and everything outside of one belongs to "All Company"."""

    system = "yammer_export"

    users = Stream("Users.csv", ("id",), "person")
    groups = Stream("Groups.csv", ("id",), "space")
    messages = Stream("Messages.csv", ("id",), "message")

    def natives(self, archive: Archive) -> Mapping[str, Iterator[Native | Failure]]:
        return {"users": _rows(archive, "Users"), "groups": self._groups(archive), "messages": self._messages(archive)}

    def _groups(self, archive: Archive) -> Iterator[Native]:
        yield {"id": NOBODY, "name": "All Company", "description": "", "private": False}
        for row in _rows(archive, "Groups"):
            private = row.get("private") == "true"
            if self.config.private or not private:
                yield row | {"private": private}

    def _messages(self, archive: Archive) -> Iterator[Native]:
        """What was deleted is in the export too, and is left out here."""
        files = {
            str(row.get("file_id") or row.get("id")): (str(row.get("path")), str(row.get("name") or row.get("path")))
            for row in _rows(archive, "Files", optional=True)
        }
        for row in _rows(archive, "Messages"):
            hidden = row.get("in_private_group") == "true" and not self.config.private
            direct = row.get("in_private_conversation") == "true" and not self.config.direct
            if not (hidden or direct or row.get("deleted_at")):
                yield _message(archive, row, files)


def _message(archive: Archive, row: Native, files: Files) -> Native:
    thread = row.get("thread_id")
    return row | {
        "body": _PERSON.sub(r"@\1", escape(str(row.get("body") or ""))),
        "group_id": row.get("group_id") or NOBODY,
        "thread": thread if thread != row.get("id") else None,
        "reply_to": row.get("replied_to_id") or None,
        "guest": row.get("sender_name") or "somebody",
        "attachments": list(_files(archive, str(row.get("attachments") or ""), files)),
    }


def _files(archive: Archive, named: str, files: Files) -> Iterator[Native]:
    for file_id in _FILE.findall(named):
        path, name = files.get(file_id, ("", ""))
        if path in archive:
            yield archive.attachment(path, name)


def _rows(archive: Archive, table: str, *, optional: bool = False) -> Iterator[Native]:
    """Rows of `<table>.csv`, wherever it lies; empty fields are null."""
    name = next(
        (one for one in archive.names() if one.rpartition("/")[2].casefold() == f"{table}.csv".casefold()), None
    )
    if name is None:
        if optional:
            return
        raise ConfigError(f"The archive holds no {table}.csv.", remedy="Export users, groups and messages.")
    csv.field_size_limit(LONGEST_FIELD)
    with archive.open(name) as file, whole():
        lines = io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="")
        for row in csv.DictReader(lines):
            yield {key: value if value not in ("", "null") else None for key, value in row.items() if key}
