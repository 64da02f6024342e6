"""What a connector yields, gathered into pages: what is looked at and committed together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from landbridge.connector import Checkpoint, Complete, Failure, Gone, Item, Record

SIZE = 1000


@dataclass
class Page:
    """Of a key that comes twice the last counts. `cursor` is where reading can go on after it."""

    cursor: Any
    rows: dict[str, Record] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)
    # The enumeration has seen everything.
    complete: bool = False
    last: bool = False

    @property
    def full(self) -> bool:
        return len(self.rows) + len(self.gone) + len(self.failures) >= SIZE


def pages(items: Iterable[Item], cursor: Any, first: Iterable[Record] = ()) -> Iterator[Page]:
    """A page ends when it is full or, in an incremental read (one with a cursor), at a checkpoint. The last may be empty.

    `first` are records that are read before all others.
    """
    full, page = cursor is None, Page(cursor, {row.key: row for row in first})
    for item in items:
        if isinstance(item, Record):
            page.rows[item.key] = item
            page.gone.discard(item.key)
        elif isinstance(item, Gone):
            page.gone.add(item.key)
            page.rows.pop(item.key, None)
        elif isinstance(item, Failure):
            page.failures.append(item)
        elif isinstance(item, Checkpoint):
            page.cursor = item.cursor
        elif isinstance(item, Complete):
            page.complete = True
        if page.full or (isinstance(item, Checkpoint) and not full):
            yield page
            page = Page(page.cursor, complete=page.complete)
    page.last = True
    yield page
