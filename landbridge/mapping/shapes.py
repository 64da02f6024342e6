"""What kind of value stands in a field of several native records, as far as the values tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

Step = str | int
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")
_TAG = re.compile(r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>")
_UNIX = re.compile(r"1\d{9}(\.\d+)?")
_PLAIN = re.compile(r"[^\W\d]\w*(?:-\w+)*")
_WORDS = frozenset({"and", "or", "not", "in", "true", "false", "null"})


@dataclass
class Leaf:
    """One path of the native records, and its values that are not null."""

    steps: tuple[Step, ...]
    values: list[Any] = field(default_factory=list)

    @property
    def path(self) -> str:
        """As an expression writes it."""
        text = ""
        for at in self.steps:
            plain = isinstance(at, str) and _PLAIN.fullmatch(at) and at not in _WORDS
            text += (
                f"[{at}]" if isinstance(at, int) else (f".{at}" if text else at) if plain else _quoted(at, bool(text))
            )
        return text

    @property
    def shape(self) -> str:
        """nothing, bool, number, email, date, datetime, naive, unix_s, unix_ms, unix_text, html, text, texts, objects."""
        return next((name for name, fits in _SHAPES if self.values and all(map(fits, self.values))), "nothing")


def _quoted(name: str, inside: bool) -> str:
    name = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'."{name}"' if inside else f'["{name}"]'


def leaves(natives: list[dict[str, Any]]) -> list[Leaf]:
    """Every path of these records, in the order in which they are met."""
    found: dict[tuple[Step, ...], Leaf] = {}
    for native in natives:
        for steps, said in _walk(native, ()):
            leaf = found.setdefault(steps, Leaf(steps))
            if said is not None:
                leaf.values.append(said)
    return [leaf for leaf in found.values() if not _holds_more(leaf, found)]


def _holds_more(leaf: Leaf, found: dict[tuple[Step, ...], Leaf]) -> bool:
    """Null in one record and an object in another: the object's parts are the paths."""
    return not leaf.values and any(
        len(other) > len(leaf.steps) and other[: len(leaf.steps)] == leaf.steps for other in found
    )


def _walk(data: Any, at: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Any]]:
    if isinstance(data, dict):
        for name, inner in data.items():
            if name.isprintable():  # no file can hold the others
                yield from _walk(inner, (*at, name))
    elif isinstance(data, list) and len(data) == 1 and isinstance(data[0], str):
        # A directory's way to say one value: it may be meant as such, or as a list.
        yield at, data
        yield (*at, 0), data[0]
    else:
        yield at, data


def _date(said: Any, whole: Callable[[str], Any], lengths: range) -> bool:
    if not isinstance(said, str) or len(said) not in lengths:
        return False
    try:
        whole(said)
    except ValueError:
        return False
    return True


def _zoned(said: Any) -> bool:
    return _date(said, datetime.fromisoformat, range(17, 40)) and datetime.fromisoformat(said).tzinfo is not None


_SHAPES: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("bool", lambda said: isinstance(said, bool)),
    ("unix_s", lambda said: isinstance(said, int | float) and 1e9 <= said < 2e9),
    ("unix_ms", lambda said: isinstance(said, int) and 1e12 <= said < 2e12),
    ("number", lambda said: isinstance(said, int | float)),
    ("email", lambda said: isinstance(said, str) and bool(_EMAIL.fullmatch(said))),
    ("date", lambda said: _date(said, date.fromisoformat, range(10, 11))),
    ("datetime", _zoned),
    ("naive", lambda said: _date(said, datetime.fromisoformat, range(16, 40))),
    ("unix_text", lambda said: isinstance(said, str) and bool(_UNIX.fullmatch(said))),
    ("html", lambda said: isinstance(said, str) and bool(_TAG.search(said))),
    ("text", lambda said: isinstance(said, str)),
    ("texts", lambda said: isinstance(said, list) and all(isinstance(one, str) for one in said)),
    ("objects", lambda said: isinstance(said, list) and all(isinstance(one, dict) for one in said)),
)
