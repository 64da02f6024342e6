"""What is to be shown where: one delivery per target, entity and shape, and the agenda of what to plan again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, or_, select

from landbridge.store import bulk
from landbridge.store.clock import now as clock_now
from landbridge.store.hub import is_snapshot
from landbridge.store.tables import agenda, delivery
from landbridge.store.upsert import upsert


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


_DELIVERY = select(*(delivery.c[name] for name in Delivery._fields))
_ONE = _DELIVERY.where(*(delivery.c[name] == bindparam(name) for name in ("target", "entity", "shape")))
_BY_ID = _DELIVERY.where(delivery.c.id == bindparam("of"))
_BY_MARKER = _DELIVERY.where(delivery.c.marker == bindparam("of")).order_by(delivery.c.id.desc())
_OF_ENTITIES = _DELIVERY.where(delivery.c.entity.in_(bindparam("ids", expanding=True))).order_by(delivery.c.id)
_CHANGE = delivery.update().where(delivery.c.id == bindparam("of"))


def put(
    conn: Connection,
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
) -> int:
    """The delivery's id; one that exists is replaced as a whole. `position` sorts as text inside the partition."""
    values = {
        "flow": flow, "target": target, "entity": entity, "shape": shape, "partition": partition, "position": position,
        "op": op, "state": state, "desired": desired, "fields": None if fields is None else list(fields),
        "marker": marker, "attempts": attempts, "next_at": next_at, "reason": reason, "lossy": lossy, "run": run,
        "at": clock_now(),
    }  # fmt: skip
    statement = upsert(conn, delivery, ("target", "entity", "shape"), values, "id")
    return int(conn.scalar(statement, values) or 0)


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


def of_entities(conn: Connection, ids: Iterable[str]) -> dict[str, list[Delivery]]:
    """The deliveries of each entity, and an empty list where there is none."""
    wanted = sorted(set(ids))
    found: dict[str, list[Delivery]] = {entity: [] for entity in wanted}
    for chunk in bulk.chunks(wanted):
        for row in conn.execute(_OF_ENTITIES, {"ids": chunk}):
            found[row.entity].append(Delivery._make(row))
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


def counts(conn: Connection, target: str) -> dict[str, int]:
    """How many deliveries of a target are in each state."""
    counted = select(delivery.c.state, func.count()).where(delivery.c.target == target).group_by(delivery.c.state)
    return {row[0]: row[1] for row in conn.execute(counted)}


def agenda_add(conn: Connection, flow: str, entities: Iterable[str]) -> None:
    """Plan these again although they did not change."""
    rows: list[Mapping[str, str]] = [{"flow": flow, "entity": id, "at": clock_now()} for id in sorted(set(entities))]
    if rows:
        # Updating, not ignoring: it waits for a plan that is just taking the old entry away, and is kept after it.
        conn.execute(upsert(conn, agenda, ("entity", "flow"), ("entity", "flow", "at")), rows)


def agenda_take(conn: Connection, flow: str, limit: int = 500) -> list[str]:
    """The next to plan, oldest first; they stay until `agenda_remove` in the same transaction."""
    first = select(agenda.c.entity).where(agenda.c.flow == flow).order_by(agenda.c.at, agenda.c.entity).limit(limit)
    return list(conn.scalars(first if is_snapshot(conn) else first.with_for_update()))


def agenda_remove(conn: Connection, flow: str, entities: Iterable[str]) -> None:
    for chunk in bulk.chunks(sorted(set(entities))):
        conn.execute(agenda.delete().where(agenda.c.flow == flow, agenda.c.entity.in_(chunk)))


def of_flow(conn: Connection, flow: str, states: Iterable[str], target: str | None = None) -> list[Delivery]:
    """A flow's deliveries in these states, in the order in which each partition has to be written."""
    some = _DELIVERY.where(delivery.c.flow == flow, delivery.c.state.in_(list(states)))
    if target is not None:
        some = some.where(delivery.c.target == target)
    return [Delivery._make(row) for row in conn.execute(some.order_by(delivery.c.position, delivery.c.id))]


def ops(conn: Connection, flow: str, states: Iterable[str]) -> list[tuple[str, str, int]]:
    """(target, op, count) of a flow's deliveries in these states."""
    some = delivery.c.state.in_(list(states)) & (delivery.c.flow == flow)
    counted = select(delivery.c.target, delivery.c.op, func.count()).where(some)
    grouped = counted.group_by(delivery.c.target, delivery.c.op).order_by(delivery.c.target, delivery.c.op)
    return [(row[0], row[1], row[2]) for row in conn.execute(grouped)]


def revisited(
    conn: Connection, flow: str, always: Iterable[str], when_due: Iterable[str], moment: str, after: int, limit: int
) -> list[tuple[int, str]]:
    """(id, entity) of a flow's deliveries to look at again: some states always, others when their time has come."""
    due_now = delivery.c.state.in_(list(when_due)) & (delivery.c.next_at <= moment)
    some = or_(delivery.c.state.in_(list(always)), due_now) & (delivery.c.flow == flow) & (delivery.c.id > after)
    found = select(delivery.c.id, delivery.c.entity).where(some).order_by(delivery.c.id).limit(limit)
    return [(row[0], row[1]) for row in conn.execute(found)]


def claim(conn: Connection, id: int, run: str, marker: str) -> bool:
    """Take a planned or uncertain delivery for sending; false where another worker already has it."""
    ready = (delivery.c.id == id) & delivery.c.state.in_(("planned", "uncertain"))
    values = {"state": "sending", "run": run, "marker": marker, "reason": None, "at": clock_now()}
    return conn.execute(delivery.update().where(ready).values(**values)).rowcount == 1


def set_lossy(conn: Connection, id: int, lossy: list[str]) -> None:
    """What the target could not show of it, in the field's words."""
    conn.execute(delivery.update().where(delivery.c.id == id).values(lossy=lossy or None))
