"""Who refers to whom, who waits for whom, and the values that records are matched by; each `set_` replaces all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, and_, bindparam, select, tuple_

from landbridge.store import bulk, locks
from landbridge.store.tables import identifier, record, reference, unresolved


class _Owned:
    """The rows of a table that belong to one owner; most of the time they are as they should be already."""

    def __init__(self, table: Table, owner: tuple[str, ...], names: tuple[str, ...]) -> None:
        self._table, self._names, self._insert = table, names, table.insert()
        self._columns = [table.c[name] for name in names]
        self._owned = and_(*(table.c[name] == bindparam(name) for name in owner))
        self._held = select(*self._columns).where(self._owned)

    def replace(self, conn: Connection, owner: Mapping[str, Any], wanted: AbstractSet[tuple[str, ...]]) -> None:
        """Only the difference is written."""
        held: set[tuple[str, ...]] = {tuple(map(str, row)) for row in conn.execute(self._held, owner)}
        for chunk in bulk.chunks(sorted(held - wanted), 300):
            conn.execute(self._table.delete().where(self._owned, tuple_(*self._columns).in_(chunk)), owner)
        if missing := sorted(wanted - held):
            rows = [{**owner, **dict(zip(self._names, row, strict=True))} for row in missing]
            conn.execute(self._insert, rows)


_REFERENCES = _Owned(reference, ("source",), ("field", "target"))
_UNRESOLVED = _Owned(unresolved, ("record",), ("system", "stream", "key"))
_IDENTIFIERS = _Owned(identifier, ("record", "kind"), ("field", "value"))
_WAITING = (
    select(unresolved.c.record)
    .where(*(unresolved.c[name] == bindparam(name) for name in ("system", "stream", "key")))
    .order_by(unresolved.c.record)
)
_MATCHES = (
    select(record.c.id, record.c.entity, record.c.system, record.c.stream)
    .join(identifier, identifier.c.record == record.c.id)
    .where(
        record.c.gone_at.is_(None),
        identifier.c.kind == bindparam("kind"),
        identifier.c.field == bindparam("field"),
        identifier.c.value.in_(bindparam("values", expanding=True)),
    )
)


def set_references(conn: Connection, source: str, targets: Mapping[str, Iterable[str]]) -> None:
    """All that `source` refers to, by field; what is left out is no longer referred to."""
    wanted = {(field, target) for field, ids in targets.items() for target in ids}
    _REFERENCES.replace(conn, {"source": source}, wanted)


def referrers(conn: Connection, target: str, fields: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """(source, field) of all that refer to `target`, or only those that do so in one of `fields`."""
    found = select(reference.c.source, reference.c.field).where(reference.c.target == target)
    if fields is not None:
        found = found.where(reference.c.field.in_(fields))
    return [(row.source, row.field) for row in conn.execute(found.order_by(reference.c.source))]


def referrers_of(conn: Connection, targets: Iterable[str], field: str) -> dict[str, list[str]]:
    """Target → those that refer to it in this field, and an empty list where there is none."""
    wanted = sorted(set(targets))
    found: dict[str, list[str]] = {target: [] for target in wanted}
    for chunk in bulk.chunks(wanted):
        some = select(reference.c.target, reference.c.source).where(
            reference.c.target.in_(chunk), reference.c.field == field
        )
        for row in conn.execute(some.order_by(reference.c.source)):
            found[row.target].append(row.source)
    return found


def set_unresolved(conn: Connection, record_id: int, refs: Iterable[tuple[str, str, str]]) -> None:
    """The (system, stream, key) that this record refers to and that are not linked yet."""
    wanted = set(refs)
    if wanted:
        locks.exclusive(conn, locks.LOG)  # otherwise the link could appear unnoticed between looking and noting
    _UNRESOLVED.replace(conn, {"record": record_id}, wanted)


def waiting_for(conn: Connection, system: str, stream: str, key: str) -> list[int]:
    """The ids of the records that refer to a record not yet linked."""
    return list(conn.scalars(_WAITING, {"system": system, "stream": stream, "key": key}))


def wake(conn: Connection, system: str, stream: str, key: str) -> list[int]:
    """A record is linked now: have those that wait for it merged again."""
    waiting = waiting_for(conn, system, stream, key)
    for chunk in bulk.chunks(waiting):
        conn.execute(record.update().where(record.c.id.in_(chunk)).values(pending=True))
    return waiting


def set_identifiers(conn: Connection, record_id: int, kind: str, values: Mapping[str, Iterable[str]]) -> None:
    """The normalised values by which this record may be recognised, by field."""
    wanted = {(field, value) for field, texts in values.items() for value in texts}
    _IDENTIFIERS.replace(conn, {"record": record_id, "kind": kind}, wanted)


class Match(NamedTuple):
    """A record that carries a value looked for; `entity` is None where it is not linked yet."""

    record_id: int
    entity: str | None
    system: str
    stream: str


def matches(conn: Connection, kind: str, field: str, values: Iterable[str]) -> list[Match]:
    """The records that carry one of these values and are not gone."""
    found: dict[int, Match] = {}
    for chunk in bulk.chunks(sorted(set(values))):
        for row in conn.execute(_MATCHES, {"kind": kind, "field": field, "values": chunk}):
            found[row.id] = Match._make(row)
    return [found[record_id] for record_id in sorted(found)]
