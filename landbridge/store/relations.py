"""A table that says what belongs to whom, held in memory for one transaction and written as a difference at its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from sqlalchemy import Connection

from landbridge.store import sets

Entry = tuple[str, ...]
_NOTHING: frozenset[Any] = frozenset()


class Shape(NamedTuple):
    """A table whose rows are an owner and an entry; entries are looked up by their last column, given the others."""

    table: str
    owner: str
    owner_type: str
    entry: tuple[str, ...]


REFERENCES = Shape("reference", "source", "text", ("field", "target"))
UNRESOLVED = Shape("unresolved", "record", "bigint", ("system", "stream", "key"))
IDENTIFIERS = Shape("identifier", "record", "bigint", ("kind", "field", "value"))


class Relation:
    """Both directions of a table, with what this transaction has changed already seen in them."""

    def __init__(self, conn: Connection, shape: Shape) -> None:
        self._conn, self._shape = conn, shape
        self._stored: dict[Any, AbstractSet[Entry]] = {}
        self._held: dict[Any, AbstractSet[Entry]] = {}
        self._owners: dict[Entry, set[Any]] = {}
        # Entry → owner → does it have it? What owners looked up later do not show yet.
        self._moved: dict[Entry, dict[Any, bool]] = {}
        # The owners whose entries are not as they are stored.
        self._touched: set[Any] = set()

    def is_new(self, owner: Any) -> None:
        """Nothing of this owner can be stored yet."""
        self._stored.setdefault(owner, _NOTHING)
        self._held.setdefault(owner, _NOTHING)

    def load(self, owners: Iterable[Any]) -> None:
        """What these owners have, fetched together."""
        wanted = [owner for owner in owners if owner not in self._held]
        found: dict[Any, set[Entry]] = {}
        for owner, *entry in sets.look_up(self._conn, _of_owners(self._shape), wanted, type=self._shape.owner_type):
            found.setdefault(owner, set()).add(tuple(entry))
        for owner in wanted:
            self._stored[owner] = self._held[owner] = found.get(owner, _NOTHING)

    def load_owners(self, entries: Iterable[Entry]) -> None:
        """Who has these entries, fetched together."""
        values: dict[Entry, set[str]] = {}
        for entry in entries:
            if entry not in self._owners:
                values.setdefault(entry[:-1], set()).add(entry[-1])
        for given, some in values.items():
            for value in some:
                self._owners[(*given, value)] = set()
            for value, owner in sets.look_up(self._conn, _of_entries(self._shape), some, *given):
                self._owners[(*given, value)].add(owner)
            for value in some if self._moved else ():
                for owner, has in self._moved.get((*given, value), {}).items():
                    _put(self._owners[(*given, value)], owner, has)

    def was_nobodys(self, entry: Entry) -> None:
        """Nothing stored can have this entry yet."""
        if entry not in self._owners:
            self._owners[entry] = {owner for owner, has in self._moved.get(entry, {}).items() if has}

    def of(self, owner: Any) -> AbstractSet[Entry]:
        if owner not in self._held:
            self.load([owner])
        return self._held[owner]

    def owners(self, entry: Entry) -> list[Any]:
        """In their order, so that what follows is the same in every run."""
        if entry not in self._owners:
            self.load_owners([entry])
        found = self._owners[entry]
        return sorted(found) if found else []

    def replace(self, owner: Any, entries: AbstractSet[Entry]) -> None:
        """All that it has; what is left out it has no longer."""
        held = self.of(owner)
        if held == entries:
            return
        for entry in held - entries:
            self._move(entry, owner, False)
        for entry in entries - held:
            self._move(entry, owner, True)
        self._held[owner] = entries
        self._touched.add(owner)

    def _move(self, entry: Entry, owner: Any, has: bool) -> None:
        if entry in self._owners:
            _put(self._owners[entry], owner, has)
        else:
            self._moved.setdefault(entry, {})[owner] = has

    def flush(self) -> None:
        """Write the difference."""
        gone, new = [], []
        for owner in self._touched:
            stored, held = self._stored[owner], self._held[owner]
            gone += [(owner, *entry) for entry in stored - held]
            new += [(owner, *entry) for entry in held - stored]
            self._stored[owner] = held
        self._moved.clear()
        self._touched.clear()
        shape = self._shape
        sets.delete(self._conn, shape.table, _columns(shape), sorted(gone))
        sets.insert(self._conn, shape.table, (shape.owner, *shape.entry), sorted(new))


def _put(owners: set[Any], owner: Any, has: bool) -> None:
    if has:
        owners.add(owner)
    else:
        owners.discard(owner)


def _columns(shape: Shape) -> Mapping[str, str]:
    return {shape.owner: shape.owner_type, **dict.fromkeys(shape.entry, "text")}


def _of_owners(shape: Shape) -> str:
    columns = ", ".join(f"{shape.table}.{name}" for name in (shape.owner, *shape.entry))
    return f"SELECT {columns} FROM {{wanted}} CROSS JOIN {shape.table} WHERE {shape.table}.{shape.owner} = wanted.value"


def _of_entries(shape: Shape) -> str:
    *given, value = shape.entry
    same = "".join(f" AND {shape.table}.{name} = {{?}}" for name in given)
    return (
        f"SELECT {shape.table}.{value}, {shape.table}.{shape.owner} FROM {{wanted}} CROSS JOIN {shape.table}"
        f" WHERE {shape.table}.{value} = wanted.value{same}"
    )
