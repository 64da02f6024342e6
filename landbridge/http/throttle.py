"""Who may send when. A throttle is shared by all clients of one vendor account."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from landbridge.errors import RateLimited


class Throttle(Protocol):
    """A limit that all senders share."""

    def acquire(self, cost: float = 1.0) -> None:
        """Block until allowed; raise RateLimited where that would take longer than it is worth blocking a worker."""

    def limited(self, after: float | None) -> None:
        """The system answered 429; `after` is how many seconds it asks to wait, None where it did not say."""

    def of(self, part: str, rate: float, burst: float = 1.0) -> Throttle:
        """A limit of the same account for one kind of call (`rate` a second), shared by all who share this one."""


@dataclass(frozen=True)
class Limit:
    """How often calls of one kind may be made: `rate` a second, `burst` at once.

    `by` names a parameter, a step of the path or a field of the JSON: each value of it has a limit of its own. Kinds of
    calls with the same `name` share one.
    """

    rate: float
    burst: float = 1.0
    by: str = ""
    name: str = ""

    @classmethod
    def within(cls, seconds: float, calls: int, at_once: int = 1) -> Limit:
        """No such time sees more than so many calls: what may come at once is not spread over it as well."""
        return cls((calls - at_once) / seconds, at_once)


class LocalThrottle:
    """A token bucket for the threads of one process. Without a rate it only obeys what `limited` is told."""

    def __init__(
        self,
        rate: float = math.inf,
        burst: float = 1.0,
        *,
        patience: float = 120.0,
        pause: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate, self._burst = rate, burst
        self._patience, self._pause = patience, pause
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._tokens, self._stamp, self._era = burst, clock(), 0
        self._parts: dict[str, LocalThrottle] = {}

    def acquire(self, cost: float = 1.0) -> None:
        # Each caller reserves its slot and sleeps once, so waiting threads do not race for every token.
        while True:
            wait, era = self._reserve(cost)
            if wait > 0:
                self._sleep(wait)
            with self._lock:
                if era == self._era:
                    return  # otherwise a 429 arrived meanwhile and all slots were dealt anew

    def limited(self, after: float | None) -> None:
        wait = self._pause if after is None else after
        with self._lock:
            self._stamp = max(self._stamp, self._clock() + wait)
            self._tokens = 1.0  # when the wait is over one may go at once, the others at the usual pace
            self._era += 1

    def of(self, part: str, rate: float, burst: float = 1.0) -> LocalThrottle:
        with self._lock:
            if part not in self._parts:
                self._parts[part] = LocalThrottle(
                    rate, burst, patience=self._patience, pause=self._pause, clock=self._clock, sleep=self._sleep
                )
            return self._parts[part]

    def _reserve(self, cost: float) -> tuple[float, int]:
        with self._lock:
            now = self._clock()
            if now > self._stamp:
                self._tokens = min(self._burst, self._tokens + (now - self._stamp) * self._rate)
                self._stamp = now
            left = self._tokens - cost
            wait = self._stamp - now + max(0.0, -left) / self._rate
            if wait > self._patience:
                raise RateLimited(f"The shared limit is used up for another {wait:.0f} s.", after=wait)
            self._tokens = left
            return wait, self._era
