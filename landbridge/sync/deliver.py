"""One delivery, from claim to kept outcome."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import xxhash
from sqlalchemy import Connection

from landbridge import boundary
from landbridge.connector import Finds
from landbridge.errors import AuthError, ConfigError, LandbridgeError, NotFound, RecordError, ScopeError, TransientError
from landbridge.store import agenda, deliveries, partitions, records
from landbridge.store.brakes import BRAKED
from landbridge.store.deliveries import Delivery
from landbridge.store.setaside import next_try_after
from landbridge.sync.bridge import Bridge
from landbridge.sync.decide import Action, Decider
from landbridge.sync.keep import Job, keep
from landbridge.sync.planner import Planner
from landbridge.sync.routes import Flow, Route

Native = dict[str, Any]
_DONE = {"create": "created", "update": "updated", "delete": "deleted", "disable": "disabled", "enable": "enabled"}


@dataclass(frozen=True)
class Outcome:
    """What became of a delivery; `stops` where the whole target has to stop, `sent` where the system was asked.

    `more`: the partition is still ours, and something in it may be next. `woken`: entities of this flow to plan at once.
    """

    count: str
    error: LandbridgeError | None = None
    stops: bool = False
    sent: bool = True
    lossy: int = 0
    more: bool = True
    woken: tuple[str, ...] = ()
    elsewhere: tuple[str, str] | None = None


def deliver(
    bridge: Bridge, flow: Flow, run: str, target: str, partition: str, sending: AbstractContextManager[Any]
) -> Outcome | None:
    """Write what is next in this partition; None where nothing is. The system is asked inside of `sending`.

    Never raises for one record; what stops the target comes back in the outcome.
    """
    with bridge.hub.begin() as conn:
        if not partitions.hold(conn, target, partition, run):
            return Outcome("taken", sent=False, more=False)
        delivery = partitions.following(conn, flow.name, target, partition)
        if delivery is None:
            partitions.release(conn, target, partition, run)
            return None
        job = _claim(bridge, conn, flow, run, delivery)
    if isinstance(job, Outcome):
        return job
    if not bridge.connector(job.route.system).can_write(job.route.stream, job.action.op):
        reason = f"{job.route.target} cannot {job.action.op} records."
        return _noted(bridge, job, Outcome("unsupported", sent=False), "dropped", reason=reason, marker=job.marker)
    try:
        with sending:
            native, lossy = _send(bridge, job)
    except (AuthError, ConfigError, TransientError) as error:
        return _unsent(bridge, job, error)
    except (RecordError, ScopeError) as error:
        return _set_aside(bridge, job, error)
    except Exception as error:
        return _set_aside(bridge, job, _mistake(job, error))
    if native is None and job.action.op == "create":
        # Looked for after an uncertain try and not there; nobody wants it any more either.
        return _noted(bridge, job, Outcome("settled"), "done")
    try:
        with bridge.hub.begin() as conn:
            woken = keep(bridge, conn, job, native, lossy)
            more = bool(woken) or (woken is not None and _more(conn, job))
    except (RecordError, KeyError) as error:
        return _set_aside(bridge, job, error if isinstance(error, RecordError) else _mistake(job, error))
    if woken is None:
        return Outcome("taken", more=False)
    return Outcome(_DONE[job.action.op], lossy=len(lossy), more=more, woken=tuple(woken))


def _mistake(job: Job, error: Exception) -> RecordError:
    """A connector's own: the error's words may hold a person's data, its name does not."""
    return RecordError(
        f"{job.route.target} failed to {job.action.op} ({type(error).__name__}).", remedy="Tell its author."
    )


def _more(conn: Connection, job: Job) -> bool:
    """Where nothing is next, the partition is free for others."""
    of = job.delivery
    if partitions.following(conn, job.flow.name, of.target, of.partition, lock=False) is not None:
        return True
    partitions.release(conn, of.target, of.partition, job.run)
    return False


def _claim(bridge: Bridge, conn: Connection, flow: Flow, run: str, delivery: Delivery) -> Job | Outcome:
    """Decide once more with what is known now, and keep the marker before anything is sent."""
    planner, decider = Planner(bridge.company, flow, run), Decider(conn, bridge.company, run)
    entity = decider.view.entity(delivery.entity)
    place = (delivery.target, delivery.shape)
    routes = flow.routes_of(entity.kind) if entity else ()
    route = next((one for one in routes if (one.target, one.shape) == place), None)
    if route is None or entity is None:
        deliveries.set_state(conn, delivery.id, "dropped", reason="Its flow no longer shows it there.")
        return Outcome("dropped", sent=False)
    action = planner.decide(decider, route, entity)
    unwanted = action is None or action.state != "planned"
    if unwanted and delivery.state == "uncertain" and delivery.op == "create":
        return _look_up(bridge, conn, flow, run, delivery, route)
    passed = action is not None and (action.op not in BRAKED or (delivery.op == action.op and delivery.cleared))
    if action is None or unwanted or not passed:
        planner.settle(conn, decider, route, entity, action)
        return Outcome("settled", sent=False)
    if action.partition != delivery.partition:
        # It belongs elsewhere by now, where others may stand before it.
        planner.settle(conn, decider, route, entity, action)
        return Outcome("settled", sent=False, elsewhere=(delivery.target, action.partition))
    uncertain = delivery.state == "uncertain" and delivery.op == action.op
    fresh = _marker(decider, delivery, action, entity.version)
    marker = delivery.marker if uncertain and delivery.marker else fresh
    deliveries.claim(
        conn, delivery.id, run, marker, op=action.op, position=action.position, desired=action.desired,
        fields=list(action.fields), cause=action.cause,
    )  # fmt: skip
    labels = decider.labels(route.system, action.desired)
    mapping = bridge.company.mapping(delivery.target)
    return Job(run, flow, delivery, route, action, mapping, marker, uncertain, labels, outdated=marker != fresh)


