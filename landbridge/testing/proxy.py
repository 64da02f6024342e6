"""A proxy on loopback in front of one HTTP system that lets everything pass, except where a rule says otherwise."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import urllib3

from landbridge.testing.exchange import HOP_BY_HOP, Asked, Fault, Reply

PIECES = 20
PATIENCE = urllib3.Timeout(connect=5, read=120)
# Linger for no time at all: closing then resets the connection.
RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, eq=False)
class Rule:
    """When a fault strikes: `method` and `path` are shell patterns, `nth` counts the requests that they match.

    `chance` strikes at random, the same way for the same seed; a rule is spent after `times` strikes.
    """

    fault: Fault
    method: str = "*"
    path: str = "*"
    nth: Collection[int] = ()
    chance: float = 1.0
    times: int | None = None

    def matches(self, asked: Asked) -> bool:
        return fnmatchcase(asked.method, self.method) and fnmatchcase(asked.path, self.path)


@dataclass(frozen=True)
class Seen:
    """What passed: the status that the server gave (None where it was not asked), and whether a fault struck."""

    method: str
    target: str
    status: int | None
    struck: bool


class FaultProxy:
    """Use it as a context manager and give `url` to the connector; links and addresses are rewritten both ways."""

    def __init__(self, upstream: str, *, seed: int = 0) -> None:
        self.upstream = upstream.rstrip("/")
        self.seen: list[Seen] = []
        self._seed = seed
        self._rules: list[Rule] = []
        self._counts: Counter[Rule] = Counter()
        self._strikes: Counter[Rule] = Counter()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server = _Listener(self)
        base = urlsplit(self.upstream)
        self._place = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._origin = f"{base.scheme}://{base.netloc}"
        self.url = self._place + base.path

    def strike(
        self, fault: Fault, method: str = "*", path: str = "*", *, nth: int | Collection[int] = (),
        chance: float = 1.0, times: int | None = None,
    ) -> Rule:  # fmt: skip
        """Add a rule, asked before the older ones; `nth=1` means the first request that matches from now on."""
        rule = Rule(fault, method, path, (nth,) if isinstance(nth, int) else tuple(nth), chance, times)
        with self._lock:
            self._rules.insert(0, rule)
            self._counts[rule] = self._strikes[rule] = 0
        return rule

    def calm(self) -> None:
        """No more faults."""
        with self._lock:
            self._rules.clear()

    def struck(self, rule: Rule) -> int:
        """How often the rule has struck."""
        return self._strikes[rule]

    def asked(self, method: str = "*", path: str = "*") -> list[Seen]:
        """What was asked, by shell patterns."""
        return [one for one in self.seen if fnmatchcase(one.method, method) and fnmatchcase(one.target, path)]

    def close(self) -> None:
        """Ends at once, also what is kept waiting."""
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def answer(self, asked: Asked) -> Reply:
        """What the client gets for this request."""
        status: list[int] = []

        def server(wanted: Asked) -> Reply:
            reply = self._forward(wanted)
            status.append(reply.status)
            return reply

        rule = self._striking(asked)
        try:
            return rule.fault(asked, server) if rule else server(asked)
        finally:
            self.seen.append(Seen(asked.method, asked.target, status[-1] if status else None, rule is not None))

    def wait(self, seconds: float) -> None:
        """Sleep, but not longer than the proxy lives."""
        self._ended.wait(seconds)

    def _striking(self, asked: Asked) -> Rule | None:
        with self._lock:
            for rule in self._rules:
                if rule.matches(asked) and self._due(rule):
                    self._strikes[rule] += 1
                    return rule
        return None

    def _due(self, rule: Rule) -> bool:
        self._counts[rule] += 1
        count = self._counts[rule]
        if rule.times is not None and self._strikes[rule] >= rule.times:
            return False
        if rule.nth and count not in rule.nth:
            return False
        # By count, not from one stream of numbers: the order of other rules' requests changes nothing.
        place = f"{self._seed} {rule.method} {rule.path} {count}"
        return rule.chance >= 1 or random.Random(place).random() < rule.chance  # noqa: S311 (no secret)

    def _forward(self, asked: Asked) -> Reply:
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in HOP_BY_HOP}
        # Uncompressed, so that faults can read the answer; and by its own name, which servers compare.
        headers |= {"Accept-Encoding": "identity", "Host": urlsplit(self._origin).netloc, "Connection": "close"}
        body = _swapped(asked.body, self._place, self._origin)
        # A connection for each request: one that is kept may end just when it is used again, a fault that nobody asked for.
        with urllib3.connection_from_url(self._origin, retries=False, timeout=PATIENCE) as pool:
            found = pool.request(
                asked.method, asked.target, body=body, headers=headers, redirect=False, decode_content=False
            )
        kept = (pair for pair in found.headers.items() if pair[0].lower() not in HOP_BY_HOP or asked.method == "HEAD")
        named = tuple((name, value.replace(self._origin, self._place)) for name, value in kept)
        reply = Reply(found.status, named, found.data)
        text = reply.header("Content-Type").partition(";")[0]
        if text.startswith("text/") or text.endswith(("json", "xml")):
            return Reply(reply.status, reply.headers, _swapped(reply.body, self._origin, self._place))
        return reply


def _swapped(body: bytes, old: str, new: str) -> bytes:
    """One address for the other, also as JSON may escape it."""
    for one, two in ((old, new), (old.replace("/", r"\/"), new.replace("/", r"\/"))):
        body = body.replace(one.encode(), two.encode())
    return body


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, proxy: FaultProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy

    def shutdown_request(self, request: Any) -> None:
        lingering = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(RESET))
        if lingering == RESET:
            self.close_request(request)  # an orderly shutdown first would be no reset
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is what many faults are for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without it, header and body wait for each other's acknowledgement: 40 ms for each answer.
    disable_nagle_algorithm = True
    server: _Listener

    def handle_one_exchange(self) -> None:
        asked = Asked(self.command, self.path, dict(self.headers.items()), b"".join(self._sent()))
        try:
            reply = self.server.proxy.answer(asked)
        except urllib3.exceptions.HTTPError:
            self._reset()  # the server itself is gone
            return
        if reply.wire.silence:
            self.server.proxy.wait(reply.wire.silence)
        if reply.wire.cut is not None and reply.wire.cut < 0:
            self._reset()
            return
        self._say(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_one_exchange  # noqa: N815

    def _sent(self) -> Iterator[bytes]:
        """The body of the request, chunked or with a length."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            yield self.rfile.read(int(self.headers.get("Content-Length") or 0))
            return
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _say(self, reply: Reply) -> None:
        wire, body = reply.wire, b"" if self.command == "HEAD" else reply.body
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.status not in (204, 304) and self.command != "HEAD":
            self.send_header("Content-Length", str(max(0, len(reply.body) + wire.lie)))
        self.end_headers()
        if wire.cut is not None:
            self.wfile.write(body[: wire.cut])
            self._reset()
            return
        for piece in self._pieces(body[: wire.lie] if wire.lie < 0 else body, wire.drip):
            self.wfile.write(piece)
        self.close_connection = self.close_connection or bool(wire.lie)

    @staticmethod
    def _pieces(body: bytes, pause: float) -> Iterator[bytes]:
        if not pause:
            yield body
            return
        size = max(1, len(body) // PIECES)
        for start in range(0, len(body), size):
            time.sleep(pause)
            yield body[start : start + size]

    def _reset(self) -> None:
        """A TCP reset, not an orderly end."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Requests hold people's data."""
