"""HTTP servers of the tests' own on loopback, and clients of them that never really sleep."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from landbridge.http import Client, LocalThrottle, Retries

S = TypeVar("S", bound="LoopbackServer")
Make = Callable[..., Client]


class LoopbackServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """What breaks here breaks on purpose."""


@contextmanager
def serving(server: S) -> Iterator[S]:
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@contextmanager
def clients(url: str, slept: list[float], timeout: tuple[float, float]) -> Iterator[Make]:
    """Makes clients of the server, which note in `slept` what they would have waited, on a clock that agrees."""
    made: list[Client] = []

    def build(path: str = "", **options: Any) -> Client:
        now = [0.0]

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            now[0] += seconds

        options.setdefault("retries", Retries(sleep=sleep))
        options.setdefault("throttle", LocalThrottle(clock=lambda: now[0], sleep=sleep))
        options.setdefault("timeout", timeout)
        made.append(Client(url + path, **options))
        return made[-1]

    yield build
    for client in made:
        client.close()
