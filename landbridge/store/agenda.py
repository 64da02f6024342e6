"""What flows have to plan again, and what has to be put there because something that it belongs to has changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, select

from landbridge.store import sets
from landbridge.store.clock import now
from landbridge.store.tables import fanout, reference

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
    sets.execute(conn, _ADD, sorted(set(entities)), flow, now())


def fan_out(conn: Connection, entities: Iterable[str]) -> None:
    """All that refers to these has to be planned again; `next_of_fan_out` tells it in parts."""
    sets.execute(conn, _FAN_OUT, sorted(set(entities)), "")


def next_of_fan_out(conn: Connection, fields: Sequence[str], limit: int) -> list[str] | None:
    """The next entities that refer, in one of these fields, to what was fanned out; None where none is left to ask about.

    Where it stands is kept in the same transaction, so a run that dies goes on there.
    """
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
