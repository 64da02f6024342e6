"""Time that passes when the test says so, and by a millisecond with each look at it: the same in every run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from landbridge.store import clock
from landbridge.sync import read

_START = datetime(2026, 1, 1, tzinfo=UTC)


class Moment(datetime):
    """Stands for `datetime` in the modules that ask for the time."""

    passed = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        cls.passed += timedelta(milliseconds=1)
        return _START + cls.passed


def install() -> None:
    Moment.passed = timedelta()
    clock.datetime = read.datetime = Moment  # type: ignore[misc,attr-defined]


def remove() -> None:
    clock.datetime = read.datetime = datetime  # type: ignore[misc,attr-defined]


def now() -> datetime:
    return _START + Moment.passed


def tick() -> datetime:
    return Moment.now(UTC)


def passes(**much: float) -> None:
    Moment.passed += timedelta(**much)
