"""What a connector keeps in its cursors, and how a read ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from landbridge.connector.items import Checkpoint, Complete, Item
from landbridge.errors import ExpiredCursor

NOT_OURS = "The stored cursor is not one of this connector."
# How far clocks of one system differ, and zones.
AT_MOST, FARTHEST_EAST = timedelta(minutes=2), timedelta(hours=14)
T = TypeVar("T")


def kept(cursor: Any, name: str, kind: type[T]) -> T | None:
    """What stands in a cursor under this name, None for a full read (no cursor); a datetime is kept as ISO 8601 text.

    Raises ExpiredCursor for a cursor that is not of this connector, or of another version of it.
    """
    if cursor is None:
        return None
    found = cursor.get(name) if isinstance(cursor, Mapping) else None
    if kind is datetime:
        found = time_of(found)
    if type(found) is kind:
        return found
    raise ExpiredCursor(NOT_OURS)


def time_of(text: Any) -> datetime:
    """The time that a cursor says. Raises ExpiredCursor for what is none."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ExpiredCursor(NOT_OURS) from None


def shifted(text: str, change: Callable[[datetime], datetime]) -> str:
    """A time as text, changed, in the form that its system writes it in; what is no time is left as it is."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    changed = change(found)
    if changed == found:
        return text
    if len(text) <= 10:
        return changed.date().isoformat()
    separator = text[10] if text[10] in "T " else "T"
    shown = changed.isoformat(sep=separator, timespec="auto" if "." in text else "seconds")
    return shown.replace("+00:00", "Z") if text.endswith("Z") else shown


def lies_ahead(text: str, skew: float) -> bool:
    """Is this a time in the future of a system whose clock is `skew` seconds ahead of ours? No time at all is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    # Where no zone is told it may be any.
    margin = AT_MOST if moment.tzinfo else FARTHEST_EAST
    return moment.replace(tzinfo=moment.tzinfo or UTC) > datetime.now(UTC) + timedelta(seconds=skew) + margin


def ended(cursor: Any, following: Mapping[str, Any] | None) -> Iterator[Item]:
    """The end of an error-free read: where a later one goes on (None: nowhere), and that a full one has seen everything."""
    if following is not None:
        yield Checkpoint(dict(following))
    if cursor is None:
        yield Complete()
