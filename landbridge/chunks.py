"""Long lists a part at a time: what asks a server or a database for many things asks for some of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
# Large enough to make the round trip cheap, small enough to keep one statement's memory in bounds.
OF_A_STATEMENT = 2_000


def chunks(items: Sequence[T], size: int = OF_A_STATEMENT) -> Iterator[Sequence[T]]:
    """In order, at most `size` of them together."""
    return (items[at : at + size] for at in range(0, len(items), size))
