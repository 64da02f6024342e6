"""What may not be there (any more): rooms, channels and libraries, and single records."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, ParamSpec, Protocol, TypeVar

from landbridge.connector.cursors import ended, kept
from landbridge.connector.items import Failure, Item
from landbridge.errors import IncompleteRead, NotFound, RecordError, ScopeError

P = ParamSpec("P")
T = TypeVar("T")
REFUSALS = (RecordError, ScopeError)
FAILURES = (*REFUSALS, IncompleteRead)


class PrivateSpaces(Protocol):
    """Keys of private spaces: those that policy names are listed, those that Landbridge has opened are only in it."""

    def __contains__(self, key: object, /) -> bool: ...

    def __iter__(self) -> Iterator[str]: ...


def apart(
    found: Iterable[T], key: str | None = None, refusals: tuple[type[Exception], ...] = REFUSALS
) -> Generator[T | Failure, None, Any]:
    """What is found in one part, and what a generator of it returns; None where the system refuses it, or has it no more.

    That is a Failure (of `key`, where the part is one record): the others are read all the same, and nothing is called gone.
    """
    try:
        return (yield from found)
    except refusals as error:
        yield Failure(key, error)
    return None


def resumed(
    cursor: Any,
    name: str,
    parts: Iterable[T | Failure],
    key: Callable[[T], str],
    read: Callable[[T, Any], Generator[Item, None, Any]],
) -> Iterator[Item]:
    """Reads each part by `read(part, since)`, and keeps in the cursor, under `name` and the part's key, what that returns:
    where a later read goes on. One that fails, or comes by halves, goes on from where it was and keeps none of the others.
    """
    known: dict[str, Any] = kept(cursor, name, dict) or {}
    reached = {}
    for part in parts:
        if isinstance(part, Failure):
            yield part
            continue
        since = known.get(key(part))
        reached[key(part)] = (yield from apart(read(part, since), refusals=FAILURES)) or since
    yield from ended(cursor, {name: known | reached})


def if_there(ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """What is asked for; None where the answer is NotFound."""
    try:
        return ask(*args, **kwargs)
    except NotFound:
        return None


def if_allowed(ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """What is asked for; None where the account may not ask that."""
    try:
        return ask(*args, **kwargs)
    except ScopeError:
        return None
