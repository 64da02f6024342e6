"""A stream is a value: where it is, what identifies a record, how it is paged and read incrementally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from landbridge.connector.items import Native, key_text
from landbridge.errors import RecordError
from landbridge.http import Pages, SinglePage, getter


@dataclass(frozen=True)
class Since:
    """Incremental reading by a changed-at field.

    `lag` is subtracted from the newest value seen, since systems write with clocks of their own and
    commit late; what is read twice is sorted out by its fingerprint. `form` is how the parameter says the time, for
    systems that take a condition: `changed ge {}`.
    """

    field: str
    param: str = ""
    lag: timedelta = timedelta(minutes=2)
    form: str = "{}"


@dataclass(frozen=True)
class Stream:
    """One kind of record of a system; its name is the attribute's name in the connector class."""

    path: str
    key: tuple[str, ...]
    kind: str
    pages: Pages = field(default_factory=SinglePage)
    since: Since | None = None
    params: dict[str, Any] = field(default_factory=dict)
    # Set by streams whose incremental read also reports deletions (Gone); the others need a full read to see them.
    reports_gone: bool = False
    # Seconds for which lists may still lack what was written, as where they come from a search index: who is missing
    # there is not gone before.
    late: float = 0.0
    # What a record is made into; None where it is taken as it comes.
    native: Callable[[Native], Native] | None = None
    # Whether it is not there any more, where a list also says that of a record.
    gone: Callable[[Native], bool] | None = None
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)

    @cached_property
    def _parts(self) -> tuple[Callable[[Native], Any], ...]:
        return tuple(getter(part) for part in self.key)

    def key_of(self, native: Native) -> str:
        """The record's key; KeyError names the missing part."""
        values = [part(native) for part in self._parts]
        if None in values:
            raise KeyError(self.key[values.index(None)])
        return key_text(values)

    def misshapen(self, raw: Native, error: Exception) -> tuple[str | None, RecordError]:
        """Key and reason of a record whose shape is not as expected; None where it does not even have its key."""
        try:
            key = self.key_of(raw)
        except KeyError as missing:
            return None, RecordError(f"A record of {self.name} has no {missing.args[0]}.")
        if isinstance(error, RecordError):
            return key, error
        return key, RecordError(f"A record of {self.name} is not as expected ({type(error).__name__}).")
