"""What is written in order: the deliveries of one partition of a target, by one run at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    ScalarSelect,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)

from landbridge.store import runs
from landbridge.store.brakes import BRAKED
from landbridge.store.bulk import chunks
from landbridge.store.clock import now
from landbridge.store.deliveries import Delivery
from landbridge.store.tables import HOLDING, OPEN, delivery, lease
from landbridge.store.upsert import insert_missing

_LOST = {"state": "uncertain", "reason": "The run that wrote it ended before the answer."}
_OPEN_STATES = ("planned", "uncertain")
_OPEN: ColumnElement[bool] = literal_column(f"delivery.{OPEN}")
_HOLDING: ColumnElement[bool] = literal_column(HOLDING)
# A delete or disable goes only after the guard, or a person, has let it pass.
_MAY_GO = or_(delivery.c.op.not_in(BRAKED), delivery.c.cleared.is_not(None))
_DELIVERY = select(*(delivery.c[name] for name in Delivery._fields))


# Of the partitions that a run has: for each one seek in the index, however much is planned there.
_WANTED = (lease.c.target == bindparam("of")) & lease.c.partition.in_(bindparam("wanted", expanding=True))
_HOLDERS = select(lease.c.partition, lease.c.run).where(_WANTED)
_RELEASE = lease.delete().where(_WANTED, lease.c.run == bindparam("mine"))
_HERE = (
    (delivery.c.target == lease.c.target) & (delivery.c.partition == lease.c.partition)
    & (delivery.c.flow == bindparam("flow"))
)  # fmt: skip


def _earliest(column: ColumnElement[Any], *some: ColumnElement[bool]) -> ScalarSelect[Any]:
    found = select(column).where(_HERE, *some).order_by(delivery.c.position, delivery.c.id)
    return found.limit(1).correlate(lease).scalar_subquery()


_FIRST = select(
    lease.c.partition,
    _earliest(delivery.c.id, _OPEN, _MAY_GO).label("id"),
    _earliest(delivery.c.position, _HOLDING).label("held_from"),
    _earliest(delivery.c.id, _HOLDING).label("holder"),
).where(_WANTED, lease.c.run == bindparam("mine"))
# One after the other by id, as all who lock several deliveries do.
_LOCKED = _DELIVERY.where(_OPEN, _MAY_GO, delivery.c.id.in_(bindparam("ids", expanding=True)))
_LOCKED = _LOCKED.order_by(delivery.c.id).with_for_update()


def hold(conn: Connection, target: str, wanted: Iterable[str], run: str) -> set[str]:
    """Have these partitions, or keep them, for this run; those that it has, the others belong to runs that live.

    What a dead one was sending there is uncertain from then on: whoever ends without an outcome leaves its lease behind.
    First in a transaction, before locks of deliveries; no lease of a run that lives is locked.
    """
    partitions = sorted(set(wanted))
    mine = [{"target": target, "partition": one, "run": run} for one in partitions]
    if mine:
        conn.execute(insert_missing(conn, lease), mine)
    holders: dict[str, str] = {}
    for chunk in chunks(partitions):
        holders.update((row.partition, row.run) for row in conn.execute(_HOLDERS, {"of": target, "wanted": chunk}))
    alive = {holder: holder == run or runs.is_alive(conn, holder) for holder in set(holders.values())}
    dead = [one for one in partitions if one in holders and not alive[holders[one]]]
    taken = [one for one in dead if _take_over(conn, target, one, holders[one], run)]
    _lost(conn, target, taken)
    return {one for one, holder in holders.items() if holder == run}.union(taken)


def _take_over(conn: Connection, target: str, partition: str, dead: str, run: str) -> bool:
    """False where another was quicker."""
    its = (lease.c.target == target) & (lease.c.partition == partition) & (lease.c.run == dead)
    return conn.execute(lease.update().where(its).values(run=run)).rowcount == 1


def _lost(conn: Connection, target: str, taken: list[str]) -> None:
    sending = (delivery.c.target == target) & (delivery.c.state == "sending")
    for chunk in chunks(taken):
        some = select(delivery.c.id).where(sending, delivery.c.partition.in_(chunk)).order_by(delivery.c.id)
        ids: list[int] = list(conn.scalars(some.with_for_update()))
        conn.execute(delivery.update().where(delivery.c.id.in_(ids)).values(**_LOST, at=now()))


def release(conn: Connection, target: str, partitions: Iterable[str], run: str) -> None:
    for chunk in chunks(sorted(set(partitions))):
        conn.execute(_RELEASE, {"of": target, "wanted": chunk, "mine": run})


def release_all(conn: Connection, run: str) -> None:
    """Of a run that has kept the outcome of all that it has sent."""
    conn.execute(lease.delete().where(lease.c.run == run))


def following(
    conn: Connection, flow: str, target: str, partitions: Iterable[str], run: str
) -> dict[str, Delivery | None]:
    """Partition → the next one to write there, locked; of those that the run has, left out where nothing is next.

    None where it was changed while its lock was waited for: ask again. Nothing is next behind one that waits in its place.
    """
    first: dict[int, Row[Any]] = {}
    for chunk in chunks(sorted(set(partitions))):
        asked = {"flow": flow, "of": target, "wanted": chunk, "mine": run}
        first.update((row.id, row) for row in conn.execute(_FIRST, asked) if row.id is not None)
    found: dict[str, Delivery | None] = dict.fromkeys(row.partition for row in first.values())
    for ids in chunks(sorted(first)):
        for row in conn.execute(_LOCKED, {"ids": ids}):
            one, before = Delivery._make(row), first[row.id]
            if before.holder is not None and (before.held_from, before.holder) < (one.position, one.id):
                del found[before.partition]
            else:
                found[before.partition] = one
    return found


def _paged() -> Any:
    some = delivery.c.state.in_(_OPEN_STATES) & (delivery.c.flow == bindparam("flow"))
    some = some & delivery.c.target.in_(bindparam("wanted", expanding=True))
    number = func.row_number().over(partition_by=delivery.c.target, order_by=delivery.c.id) - 1
    page = (number // bindparam("size", type_=Integer)).label("page")
    ids = select(delivery.c.id, delivery.c.target, page).where(some, _MAY_GO).subquery()
    ends = select(ids.c.target, func.min(ids.c.id), func.max(ids.c.id), func.count())
    return ends.group_by(ids.c.target, ids.c.page).order_by(ids.c.target, ids.c.page)


_PAGES = _paged()


def pages(conn: Connection, flow: str, targets: Sequence[str], size: int) -> list[tuple[str, int, int, int]]:
    """(target, first id, last id, count) of what may be written now, `size` at a time.

    In one pass: page by page PostgreSQL, while it has no statistics, sorts all that is left for each.
    """
    found = conn.execute(_PAGES, {"flow": flow, "wanted": list(targets), "size": size})
    return [(row[0], row[1], row[2], row[3]) for row in found]


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
        lost = select(delivery.c.id).where(delivery.c.state == "sending", delivery.c.run.in_(dead))
        conn.execute(lease.delete().where(lease.c.run.in_(dead)))
        ids = lost.order_by(delivery.c.id).with_for_update().cte("lost")
        conn.execute(delivery.update().where(delivery.c.id.in_(select(ids.c.id))).values(**_LOST, at=now()))
