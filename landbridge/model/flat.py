"""Claims and entities as flat dicts (`name.given`): what merges, compares and has an origin is a path."""

from __future__ import annotations

from typing import Any

# Only these are taken apart; every other value, also a list or an audience, is one value.
NESTED = ("name", "employment")


def flatten(data: dict[str, Any]) -> dict[str, Any]:
    """{"name": {"given": "A"}} → {"name.given": "A"}; a null object stays one null."""
    flat: dict[str, Any] = {}
    for field, value in data.items():
        if field in NESTED and isinstance(value, dict):
            flat.update({f"{field}.{part}": inner for part, inner in value.items()})
        else:
            flat[field] = value
    return flat


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """The reverse of flatten."""
    data: dict[str, Any] = {}
    for path, value in flat.items():
        field, dot, part = path.partition(".")
        if not dot:
            data[field] = value
        else:
            inner = data.setdefault(field, {})
            if isinstance(inner, dict):
                inner[part] = value
            else:
                data[field] = {part: value}
    return data
