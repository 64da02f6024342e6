"""What brakes count and hold: the deletes and disables of a target, those under way and those of the last while."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import xxhash
from sqlalchemy import Connection, bindparam, func, or_, select, union_all

from landbridge.store import locks
from landbridge.store.clock import now
from landbridge.store.tables import decision, delivery, removal

BRAKED = ("delete", "disable")
# Who let a delivery pass.
GUARD, PERSON = "guard", "person"
_OPEN = ("planned", "uncertain")
_UNDER_WAY = (*_OPEN, "sending", "held")
# What is set aside may have been let pass by a person whose word does not hold for ever.
_WANTING = (
    select(delivery.c.target)
    .where(
        delivery.c.flow == bindparam("of"), delivery.c.state.in_((*_UNDER_WAY, "set_aside")), delivery.c.op.in_(BRAKED)
    )
    .distinct()
)
_ASKED = select(decision.c.target).where(
    decision.c.state.in_(("open", "decided")), decision.c.kind == "brake", decision.c.flow == bindparam("of")
)
_NOT_ASKED = or_(delivery.c.cleared.is_(None), delivery.c.cleared != PERSON)


class Counted(NamedTuple):
    """What nobody was asked about: all of it, its distinct causes, and how much of it is written already."""

    all: int
    causes: int
    written: int


def _of(target: str, states: Iterable[str], flow: str | None = None) -> Any:
    braked = (delivery.c.target == target) & delivery.c.state.in_(list(states)) & delivery.c.op.in_(BRAKED)
    return braked if flow is None else braked & (delivery.c.flow == flow)


def alone(conn: Connection, target: str) -> None:
    """Until the transaction ends nobody else counts and lets pass in this target; before any lock of a delivery."""
    locks.exclusive(conn, f"brake.{target}")


def concerning(conn: Connection, flow: str) -> set[str]:
    """The targets in which the flow wants to delete or disable anything, or asks whether it may."""
    asked = (row[0] for row in conn.execute(_ASKED, {"of": flow}))
    return {*conn.scalars(_WANTING, {"of": flow}), *filter(None, asked)}


def any_open(conn: Connection, flow: str, target: str) -> bool:
    """Does the flow want to delete or disable anything there that no person has let pass?"""
    some = select(delivery.c.id).where(_of(target, _OPEN, flow), _NOT_ASKED).limit(1)
    return conn.scalar(some) is not None


def count(conn: Connection, target: str, since: str) -> Counted:
    """Of all flows; what is under way now and what was written since then."""
    cause = func.coalesce(delivery.c.cause, delivery.c.entity)
    under_way = select(cause.label("cause")).where(_of(target, _UNDER_WAY), _NOT_ASKED)
    written = select(removal.c.cause).where(removal.c.target == target, removal.c.at > since)
    both = union_all(under_way, written).subquery()
    total, causes = conn.execute(select(func.count(), func.count(both.c.cause.distinct())).select_from(both)).one()
    return Counted(total, causes, conn.scalar(select(func.count()).select_from(written.subquery())) or 0)


def hold(conn: Connection, flow: str, target: str, reason: str) -> None:
    """All that the flow wants to delete or disable there waits, except what a person has let pass."""
    _change(conn, _of(target, _OPEN, flow) & _NOT_ASKED, state="held", cleared=None, reason=reason, at=now())


def any_held(conn: Connection, flow: str, target: str) -> bool:
    return conn.scalar(select(delivery.c.id).where(_of(target, ("held",), flow)).limit(1)) is not None


def let_pass(conn: Connection, flow: str, target: str) -> None:
    _change(conn, _of(target, _OPEN, flow) & _NOT_ASKED, cleared=GUARD)


def held(conn: Connection, flow: str, target: str) -> tuple[dict[str, int], str]:
    """How many of each op are held, and what stands for exactly these; ({}, "") where none is."""
    rows = select(delivery.c.id, delivery.c.op).where(_of(target, ("held",), flow)).order_by(delivery.c.id)
    ops: dict[str, int] = {}
    stands = xxhash.xxh3_128()
    for row in conn.execute(rows):
        ops[row.op] = ops.get(row.op, 0) + 1
        stands.update(f"{row.id}:{row.op},".encode())
    return ops, stands.hexdigest() if ops else ""


def held_entities(conn: Connection, flow: str, target: str, limit: int) -> list[str]:
    """The first of those whose deletion or disabling is held."""
    rows = select(delivery.c.entity).where(_of(target, ("held",), flow)).order_by(delivery.c.id).limit(limit)
    return list(conn.scalars(rows))


def answer(conn: Connection, flow: str, target: str, *, approved: bool, by: str) -> int:
    """Let pass, or drop until something changes, all that is held; how many there were."""
    values: dict[str, Any] = {"at": now(), "state": "dropped", "reason": f"Rejected by {by}."}
    if approved:
        values |= {"state": "planned", "reason": None, "cleared": PERSON}
    return _change(conn, _of(target, ("held",), flow), **values)


def withdraw(conn: Connection, flow: str, target: str) -> None:
    """What a person let pass and is not written yet has to be let pass anew."""
    _change(conn, _of(target, (*_OPEN, "set_aside"), flow) & (delivery.c.cleared == PERSON), cleared=None)


def _change(conn: Connection, some: Any, **values: Any) -> int:
    """How many there were; by id, as all lock them: a table is in the order in which it was changed."""
    ids = select(delivery.c.id).where(some).order_by(delivery.c.id).with_for_update().cte("some")
    return conn.execute(delivery.update().where(delivery.c.id.in_(select(ids.c.id))).values(**values)).rowcount


def note(conn: Connection, target: str, cause: str) -> None:
    """One was written that no person was asked about."""
    conn.execute(removal.insert().inline(), {"target": target, "cause": cause, "at": now()})


def forget(conn: Connection, target: str, before: str) -> None:
    conn.execute(removal.delete().where(removal.c.target == target, removal.c.at < before))
