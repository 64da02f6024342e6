"""The connectors of the benchmark's company: one reads the local source, the other only says what it could write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from landbridge.connector import Connector, Item, Since, Stream, writes
from landbridge.connector.items import Native
from landbridge.errors import ConfigError
from landbridge.http import Client, NumberedPages

PAGE = 1_000
_PAGES = NumberedPages(size=PAGE, total_header="X-Total-Pages")
# The source commits before it answers, so nothing can come late.
_SINCE = Since("updated_at", "since", lag=timedelta(0))


class Bench(Connector):
    """The local source."""

    system: ClassVar[str] = "bench"

    users = Stream("users", ("id",), "person", pages=_PAGES, since=_SINCE)
    rooms = Stream("rooms", ("id",), "space", pages=_PAGES, since=_SINCE)
    documents = Stream("documents", ("id",), "document", pages=_PAGES, since=_SINCE)
    messages = Stream("messages", ("id",), "message", pages=_PAGES, since=_SINCE)

    def make_client(self) -> Client:
        return Client(self.config.host, throttle=self.throttle)


class BenchTarget(Connector):
    """A place to plan for, and to write to where the benchmark gives it a service."""

    system: ClassVar[str] = "bench_target"

    accounts = Stream("accounts", ("number",), "person", reports_gone=True)
    pages = Stream("pages", ("id",), "document", reports_gone=True)
    archive = Stream("archive", ("id",), "message", reports_gone=True)

    def make_client(self) -> Client:
        return Client(self.config.host, throttle=self.throttle)

    def read(self, stream: str, cursor: Any = None) -> Iterator[Item]:
        raise ConfigError(f"{stream} of the benchmark's target is not read.")

    @writes(accounts, "create")
    @writes(pages, "create")
    @writes(archive, "create")
    def create(self, native: Native, marker: str) -> Native:
        return {"id": marker, **self.client.post("records", json=native, marker=marker, safe=True).json()}

    @writes(accounts, "update")
    @writes(pages, "update")
    @writes(archive, "update")
    def update(self, key: str, changes: Native, marker: str) -> Native:
        return {"id": key, **self.client.post("records", json=changes, marker=marker, safe=True).json()}


_ENTRY_POINTS = """[landbridge.connectors]
bench = benchmarks.connector:Bench
bench_target = benchmarks.connector:BenchTarget
"""


def make_distribution(folder: Path) -> Path:
    """A folder which, on the path of a Python, makes the registry find both connectors, as an installed package would."""
    info = folder / "landbridge_benchmarks-0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: landbridge-benchmarks\nVersion: 0\n")
    (info / "entry_points.txt").write_text(_ENTRY_POINTS)
    return folder
