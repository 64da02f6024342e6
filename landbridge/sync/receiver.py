"""Where systems that push call us: an address for each of them, on a small HTTP server. TLS is a proxy's in front of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from landbridge.connector import News, Pushed, Receives, Subscribes
from landbridge.errors import AuthError, ConfigError, LandbridgeError, RecordError

# What a push may have, and for how long its sender is kept waiting for it to be in the hub.
MOST_BYTES, PATIENCE = 2**20, 30.0
log = logging.getLogger("landbridge.watch")


class Letterbox:
    """The news of one system that come by HTTP, until somebody listens."""

    def __init__(self, connector: Receives) -> None:
        self._connector = connector
        self._news: SimpleQueue[News] = SimpleQueue()

    def put(self, pushed: Pushed) -> str | None:
        """The answer, once all that was told is in the hub; None where that takes too long. Raises as `receive`."""
        heard = self._connector.receive(pushed)
        waited = [(news, threading.Event()) for news in heard.news]
        for news, kept in waited:
            self._news.put(replace(news, kept=kept.set))
        until = time.monotonic() + PATIENCE
        in_time = all(kept.wait(max(0.0, until - time.monotonic())) for _, kept in waited)
        return heard.answer if in_time else None

    def listen(self, seconds: float) -> Sequence[News]:
        """All that has come, as `Watches.listen` has it; before that, what the system has to be asked for is asked."""
        if isinstance(self._connector, Subscribes) and (missed := self._connector.subscribe()):
            return missed
        found: list[News] = []
        try:
            found.append(self._news.get(timeout=seconds))
            while True:
                found.append(self._news.get_nowait())
        except Empty:
            return found


class Receiver(ThreadingHTTPServer):
    """Each letterbox lies at /<system>."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], boxes: Mapping[str, Letterbox]) -> None:
        super().__init__(address, _Handler)
        self.boxes = boxes

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up is no matter of ours, and what went wrong inside was answered."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    server_version, sys_version = "Landbridge", ""
    timeout = 10

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        box = self.server.boxes.get(parts.path.strip("/"))
        # Where nothing follows, a sender need not say how much that is.
        length = self.headers.get("Content-Length", "" if "Transfer-Encoding" in self.headers else "0")
        if box is None:
            return self._answer(404)
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return self._answer(413 if length.isdecimal() else 411)
        pushed = Pushed(dict(parse_qsl(parts.query)), dict(self.headers), self.rfile.read(int(length)))
        return self._answer(*_put(parts.path.strip("/"), box, pushed))

    def _answer(self, status: int, text: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        # An answer may repeat what a stranger has sent.
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """What comes from outside goes into no log unread."""


def _put(system: str, box: Letterbox, pushed: Pushed) -> tuple[int, str]:
    try:
        answer = box.put(pushed)
    except AuthError as error:
        log.warning("%s: a push was refused: %s", system, error)
        return 401, ""
    except RecordError as error:
        log.warning("%s: a push was not understood: %s", system, error)
        return 400, ""
    except LandbridgeError as error:
        log.warning("%s: a push could not be taken: %s", system, error)
        return 503, ""
    return (503, "") if answer is None else (200, answer)


@contextmanager
def receiving(address: str, boxes: Mapping[str, Letterbox]) -> Iterator[int]:
    """The port at which pushes are taken as long as the block lasts; `address` is host:port, 0 for a free one."""
    host, _, port = address.rpartition(":")
    try:
        server = Receiver((host or "127.0.0.1", int(port)), boxes)
    except (OSError, ValueError, OverflowError) as error:
        raise ConfigError(
            f"Nothing can be received at {address} ({type(error).__name__}).",
            remedy="Expected host:port, and a free port.",
        ) from None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
