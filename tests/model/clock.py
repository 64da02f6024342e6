"""Time that passes when the test says so, and by a millisecond with each look at it, and ids of it: the same in every run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from importlib import import_module
from itertools import count
from uuid import UUID

import uuid6

from landbridge.store import clock

# By name: `landbridge.sync.read` is the function.
_read = import_module("landbridge.sync.read")
_numbers = count(1)
_real_id = uuid6.uuid7
_START = datetime(2026, 1, 1, tzinfo=UTC)


class Moment(datetime):
    """Stands for `datetime` in the modules that ask for the time."""

    passed = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        cls.passed += timedelta(milliseconds=1)
        return _START + cls.passed


def _next_id() -> UUID:
    """A UUIDv7, later ones greater."""
    moment = int(tick().timestamp() * 1000)
    return UUID(int=moment << 80 | 7 << 76 | 2 << 62 | next(_numbers))


def install() -> None:
    global _numbers
    Moment.passed, _numbers = timedelta(), count(1)
    uuid6.uuid7 = _next_id  # type: ignore[assignment]
    clock.datetime = _read.datetime = Moment  # type: ignore[misc,attr-defined]


def remove() -> None:
    uuid6.uuid7 = _real_id
    clock.datetime = _read.datetime = datetime  # type: ignore[misc,attr-defined]


def now() -> datetime:
    return _START + Moment.passed


def tick() -> datetime:
    return Moment.now(UTC)


def passes(**much: float) -> None:
    Moment.passed += timedelta(**much)
