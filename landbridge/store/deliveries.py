"""What is to be shown where: one delivery per target, entity and shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, func, literal_column, or_, select, tuple_

from landbridge.store import bulk, locks
from landbridge.store.clock import now as clock_now
from landbridge.store.hub import is_snapshot
from landbridge.store.tables import DUE, agenda, delivery
from landbridge.store.upsert import insert_for, upsert


class Delivery(NamedTuple):
    """The state of showing one entity in one target; `desired` is the claim that the target is to make."""

    id: int
    flow: str
    target: str
    entity: str
    shape: str
    partition: str
    position: str
    op: str
    state: str
    desired: dict[str, Any] | None
    fields: list[str] | None
    marker: str | None
    attempts: int
    next_at: str | None
    reason: str | None
    lossy: Any
    run: str | None
    at: str
    cause: str | None
    cleared: str | None
    awaits: str | None
    tried: list[dict[str, Any]] | None


_DELIVERY = select(*(delivery.c[name] for name in Delivery._fields))
_ONE = _DELIVERY.where(*(delivery.c[name] == bindparam(name) for name in ("target", "entity", "shape")))
_BY_ID = _DELIVERY.where(delivery.c.id == bindparam("of"))
_BY_MARKER = _DELIVERY.where(delivery.c.marker == bindparam("of")).order_by(delivery.c.id.desc())
_OF_ENTITIES = _DELIVERY.where(delivery.c.entity.in_(bindparam("ids", expanding=True))).order_by(delivery.c.id)
_CHANGE = delivery.update().where(delivery.c.id == bindparam("of"))
_KEY = ("target", "entity", "shape")
_PLACE = (delivery.c.state, delivery.c.target, delivery.c.op)
_OPS = select(*_PLACE, func.count()).group_by(*_PLACE).order_by(*_PLACE)
_OPS = _OPS.where(delivery.c.flow == bindparam("flow"), delivery.c.state.in_(bindparam("some", expanding=True)))
# What is on its way belongs to the run that sends it, until that run has kept the outcome or counts as dead.
_NOT_SENDING = delivery.c.state != "sending"
_DUE: ColumnElement[bool] = literal_column(f"delivery.{DUE}")
_AWAITING = (
    select(delivery.c.entity, delivery.c.flow, bindparam("moment", type_=agenda.c.at.type))
    .where(delivery.c.awaits.is_not(None), delivery.c.awaits.in_(bindparam("ids", expanding=True)))
    .distinct()
)


def _waking(dialect: str) -> Any:
    statement = insert_for(dialect, agenda).from_select(["entity", "flow", "at"], _AWAITING)
    again = statement.on_conflict_do_update(index_elements=["entity", "flow"], set_={"at": statement.excluded.at})
    return again.returning(agenda.c.flow, agenda.c.entity)


_WAKE = {dialect: _waking(dialect) for dialect in ("sqlite", "postgresql")}


def put(conn: Connection, *, flow: str, target: str, entity: str, op: str, state: str, **columns: Any) -> int:
    """The delivery's id, 0 where it is being sent; one that exists is replaced as a whole. See `row`."""
    values = row(flow=flow, target=target, entity=entity, op=op, state=state, **columns)
    return int(conn.scalar(upsert(conn, delivery, _KEY, values, "id", _NOT_SENDING), values) or 0)


