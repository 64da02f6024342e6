"""Connectors whose streams no code can know: which tables or files there are, each company says by itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from landbridge.connector.base import Connector
from landbridge.connector.items import Item, Native
from landbridge.connector.marks import Op
from landbridge.connector.streams import Stream
from landbridge.errors import ConfigError, ExpiredCursor
from landbridge.http import Throttle


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise ValueError(f"{value!r} is no name of a stream: small letters, digits and _ were expected")
    return value


# The key of the field `streams` of a Config.
StreamName = Annotated[str, AfterValidator(_name)]
Kind = Literal["person", "group", "space", "document", "case", "message", "membership"]


class StreamConfig(BaseModel):
    """What is said of every configured stream; a connector adds where its rows are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = Field(description="what a row is")
    key: Annotated[tuple[str, ...], Field(min_length=1)] = Field(description="columns that identify a row")
    writes: tuple[Op, ...] = Field(
        (), description="what Landbridge may do here: create, update, delete, disable, enable"
    )

    @property
    def place(self) -> str:
        """Where its rows are, as people call it."""
        raise ConfigError(f"{type(self).__name__} says no place.")

    @property
    def mark(self) -> str:
        """Of all that tells how the stream is read; a cursor keeps it under `of`."""
        return hashlib.sha256(self.model_dump_json(exclude={"writes"}).encode()).hexdigest()[:16]

    def expect(self, cursor: Any) -> None:
        """Raises ExpiredCursor for one that was made while the stream was read in another way."""
        if cursor is not None and not (isinstance(cursor, Mapping) and cursor.get("of") == self.mark):
            raise ExpiredCursor("The stored cursor belongs to another way of reading this stream.")


class Configured(Connector):
    """Its streams are those of its configuration: an instance has some, the class has none.

    A subclass reads them in `read_stream(stream, cursor)`, and writes them in methods that are named as the operations and
    take the stream first: `create(stream, native, marker)` … `delete(stream, key, marker)`.
    """

    def __init__(self, config: Any, throttle: Throttle | None = None) -> None:
        super().__init__(config, throttle)
        self._streams = dict(self.define())
        self._writers = {
            (name, op): op for name in self._streams for op in self.operations(name) if hasattr(type(self), op)
        }
        self._told = frozenset(self._writers.values())

    def define(self) -> Mapping[str, Stream]:
        """The streams by name, as the field `streams` of the configuration has them."""
        given: Mapping[str, StreamConfig] = self.config.streams
        return {name: Stream(one.place, one.key, one.kind, name=name) for name, one in given.items()}

    def operations(self, stream: str) -> tuple[str, ...]:
        """What may be written to a stream; nothing unless the configuration allows it."""
        allowed: tuple[str, ...] = self.config.streams[stream].writes
        return allowed

    def read_stream(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        raise ConfigError(f"{type(self).__name__} cannot read {stream.name}.")

    def _reader(self, stream: Stream) -> Callable[[Any], Iterator[Item]]:
        return partial(self.read_stream, stream)


def keyed(stream: Stream, native: Native) -> bool:
    """Whether the native brings its key: then a row is known by it before it is written, and after a lost answer."""
    return all(native.get(name) is not None for name in stream.key)
