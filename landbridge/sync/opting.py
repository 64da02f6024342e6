"""Who does not want that what they say in private spaces is read: from now on it is not, and what was shown is taken back."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from landbridge.store import audit, bulk, entities, locks, privacy, records
from landbridge.store.records import Row
from landbridge.sync.company import Company
from landbridge.sync.refs import is_ref


def opt_out(conn: Connection, company: Company, person: str, actor: str) -> int:
    """How many messages are taken back, by the flows' next runs; spaces of policies that have ended count too."""
    locks.exclusive(conn, locks.LOG)
    if not privacy.put_opt_out(conn, person, actor):
        return 0
    said = [row.id for row in _said_in_private(conn, company, person)]
    privacy.forget(conn, said, pending=True)
    audit.append(conn, actor, "opt-out", f"entity:{person}", {"messages": len(said)})
    return len(said)


def opt_in(conn: Connection, person: str, actor: str) -> bool:
    """Were they out? Then what they have said is read with the next read, which is a full one."""
    changed = privacy.take_back_opt_out(conn, person)
    if changed:
        audit.append(conn, actor, "opt-in", f"entity:{person}", {})
    return changed


def _said_in_private(conn: Connection, company: Company, person: str) -> Iterator[Row]:
    named = {(one.system, one.space) for one in company.policy.private_spaces}
    messages = entities.referrers_of(conn, [person], "author")[person] if named else []
    for chunk in bulk.chunks(messages):
        for rows in records.of_entities(conn, chunk).values():
            yield from (row for row in rows if row.gone_at is None and _stands_in(row) in named)


def _stands_in(row: Row) -> tuple[str, str] | None:
    place = (row.claim or {}).get("space")
    return (row.system, place["key"]) if row.role == "source" and is_ref(place) else None
