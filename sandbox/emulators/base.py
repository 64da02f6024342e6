"""What every emulator is made of: a table of routes over a state in memory, served on loopback.

class Forum(Emulator):
    @route("GET", "/t/{topic}.json")
    def topic(self, request: Request) -> Reply:
        return Reply(self.topics[request.values["topic"]])

with serving(Forum(token="…")) as url: …
"""

from __future__ import annotations

import json
import re
import threading
import time
import traceback
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from sandbox.company import Company

NAMED = re.compile(r"\\\{(\w+)\\\}")


@dataclass(frozen=True)
class Request:
    """`params` are the query's, each with its last value; `values` fill the `{names}` of the route."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    values: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def path(self) -> str:
        return urlsplit(self.url).path

    @cached_property
    def params(self) -> dict[str, str]:
        return _last(urlsplit(self.url).query)

    @cached_property
    def form(self) -> dict[str, str]:
        """The body as application/x-www-form-urlencoded."""
        return _last(self.body.decode())

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None where there is none. Raises Refused (400)."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            raise Refused({"error": "invalid_json"}, 400) from None

    @property
    def token(self) -> str:
        """The bearer token, empty without one."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""

    @property
    def origin(self) -> str:
        """Scheme and host, for links in answers."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class Reply:
    """Bytes are sent as they are, None as no body, everything else as JSON."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()

    @cached_property
    def sent_headers(self) -> dict[str, str]:
        kind = "application/octet-stream" if isinstance(self.body, bytes) else "application/json; charset=utf-8"
        return {**({} if self.body is None else {"Content-Type": kind}), **self.headers}


class Refused(Exception):
    """Ends a handler with an error as the vendor words it."""

    def __init__(self, body: Any, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.reply = Reply(body, status, headers or {})


Handler = TypeVar("Handler", bound=Callable[..., Reply])


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Marks the method that answers; `{name}` stands for one segment or a part of it."""

    def mark(handler: Handler) -> Handler:
        handler.__routes__ = (*getattr(handler, "__routes__", ()), (method, path))  # type: ignore[attr-defined]
        return handler

    return mark


class Limits:
    """So many calls in so many seconds, counted apart by key, over a sliding window."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: dict[str, deque[float]] = defaultdict(deque)

    def wait(self, key: str, count: int, seconds: float) -> float:
        """Counts a call; for how many seconds the caller has to wait instead, 0 where it may go on."""
        now, calls = self._clock(), self._calls[key]
        while calls and calls[0] <= now - seconds:
            calls.popleft()
        if len(calls) >= count:
            return calls[0] + seconds - now
        calls.append(now)
        return 0.0


class Emulator:
    """One vendor. `admit` comes before every handler: sign-in and limits. One request at a time.

    `seen` is what was asked. `script(path, …)` answers the next calls whose path ends so; `lose(path)` applies the next
    such call and breaks the connection instead of answering, which leaves its sender in doubt. Whoever holds `alone` has it
    to themselves.
    """

    name: ClassVar[str]
    _table: ClassVar[list[tuple[str, re.Pattern[str], str]]]

    def __init__(self, *, token: str = "token", clock: Callable[[], float] = time.time) -> None:
        self.token, self.clock = token, clock
        self.seen: list[Request] = []
        self._scripted: list[tuple[str, Reply | None]] = []
        self.alone = threading.RLock()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        found = [(each, name) for name in dir(cls) for each in getattr(getattr(cls, name, None), "__routes__", ())]
        # Fixed segments before named ones: /users/delta is no user.
        found.sort(key=lambda entry: (entry[0][1].count("{"), -len(entry[0][1])))
        cls._table = [(method, _pattern(path), name) for (method, path), name in found]

    def seed(self, company: Company) -> None:
        """Fills the vendor with the company."""

    def kept(self) -> Any:
        """What it remembers from one start to the next, as JSON; None where it forgets."""
        return None

    def restore(self, kept: Any) -> None:
        """Instead of `seed`: what an earlier start has `kept`."""

    def admit(self, request: Request) -> Reply | None:
        """The refusal of a call that is not signed in or over a limit; None lets it go on."""
        return None if request.token == self.token else Reply({"error": "unauthorized"}, 401)

    def unknown(self, request: Request) -> Reply:
        """What the vendor says to an address that it does not have."""
        return Reply({"error": "not_found"}, 404)

    def script(self, path: str, *replies: Reply) -> None:
        self._scripted += [(path, reply) for reply in replies]

    def lose(self, path: str) -> None:
        self._scripted.append((path, None))

    def asked(self, path: str, method: str = "") -> list[Request]:
        return [one for one in self.seen if one.path.endswith(path) and method in ("", one.method)]

    def answer(self, request: Request) -> Reply | None:
        """None: break the connection."""
        with self.alone:
            self.seen.append(request)
            place = next((at for at, (path, _) in enumerate(self._scripted) if request.path.endswith(path)), None)
            if place is None:
                return self._handled(request)
            reply = self._scripted.pop(place)[1]
            if reply is None:
                self._handled(request)
            return reply

    def _handled(self, request: Request) -> Reply:
        try:
            for method, pattern, name in self._table:
                found = pattern.fullmatch(request.path) if method == request.method else None
                if found:
                    values = {key: unquote(value) for key, value in found.groupdict().items()}
                    handler: Callable[[Request], Reply] = getattr(self, name)
                    filled = Request(request.method, request.url, request.headers, request.body, values)
                    return self.admit(filled) or handler(filled)
            return self.unknown(request)
        except Refused as refused:
            return refused.reply
        except Exception:  # a fault of the emulator itself: told to whoever runs it, and no connection hangs
            traceback.print_exc()
            return Reply({"error": "emulator_fault"}, 500)


class Server(ThreadingHTTPServer):
    """One emulator on a loopback port; 0 takes a free one."""

    daemon_threads = True

    def __init__(self, emulator: Emulator, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.emulator = emulator
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients come and go; what a handler stumbles over is answered with 500 and printed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.server.url + self.path, self.headers, body)
        reply = self.server.emulator.answer(request)
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.sent_headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.content)

    def __getattr__(self, name: str) -> Any:
        """The base class looks for one method per verb: `do_GET` and so on."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are in `seen`."""


@contextmanager
def serving(emulator: Emulator) -> Iterator[str]:
    """Its address, for as long as the block lasts."""
    server = Server(emulator)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(NAMED.sub(r"(?P<\1>[^/]+)", re.escape(path)))


def _last(query: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
