"""The decorators that tell which method reads, writes or finds what, and what a class's methods say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar

from landbridge.connector.streams import Stream

Op = Literal["create", "update", "delete", "disable", "enable"]
# A stream, or all streams of a kind that have no method of their own for it: shared parts know no names.
Marked = Stream | str
ROLES = ("read", "list", "make", "find")
Method = TypeVar("Method", bound=Callable[..., Any])


def reads(*streams: Marked) -> Callable[[Method], Method]:
    """Marks the method `(self, cursor) -> Iterator[Item]` that reads a stream the generic way cannot.

    One that is marked for several streams, or for a kind, is told which: `(self, stream, cursor)`.
    """
    return _mark("read", streams, told=len(streams) > 1)


def lists(*streams: Marked) -> Callable[[Method], Method]:
    """Marks the method `(self) -> Iterable[Native | Failure]` that lists what a stream holds, as the system says it.

    It is read in full each time, for systems that do not tell what has changed. It is told the stream first where `reads`
    would be.
    """
    return _mark("list", streams, told=len(streams) > 1)


def makes(*streams: Marked) -> Callable[[Method], Method]:
    """Marks the method `(self, raw) -> Native | Record | Gone` that makes a record of what the system says.

    For streams whose form needs the connector; a function of `raw` alone stands in the stream. It is told the stream first
    where `reads` would be.
    """
    return _mark("make", streams, told=len(streams) > 1)


def finds(*streams: Marked) -> Callable[[Method], Method]:
    """Marks the method `(self, native, marker) -> Native | None` that looks for what an uncertain write has left.

    It is told the stream first where `reads` would be. A connector with such methods is also a `Finding`.
    """
    return _mark("find", streams, told=len(streams) > 1)


def writes(stream: Marked | tuple[Marked, ...], op: Op) -> Callable[[Method], Method]:
    """Marks the method that applies `op` to a stream and returns the record as the system now has it.

    create(self, native, marker) → native · update(self, key, changes, marker) → native ·
    disable / enable(self, key, marker) → native · delete(self, key, marker) → None

    One that is marked for several streams, or for a kind, takes the stream first. An update that also takes `version` is
    told which version_tag we know, so that it refuses to overwrite another.
    """
    streams = stream if isinstance(stream, tuple) else (stream,)
    return _mark(op, streams, told=streams is stream)


def _mark(what: str, streams: tuple[Marked, ...], *, told: bool) -> Callable[[Method], Method]:
    def mark(method: Method) -> Method:
        takes = told or any(isinstance(one, str) for one in streams)
        method.__marks__ = (*getattr(method, "__marks__", ()), (what, streams, takes))  # type: ignore[attr-defined]
        return method

    return mark


def streams_of(cls: type) -> dict[str, Stream]:
    found = {name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()}
    return {name: value for name, value in found.items() if isinstance(value, Stream)}


class Methods(NamedTuple):
    """Names of methods: by stream those that read, make and find, by stream and op those that write; and who takes the
    stream.

    `listed`: streams whose reader only lists them.
    """

    readers: dict[str, str]
    listed: frozenset[str]
    makers: dict[str, str]
    finders: dict[str, str]
    writers: dict[tuple[str, str], str]
    told: frozenset[str]


def methods_of(cls: type) -> Methods:
    """What is marked for a stream stands above what is marked for its kind."""
    streams, of_kinds, own = streams_of(cls).values(), dict[tuple[str, str], str](), dict[tuple[str, str], str]()
    told: set[str] = set()
    for name in dir(cls):
        for what, marked, takes in getattr(getattr(cls, name, None), "__marks__", ()):
            own |= {(one.name, what): name for one in marked if isinstance(one, Stream)}
            of_kinds |= {(one.name, what): name for one in streams if one.kind in marked}
            told |= {name} if takes else set()
    found = of_kinds | own
    reading = {of: (what, name) for (of, what), name in found.items() if what in ("read", "list")}
    readers = {of: name for of, (_, name) in reading.items()}
    listed = frozenset(of for of, (what, _) in reading.items() if what == "list")
    makers, finders = ({of: name for (of, what), name in found.items() if what == role} for role in ("make", "find"))
    writers = {key: name for key, name in found.items() if key[1] not in ROLES}
    return Methods(readers, listed, makers, finders, writers, frozenset(told))
