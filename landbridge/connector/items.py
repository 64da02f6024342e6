"""What reading a stream yields, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

Native = dict[str, Any]


def key_text(values: tuple[Any, ...] | list[Any]) -> str:
    """The record key as text: the value itself, or a JSON list where a key has several parts."""
    return str(values[0]) if len(values) == 1 else orjson.dumps([str(value) for value in values]).decode()


class Record(NamedTuple):
    """One item as the system says it; `marker` where the item carries one of ours, so it is recognised as no news."""

    key: str
    native: Native
    marker: str | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """The system itself says that this record was deleted (or that the account may no longer see it)."""

    key: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One record, or one partition (`key` None), that could not be read; the others go on.

    `again`: reading it later may succeed. Otherwise something else than the record says so (what was sent came back, or
    was `Declined`): it stands until a person drops it, however well the record reads, and is never tried.
    """

    key: str | None
    error: Exception
    again: bool = True


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything yielded so far may be committed; reading can resume from `cursor` (JSON data, opaque to the engine)."""

    cursor: Any


@dataclass(frozen=True, slots=True)
class Complete:
    """This enumeration has seen everything: what was not yielded is not there."""


Item = Record | Gone | Failure | Checkpoint | Complete
