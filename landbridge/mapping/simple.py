"""Transforms of one value: texts, numbers, true and false, tables of words, lists of one."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from landbridge.mapping.pairs import (
    MisuseError,
    Pair,
    expect_list,
    expect_text,
    whole_number,
)
from landbridge.mapping.runtime import MISSING, Notes, UnfitError
from landbridge.mapping.tree import Argument, Scalar

# What directories and forms write; Entra sends "False" and leavers stayed active where it was taken for a text.
_TRUE = {"true", "yes", "y", "t", "on", "1"}
_FALSE = {"false", "no", "n", "f", "off", "0"}
_LATIN = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "æ": "ae",
        "ø": "o",
        "œ": "oe",
        "ł": "l",
        "đ": "d",
    }
)


def truth(value: Any) -> bool | None:
    """True or false however it is written; an empty text says neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        if not word:
            return None
    elif value == 0 or value == 1:
        return bool(value)
    raise UnfitError("true or false", value)


def slugify(value: str) -> str:
    """Small letters, digits and single hyphens; letters outside Latin stay as they are."""
    spelled = value.lower().translate(_LATIN)
    plain = "".join(c for c in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", "-", unicodedata.normalize("NFC", plain).lower()).strip("-")


def text(number: bool = False) -> Pair:
    def into(value: Any) -> str:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        return expect_text(value).strip()

    return Pair(into, whole_number if number else into)


def integer() -> Pair:
    def into(value: Any) -> int | None:
        return None if isinstance(value, str) and not value.strip() else whole_number(_stripped(value))

    return Pair(into, lambda value: str(whole_number(value)))


def boolean(true: Scalar = True, false: Scalar = False) -> Pair:
    forms = {true: True, false: False}
    if len(forms) != 2:
        raise MisuseError("true and false must be written differently")

    def into(value: Any) -> bool | None:
        return forms[value] if isinstance(value, str) and value in forms else truth(value)

    def out(value: Any) -> Any:
        found = truth(value)
        return None if found is None else true if found else false

    return Pair(into, out)


def negation() -> Pair:
    def flip(value: Any) -> bool | None:
        found = truth(value)
        return None if found is None else not found

    return Pair(flip, flip)


def lower() -> Pair:
    def convert(value: Any) -> str:
        return expect_text(value).lower()

    return Pair(convert, convert)


def slug() -> Pair:
    def convert(value: Any) -> str:
        return slugify(expect_text(value))

    return Pair(convert, convert)


def enum(*table: Argument) -> Pair:
    words = {"true": True, "false": False}
    into_table: dict[Scalar, Scalar] = {}
    out_table: dict[Scalar, Scalar] = {}
    for entry in table:
        if entry.key is None:
            raise MisuseError('expected enum(native="canonical", …)')
        native = entry.key if entry.quoted else words.get(str(entry.key), entry.key)
        if native in into_table:
            raise MisuseError(f"enum names {native!r} twice")
        into_table[native] = entry.value
        # Two native words may mean one thing; the first is the one that is written.
        out_table.setdefault(entry.value, native)
    if not table:
        raise MisuseError('expected enum(native="canonical", …)')
    return Pair(_lookup(into_table), _lookup(out_table))


def _lookup(table: dict[Scalar, Scalar]) -> Any:
    expected = f"one of {', '.join(repr(word) for word in table)}"

    def convert(value: Any) -> Scalar:
        try:
            return table[value]
        except (KeyError, TypeError):
            # An empty text is in no vocabulary: it says that nothing was chosen.
            if value == "":
                return None
            raise UnfitError(f"{expected} (add what is missing to enum)", value) from None

    return convert


def default(value: Scalar) -> Pair:
    def into(found: Any) -> Any:
        return value if found is None or found is MISSING else found

    return Pair(into, lambda found: found, null_into=True)


def const(value: Scalar) -> Pair:
    return Pair(lambda _: value)


def as_list() -> Pair:
    def into(value: Any) -> list[Any]:
        if isinstance(value, (list, dict)):
            raise UnfitError("one value", value)
        return [] if value == "" else [value]

    def out(value: Any, notes: Notes) -> Any:
        items = expect_list(value)
        if len(items) > 1:
            notes.lossy.append("only the first of several values")
        return items[0] if items else ""

    return Pair(into, out, out_notes=True)


def first() -> Pair:
    def into(value: Any) -> Any:
        items = expect_list(value)
        return items[0] if items else None

    return Pair(into, lambda value: [value])


def split(separator: str = ",") -> Pair:
    mark = separator.strip() or separator
    if not mark:
        raise MisuseError("the separator is empty")

    def into(value: Any) -> list[str]:
        return [part.strip() for part in expect_text(value).split(mark) if part.strip()]

    def out(value: Any, notes: Notes) -> str:
        items = [expect_text(item) for item in expect_list(value)]
        if any(mark in item for item in items):
            notes.lossy.append("the separator inside a value")
        return separator.join(item.replace(mark, " ") for item in items)

    return Pair(into, out, out_notes=True)


def join(separator: str = ", ") -> Pair:
    if not separator:
        raise MisuseError("the separator is empty")

    def into(value: Any) -> str:
        return separator.join(expect_text(item) for item in expect_list(value))

    def out(value: Any) -> list[str]:
        return expect_text(value).split(separator) if value != "" else []

    return Pair(into, out)


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value
