"""What is written in order: the deliveries of one partition of a target, by one run at a time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal_column, or_, select

from landbridge.store import runs
from landbridge.store.brakes import BRAKED
from landbridge.store.clock import now
from landbridge.store.deliveries import Delivery
from landbridge.store.tables import OPEN, delivery, lease
from landbridge.store.upsert import insert_missing

_LOST = {"state": "uncertain", "reason": "The run that wrote it ended before the answer."}
_OPEN_STATES = ("planned", "uncertain")
_OPEN: ColumnElement[bool] = literal_column(f"delivery.{OPEN}")
# A delete or disable goes only after the guard, or a person, has let it pass.
_MAY_GO = or_(delivery.c.op.not_in(BRAKED), delivery.c.cleared.is_not(None))
_DELIVERY = select(*(delivery.c[name] for name in Delivery._fields))


def _of(target: str, partition: str) -> Any:
    return (lease.c.target == target) & (lease.c.partition == partition)


def hold(conn: Connection, target: str, partition: str, run: str) -> bool:
    """Have the partition, or keep it, for this run; false where another one that lives has it.

    What a dead one was sending there is uncertain from then on: whoever ends without an outcome leaves its lease behind.
    First in a transaction, before locks of deliveries.
    """
    mine = {"target": target, "partition": partition, "run": run}
    if conn.scalar(insert_missing(conn, lease).returning(lease.c.run), mine) is not None:
        return True
    holder = conn.scalar(select(lease.c.run).where(_of(target, partition)).with_for_update())
    if holder == run:
        return True
    if holder is None or runs.is_alive(conn, holder):
        return False
    conn.execute(lease.update().where(_of(target, partition)).values(run=run))
    lost = (delivery.c.target == target) & (delivery.c.state == "sending") & (delivery.c.partition == partition)
    conn.execute(delivery.update().where(lost).values(**_LOST, at=now()))
    return True


def release(conn: Connection, target: str, partition: str, run: str) -> None:
    conn.execute(lease.delete().where(_of(target, partition), lease.c.run == run))


def release_all(conn: Connection, run: str) -> None:
    """Of a run that has kept the outcome of all that it has sent."""
    conn.execute(lease.delete().where(lease.c.run == run))


def following(conn: Connection, flow: str, target: str, partition: str, *, lock: bool = True) -> Delivery | None:
    """The next one to write."""
    first = _DELIVERY.where(
        _OPEN, _MAY_GO, delivery.c.target == target, delivery.c.partition == partition, delivery.c.flow == flow
    )
    first = first.order_by(delivery.c.position, delivery.c.id).limit(1)
    found = conn.execute(first.with_for_update() if lock else first).first()
    return Delivery._make(found) if found else None


def pages(conn: Connection, flow: str, target: str, size: int) -> list[tuple[int, int, int]]:
    """(first id, last id, count) of what may be written now, `size` at a time.

    In one pass: page by page PostgreSQL, while it has no statistics, sorts all that is left for each.
    """
    some = delivery.c.state.in_(_OPEN_STATES) & (delivery.c.flow == flow) & (delivery.c.target == target)
    number = (func.row_number().over(order_by=delivery.c.id) - 1) // size
    ids = select(delivery.c.id, number.label("page")).where(some, _MAY_GO).subquery()
    ends = select(func.min(ids.c.id), func.max(ids.c.id), func.count()).group_by(ids.c.page).order_by(ids.c.page)
    return [(row[0], row[1], row[2]) for row in conn.execute(ends)]


def between(conn: Connection, flow: str, target: str, first: int, last: int) -> list[str]:
    """The partitions in which something of this range of ids may be written, the earliest position first."""
    some = delivery.c.state.in_(_OPEN_STATES) & (delivery.c.flow == flow) & delivery.c.id.between(first, last)
    grouped = select(delivery.c.partition).where(some, delivery.c.target == target, _MAY_GO)
    grouped = grouped.group_by(delivery.c.partition)
    return list(conn.scalars(grouped.order_by(func.min(delivery.c.position), func.min(delivery.c.id))))


def abandon(conn: Connection) -> None:
    """What dead runs hold or were sending is free, or uncertain, from now on."""
    sending = select(delivery.c.run).where(delivery.c.state == "sending")
    owners: set[str] = {row[0] for row in conn.execute(select(lease.c.run).union(sending)) if row[0]}
    dead = [run for run in owners if not runs.is_alive(conn, run)]
    if dead:
        lost = (delivery.c.state == "sending") & delivery.c.run.in_(dead)
        conn.execute(lease.delete().where(lease.c.run.in_(dead)))
        conn.execute(delivery.update().where(lost).values(**_LOST, at=now()))
