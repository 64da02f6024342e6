"""A system in memory that keeps state as a real one would: keys it gives itself, change times, deletes, refusals.

It is generous where real systems are (unknown fields are kept) and strict where they are (a user name exists once).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from landbridge.connector import Account, Checkpoint, Complete, ConnectionConfig, Connector, Gone, Item, Record, Stream
from landbridge.connector.items import Native
from landbridge.errors import NotFound, RecordError

STREAMS = ("people", "groups", "rooms", "memberships", "messages", "posts", "comments", "cases", "notes", "pages")


class MemoryConfig(ConnectionConfig):
    """Nothing but the base fields."""


class Memory(Connector):
    """All streams of all kinds at once; a test uses those that its configuration maps.

    `before` and `after` are called around each write with (op, stream, key or native) and may raise: a fault before
    or after the system has applied the write. `normalise` is what the system makes of a native it is given.
    """

    system = "memory"
    Config = MemoryConfig

    people = Stream("people", ("id",), "person", reports_gone=True)
    groups = Stream("groups", ("id",), "group", reports_gone=True)
    rooms = Stream("rooms", ("id",), "space", reports_gone=True)
    memberships = Stream("memberships", ("room", "user"), "membership", reports_gone=True)
    messages = Stream("messages", ("id",), "message", reports_gone=True)
    posts = Stream("posts", ("id",), "document", reports_gone=True)
    comments = Stream("comments", ("id",), "message", reports_gone=True)
    cases = Stream("cases", ("id",), "case", reports_gone=True)
    notes = Stream("notes", ("id",), "message", reports_gone=True)
    pages = Stream("pages", ("id",), "document", reports_gone=True)

    def __init__(self, name: str) -> None:
        super().__init__(MemoryConfig(host="memory:"))
        self.name = name
        self.state: dict[str, dict[str, Native]] = {stream: {} for stream in STREAMS}
        self.log: list[tuple[int, str, str]] = []
        self.calls: list[tuple[str, str]] = []
        self.before: Callable[..., None] = lambda *call: None
        self.after: Callable[..., None] = lambda *call: None
        self.normalise: Callable[[str, Native], Native] = lambda stream, native: native
        self._ids = itertools.count(1)
        self._times = itertools.count(1)

    def check(self) -> Account:
        return Account(self.name)

    # --- as the people of the company use it -----------------------------------------------------------------

    def put(self, stream: str, **native: Any) -> str:
        """Create or change a record by hand; its key."""
        key = str(native.get("id") or self._new_key(stream))
        known = self.state[stream].get(key, {"id": key})
        self._keep(stream, key, {**known, **native})
        return key

    def drop(self, stream: str, key: str) -> None:
        """Delete a record by hand."""
        del self.state[stream][key]
        self.log.append((next(self._times), stream, key))

    def all(self, stream: str) -> list[Native]:
        return list(self.state[stream].values())

    def _new_key(self, stream: str) -> str:
        return f"{self.name}-{stream}-{next(self._ids)}"

    def _keep(self, stream: str, key: str, native: Native) -> Native:
        self.state[stream][key] = self.normalise(stream, native)
        self.log.append((next(self._times), stream, key))
        return deepcopy(self.state[stream][key])

    # --- as Landbridge uses it -------------------------------------------------------------------------------

    def read(self, stream: str, cursor: Any = None) -> Iterator[Item]:
        """In full, or by the change log, which also tells of deletions."""
        newest = self.log[-1][0] if self.log else 0
        known = self.state[stream]
        changed = {key: None for at, name, key in self.log if name == stream and at > (cursor or 0)}
        for key in list(known) if cursor is None else list(changed):
            native = known.get(key)
            yield Record(key, deepcopy(native), native.get("marker")) if native else Gone(key)
        yield Checkpoint(newest)
        if cursor is None:
            yield Complete()

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        found = next((one for one in self.state[stream].values() if one.get("marker") == marker), None)
        return deepcopy(found)

    def create(self, stream: str, native: Native, marker: str) -> Native:
        self._called("create", stream, native)
        if stream == "people" and any(one.get("login") == native.get("login") for one in self.all(stream)):
            raise RecordError("The login exists.")
        key = self._new_key(stream)
        if stream == "memberships":
            key = self.streams()[stream].key_of(native)
        kept = self._keep(stream, key, {"id": key, "marker": marker, **deepcopy(native)})
        self.after("create", stream, native)
        return kept

    def update(self, stream: str, key: str, changes: Native) -> Native:
        self._called("update", stream, key)
        if key not in self.state[stream]:
            raise NotFound(f"{stream} {key} is not there.")
        kept = self._keep(stream, key, {**self.state[stream][key], **deepcopy(changes)})
        self.after("update", stream, key)
        return kept

    def delete(self, stream: str, key: str) -> None:
        self._called("delete", stream, key)
        if key in self.state[stream]:
            self.drop(stream, key)
        self.after("delete", stream, key)

    def _called(self, op: str, stream: str, what: Any) -> None:
        self.calls.append((op, stream))
        self.before(op, stream, what)

    @classmethod
    def can_write(cls, stream: str, op: str) -> bool:
        return op in ("create", "update", "delete") or (op in ("disable", "enable") and stream in ("people", "rooms"))

    def writer(self, stream: str, op: str) -> Callable[..., Native | None]:
        table: dict[str, Callable[..., Native | None]] = {
            "create": lambda native, marker: self.create(stream, native, marker),
            "update": lambda key, changes, marker: self.update(stream, key, changes),
            "delete": lambda key, marker: self.delete(stream, key),
            "disable": lambda key, marker: self.update(stream, key, _switch(stream, off=True)),
            "enable": lambda key, marker: self.update(stream, key, _switch(stream, off=False)),
        }
        return table[op]


def _switch(stream: str, *, off: bool) -> Native:
    return {"active": not off} if stream == "people" else {"archived": off}
