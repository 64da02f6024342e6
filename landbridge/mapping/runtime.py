"""What the generated functions call: reading and writing paths, comparing, and saying what did not fit."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import orjson

from landbridge.errors import RecordError


class _Missing(tuple[()]):
    """Absent, which is neither null nor empty; a tuple, so that it is false without a call."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


class UnfitError(Exception):
    """A value is not what was expected. Says both, and of the value only its type: it may be a person's."""

    def __init__(self, expected: str, value: object = MISSING) -> None:
        super().__init__(f"expected {expected}" + ("" if value is MISSING else f", found {type_name(value)}"))


class Notes:
    """What a transform may say beside its value, and what it may ask."""

    __slots__ = ("labels", "lossy")

    def __init__(self, labels: Callable[[str, str], str | None] | None = None) -> None:
        self.labels = labels or no_label
        self.lossy: list[str] = []


def no_label(_kind: str, _key: str) -> str | None:
    """Used where nobody can say how an entity is called."""
    return None


def type_name(value: object) -> str:
    """How JSON calls it, for people."""
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return "null" if value is None else names.get(type(value), f"a {type(value).__name__}")


def step(parent: Any, name: str) -> Any:
    """One name down; below null there is null, below absent and below PHP's empty object ([]) nothing."""
    if isinstance(parent, Mapping):
        return parent.get(name, MISSING)
    if parent is None or parent is MISSING:
        return parent
    if parent == []:
        return MISSING
    raise UnfitError(f"an object that may hold {name!r}", parent)


def element(parent: Any, index: int) -> Any:
    """One element of a list, absent where the list is shorter."""
    if isinstance(parent, list):
        return parent[index] if -len(parent) <= index < len(parent) else MISSING
    if parent is None or parent is MISSING:
        return parent
    raise UnfitError("a list", parent)


def look(data: Mapping[str, Any], flat: str, steps: tuple[str | int, ...]) -> Any:
    """A path in data that may be flat (`name.given` as one key) or nested; None where there is nothing."""
    if flat in data:
        return data[flat]
    value: Any = data
    for name in steps:
        value = element(value, name) if isinstance(name, int) else step(value, name)
    return None if value is MISSING else value


def known(value: Any) -> Any:
    """In a condition absent counts as null."""
    return None if value is MISSING else value


def through(transform: Callable[[Any], Any], value: Any) -> Any:
    """A transform in a condition: null passes."""
    return None if value is None else transform(value)


def gather(values: tuple[Any, ...]) -> Any:
    """Several paths as one list: absent when one is, null when one is."""
    if any(value is MISSING for value in values):
        return MISSING
    return None if any(value is None for value in values) else list(values)


def concat(values: tuple[Any, ...]) -> Any:
    """Several lists as one; absent or null when none of them says more."""
    lists = [value for value in values if value is not MISSING and value is not None]
    if not lists:
        return None if any(value is None for value in values) else MISSING
    for value in lists:
        if not isinstance(value, list):
            raise UnfitError("a list", value)
    return [item for value in lists for item in value]


def put(native: dict[str, Any], steps: tuple[str | int, ...], value: Any) -> None:
    """Set a path, making the objects and the lists of one on the way."""
    here: Any = native
    for name, after in pairwise(steps):
        inner = here[name] if isinstance(name, int) else here.get(name)
        if inner is None:
            inner = here[name] = [None] if isinstance(after, int) else {}
        here = inner
    here[steps[-1]] = value


def merge(
    native: dict[str, Any], steps: tuple[str | int, ...], found: dict[str, Any] | None, keys: tuple[str, ...]
) -> None:
    """Set some keys of the object at a path; null is null in each of them."""
    for key, value in (found or dict.fromkeys(keys)).items():
        put(native, (*steps, key), value)


def key_parts(value: Any, count: int) -> list[Any]:
    """A key of several parts (a JSON list) as its parts."""
    try:
        parts = orjson.loads(value)
    except (orjson.JSONDecodeError, TypeError):
        parts = None
    if not isinstance(parts, list) or len(parts) != count:
        raise UnfitError(f"a key of {count} parts")
    return parts


_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def ordered(op: str, left: Any, right: Any) -> bool:
    """Nothing is smaller or greater than null."""
    if left is None or right is None:
        return False
    try:
        return bool(_ORDER[op](left, right))
    except TypeError:
        raise UnfitError(f"two values that {op} can compare, found {type_name(left)} and {type_name(right)}") from None


def contains(item: Any, container: Any) -> bool:
    """`in`: an element of a list, a key of an object, a part of a text; nothing is in null."""
    if container is None:
        return False
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    if isinstance(container, (list, tuple, dict, set, frozenset)):
        return item in container
    raise UnfitError("a list or a text right of in", container)


# What generated code may raise on an unexpected value.
FAILURES = (
    UnfitError,
    RecordError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
)


def record_error(where: str, error: Exception) -> RecordError:
    """The error of one record; what an unexpected exception says may be a person's value, so only its type is kept."""
    text = str(error) if isinstance(error, (UnfitError, RecordError)) else f"cannot be read ({type(error).__name__})"
    return RecordError(f"{where}: {text.rstrip('.')}.")


# The names generated code may use.
SCOPE: dict[str, Any] = {
    "MISSING": MISSING, "Notes": Notes, "step": step, "element": element, "look": look, "known": known,
    "through": through, "gather": gather, "concat": concat, "put": put, "merge": merge, "key_parts": key_parts, "ordered": ordered,
    "contains": contains,
}  # fmt: skip
