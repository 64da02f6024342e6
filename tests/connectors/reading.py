"""How the tests look at what a connector reads."""

from __future__ import annotations

from typing import Any

from landbridge.connector import Checkpoint, Connector, Gone, Record


def read(connector: Connector, stream: str, cursor: Any = None) -> tuple[dict[str, Record], list[str], Any]:
    """Records by key, keys of what is gone, and the new cursor."""
    items = list(connector.read(stream, cursor))
    records = {item.key: item for item in items if isinstance(item, Record)}
    gone = [item.key for item in items if isinstance(item, Gone)]
    return records, gone, next((item.cursor for item in items if isinstance(item, Checkpoint)), None)


def natives_of(connector: Connector, stream: str, cursor: Any = None) -> dict[str, dict[str, Any]]:
    return {key: record.native for key, record in read(connector, stream, cursor)[0].items()}


def gone_of(connector: Connector, stream: str, cursor: Any) -> list[str]:
    return read(connector, stream, cursor)[1]


def cursor_of(connector: Connector, stream: str, cursor: Any = None) -> Any:
    return read(connector, stream, cursor)[2]
