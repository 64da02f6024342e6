"""JSON in one canonical form: what is equal has equal text, whatever wrote it."""

from __future__ import annotations

from typing import Any

import orjson
import xxhash

_NUL, _REPLACEMENT = "\x00", "\ufffd"


def dumps(value: Any) -> str:
    """Sorted keys, no spaces; NUL, which PostgreSQL cannot store in text, becomes U+FFFD on every database."""
    encoded = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    if b"\\u0000" in encoded:  # also found in an escaped backslash before "u0000", which cleaning leaves as it is
        encoded = orjson.dumps(_without_nul(value), option=orjson.OPT_SORT_KEYS)
    return encoded.decode()


def loads(text: str | bytes | int | float) -> Any:
    """SQLite gives a column declared JSON numeric affinity, so a lone number comes back as one already."""
    return orjson.loads(text) if isinstance(text, str | bytes) else text


def data_hash(data: Any) -> str:
    return xxhash.xxh3_128_hexdigest(orjson.dumps(data, option=orjson.OPT_SORT_KEYS))


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(_NUL, _REPLACEMENT)
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nul(item) for item in value]
    return value
