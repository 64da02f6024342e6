"""The exports against the conformance suite; people go on making newer ones, and take out what they delete."""

from __future__ import annotations

import csv
import io
import itertools
import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from connectors.archives.mattermost import MattermostExport
from connectors.archives.slack import SlackExport
from connectors.archives.yammer import YammerExport
from landbridge.testing.conformance import Conformance, Harness

MAPPINGS = Path(__file__).parents[3] / "mappings"
_numbers = itertools.count(1)


class ExportHarness(Harness):
    """`rows` is what the tool knows; `members` packs it as the tool does."""

    mappings = MAPPINGS
    all_or_nothing = True
    exempt: ClassVar[dict[str, str]] = {"auth_failure": "an archive asks for no credentials"}
    # Where the words of a record stand.
    worded: ClassVar[dict[str, str]]

    @contextmanager
    def serve(self) -> Iterator[str]:
        self.rows: dict[str, dict[str, dict[str, Any]]] = {stream: {} for stream in self.able().streams()}
        with tempfile.TemporaryDirectory() as folder:
            self.path = Path(folder) / "export.zip"
            self.begin()
            self.pack()
            yield self.path.as_uri()

    def config(self, url: str) -> dict[str, Any]:
        return {"host": str(self.path)}

    def begin(self) -> None:
        """What the others belong to."""

    def pack(self) -> None:
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, text in self.members():
                file.writestr(name, text)

    def members(self) -> Iterator[tuple[str, str]]:
        raise NotImplementedError

    def row(self, stream: str, number: int) -> tuple[str, dict[str, Any]]:
        raise NotImplementedError

    def add(self, stream: str, text: str) -> str:
        key, row = self.row(stream, next(_numbers))
        self.rows[stream][key] = row | {self.worded[stream]: text}
        self.pack()
        return key

    def change(self, stream: str, key: str, text: str) -> None:
        self.rows[stream][key][self.worded[stream]] = text
        self.pack()

    def remove(self, stream: str, key: str) -> None:
        del self.rows[stream][key]
        self.pack()

    def keys(self, stream: str) -> set[str]:
        return set(self.rows[stream])

    def worn_out(self, stream: str, cursor: Any) -> Any:
        """Of the export before."""
        return {**cursor, "stamp": "another"}


class SlackHarness(ExportHarness):
    connector = SlackExport
    worded: ClassVar[dict[str, str]] = {"users": "real_name", "channels": "purpose", "messages": "text"}

    def begin(self) -> None:
        self.rows["channels"]["C0"] = {"id": "C0", "name": "general"}

    def row(self, stream: str, number: int) -> tuple[str, dict[str, Any]]:
        if stream == "messages":
            ts = f"{1767225600 + number}.000100"
            return f"C0/{ts}", {"type": "message", "user": "U1", "ts": ts}
        return f"X{number}", {"id": f"X{number}", "name": f"x{number}"}

    def members(self) -> Iterator[tuple[str, str]]:
        channels = [one | {"purpose": {"value": one.get("purpose", "")}} for one in self.rows["channels"].values()]
        yield "users.json", json.dumps(list(self.rows["users"].values()))
        yield "channels.json", json.dumps(channels)
        yield "general/2026-01-01.json", json.dumps(list(self.rows["messages"].values()))


class MattermostHarness(ExportHarness):
    connector = MattermostExport
    worded: ClassVar[dict[str, str]] = {"users": "nickname", "channels": "header", "messages": "message"}

    def begin(self) -> None:
        self.rows["channels"]["it/help"] = {"team": "it", "name": "help", "type": "O"}

    def row(self, stream: str, number: int) -> tuple[str, dict[str, Any]]:
        name, moment = f"x{number}", 1767225600000 + number
        return {
            "users": (name, {"username": name, "email": f"{name}@x.example"}),
            "channels": (f"it/{name}", {"team": "it", "name": name, "display_name": name, "type": "O"}),
            "messages": (
                f"it/help/ada/{moment}", {"team": "it", "channel": "help", "user": "ada", "create_at": moment},
            ),
        }[stream]  # fmt: skip

    def members(self) -> Iterator[tuple[str, str]]:
        kinds = {"users": "user", "channels": "channel", "messages": "post"}
        lines: list[dict[str, Any]] = [{"type": "version", "version": 1}]
        lines += [{"type": kinds[stream], kinds[stream]: row} for stream in kinds for row in self.rows[stream].values()]
        yield "import.jsonl", "\n".join(map(json.dumps, lines))


class YammerHarness(ExportHarness):
    connector = YammerExport
    worded: ClassVar[dict[str, str]] = {"users": "name", "groups": "description", "messages": "body"}
    columns: ClassVar[dict[str, tuple[str, ...]]] = {
        "users": ("id", "name", "email", "state"),
        "groups": ("id", "name", "description", "private"),
        "messages": ("id", "thread_id", "group_id", "sender_id", "body", "message_type", "created_at"),
    }

    def row(self, stream: str, number: int) -> tuple[str, dict[str, Any]]:
        key = str(number)
        return key, {
            "users": {"email": f"x{key}@x.example", "state": "active"},
            "groups": {"name": f"Group {key}", "private": "false"},
            "messages": {
                "thread_id": key, "sender_id": "1", "message_type": "update", "created_at": "2026-01-01T00:00:00.000Z",
            },
        }[stream] | {"id": key}  # fmt: skip

    def members(self) -> Iterator[tuple[str, str]]:
        for stream, columns in self.columns.items():
            text = io.StringIO()
            writer = csv.DictWriter(text, columns)
            writer.writeheader()
            writer.writerows(self.rows[stream].values())
            yield f"export/{stream.title()}.csv", text.getvalue()

    def keys(self, stream: str) -> set[str]:
        """All Company is a community that no table has."""
        return super().keys(stream) | ({"none"} if stream == "groups" else set())


class TestSlackExport(Conformance):
    harness = SlackHarness


class TestMattermostExport(Conformance):
    harness = MattermostHarness


class TestYammerExport(Conformance):
    harness = YammerHarness