def _look_up(bridge: Bridge, conn: Connection, flow: Flow, run: str, delivery: Delivery, route: Route) -> Job:
    """Nobody wants it any more, but an earlier try may have made it: only looked for, and planned again if it is there."""
    marker = delivery.marker or ""
    deliveries.claim(conn, delivery.id, run, marker)
    action = Action("create", "done", desired=delivery.desired or {})
    mapping = bridge.company.mapping(delivery.target)
    return Job(run, flow, delivery, route, action, mapping, marker, uncertain=True, outdated=True)


def _marker(decider: Decider, delivery: Delivery, action: Action, version: int) -> str:
    """The same write has the same marker, in every process and after every crash; another version is another write.

    So is the next one after a record that is gone: its marker could still be found on what was deleted.
    """
    said = f"{delivery.target}\n{delivery.entity}\n{delivery.shape}\n{action.op}\n{version}"
    rows = decider.view.rows(delivery.entity)
    gone = sum(f"{row.system}/{row.stream}" == delivery.target and row.gone_at is not None for row in rows)
    return "lb" + xxhash.xxh3_128_hexdigest((f"{said}\n{gone}" if gone else said).encode())


def _send(bridge: Bridge, job: Job) -> tuple[Native | None, tuple[str, ...]]:
    """Ask the system; the record as it has it now (None where it is gone), and what was lost."""
    connector = bridge.connector(job.route.system)
    stream, op, row = job.route.stream, job.action.op, job.action.record
    write = connector.writer(stream, op)
    if op == "create":
        out = job.mapping.out(job.action.desired, labels=job.label, create=True)
        found = (
            connector.find(stream, out.native, job.marker) if job.uncertain and isinstance(connector, Finds) else None
        )
        if found or job.action.state == "done":
            return found, out.lossy
        return _asked(write, out.native, job.marker), out.lossy
    assert row is not None
    if op in BRAKED:
        try:
            return _asked(write, row.key, job.marker), ()
        except NotFound:
            return None, ()
    native: Native | None = None
    lossy: tuple[str, ...] = ()
    if op == "enable":
        native = _asked(write, row.key, job.marker)
    if job.action.fields and connector.can_write(stream, "update"):
        out = job.mapping.out({path: job.action.desired[path] for path in job.action.fields}, labels=job.label)
        known = {"version": (row.claim or {}).get("version_tag")} if connector.takes_version(stream) else {}
        native, lossy = _asked(connector.writer(stream, "update"), row.key, out.native, job.marker, **known), out.lossy
    return native, lossy


def _asked(write: Callable[..., Native | None], *told: Any, **known: Any) -> Native | None:
    """The outward write itself."""
    boundary.passed("before the write")
    native = write(*told, **known)
    boundary.passed("after the write")
    return native


def _unsent(bridge: Bridge, job: Job, error: LandbridgeError) -> Outcome:
    """Not written, or nobody knows: it stays planned, or uncertain with its marker."""
    uncertain = job.uncertain or (isinstance(error, TransientError) and error.uncertain)
    outcome = Outcome("uncertain" if uncertain else "unsent", error, stops=True)
    return _noted(bridge, job, outcome, "uncertain" if uncertain else "planned", reason=str(error), marker=job.marker)


def _set_aside(bridge: Bridge, job: Job, error: LandbridgeError) -> Outcome:
    """This one only; it is tried again by schedule, and shown until then."""
    attempts = job.delivery.attempts + 1
    return _noted(
        bridge, job, Outcome("set_aside", error), "set_aside", reason=str(error), attempts=attempts, marker=job.marker,
        next_at=next_try_after(attempts),
    )  # fmt: skip


def _noted(bridge: Bridge, job: Job, outcome: Outcome, state: str, **columns: Any) -> Outcome:
    """Nothing was written; those who waited for it may not have to any more."""
    row, of = job.action.record, job.delivery
    with bridge.hub.begin() as conn:
        wanted_again = deliveries.keep_outcome(conn, of, job.run, state, **columns)
        if wanted_again is None:
            return Outcome("taken", more=False)
        if isinstance(outcome.error, NotFound) and row is not None:
            records.mark_gone(conn, row.system, row.stream, [row.key])
        if outcome.stops:
            partitions.release(conn, of.target, of.partition, job.run)
        else:
            deliveries.wake(conn, [of.entity])
        agenda.add(conn, of.flow, [of.entity] if wanted_again else ())
        return outcome
