"""A real HTTP server on loopback that answers from a script and breaks on purpose."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from landbridge.http import Client
from tests.loopback import LoopbackServer, Make, clients, serving


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """`fault`: `drop` closes before any answer, `reset` and `short` break off in the body, `slow` waits first."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Script = Callable[[Seen], Reply]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 2**16  # headers and body in one packet, else each answer waits 40 ms for an acknowledgement
    server: FaultyServer

    def answer(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        seen = Seen(self.command, parts.path, dict(parse_qsl(parts.query)), self.headers, self._body(length))
        with self.server.lock:
            self.server.seen.append(seen)
            reply = self.server.script.pop(0) if self.server.script else self.server.default
        if callable(reply):
            reply = reply(seen)
        self._send(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def _body(self, length: int) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(length)
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, reply: Reply) -> None:
        if reply.fault == "drop":
            return self._cut()
        if reply.fault == "slow":
            time.sleep(0.4)
        raw = reply.raw
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in reply.headers and "Transfer-Encoding" not in reply.headers:
            self.send_header("Content-Length", str(len(raw) + (10 if reply.fault in ("short", "reset") else 0)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)
        if reply.fault == "reset":
            self._cut()
        if reply.fault == "short":
            self.close_connection = True
        return None

    def _cut(self) -> None:
        """A TCP reset, not an orderly end."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
        self.rfile = self.wfile = open("/dev/null", "r+b", buffering=0)  # noqa: SIM115 - the handler closes it

    def log_message(self, format: str, *args: Any) -> None:
        pass


class FaultyServer(LoopbackServer):
    def __init__(self) -> None:
        super().__init__(Handler)
        self.lock = threading.Lock()
        self.seen: list[Seen] = []
        self.script: list[Reply | Script] = []
        self.default: Reply | Script = Reply()
        self.connections = 0

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()

    def says(self, status: int = 200, body: Any = None, fault: str = "", **headers: str) -> None:
        """Queue an answer; underscores of header names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.script.append(Reply(status, {} if body is None else body, named, fault))


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with serving(FaultyServer()) as server:
        yield server


@pytest.fixture
def other() -> Iterator[FaultyServer]:
    """A second server: another port is another host."""
    with serving(FaultyServer()) as server:
        yield server


@pytest.fixture
def slept() -> list[float]:
    """The waits that the client would have made."""
    return []


@pytest.fixture
def make(server: FaultyServer, slept: list[float]) -> Iterator[Make]:
    """A client of the server that never really sleeps."""
    with clients(server.url, slept, timeout=(2, 2)) as make:
        yield make


@pytest.fixture
def client(make: Make) -> Client:
    return make()


@pytest.fixture
def reply() -> type[Reply]:
    return Reply
