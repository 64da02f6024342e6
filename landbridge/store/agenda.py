"""What flows have to plan again, and what has to be put there because something that it belongs to has changed.

Whoever changes it is alone in that until the commit, so it comes last: who has it must wait for nothing else. Row by row
two would meet crosswise, since each adds, wakes and removes entities in an order of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, select

from landbridge.store import bulk, locks, sets
from landbridge.store.clock import now
from landbridge.store.tables import agenda, fanout, reference

# Updating, not ignoring: it waits for a plan that is just taking the old entry away, and is kept after it.
_ADD = """
WITH given (entity) AS (SELECT wanted.value FROM {wanted})
INSERT INTO agenda (entity, flow, at) SELECT entity, {?}, {?} FROM given WHERE true
ON CONFLICT (entity, flow) DO UPDATE SET at = excluded.at
"""
_FAN_OUT = """
WITH given (entity) AS (SELECT wanted.value FROM {wanted})
INSERT INTO fanout (entity, after) SELECT entity, {?} FROM given WHERE true
ON CONFLICT (entity) DO UPDATE SET after = excluded.after
"""
_REMOVE = agenda.delete().where(
    agenda.c.flow == bindparam("of"), agenda.c.entity == bindparam("one"), agenda.c.at == bindparam("since")
)
_FIRST = select(fanout.c.entity, fanout.c.after).order_by(fanout.c.entity).limit(1)
_NEXT = (
    select(reference.c.source)
    .where(
        reference.c.target == bindparam("of"), reference.c.field == bindparam("field"), reference.c.source > bindparam("past")
    )
    .order_by(reference.c.source)
    .limit(bindparam("most"))
)  # fmt: skip


def add(conn: Connection, flow: str, entities: Iterable[str]) -> None:
    """Plan these again although they did not change."""
    if wanted := sorted(set(entities)):
        locks.exclusive(conn, locks.AGENDA)
        sets.execute(conn, _ADD, wanted, flow, now())


def add_new(conn: Connection, flow: str, entities: Iterable[str]) -> None:
    """Plan these, which were made in this transaction: nobody can have put them there before."""
    if wanted := sorted(entities):
        locks.exclusive(conn, locks.AGENDA)
        moment = now()
        sets.insert(conn, "agenda", ("entity", "flow", "at"), [(entity, flow, moment) for entity in wanted])


def take(conn: Connection, flow: str, limit: int = 500) -> dict[str, str]:
    """The next to plan, oldest first, each with the time of its entry; they stay until `remove`."""
    first = select(agenda.c.entity, agenda.c.at).where(agenda.c.flow == flow)
    return {row[0]: row[1] for row in conn.execute(first.order_by(agenda.c.at, agenda.c.entity).limit(limit))}


def of(conn: Connection, flow: str, entities: Iterable[str]) -> dict[str, str]:
    """Those of these that are on the agenda, as `take` tells them."""
    found: dict[str, str] = {}
    for chunk in bulk.chunks(sorted(set(entities))):
        some = select(agenda.c.entity, agenda.c.at).where(agenda.c.flow == flow, agenda.c.entity.in_(chunk))
        found.update((row[0], row[1]) for row in conn.execute(some))
    return found


def remove(conn: Connection, flow: str, taken: Mapping[str, str]) -> None:
    """What was put there again since stays."""
    if taken:
        locks.exclusive(conn, locks.AGENDA)
    for chunk in bulk.chunks(sorted(taken)):
        conn.execute(_REMOVE, [{"of": flow, "one": entity, "since": taken[entity]} for entity in chunk])


def fan_out(conn: Connection, entities: Iterable[str]) -> None:
    """All that refers to these has to be planned again; `next_of_fan_out` tells it in parts."""
    if wanted := sorted(set(entities)):
        locks.exclusive(conn, locks.AGENDA)
        sets.execute(conn, _FAN_OUT, wanted, "")


def fanned_out(conn: Connection) -> list[str]:
    """What has been fanned out and not told in full yet."""
    return list(conn.scalars(select(fanout.c.entity).order_by(fanout.c.entity)))


def next_of_fan_out(conn: Connection, fields: Sequence[str], limit: int) -> list[str] | None:
    """The next entities that refer, in one of these fields, to what was fanned out; None where none is left to ask about.

    Where it stands is kept in the same transaction, so a run that dies goes on there.
    """
    locks.exclusive(conn, locks.AGENDA)
    first = conn.execute(_FIRST).first()
    if first is None:
        return None
    found: set[str] = set()
    for field in fields:
        found.update(conn.scalars(_NEXT, {"of": first.entity, "field": field, "past": first.after, "most": limit}))
    part = sorted(found)[:limit]
    this = fanout.c.entity == first.entity
    if len(part) < limit:
        conn.execute(fanout.delete().where(this))
    else:
        conn.execute(fanout.update().where(this).values(after=part[-1]))
    return part
