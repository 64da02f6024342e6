"""Values of columns as JSON, and back to what a column holds; cursors, which have to survive both."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from math import ceil, isfinite
from typing import Any
from uuid import UUID

from sqlalchemy import Column

from landbridge.connector.cursors import shifted
from landbridge.errors import ExpiredCursor, RecordError

DAY = 86400
_FROM_TEXT: Mapping[type, Callable[[str], Any]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    Decimal: Decimal,
    UUID: UUID,
    int: int,
    float: float,
    bytes: base64.b64decode,
}
_CURSORS: Mapping[str, Callable[[Any], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "Decimal": Decimal,
    "int": int,
    "float": float,
    "str": str,
}


def native(value: Any) -> Any:
    """The value as JSON: times as ISO 8601 (UTC where the zone is known), numbers with decimals as text, bytes as base64."""
    if value is None or isinstance(value, str | bool | int):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(name): native(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [native(inner) for inner in value]
    return native(value.value) if isinstance(value, Enum) else str(value)


def of_native(column: Column[Any], value: Any) -> Any:
    """What a column takes for a native value. Raises RecordError, which names the column and not the value."""
    try:
        wanted = column.type.python_type
    except NotImplementedError:
        return value
    if not isinstance(value, str) or wanted not in _FROM_TEXT:
        return value
    try:
        return _FROM_TEXT[wanted](value)
    except (ArithmeticError, ValueError):
        raise RecordError(f"The column {column.name} takes no such value: {wanted.__name__} was expected.") from None


def says_deleted(value: Any) -> bool:
    """A flag that is set, or a time of deletion."""
    return bool(value) and str(value).casefold() not in ("0", "f", "n", "no", "false")


def kept(value: Any) -> dict[str, Any] | None:
    """A value of the cursor column as JSON with its type; None where the type cannot be compared later."""
    name = type(value).__name__
    if name not in _CURSORS:
        return None
    return {name: value if name in ("int", "float", "str") else str(value)}


def of_kept(data: Any) -> Any:
    """Back again. Raises ExpiredCursor."""
    try:
        [(name, value)] = data.items()
        return _CURSORS[name](value)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        raise ExpiredCursor("The stored cursor is not one of this connector.") from None


def earlier(value: Any, overlap: int) -> Any:
    """Where to read on from, so that what was committed late is met as well."""
    if isinstance(value, datetime):
        return value - timedelta(seconds=overlap)
    if isinstance(value, date):
        return value - timedelta(days=ceil(overlap / DAY))
    return shifted(value, lambda found: earlier(found, overlap)) if isinstance(value, str) else value - overlap


def not_after(value: Any, now: datetime) -> Any:
    """A row from the future must not move the cursor there; what counts as now is generous where no zone is known."""
    if isinstance(value, datetime):
        return min(value, now if value.tzinfo else max(now.replace(tzinfo=None), now.astimezone().replace(tzinfo=None)))
    if isinstance(value, date):
        return min(value, max(now.date(), now.astimezone().date()))
    return shifted(value, lambda found: not_after(found, now)) if isinstance(value, str) else value
