"""One token bucket per system for all processes and threads, kept in the hub.

Tokens are leased in small batches, each with the moment from which it may be used, so that all leases together follow
the rate without a burst and one transaction serves several requests. What a lease leaves unused is lost, so the batch
grows only while it is used up at once.

The configured rate is a ceiling. Where the system refuses below it, its limit is lower than anybody knew: all go on with
what it let through, and a little faster every second until it refuses again.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import xxhash
from sqlalchemy import Connection, Row, select

from landbridge.errors import ConfigError, RateLimited
from landbridge.store.clock import shared
from landbridge.store.hub import Hub
from landbridge.store.tables import quota
from landbridge.store.upsert import insert_missing

# Seconds of the rate that one lease may hold; a token unused for as long is dropped, so that none is hoarded.
_LEASE = 0.1
# A pause that another process asked for is seen after this many seconds at the latest.
_FRESH = 0.25
# After a refusal: how much of the rate is left, at most, and at least where the system says how long to wait, and where not.
_MOST_LEFT, _LEAST_LEFT, _LEAST_LEFT_UNTOLD = 0.8, 0.05, 0.5
# The same where requests are spread over a window.
_MOST_LEFT_SPREAD = 0.98
# How much a learned rate grows in a second, and the slowest: one a minute.
_GROWTH, _SLOWEST = 0.02, 1 / 60
# Seconds without a request after which what was let through is counted anew.
_IDLE = 1.0
# Letters of a row's key.
_LONGEST = 64
# Where a system counts what comes in any time of some length: seconds by which requests may come closer on their way.
_SLACK = 0.04


class Usage(NamedTuple):
    """What is left of a system's limit: `tokens` now, `blocked` seconds to wait, `used` requests in all.

    `rate` is what holds now: the configured one, or the lower one that the system's refusals have taught.
    """

    system: str
    rate: float
    burst: float
    tokens: float
    blocked: float
    used: int


class _Slot(NamedTuple):
    """One token: usable from `at`, leased at `leased` (local clock), after the pause until `pause` (hub's clock)."""

    at: float
    leased: float
    pause: float


class HubThrottle:
    """The throttle of one system in this process. Never call it inside a transaction: it writes to the hub itself.

    `window`: seconds, where the system takes no more than so many times `rate` in any time of this length.
    """

    def __init__(
        self,
        hub: Hub,
        system: str,
        rate: float = 20.0,
        burst: float | None = None,
        *,
        window: float | None = None,
        patience: float = 120.0,
        pause: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not 0 < rate < math.inf:
            raise ConfigError(f"The rate of {system} is {rate}.", remedy='Expected a number above 0, as in "50/s".')
        # What a window holds is spread evenly over a little more than the window.
        self._hub, self._system, self._rate = hub, system, rate if window is None else rate * window / (window + _SLACK)
        # A small burst makes up for a late thread; a large one would exceed limits that count by the second.
        self._burst = (max(1.0, rate / 20) if window is None else 1.0) if burst is None else burst
        # Who comes later than that would come together with others; the token is lost.
        self._late = math.inf if window is None else _SLACK / 2
        # Refused although spread evenly, a request has met others on its way: that teaches little about the limit.
        self._most_left = _MOST_LEFT if window is None else _MOST_LEFT_SPREAD
        self._patience, self._pause, self._sleep = patience, pause, sleep
        self._lock = threading.Lock()
        self._slots: deque[_Slot] = deque()
        self._batch, self._last_at, self._era = 1, 0.0, 0
        self._now = rate  # as of the last lease
        self._parts: dict[str, HubThrottle] = {}

    def of(self, part: str, rate: float, burst: float = 1.0) -> HubThrottle:
        """The limit of one kind of call, in a row of its own."""
        with self._lock:
            if part not in self._parts:
                more = {"patience": self._patience, "pause": self._pause, "sleep": self._sleep}
                self._parts[part] = HubThrottle(self._hub, _named(self._system, part), rate, burst, **more)  # type: ignore[arg-type]
            return self._parts[part]

    def acquire(self, cost: float = 1.0) -> None:
        while True:
            with self._lock:
                slot = self._next() if cost == 1.0 else self._lease(cost, 1)[0]
                era = self._era
            self._sleep(max(0.0, slot.at - time.monotonic()))
            on_time = time.monotonic() - slot.at <= self._late
            if on_time and era == self._era and not self._paused_since(slot):
                return

    def limited(self, after: float | None) -> None:
        wait = self._pause if after is None else after
        with self._lock:
            self._slots.clear()
            self._era += 1
            with self._hub.begin() as conn:
                row, now = self._row(conn)
                until = max(row.blocked_until, now + wait)
                # Refused together, many requests teach one thing, and once.
                learned = {} if row.blocked_until > now else self._learn(row, now, until, told=after is not None)
                # When the pause is over one may go at once, the others at the usual pace; old reservations are void.
                self._save(conn, tokens=1.0, at=until, blocked_until=until, **learned)

    def _learn(self, row: Any, now: float, until: float, *, told: bool) -> dict[str, float]:
        """What was let through since requests have been coming one after another, the pause included, is the new rate."""
        rate = _rate(row, self._rate, now)
        let_through = max(0, row.used - row.used_before - 1) / max(until - row.busy_since, 0.001)
        least = _LEAST_LEFT if told else _LEAST_LEFT_UNTOLD
        learned = max(_SLOWEST, rate * min(self._most_left, max(least, let_through / rate)))
        return {"learned": learned, "learned_at": until, "busy_since": until, "used_before": row.used}

    def _next(self) -> _Slot:
        """The next usable token of the lease, else of a new one."""
        stale = time.monotonic() - _LEASE
        while self._slots and self._slots[0].at < stale:
            self._slots.popleft()
        if not self._slots:
            most = max(1, int(self._now * _LEASE))
            self._batch = min(self._batch * 2, most) if self._last_at > stale else 1
            self._slots.extend(self._lease(1.0, self._batch))
            self._last_at = self._slots[-1].at
        return self._slots.popleft()

    def _lease(self, cost: float, count: int) -> list[_Slot]:
        """`count` tokens of `cost` each. Raises RateLimited where even the first is too far away."""
        with self._hub.begin() as conn:
            row, now = self._row(conn)
            self._now = rate = _rate(row, self._rate, now)
            start = max(now, row.at)
            tokens = min(max(1.0, self._burst * rate / self._rate), row.tokens + (start - row.at) * rate)
            waits = [start - now + max(0.0, cost * n - tokens) / rate for n in range(1, count + 1)]
            if waits[0] > self._patience:
                raise RateLimited(f"The limit of {self._system} is used up for {waits[0]:.0f} s.", after=waits[0])
            busy = {"busy_since": now, "used_before": row.used} if now - row.at > _IDLE else {}
            used = row.used + math.ceil(cost * count)
            self._save(conn, tokens=tokens - cost * count, at=start, used=used, **busy)
        leased = time.monotonic()
        return [_Slot(leased + wait, leased, row.blocked_until) for wait in waits]

    def _paused_since(self, slot: _Slot) -> bool:
        """Did another process ask for a pause after this token was leased?"""
        if time.monotonic() - slot.leased < _FRESH:
            return False
        with self._hub.read() as conn:
            until = conn.scalar(select(quota.c.blocked_until).where(quota.c.system == self._system)) or 0.0
            return bool(until > slot.pause and until > shared(conn))

    def _row(self, conn: Connection) -> tuple[Row[tuple[float, ...]], float]:
        """The bucket, locked until the transaction ends, and the time by the one clock that all share."""
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("SET LOCAL synchronous_commit = off")  # a lost lease is not worth waiting for a disk
        wanted = select(quota).where(quota.c.system == self._system).with_for_update()
        row = conn.execute(wanted).first()
        if row is None:
            began = shared(conn)
            fresh = {
                "system": self._system, "rate": self._rate, "burst": self._burst, "tokens": self._burst,
                "at": began, "busy_since": began, "blocked_until": 0.0, "used": 0,
            }  # fmt: skip
            conn.execute(insert_missing(conn, quota), fresh)
            row = conn.execute(wanted).one()
        return row, shared(conn)

    def _save(self, conn: Connection, **values: float) -> None:
        saved = {"rate": self._rate, "burst": self._burst, **values}
        conn.execute(quota.update().where(quota.c.system == self._system).values(**saved))


def _named(system: str, part: str) -> str:
    """As a row's key holds it; what is too long for that is told apart by its hash."""
    name = f"{system} {part}"
    if len(name) <= _LONGEST:
        return name
    mark = xxhash.xxh3_64_hexdigest(name.encode())
    return f"{name[: _LONGEST - len(mark) - 1]} {mark}"


def _rate(row: Any, ceiling: float, now: float) -> float:
    """The rate that holds now."""
    if row.learned is None:
        return ceiling
    return float(min(ceiling, row.learned * math.exp(_GROWTH * min(600.0, max(0.0, now - row.learned_at)))))


def usage(conn: Connection) -> list[Usage]:
    """All buckets as they stand now; negative tokens are requests that already wait for their turn."""
    now = shared(conn)
    return [
        Usage(
            row.system, _rate(row, row.rate, now), row.burst,
            min(row.burst, row.tokens + max(0.0, now - row.at) * _rate(row, row.rate, now)),
            max(0.0, row.blocked_until - now), row.used,
        )
        for row in conn.execute(select(quota).order_by(quota.c.system))
    ]  # fmt: skip
