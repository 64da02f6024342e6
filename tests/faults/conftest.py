"""A small system over HTTP that keeps what it is given, and a proxy in front of it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from landbridge.http import Client
from landbridge.testing.proxy import FaultProxy
from tests.loopback import LoopbackServer, Make, clients, serving

SIZE = 3


class Handler(BaseHTTPRequestHandler):
    """`/notes` in pages of three with a link to the next; POST creates, PUT replaces."""

    protocol_version = "HTTP/1.1"
    server: NotesServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        params = {name: values[0] for name, values in parse_qs(parts.query).items()}
        notes = [one for one in self.server.notes.values() if one.get("changed", "") >= params.get("since", "")]
        start = int(params.get("from", 0))
        more = f"{self.server.url}/notes?from={start + SIZE}" if start + SIZE < len(notes) else None
        self._say({"notes": notes[start : start + SIZE], "next": more, "total": len(notes)})

    def do_POST(self) -> None:
        given = self._given()
        key = str(next(self.server.ids))
        self.server.notes[key] = {"id": key, "changed": "2026-03-01T10:00:00Z", **given}
        self._say(self.server.notes[key], 201)

    def do_PUT(self) -> None:
        key = self.path.rpartition("/")[2]
        self.server.notes[key] = {"id": key, **self._given()}
        self._say(self.server.notes[key])

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "12345")
        self.end_headers()

    def _given(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _say(self, value: Any, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class NotesServer(LoopbackServer):
    def __init__(self) -> None:
        super().__init__(Handler)
        self.notes: dict[str, dict[str, Any]] = {}
        self.ids = itertools.count(1)

    def fill(self, count: int) -> None:
        for _ in range(count):
            key = str(next(self.ids))
            self.notes[key] = {"id": key, "text": f"note {key}", "changed": f"2026-01-{int(key):02d}T10:00:00Z"}


@pytest.fixture
def notes() -> Iterator[NotesServer]:
    with serving(NotesServer()) as server:
        yield server


@pytest.fixture
def proxy(notes: NotesServer) -> Iterator[FaultProxy]:
    with FaultProxy(notes.url) as proxy:
        yield proxy


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def make(proxy: FaultProxy, slept: list[float]) -> Iterator[Make]:
    """A client of the proxy that never really sleeps."""
    with clients(proxy.url, slept, timeout=(2, 0.5)) as make:
        yield make


@pytest.fixture
def client(make: Make) -> Client:
    return make()
