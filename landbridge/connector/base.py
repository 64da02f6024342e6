"""Connector: what all of them have, and the generic way to read a stream."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from functools import cached_property, partial
from inspect import signature
from pathlib import Path
from traceback import extract_tb
from typing import Any, ClassVar

from landbridge.connector.account import Account
from landbridge.connector.config import ConnectionConfig
from landbridge.connector.cursors import ended, kept, lies_ahead, shifted
from landbridge.connector.either import ask_either
from landbridge.connector.items import Complete, Failure, Gone, Item, Native, Record
from landbridge.connector.marks import methods_of, streams_of
from landbridge.connector.parts import PrivateSpaces
from landbridge.connector.streams import Since, Stream
from landbridge.errors import ConfigError, NotFound, RecordError, TransientError, did_you_mean
from landbridge.http import Answer, Client, LocalThrottle, Page, Throttle, getter, latest_request

# The records that one object of a list stands for.
Rows = Callable[[Native], Iterable[Native]]
# What code raises that reads a record, or an answer, of another shape.
MISSHAPEN = (AttributeError, LookupError, TypeError, ValueError)


class Connector:
    """One account of one product. No loop over time, no sleep, no retry, no mapping, no knowledge of the hub."""

    system: ClassVar[str]
    Config: ClassVar[type[ConnectionConfig]] = ConnectionConfig

    # Names of methods; a connector whose streams are configured sets its own in each instance.
    _streams: dict[str, Stream]
    _readers: dict[str, str]
    _listed: frozenset[str]
    _makers: dict[str, str]
    _finders: dict[str, str]
    _writers: dict[tuple[str, str], str]
    _told: frozenset[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._streams = streams_of(cls)
        found = methods_of(cls)
        cls._readers, cls._listed, cls._makers, cls._finders, cls._writers, cls._told = found

    def __init__(self, config: Any, throttle: Throttle | None = None) -> None:
        self.config = config
        self.throttle: Throttle = throttle or LocalThrottle()
        # The engine puts its own in place: attachments of other systems are opened through it.
        self.open_file: Callable[[Mapping[str, Any]], Iterator[bytes]] = _no_files
        # And this: the keys of the private spaces that may be read. What is said in another one is not even asked for.
        self.private_spaces: PrivateSpaces = frozenset()

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
        """One call: whose account is this, and what is it not allowed to do? Raises AuthError.

        `private_spaces` are those that policy names, also where nobody was told yet: of what was said there nothing is
        asked, only whether that would be allowed.
        """
        raise ConfigError(f"{type(self).__name__} cannot check its account.")

    def close(self) -> None:
        """Closes every client that was made, and whatever else of it can be closed."""
        for made in list(vars(self).values()):
            if callable(close := getattr(made, "close", None)):
                close()

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
        return self._method(name, stream)

    def takes_version(self, stream: str) -> bool:
        """Can an update of this stream refuse where somebody else wrote meanwhile?"""
        return "version" in signature(self.writer(stream, "update")).parameters

    def read(self, stream: str, cursor: Any = None) -> Iterator[Item]:
        """Read in full where `cursor` is None (ends with Complete), else what changed since."""
        found = self.streams().get(stream)
        if found is None:
            raise ConfigError(f"{self.system} has no stream {stream!r}.", remedy=did_you_mean(stream, self.streams()))
        return self._items(found, cursor)

    def record_of(self, stream: Stream, raw: Native) -> Record | Gone:
        """What the system says as a record: made by the connector's method for it, else in the stream's form.

        Reading uses it, and reading back after a write, so that the two never differ.
        """
        if stream.gone and stream.gone(raw):
            return Gone(stream.key_of(raw))
        name = self._makers.get(stream.name)
        make = self._method(name, stream.name) if name else stream.native
        made: Native | Record | Gone = make(raw) if make else raw
        return Record(stream.key_of(made), made) if isinstance(made, dict) else made

    def item(self, stream: Stream, raw: Native) -> Record | Gone | Failure:
        """`record_of`; what is of another shape than expected is a Failure, not the end."""
        try:
            return self.record_of(stream, raw)
        except (*MISSHAPEN, RecordError) as error:
            return Failure(*stream.misshapen(raw, error))

    def native_of(self, stream: Stream, answer: Answer, **more: Any) -> Native:
        """The record that an answer holds, as reading has it; `more` is what the connector adds to what it says.

        Raises NotFound where it is gone, TransientError where it is none.
        """
        try:
            found = self.record_of(stream, answer.part("", dict) | more)
        except MISSHAPEN as error:
            problem = type(error).__name__
        else:
            if isinstance(found, Record):
                return found.native
            raise NotFound(f"{answer.where}: the record is not there any more.")
        raise answer.unlike(f"a record of {stream.name}", f"one of another shape ({problem})")

    def since_of(self, stream: Stream) -> Since | None:
        """How this account is asked for what has changed; None where it cannot, though others of its kind can."""
        return stream.since

    def pages_of(self, stream: Stream, since: str) -> Iterator[Page]:
        """All pages of a stream, or, where `since` says a time, those of what has changed from then on."""
        params = dict(stream.params)
        if stream.since and since:
            params[stream.since.param] = stream.since.form.format(since)
        return self.client.pages(stream.path, stream.pages, params=params)

    def followed(self, stream: Stream, pages: Iterable[Page], newest: str = "") -> Generator[Item, None, str]:
        """Yields what the pages hold; returns the newest time of change, as the stream's Since finds it, or the one given."""
        changed_at = getter(stream.since.field) if stream.since else None
        for page in pages:
            for raw in page.items:
                yield self.item(stream, raw)
            if changed_at:
                times = [str(changed_at(raw) or "") for raw in page.items]
                if lies_ahead(max(times, default=""), self.skew or 0.0):
                    # What is dated in the future must not move the cursor there: all changes until then would be missed.
                    times = [time for time in times if not lies_ahead(time, self.skew or 0.0)]
                newest = max([newest, *times])
        return newest

    def changes(self, stream: Stream, cursor: Any, rows: Rows | None = None) -> Iterator[Item]:
        """All there is, or what has changed since the cursor, where the stream's pages tell where a later read goes on."""
        following = yield from self.round(stream, kept(cursor, "delta", str), rows)
        yield from ended(cursor, {"delta": following})

    def round(
        self, stream: Stream, since: str | None, rows: Rows | None = None, values: Native | None = None
    ) -> Generator[Item, None, str | None]:
        """One round of that: yields what it tells, returns where a later one goes on.

        `rows`: the records that an object of the list stands for, where it is not one. `values` fill the path: a part of
        the stream has a round of its own.
        """
        for page in self.client.pages(stream.path, stream.pages, path_params=values, params=stream.params, start=since):
            for raw in page.items:
                yield from (self.item(stream, row) for row in (rows(raw) if rows else (raw,)))
            since = page.cursor
        return since

    def _items(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        reader = self._reader(stream)
        try:
            yield from reader(cursor)
        except MISSHAPEN as error:
            # Its text, and all that a chain would keep, may hold a person's data.
            raise _misshapen(f"{self.system}/{stream.name}", error) from None

    def _reader(self, stream: Stream) -> Callable[[Any], Iterator[Item]]:
        name = self._readers.get(stream.name)
        if name:
            method = self._method(name, stream.name)
            return partial(self._read_list, stream, method) if stream.name in self._listed else method
        return partial(self.changes if stream.pages.follows else self._read_pages, stream)

    def _method(self, name: str, stream: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self, name)
        return partial(method, self._streams[stream]) if name in self._told else method

    def _read_list(
        self, stream: Stream, found: Callable[[], Iterable[Native | Failure]], cursor: Any
    ) -> Iterator[Item]:
        for raw in found():
            yield raw if isinstance(raw, Failure) else self.item(stream, raw)
        yield Complete()

    def _read_pages(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        asked = self.since_of(stream)
        newest = (kept(cursor, "since", str) or "") if asked else ""
        since = shifted(newest, lambda moment: moment - asked.lag) if asked else ""
        newest = yield from self.followed(stream, self.pages_of(stream, since), newest)
        # Where nothing has a time of change there is nothing to go on from, and the next read is in full again.
        yield from ended(cursor, {"since": newest} if asked and newest else None)


def _misshapen(stream: str, error: Exception) -> TransientError:
    """A connector stumbles where an answer is not what it has to be; its code there says what that is."""
    place, asked = extract_tb(error.__traceback__)[-1], latest_request()
    return TransientError(
        f"{stream}: {f'the answer to {asked}' if asked else 'an answer'} has not the shape that"
        f" {Path(place.filename).name}:{place.lineno} expects ({type(error).__name__}); nothing more was read.",
        remedy="A proxy or another version of the system may answer; if it stays, tell the connector's author.",
    )


def _no_files(attachment: Mapping[str, Any]) -> Iterator[bytes]:
    raise RecordError("This attachment cannot be opened here: no system of this run holds its bytes.")
