"""Time as the hub stores it: UTC text of fixed width, so that text order is time order on every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


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
