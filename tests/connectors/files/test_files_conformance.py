"""Files against the conformance suite: in a folder of this machine, and on a real SFTP server."""

from __future__ import annotations

import csv
import itertools
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.files.connector import Files
from landbridge.connector.items import Native
from landbridge.testing.conformance import Conformance, Harness
from sandbox.sshd import Sshd
from tests.servers import brought_up

WRITES = ("create", "update", "delete")
STREAMS: dict[str, dict[str, Any]] = {
    "people": {"files": "people.csv", "kind": "person", "key": ["number"], "writes": WRITES},
    "notes": {"files": "notes.jsonl", "kind": "document", "key": ["number"], "writes": WRITES},
}
_numbers = itertools.count(1)


class FilesHarness(Harness):
    connector = Files
    streams: ClassVar[tuple[str, ...]] = ("people", "notes")
    all_or_nothing = True
    exempt: ClassVar[dict[str, str]] = {
        "mapping": "its streams and their mappings are the company's own",
        "auth_failure": "a folder of this machine asks for no credentials",
    }

    @classmethod
    def able(cls) -> Files:
        return Files(Files.Config(host="/", streams={name: STREAMS[name] for name in cls.streams}))

    @contextmanager
    def serve(self) -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder:
            self.folder = Path(folder)
            self.fill()
            yield f"file://{folder}"

    def fill(self) -> None:
        """What stands there before anybody writes: the columns, and somebody."""
        (self.folder / "people.csv").write_text("number;name\r\n0;Somebody\r\n")
        (self.folder / "notes.jsonl").write_text('{"number": "0", "name": "Something"}\n')

    def config(self, url: str) -> dict[str, Any]:
        return {"host": str(self.folder), "streams": STREAMS, "settle": 0}

    def add(self, stream: str, text: str) -> str:
        key = str(next(_numbers))
        self._write(stream, [*self._rows(stream), self.native(stream, text) | {"number": key}])
        return key

    def change(self, stream: str, key: str, text: str) -> None:
        self._write(stream, [row | {"name": text} if row["number"] == key else row for row in self._rows(stream)])

    def remove(self, stream: str, key: str) -> None:
        self._write(stream, [row for row in self._rows(stream) if row["number"] != key])

    def keys(self, stream: str) -> set[str]:
        return {row["number"] for row in self._rows(stream)}

    def native(self, stream: str, text: str) -> Native:
        return {"number": f"n{next(_numbers)}", "name": text}

    def changes(self, stream: str, text: str) -> Native:
        return {"name": text}

    def worn_out(self, stream: str, cursor: Any) -> Any:
        return {**cursor, "of": "another way of reading"}

    def _rows(self, stream: str) -> list[dict[str, str]]:
        path = self.folder / STREAMS[stream]["files"]
        with open(path, encoding="utf-8", newline="") as file:
            return (
                list(csv.DictReader(file, delimiter=";")) if stream == "people" else [json.loads(one) for one in file]
            )

    def _write(self, stream: str, rows: list[dict[str, str]]) -> None:
        """In place, as spreadsheets do; a minute ago by the clock, each time a little later."""
        path = self.folder / STREAMS[stream]["files"]
        with open(path, "w", encoding="utf-8", newline="") as file:
            if stream == "people":
                writer = csv.DictWriter(file, ["number", "name"], delimiter=";")
                writer.writeheader()
                writer.writerows(rows)
            else:
                file.writelines(json.dumps(row) + "\n" for row in rows)
        moment = time.time() - 3600 + next(_numbers)
        os.utime(path, (moment, moment))


class SftpHarness(FilesHarness):
    streams = ("people",)
    exempt: ClassVar[dict[str, str]] = {"mapping": FilesHarness.exempt["mapping"]}

    @contextmanager
    def serve(self) -> Iterator[str]:
        with brought_up(Sshd) as server:
            self.folder, self.connection = server.folder, server.connections()["exchange"]
            self.fill()
            server.hand_over(self.folder)
            yield self.connection["host"]

    def config(self, url: str) -> dict[str, Any]:
        given = {"host": url, "login": self.connection["login"], **self.connection["extra"]}
        return given | {"streams": STREAMS, "settle": 0}


class TestFolder(Conformance):
    harness = FilesHarness


@pytest.mark.server
@pytest.mark.skipif(find_spec("paramiko") is None, reason="paramiko is not installed")
class TestSftp(Conformance):
    harness = SftpHarness
