"""Connector, and the decorators that tell which method reads or writes which stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from inspect import signature
from pathlib import Path
from traceback import extract_tb
from typing import Any, ClassVar, Literal, TypeVar

from landbridge.connector.config import ConnectionConfig
from landbridge.connector.either import ask_either
from landbridge.connector.items import Checkpoint, Complete, Failure, Item, Native, Record
from landbridge.connector.streams import Since, Stream
from landbridge.errors import ConfigError, RecordError, TransientError
from landbridge.http import Client, LocalThrottle, Throttle, getter, latest_request

Op = Literal["create", "update", "delete", "disable", "enable"]
Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Account:
    """Whose account the connection is, and which permissions it lacks (empty: none)."""

    name: str
    missing: tuple[str, ...] = ()
    detail: str = ""


def reads(stream: Stream) -> Callable[[Method], Method]:
    """Marks the method `(self, cursor) -> Iterator[Item]` that reads a stream the generic way cannot."""

    def mark(method: Method) -> Method:
        method.__reads__ = stream  # type: ignore[attr-defined]
        return method

    return mark


def writes(stream: Stream, op: Op) -> Callable[[Method], Method]:
    """Marks the method that applies `op` to a stream and returns the record as the system now has it.

    create(self, native, marker) → native · update(self, key, changes, marker) → native ·
    disable / enable(self, key, marker) → native · delete(self, key, marker) → None

    An update that also takes `version` is told which version_tag we know, so that it refuses to overwrite another.
    """

    def mark(method: Method) -> Method:
        marks: tuple[Any, ...] = getattr(method, "__writes__", ())
        method.__writes__ = (*marks, (stream, op))  # type: ignore[attr-defined]
        return method

    return mark


def _streams(cls: type) -> dict[str, Stream]:
    found = {name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()}
    return {name: value for name, value in found.items() if isinstance(value, Stream)}


def _methods(cls: type) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    readers: dict[str, str] = {}
    writers: dict[tuple[str, str], str] = {}
    for name in dir(cls):
        method = getattr(cls, name, None)
        if stream := getattr(method, "__reads__", None):
            readers[stream.name] = name
        for stream, op in getattr(method, "__writes__", ()):
            writers[stream.name, op] = name
    return readers, writers


class Connector:
    """One account of one product. No loop over time, no sleep, no retry, no mapping, no knowledge of the hub."""

    system: ClassVar[str]
    Config: ClassVar[type[ConnectionConfig]] = ConnectionConfig

    # Names of methods; a connector whose streams are configured sets its own in each instance.
    _streams: dict[str, Stream]
    _readers: dict[str, str]
    _writers: dict[tuple[str, str], str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._streams = _streams(cls)
        cls._readers, cls._writers = _methods(cls)

    def __init__(self, config: Any, throttle: Throttle | None = None) -> None:
        self.config = config
        self.throttle: Throttle = throttle or LocalThrottle()
        # The engine puts its own in place: attachments of other systems are opened through it.
        self.open_file: Callable[[Mapping[str, Any]], Iterator[bytes]] = _no_files

    def make_client(self) -> Client:
        """The configured HTTP client; must not call the network. Connectors without HTTP leave it."""
        raise ConfigError(f"{type(self).__name__} has no HTTP client.")

    @cached_property
    def client(self) -> Client:
        return self.make_client()

    @property
    def skew(self) -> float | None:
        """Seconds by which the system's clock is ahead of ours; None where it has not told."""
        return self.client.skew if "client" in self.__dict__ else None

    def check(self) -> Account:
        """One call: whose account is this, and what is it not allowed to do? Raises AuthError."""
        raise ConfigError(f"{type(self).__name__} cannot check its account.")

    def close(self) -> None:
        if "client" in self.__dict__:
            self.client.close()

    @ask_either
    def streams(self) -> dict[str, Stream]:
        """Of the class; of an account where its configuration defines them (landbridge.connector.configured)."""
        return self._streams

    @ask_either
    def can_write(self, stream: str, op: str) -> bool:
        return (stream, op) in self._writers

    def writer(self, stream: str, op: str) -> Callable[..., Native | None]:
        """The bound method for this op. Raises ConfigError where the connector has none."""
        name = self._writers.get((stream, op))
        if name is None:
            raise ConfigError(f"{self.system}/{stream} cannot {op} records.")
        method: Callable[..., Native | None] = getattr(self, name)
        return method

    def takes_version(self, stream: str) -> bool:
        """Can an update of this stream refuse where somebody else wrote meanwhile?"""
        return "version" in signature(self.writer(stream, "update")).parameters

    def read(self, stream: str, cursor: Any = None) -> Iterator[Item]:
        """Read in full where `cursor` is None (ends with Complete), else what changed since."""
        found = self.streams().get(stream)
        if found is None:
            raise ConfigError(f"{self.system} has no stream {stream!r}.", remedy=f"Known: {', '.join(self.streams())}.")
        return self._items(found, cursor)

    def _items(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        reader = self._reader(stream)
        try:
            yield from reader(cursor)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # Its text, and all that a chain would keep, may hold a person's data.
            raise _misshapen(f"{self.system}/{stream.name}", error) from None

    def _reader(self, stream: Stream) -> Callable[[Any], Iterator[Item]]:
        name = self._readers.get(stream.name)
        return getattr(self, name) if name else partial(self._read_pages, stream)

    def _read_pages(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        newest = (cursor or {}).get("since")
        params = dict(stream.params)
        if newest and stream.since:
            params[stream.since.param] = stream.since.form.format(newest)
        changed_at = getter(stream.since.field) if stream.since else None
        for page in self.client.pages(stream.path, stream.pages, params=params):
            for native in page.items:
                yield self.item(stream, native)
            if changed_at:
                newest = max([newest or "", *(str(changed_at(native) or "") for native in page.items)]) or None
        if stream.since:
            yield Checkpoint({"since": _minus(newest, stream.since) if newest else None})
        if not cursor:
            yield Complete()

    @staticmethod
    def item(stream: Stream, native: Native) -> Record | Failure:
        """The native as an item; one without its key is a Failure, not the end."""
        try:
            return Record(stream.key_of(native), native)
        except KeyError as error:
            return Failure(None, RecordError(f"A record of {stream.name} has no {error.args[0]}."))


def _misshapen(stream: str, error: Exception) -> TransientError:
    """A connector stumbles where an answer is not what it has to be; its code there says what that is."""
    place, asked = extract_tb(error.__traceback__)[-1], latest_request()
    return TransientError(
        f"{stream}: {f'the answer to {asked}' if asked else 'an answer'} has not the shape that"
        f" {Path(place.filename).name}:{place.lineno} expects ({type(error).__name__}); nothing more was read.",
        remedy="A proxy or another version of the system may answer; if it stays, tell the connector's author.",
    )


def _minus(newest: str, since: Since) -> str:
    """ISO 8601 text minus the lag, in the same form the system used; text in another form is left as it is."""
    try:
        moment = datetime.fromisoformat(newest) - since.lag
    except ValueError:
        return newest
    separator = newest[10] if len(newest) > 10 else "T"
    return moment.isoformat(sep=separator)


def _no_files(attachment: Mapping[str, Any]) -> Iterator[bytes]:
    raise RecordError("This attachment cannot be opened here: no system of this run holds its bytes.")
