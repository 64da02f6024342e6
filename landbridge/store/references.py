"""Who refers to whom, who waits for whom, and the values that records are matched by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from landbridge.store import bulk
from landbridge.store.tables import identifier, record, reference, unresolved

_WAITING = select(unresolved.c.record).where(
    unresolved.c.system == bindparam("system"), unresolved.c.stream == bindparam("stream"),
    unresolved.c.key.in_(bindparam("keys", expanding=True)),
)  # fmt: skip
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


def waiting_for(conn: Connection, system: str, stream: str, keys: Iterable[str]) -> list[int]:
    """The ids of the records that refer to these and found them linked to nothing."""
    waiting: set[int] = set()
    for chunk in bulk.chunks(sorted(set(keys))):
        waiting.update(conn.scalars(_WAITING, {"system": system, "stream": stream, "keys": chunk}))
    return sorted(waiting)


def wake(conn: Connection, system: str, stream: str, keys: Iterable[str]) -> list[int]:
    """These records are linked now: have those that wait for them merged again."""
    waiting = waiting_for(conn, system, stream, keys)
    for chunk in bulk.chunks(waiting):
        conn.execute(record.update().where(record.c.id.in_(chunk)).values(pending=True))
    return waiting


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
