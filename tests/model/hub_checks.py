"""What must hold of the hub itself once all is quiet."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from landbridge.store import audit
from landbridge.store.tables import agenda, change, delivery, entity, record

# Nothing may be left under way.
UNSETTLED = ("planned", "sending", "uncertain", "held", "set_aside", "undecided")


def complaints(conn: Connection) -> Iterator[str]:
    yield from (f"{what}: {count}" for what, count in _counted(conn) if count)
    if (broken := audit.verify(conn)) is not None:
        yield f"the audit's chain breaks at {broken}"
    for row in conn.execute(select(delivery).where(delivery.c.state.in_(UNSETTLED))):
        yield f"a {row.op} in {row.target} is {row.state}: {row.reason}"
    steps = select(change.c.entity, func.count().label("n")).group_by(change.c.entity).subquery()
    for row in conn.execute(
        select(entity.c.id, entity.c.kind, entity.c.version, steps.c.n)
        .outerjoin(steps, steps.c.entity == entity.c.id)
        .where(func.coalesce(steps.c.n, 0) != entity.c.version)
    ):
        yield f"{row.kind} {row.id} has version {row.version}, but {row.n} changes"


def mistakes(conn: Connection) -> Iterator[str]:
    """What was set aside because a connector, so the engine or this test, made a mistake."""
    for row in conn.execute(select(delivery).where(delivery.c.reason.like("%Tell its author%"))):
        yield f"{row.op} in {row.target}: {row.reason}"


def _counted(conn: Connection) -> Iterator[tuple[str, int]]:
    def count(what: str, table: object, *where: object) -> tuple[str, int]:
        return what, int(conn.scalar(select(func.count()).select_from(table).where(*where)) or 0)  # type: ignore[arg-type]

    known = select(entity.c.id)
    alive = record.c.gone_at.is_(None)
    yield count(
        "records linked to no entity that exists", record, record.c.entity.is_not(None), ~record.c.entity.in_(known)
    )
    yield count("records still to be merged", record, record.c.pending)
    yield count("entities still to be planned", agenda)
    yield count("deliveries of no entity", delivery, ~delivery.c.entity.in_(known))
    sourced = select(record.c.entity).where(alive, record.c.role == "source", record.c.entity.is_not(None))
    yield count(
        "entities that no source says exist", entity,
        entity.c.deleted_at.is_(None), entity.c.rule.is_(None), ~entity.c.id.in_(sourced),
    )  # fmt: skip
    yield count(
        "deleted entities that a source still says exist",
        entity,
        entity.c.deleted_at.is_not(None),
        entity.c.id.in_(sourced),
        entity.c.rule.is_(None),
    )
