"""Time as the hub stores it: UTC text of fixed width, so that text order is time order on every database."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection


def text_of(moment: datetime) -> str:
    """The stored form of an aware datetime."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> str:
    return text_of(datetime.now(UTC))


def later(seconds: float, *, since: str | None = None) -> str:
    """The moment `seconds` after `since` (now where left out); negative seconds look back."""
    start = parse(since) if since else datetime.now(UTC)
    return text_of(start + timedelta(seconds=seconds))


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


def shared(conn: Connection) -> float:
    """Seconds since 1970 by the database's clock, which its clients on several machines share; SQLite has but one."""
    if conn.dialect.name == "sqlite":
        return time.time()
    return float(conn.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one())
