"""Systems of many parts: rooms, channels, libraries."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, TypeVar

from landbridge.connector.items import Failure
from landbridge.errors import NotFound, ScopeError

T = TypeVar("T")


def apart(found: Iterable[T]) -> Generator[T | Failure, None, Any]:
    """What is found in one part, and what a generator of it returns; None where the account may not see it (any more).

    That is a Failure: the others are read all the same, and nothing is called gone.
    """
    try:
        return (yield from found)
    except (NotFound, ScopeError) as error:
        yield Failure(None, error)
    return None
