"""Who refers to whom, who waits for whom, and the values that records are matched by; each `set_` replaces all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, and_, select, tuple_

from landbridge.store import bulk, locks
from landbridge.store.tables import identifier, record, reference, unresolved


def set_references(conn: Connection, source: str, targets: Mapping[str, Iterable[str]]) -> None:
    """All that `source` refers to, by field; what is left out is no longer referred to."""
    wanted = {(field, target) for field, ids in targets.items() for target in ids}
    _replace(conn, reference, {"source": source}, ("field", "target"), wanted)


def referrers(conn: Connection, target: str, fields: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """(source, field) of all that refer to `target`, or only those that do so in one of `fields`."""
    found = select(reference.c.source, reference.c.field).where(reference.c.target == target)
    if fields is not None:
        found = found.where(reference.c.field.in_(fields))
    return [(row.source, row.field) for row in conn.execute(found.order_by(reference.c.source))]


def set_unresolved(conn: Connection, record_id: int, refs: Iterable[tuple[str, str, str]]) -> None:
    """The (system, stream, key) that this record refers to and that are not linked yet."""
    wanted = set(refs)
    if wanted:
        locks.exclusive(conn, locks.LOG)  # otherwise the link could appear unnoticed between looking and noting
    _replace(conn, unresolved, {"record": record_id}, ("system", "stream", "key"), wanted)


def waiting_for(conn: Connection, system: str, stream: str, key: str) -> list[int]:
    """The ids of the records that refer to a record not yet linked."""
    waiting = select(unresolved.c.record).where(
        unresolved.c.system == system, unresolved.c.stream == stream, unresolved.c.key == key
    )
    return list(conn.scalars(waiting.order_by(unresolved.c.record)))


def wake(conn: Connection, system: str, stream: str, key: str) -> list[int]:
    """A record is linked now: have those that wait for it merged again."""
    waiting = waiting_for(conn, system, stream, key)
    for chunk in bulk.chunks(waiting):
        conn.execute(record.update().where(record.c.id.in_(chunk)).values(pending=True))
    return waiting


def set_identifiers(conn: Connection, record_id: int, kind: str, values: Mapping[str, Iterable[str]]) -> None:
    """The normalised values by which this record may be recognised, by field."""
    wanted = {(field, value) for field, texts in values.items() for value in texts}
    _replace(conn, identifier, {"record": record_id, "kind": kind}, ("field", "value"), wanted)


class Match(NamedTuple):
    """A record that carries a value looked for; `entity` is None where it is not linked yet."""

    record_id: int
    entity: str | None
    system: str
    stream: str


def matches(conn: Connection, kind: str, field: str, values: Iterable[str]) -> list[Match]:
    """The records that carry one of these values and are not gone."""
    found: dict[int, Match] = {}
    same = select(record.c.id, record.c.entity, record.c.system, record.c.stream).join(
        identifier, and_(identifier.c.record == record.c.id, record.c.gone_at.is_(None))
    )
    same = same.where(identifier.c.kind == kind, identifier.c.field == field)
    for chunk in bulk.chunks(sorted(set(values))):
        for row in conn.execute(same.where(identifier.c.value.in_(chunk))):
            found[row.id] = Match(row.id, row.entity, row.system, row.stream)
    return [found[record_id] for record_id in sorted(found)]


def _replace(
    conn: Connection,
    table: Table,
    owner: Mapping[str, Any],
    names: tuple[str, ...],
    wanted: AbstractSet[tuple[str, ...]],
) -> None:
    """Only the difference is written: most of the time there is none."""
    columns = [table.c[name] for name in names]
    owned = and_(*(table.c[name] == value for name, value in owner.items()))
    held: set[tuple[str, ...]] = {tuple(map(str, row)) for row in conn.execute(select(*columns).where(owned))}
    for chunk in bulk.chunks(sorted(held - wanted), 300):
        conn.execute(table.delete().where(owned, tuple_(*columns).in_(chunk)))
    if missing := sorted(wanted - held):
        conn.execute(table.insert(), [{**owner, **dict(zip(names, row, strict=True))} for row in missing])
