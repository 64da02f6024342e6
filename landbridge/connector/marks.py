"""The decorators that tell which method reads or writes which stream, and what a class's methods say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from landbridge.connector.streams import Stream

Op = Literal["create", "update", "delete", "disable", "enable"]
Method = TypeVar("Method", bound=Callable[..., Any])


def reads(*streams: Stream) -> Callable[[Method], Method]:
    """Marks the method `(self, cursor) -> Iterator[Item]` that reads a stream the generic way cannot.

    One that is marked for several streams is told which: `(self, stream, cursor)`.
    """

    def mark(method: Method) -> Method:
        method.__reads__ = streams  # type: ignore[attr-defined]
        return method

    return mark


def writes(stream: Stream | tuple[Stream, ...], op: Op) -> Callable[[Method], Method]:
    """Marks the method that applies `op` to a stream and returns the record as the system now has it.

    create(self, native, marker) → native · update(self, key, changes, marker) → native ·
    disable / enable(self, key, marker) → native · delete(self, key, marker) → None

    One that is marked for several streams takes the stream first. An update that also takes `version` is told which
    version_tag we know, so that it refuses to overwrite another.
    """

    def mark(method: Method) -> Method:
        method.__writes__ = (*getattr(method, "__writes__", ()), (stream, op))  # type: ignore[attr-defined]
        return method

    return mark


def streams_of(cls: type) -> dict[str, Stream]:
    found = {name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()}
    return {name: value for name, value in found.items() if isinstance(value, Stream)}


def methods_of(cls: type) -> tuple[dict[str, str], dict[tuple[str, str], str], frozenset[str]]:
    """Names of methods: those that read, by stream; those that write, by stream and op; and who of them takes the stream."""
    readers: dict[str, str] = {}
    writers: dict[tuple[str, str], str] = {}
    several: set[str] = set()
    for name in dir(cls):
        method = getattr(cls, name, None)
        read: tuple[Stream, ...] = getattr(method, "__reads__", ())
        readers |= {stream.name: name for stream in read}
        for written, op in getattr(method, "__writes__", ()):
            some = written if isinstance(written, tuple) else (written,)
            writers |= {(stream.name, op): name for stream in some}
            several |= {name} if isinstance(written, tuple) else set()
        several |= {name} if len(read) > 1 else set()
    return readers, writers, frozenset(several)