def put_many(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Like `put`, for what `row` made; in the order of their keys, as new ones have no ids to be locked by."""
    for chunk in bulk.chunks(sorted(rows, key=lambda one: tuple(one[name] for name in _KEY))):
        conn.execute(upsert(conn, delivery, _KEY, chunk[0], where=_NOT_SENDING), chunk)


def row(
    *,
    flow: str,
    target: str,
    entity: str,
    op: str,
    state: str,
    shape: str = "",
    partition: str = "",
    position: str = "",
    desired: dict[str, Any] | None = None,
    fields: Sequence[str] | None = None,
    marker: str | None = None,
    attempts: int = 0,
    next_at: str | None = None,
    reason: str | None = None,
    lossy: Any = None,
    run: str | None = None,
    cause: str | None = None,
    cleared: str | None = None,
    awaits: str | None = None,
    tried: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """All columns of a delivery. `position` sorts as text inside the partition."""
    return {
        "flow": flow, "target": target, "entity": entity, "shape": shape, "partition": partition, "position": position,
        "op": op, "state": state, "desired": desired, "fields": None if fields is None else list(fields),
        "marker": marker, "attempts": attempts, "next_at": next_at, "reason": reason, "lossy": lossy, "run": run,
        "at": clock_now(), "cause": cause, "cleared": cleared, "awaits": awaits, "again": False,
        "tried": tried,
    }  # fmt: skip


def get(conn: Connection, target: str, entity: str, shape: str = "") -> Delivery | None:
    found = conn.execute(_ONE, {"target": target, "entity": entity, "shape": shape}).first()
    return Delivery._make(found) if found else None


def by_id(conn: Connection, id: int) -> Delivery | None:
    found = conn.execute(_BY_ID, {"of": id}).first()
    return Delivery._make(found) if found else None


def by_marker(conn: Connection, marker: str) -> Delivery | None:
    found = conn.execute(_BY_MARKER, {"of": marker}).first()
    return Delivery._make(found) if found else None


def of_entity(conn: Connection, entity: str) -> list[Delivery]:
    return of_entities(conn, [entity])[entity]


def of_entities(conn: Connection, ids: Iterable[str], *, lock: bool = False) -> dict[str, list[Delivery]]:
    """The deliveries of each entity, and an empty list where there is none; locked, nobody claims one meanwhile.

    Locks of deliveries come before the log's: whoever holds the log must never wait for a delivery.
    """
    wanted = sorted(set(ids))
    found: dict[str, list[Delivery]] = {entity: [] for entity in wanted}
    some = _OF_ENTITIES.with_for_update() if lock and not is_snapshot(conn) else _OF_ENTITIES
    for chunk in bulk.chunks(wanted):
        for one in conn.execute(some, {"ids": chunk}):
            found[one.entity].append(Delivery._make(one))
    return found


def _is_due(target: str, states: Iterable[str], now: str) -> Any:
    waited = or_(delivery.c.next_at.is_(None), delivery.c.next_at <= now)
    return (delivery.c.target == target) & delivery.c.state.in_(list(states)) & waited


def due(
    conn: Connection,
    target: str,
    states: Iterable[str],
    now: str | None = None,
    limit: int = 500,
    *,
    partition: str | None = None,
) -> list[Delivery]:
    """What is to be done now, by position and then in the order in which it was planned."""
    waiting = _DELIVERY.where(_is_due(target, states, now or clock_now()))
    if partition is not None:
        waiting = waiting.where(delivery.c.partition == partition)
    waiting = waiting.order_by(delivery.c.position, delivery.c.id).limit(limit)
    return [Delivery._make(row) for row in conn.execute(waiting)]


def any_in(conn: Connection, target: str, states: Iterable[str]) -> bool:
    """Is any delivery of this target in one of these states?"""
    some = select(delivery.c.id).where(delivery.c.target == target, delivery.c.state.in_(list(states))).limit(1)
    return conn.scalar(some) is not None


def partitions(conn: Connection, target: str, states: Iterable[str], now: str | None = None) -> dict[str, int]:
    """How many deliveries are due in each partition, the one planned first at the front."""
    due_now = _is_due(target, states, now or clock_now())
    counted = select(delivery.c.partition, func.count()).where(due_now).group_by(delivery.c.partition)
    return {row[0]: row[1] for row in conn.execute(counted.order_by(func.min(delivery.c.id)))}


def set_state(
    conn: Connection,
    id: int,
    state: str,
    *,
    reason: str | None = None,
    next_at: str | None = None,
    attempts: int | None = None,
    marker: str | None = None,
) -> None:
    """Reason and next time are replaced (None clears them); attempts and marker stay where they are not given."""
    values: dict[str, Any] = {"state": state, "reason": reason, "next_at": next_at, "at": clock_now()}
    if attempts is not None:
        values["attempts"] = attempts
    if marker is not None:
        values["marker"] = marker
    conn.execute(_CHANGE, {"of": id, **values})


def give_back(conn: Connection, id: int, state: str, *, reason: str | None = None, attempts: int | None = None) -> bool:
    """Take one out of those set aside; false where it is there no longer, since a plan has taken it up meanwhile."""
    values: dict[str, Any] = {"state": state, "reason": reason, "next_at": None, "at": clock_now()}
    if attempts is not None:
        values["attempts"] = attempts
    aside = delivery.update().where(delivery.c.id == id, delivery.c.state == "set_aside")
    return conn.execute(aside.values(**values)).rowcount == 1


def set_done(conn: Connection, ids: Iterable[int]) -> None:
    """Nothing is to be done about these any more."""
    for chunk in bulk.chunks(sorted(set(ids))):
        settled = delivery.update().where(delivery.c.id.in_(chunk), _NOT_SENDING)
        conn.execute(settled.values(state="done", reason=None, next_at=None, awaits=None, cleared=None, at=clock_now()))


def counts(conn: Connection, target: str) -> dict[str, int]:
    """How many deliveries of a target are in each state."""
    counted = select(delivery.c.state, func.count()).where(delivery.c.target == target).group_by(delivery.c.state)
    return {row[0]: row[1] for row in conn.execute(counted)}


def wake(conn: Connection, entities: Iterable[str]) -> dict[str, list[str]]:
    """Something about these changed: what waits for one of them is planned again; flow → what is."""
    found: dict[str, list[str]] = {}
    wanted = sorted(set(entities))
    if wanted:
        locks.exclusive(conn, locks.AGENDA)
    for chunk in bulk.chunks(wanted):
        moved = conn.execute(_WAKE[conn.dialect.name], {"ids": chunk, "moment": clock_now()})
        for row in moved:
            found.setdefault(row.flow, []).append(row.entity)
    return found


def awaiting(conn: Connection, flow: str, entities: Iterable[str]) -> list[str]:
    """What of this flow waits for one of these."""
    found: set[str] = set()
    for chunk in bulk.chunks(sorted(set(entities))):
        waiting = select(delivery.c.entity).where(delivery.c.awaits.in_(chunk), delivery.c.flow == flow)
        found.update(conn.scalars(waiting))
    return sorted(found)


def of_flow(
    conn: Connection, flow: str, states: Iterable[str], target: str | None = None, limit: int | None = None
) -> list[Delivery]:
    """A flow's deliveries in these states, in the order in which each partition has to be written."""
    some = _DELIVERY.where(delivery.c.flow == flow, delivery.c.state.in_(list(states))).limit(limit)
    if target is not None:
        some = some.where(delivery.c.target == target)
    return [Delivery._make(row) for row in conn.execute(some.order_by(delivery.c.position, delivery.c.id))]


def ops(conn: Connection, flow: str, states: Iterable[str]) -> list[tuple[str, str, str, int]]:
    """(state, target, op, count) of a flow's deliveries in these states."""
    found = conn.execute(_OPS, {"flow": flow, "some": list(states)})
    return [(row[0], row[1], row[2], row[3]) for row in found]


def states_of(conn: Connection, flow: str, among: tuple[str, ...]) -> set[str]:
    """Those of these states in which the flow has any delivery."""
    found = conn.execute(_any_in_each(among), {"flow": flow}).one()
    return {state for state, any_there in zip(among, found, strict=True) if any_there}


@cache
def _any_in_each(states: tuple[str, ...]) -> Any:
    of_flow = select(delivery.c.id).where(delivery.c.flow == bindparam("flow"))
    return select(*(of_flow.where(delivery.c.state == state).exists() for state in states))


def now_due(conn: Connection, flow: str, moment: str, after: tuple[str, int], limit: int) -> list[tuple[str, int, str]]:
    """(next_at, id, entity) of what is set aside or scheduled and has reached its time, in that order."""
    place = tuple_(delivery.c.next_at, delivery.c.id)
    some = _DUE & (delivery.c.flow == flow) & (delivery.c.next_at <= moment) & (place > tuple_(*after))
    found = select(delivery.c.next_at, delivery.c.id, delivery.c.entity).where(some)
    return [(row[0], row[1], row[2]) for row in conn.execute(found.order_by(*place).limit(limit))]


def in_state(conn: Connection, flow: str, state: str, after: int, limit: int) -> list[tuple[int, str]]:
    """(id, entity) of a flow's deliveries in this state."""
    some = (delivery.c.state == state) & (delivery.c.flow == flow) & (delivery.c.id > after)
    found = select(delivery.c.id, delivery.c.entity).where(some).order_by(delivery.c.id).limit(limit)
    return [(row[0], row[1]) for row in conn.execute(found)]
