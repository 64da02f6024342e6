"""What an answer was expected to be and what it is, in words that hold nothing of what is in it."""

from __future__ import annotations

from typing import Any

# What to do where an answer is none of this system.
NOT_THE_SYSTEM = "Check the connection's address; a proxy, sign-in or maintenance page may stand before the system."
_WORDS: dict[type, str] = {
    dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number", bool: "true or false",
}  # fmt: skip


def word_of(kind: type) -> str:
    """The JSON word for a Python type."""
    return _WORDS.get(kind, "nothing")


def mismatch(kind: type, path: str, found: Any) -> tuple[str, str]:
    """What was expected where (`a.b`, empty: the whole answer), and what was found instead."""
    return f"{word_of(kind)}{f' at {path!r}' if path else ''}", word_of(type(found))
