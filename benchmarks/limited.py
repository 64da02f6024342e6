"""A service that limits: it takes `rate` writes a second and answers 429 with Retry-After to the others.

It counts as most vendors do, with a bucket that holds one second's writes, or strictly: never more than `rate` in any
second. `rate` 0 is no limit; `latency` is how long each write takes.

    POST /<anything>     a write: 201 and what was sent, or 429
    POST /_reset?rate=50&strict=1&latency=0.2
    GET  /_stats         seconds since the reset, each with its writes and its refusals

    python -m benchmarks.limited PORT
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter, deque
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from benchmarks.serving import JsonHandler, Server


class Limit:
    """Counts writes; thread-safe."""

    def __init__(self, rate: float = 0.0, strict: bool = False, latency: float = 0.0) -> None:
        self.rate, self.strict, self.latency = rate, strict, latency
        self._lock = threading.Lock()
        self._began = self._at = time.monotonic()
        self._tokens = rate
        self._recent: deque[float] = deque()
        self.taken: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()

    def take(self) -> bool:
        """Whether this write is within the limit."""
        with self._lock:
            now = time.monotonic()
            allowed = not self.rate or (self._in_any_second(now) if self.strict else self._in_bucket(now))
            (self.taken if allowed else self.refused)[int(now - self._began)] += 1
            return allowed

    def _in_bucket(self, now: float) -> bool:
        self._tokens = min(self.rate, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _in_any_second(self, now: float) -> bool:
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self.rate:
            return False
        self._recent.append(now)
        return True

    def stats(self) -> dict[str, Any]:
        with self._lock:
            last = int(time.monotonic() - self._began)
            seconds = [[self.taken[second], self.refused[second]] for second in range(last + 1)]
        return {"rate": self.rate, "seconds": seconds}


class Handler(JsonHandler):
    limit = Limit()

    def do_GET(self) -> None:  # noqa: N802
        self.answer(200, orjson.dumps(self.limit.stats()))

    def do_POST(self) -> None:  # noqa: N802
        url = urlsplit(self.path)
        body = self.body()
        if url.path == "/_reset":
            asked = {name: float(values[0]) for name, values in parse_qs(url.query).items()}
            Handler.limit = Limit(asked.get("rate", 0), bool(asked.get("strict")), asked.get("latency", 0))
            self.answer(200, b"{}")
        elif not self.limit.take():
            self.answer(429, b"{}", {"Retry-After": "1"})
        else:
            time.sleep(self.limit.latency)
            self.answer(201, body or b"{}")


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_while_wanted()
