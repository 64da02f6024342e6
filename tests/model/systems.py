"""Systems in memory as unkind as real ones: they clean up behind a delete, lose answers, break off reads, forget cursors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from landbridge.connector import Checkpoint, Complete, Gone, Item, Record, Stream
from landbridge.connector.items import Native
from landbridge.errors import LandbridgeError, RecordError
from landbridge.testing.memory import Memory
from tests.model import clock

# What goes with a record that is deleted: stream → (stream, field that names it).
GOES_WITH = {
    "people": [("memberships", "user")],
    "rooms": [("memberships", "room"), ("messages", "room")],
    "posts": [("comments", "post")],
}
# Told at each moment at which the world may change under the engine's hands: (point, system, op or stream, key or native).
Told = Callable[[str, "Simulated", str, Any], None]


class Simulated(Memory):
    """`told` is called at each point and may raise; `down` is raised by everything while it is set."""

    tells_deletes = True
    # Do the markers of its records stand in what is read, or are they only found by asking for them?
    shows_markers = True
    newest_first = False
    # Seconds until lists show a new record.
    late = 0.0
    # Streams in which the key of a deleted record is given to the next one.
    reuses: tuple[str, ...] = ()

    def __init__(self, name: str, told: Told) -> None:
        super().__init__(name)
        self.told = told
        self.down: LandbridgeError | None = None
        self.made: set[tuple[str, str]] = set()
        # When each record was made, and its number in the log.
        self.born: dict[tuple[str, str], tuple[datetime, int]] = {}
        self.free: dict[str, list[str]] = {}
        self.before = lambda op, stream, what: self._point("send", f"{op} {stream}", what)
        self.after = lambda op, stream, what: self._point("answered", f"{op} {stream}", what)

    def _point(self, point: str, about: str, what: Any) -> None:
        if self.down is not None:
            raise self.down
        self.told(point, self, about, what)

    def read(self, stream: str, cursor: Any = None) -> Iterator[Item]:
        self._point("asked", stream, cursor)
        hidden = self._not_listed_yet(stream)
        for item in self._in_its_order(super().read(stream, cursor)):
            if isinstance(item, Gone) and not self.tells_deletes:
                continue
            if isinstance(item, Record) and item.key in hidden:
                continue
            if isinstance(item, Checkpoint) and hidden:
                item = Checkpoint(min(hidden.values()) - 1)
            if not isinstance(item, Complete):
                self._point("item", stream, item)
            yield item if self.shows_markers or not isinstance(item, Record) else item._replace(marker=None)

    def _not_listed_yet(self, stream: str) -> dict[str, int]:
        """Key → its first number in the log: no cursor may pass it by."""
        before = clock.now() - timedelta(seconds=self.late)
        return {key: first for (of, key), (at, first) in self.born.items() if of == stream and at > before}

    def _in_its_order(self, items: Iterator[Item]) -> list[Item]:
        found = list(items)
        said = [item for item in found if isinstance(item, Record | Gone)]
        return [*reversed(said), *found[len(said) :]] if self.newest_first else found

    def writer(self, stream: str, op: str) -> Callable[..., Native | None]:
        write = super().writer(stream, op)

        def watched(what: Any, *told: Any) -> Native | None:
            try:
                return write(what, *told)
            except RecordError:
                self.told("refused", self, stream, what)
                raise

        return watched

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        self._point("find", stream, marker)
        found = super().find(stream, native, marker)
        if found is not None:
            self.calls.append(("find", stream))  # it ends what others wait for, as a write does
        return found

    def update(self, stream: str, key: str, changes: Native) -> Native:
        before = deepcopy(self.state[stream].get(key))
        try:
            return super().update(stream, key, changes)
        finally:
            if before is not None and self.state[stream].get(key) != before:
                self.told("replaced", self, f"update {stream}", before)

    def _keep(self, stream: str, key: str, native: Native) -> Native:
        if native.get("marker"):
            self.made.add((stream, key))
        new = key not in self.state[stream]
        kept = super()._keep(stream, key, native)
        if new:
            self.born[stream, key] = clock.now(), self.log[-1][0]
        return kept

    def _new_key(self, stream: str) -> str:
        free = self.free.get(stream)
        return free.pop() if free else super()._new_key(stream)

    def drop(self, stream: str, key: str) -> None:
        super().drop(stream, key)
        self.made.discard((stream, key))
        if stream in self.reuses:
            self.free.setdefault(stream, []).append(key)
        for other, field in GOES_WITH.get(stream, ()):
            for gone in [one for one, native in self.state[other].items() if native.get(field) == key]:
                self.drop(other, gone)

    def join(self, room: str, user: str) -> None:
        native = {"room": room, "user": user, "role": "member"}
        self.put("memberships", id=self.streams()["memberships"].key_of(native), **native)

    def human(self, stream: str) -> list[str]:
        """Keys of the records that people made."""
        return [key for key in self.state[stream] if (stream, key) not in self.made]


class Forgetful(Simulated):
    """Tells of no deletion: only a full read shows what is not there any more.

    Shows no markers, the newest first, and what is new only after a while.
    """

    tells_deletes = False
    shows_markers = False
    newest_first = True
    late = 300.0

    @classmethod
    def streams(cls) -> dict[str, Stream]:
        return _SILENT


class Idempotent(Simulated):
    """Cannot be asked for a marker: a create that comes again with the same one makes nothing, as with Matrix."""

    find = None  # type: ignore[assignment]

    def create(self, stream: str, native: Native, marker: str) -> Native:
        there = next((one for one in self.all(stream) if one.get("marker") == marker), None)
        if there is None:
            return super().create(stream, native, marker)
        self._called("create", stream, native)
        self.after("create", stream, native)
        return deepcopy(there)


# What chat may be.
SORTS: dict[str, type[Simulated]] = {"finds": Simulated, "idempotent": Idempotent}
_SILENT = {
    name: replace(stream, reports_gone=False, late=Forgetful.late) for name, stream in Simulated.streams().items()
}
