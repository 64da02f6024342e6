"""One entity's life across all systems, for the pages and the command line."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from landbridge.store import deliveries
from landbridge.store.tables import change, decision, record


class Event(NamedTuple):
    """`what` is change, record, delivery, decision or answer; `where` the system/stream, where there is one."""

    at: str
    what: str
    where: str
    text: str
    details: dict[str, Any]


def history(conn: Connection, entity: str, limit: int = 200) -> list[Event]:
    """What happened to an entity, newest first; contents are left out, so that a page shows no more than it must."""
    events = _changes(conn, entity, limit) + _records(conn, entity)
    events += _deliveries(conn, entity) + _decisions(conn, entity)
    return sorted(events, key=lambda event: event.at, reverse=True)[:limit]


def _changes(conn: Connection, entity: str, limit: int) -> list[Event]:
    newest = select(change).where(change.c.entity == entity).order_by(change.c.seq.desc()).limit(limit)
    return [
        Event(row.at, "change", "", row.op, {"seq": row.seq, "kind": row.kind, "fields": row.fields, "run": row.run})
        for row in conn.execute(newest)
    ]


def _records(conn: Connection, entity: str) -> list[Event]:
    linked = select(record).where(record.c.entity == entity).order_by(record.c.id)
    return [
        Event(
            row.gone_at or row.changed_at, "record", f"{row.system}/{row.stream}", "gone" if row.gone_at else "read",
            {"id": row.id, "key": row.key, "kind": row.kind, "role": row.role, "pending": row.pending},
        )
        for row in conn.execute(linked)
    ]  # fmt: skip


def _deliveries(conn: Connection, entity: str) -> list[Event]:
    return [
        Event(
            one.at, "delivery", one.target, one.state,
            {
                "id": one.id, "flow": one.flow, "shape": one.shape, "op": one.op, "attempts": one.attempts,
                "next_at": one.next_at, "reason": one.reason, "lossy": one.lossy, "run": one.run,
            },
        )
        for one in deliveries.of_entity(conn, entity)
    ]  # fmt: skip


def _decisions(conn: Connection, entity: str) -> list[Event]:
    events = []
    for row in conn.execute(select(decision).where(decision.c.entity == entity).order_by(decision.c.id)):
        about = {"id": row.id, "kind": row.kind, "state": row.state}
        events.append(Event(row.at, "decision", row.target or "", row.question, about))
        if row.decided_at:
            said = about | {"answer": row.answer, "by": row.decided_by}
            events.append(Event(row.decided_at, "answer", row.target or "", str(row.answer), said))
    return events
