"""One delivery, from claim to kept outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import xxhash
from sqlalchemy import Connection

from landbridge import boundary
from landbridge.connector import Finds
from landbridge.errors import AuthError, ConfigError, LandbridgeError, NotFound, RecordError, ScopeError, TransientError
from landbridge.mapping import Mapping
from landbridge.model import validate
from landbridge.store import audit, decisions, deliveries, entities, records
from landbridge.store.clock import now
from landbridge.store.deliveries import Delivery
from landbridge.store.records import Row
from landbridge.store.setaside import next_try
from landbridge.sync.bridge import Bridge
from landbridge.sync.decide import Action, Decider
from landbridge.sync.guard import BRAKED
from landbridge.sync.plan import Planner
from landbridge.sync.read import fingerprint, located
from landbridge.sync.routes import Flow, Route

Native = dict[str, Any]
# What a write changes in a record beside its fields: the switch it turned, and what systems note of each change.
_SWITCHED = ("active", "archived")
_STAMPED = ("edited_at", "version_tag")
_DONE = {"create": "created", "update": "updated", "delete": "deleted", "disable": "disabled", "enable": "enabled"}


@dataclass(frozen=True)
class Outcome:
    """What became of a delivery; `stops` where the whole target has to stop, `sent` where the system was asked."""

    count: str
    error: LandbridgeError | None = None
    stops: bool = False
    sent: bool = True
    lossy: int = 0


@dataclass(frozen=True)
class _Job:
    """A claimed delivery with everything that sending needs; made in one transaction, used outside of any."""

    delivery: Delivery
    route: Route
    action: Action
    mapping: Mapping
    marker: str
    uncertain: bool
    labels: dict[str, str]
    # What an earlier try may have made is not what is wanted now.
    outdated: bool = False

    def label(self, kind: str, key: str) -> str | None:
        """The name to show for a mention of this native key."""
        return self.labels.get(key)


def deliver(bridge: Bridge, flow: Flow, run: str, id: int) -> Outcome:
    """Never raises for one record; what stops the target comes back in the outcome."""
    job = _claim(bridge, flow, run, id)
    if isinstance(job, Outcome):
        return job
    if not bridge.connector(job.route.system).can_write(job.route.stream, job.action.op):
        return _unsupported(bridge, job)
    try:
        native, lossy = _send(bridge, job)
    except (AuthError, ConfigError, TransientError) as error:
        return _unsent(bridge, job, error, stops=True)
    except (RecordError, ScopeError) as error:
        return _set_aside(bridge, job, error)
    except Exception as error:
        return _set_aside(bridge, job, _mistake(job, error))
    if native is None and job.action.op == "create":
        return _never_made(bridge, job)
    try:
        _keep(bridge, flow, run, job, native, lossy)
    except (RecordError, KeyError) as error:
        return _set_aside(bridge, job, error if isinstance(error, RecordError) else _mistake(job, error))
    return Outcome(_DONE[job.action.op], lossy=len(lossy))


def _mistake(job: _Job, error: Exception) -> RecordError:
    """A connector's own: the error's words may hold a person's data, its name does not."""
    return RecordError(
        f"{job.route.target} failed to {job.action.op} ({type(error).__name__}).", remedy="Tell its author."
    )


def _never_made(bridge: Bridge, job: _Job) -> Outcome:
    """Looked for after an uncertain try and not there; nobody wants it any more either."""
    with bridge.hub.begin() as conn:
        deliveries.set_state(conn, job.delivery.id, "done")
    return Outcome("settled")


def _claim(bridge: Bridge, flow: Flow, run: str, id: int) -> _Job | Outcome:
    """Decide once more with what is known now, and keep the marker before anything is sent."""
    with bridge.hub.begin() as conn:
        delivery = deliveries.by_id(conn, id)
        if delivery is None or delivery.state not in ("planned", "uncertain"):
            return Outcome("taken", sent=False)
        route = next((one for one in flow.routes if (one.target, one.shape) == (delivery.target, delivery.shape)), None)
        entity = entities.get(conn, delivery.entity)
        if route is None or entity is None:
            deliveries.set_state(conn, id, "dropped", reason="Its flow no longer shows it there.")
            return Outcome("dropped", sent=False)
        route = next(
            one for one in flow.routes_of(entity.kind) if (one.target, one.shape) == (delivery.target, delivery.shape)
        )
        planner, decider = Planner(bridge.company, flow, run), Decider(conn, bridge.company, run)
        action = planner.decide(decider, route, entity)
        unwanted = action is None or action.state != "planned"
        if unwanted and delivery.state == "uncertain" and delivery.op == "create":
            return _look_up(bridge, conn, delivery, route, run)
        if action is None or unwanted or (action.op in BRAKED and delivery.op not in BRAKED):
            planner.note(conn, route, entity.id, action)
            return Outcome("settled", sent=False)
        uncertain = delivery.state == "uncertain" and delivery.op == action.op
        fresh = _marker(delivery, action, entity.version)
        marker = delivery.marker if uncertain and delivery.marker else fresh
        deliveries.put(
            conn, flow=flow.name, target=delivery.target, entity=entity.id, shape=route.shape, op=action.op,
            state="planned", partition=action.partition or delivery.partition, position=action.position,
            desired=action.desired, fields=action.fields, attempts=delivery.attempts, run=run,
        )  # fmt: skip
        if not deliveries.claim(conn, id, run, marker):
            return Outcome("taken", sent=False)
        mapping = bridge.company.mapping(delivery.target)
        labels = decider.labels(route.system, action.desired)
        return _Job(delivery, route, action, mapping, marker, uncertain, labels, outdated=marker != fresh)


def _look_up(bridge: Bridge, conn: Connection, delivery: Delivery, route: Route, run: str) -> _Job | Outcome:
    """Nobody wants it any more, but an earlier try may have made it: only looked for, and planned again if it is there."""
    if not deliveries.claim(conn, delivery.id, run, delivery.marker or ""):
        return Outcome("taken", sent=False)
    action = Action("create", "done", desired=delivery.desired or {})
    mapping = bridge.company.mapping(delivery.target)
    return _Job(delivery, route, action, mapping, delivery.marker or "", True, {}, outdated=True)


def _marker(delivery: Delivery, action: Action, version: int) -> str:
    """The same write has the same marker, in every process and after every crash; another version is another write."""
    said = f"{delivery.target}\n{delivery.entity}\n{delivery.shape}\n{action.op}\n{version}"
    return "lb" + xxhash.xxh3_128_hexdigest(said.encode())


def _send(bridge: Bridge, job: _Job) -> tuple[Native | None, tuple[str, ...]]:
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


def _keep(bridge: Bridge, flow: Flow, run: str, job: _Job, native: Native | None, lossy: tuple[str, ...]) -> None:
    """The record as read back, its link and the outcome, in one transaction: this is what makes an echo no news."""
    route, action, row = job.route, job.action, job.action.record
    with bridge.hub.begin() as conn:
        sent = {**((row.sent if row else None) or {}), **action.desired}
        if native is not None:
            stream = bridge.connector(route.system).streams()[route.stream]
            key = stream.key_of(native)
            claim = _claim_of(job, native)
            if job.outdated and action.op == "create":
                sent = {path: claim.get(path) for path in sent}
            known = records.get(conn, route.system, route.stream, key)
            if known and known.gone_at is None and _of_another(conn, known, job.delivery.entity):
                raise RecordError(f"{job.delivery.target} answered with a record that shows something else already.")
            role = row.role if row else route.shape or "copy"
            mark = fingerprint(native, job.mapping.version)
            records.save_written(
                conn, route.system, route.stream, key, job.mapping.kind, job.delivery.entity, role, claim, sent, mark,
                _edited_meanwhile(action, known, claim) if row is not None else None,
            )  # fmt: skip
            entities.wake(conn, route.system, route.stream, key)
            if row is not None and row.key != key:
                records.take_back(conn, row.id)  # a system that cannot edit has replaced it
        elif row is not None:
            records.take_back(conn, row.id)
        deliveries.set_state(conn, job.delivery.id, "done", marker=job.marker)
        deliveries.set_lossy(conn, job.delivery.id, list(lossy))
        # What was disabled may have a deletion to be scheduled.
        if job.outdated or action.op == "disable":
            deliveries.agenda_add(conn, flow.name, [job.delivery.entity])
        audit.append(
            conn, f"flow:{flow.name}", action.op, f"{job.delivery.target}:{job.delivery.entity}",
            {"run": run, "fields": list(action.fields), "lossy": len(lossy)},
        )  # fmt: skip


def _edited_meanwhile(action: Action, known: Row | None, claim: dict[str, Any]) -> dict[str, Any] | None:
    """The common state where somebody changed, between reading and writing, what this write left alone; else None."""
    if known is None or known.base is None:
        return None
    ours = {*action.fields, *_STAMPED, *(_SWITCHED if action.op in ("disable", "enable") else ())}
    theirs = {path: value for path, value in known.base.items() if path not in ours}
    if theirs == {path: value for path, value in claim.items() if path not in ours}:
        return None
    return {path: value for path, value in claim.items() if path in ours} | theirs


def _of_another(conn: Connection, known: Row, entity: str) -> bool:
    """Is it linked to something else, or was it unlinked from this by a person?"""
    return known.entity not in (None, entity) or bool(decisions.apart_from(conn, known.id, [entity]))


def _unsupported(bridge: Bridge, job: _Job) -> Outcome:
    """The system has no such operation: said once, shown, and not planned again until something else is wanted."""
    reason = f"{job.route.target} cannot {job.action.op} records."
    with bridge.hub.begin() as conn:
        deliveries.set_state(conn, job.delivery.id, "dropped", reason=reason)
    return Outcome("unsupported", sent=False)


def _claim_of(job: _Job, native: Native) -> dict[str, Any]:
    """What the answer says; where it cannot be read it was written all the same, so what we sent stands for it."""
    try:
        claim = validate(job.mapping.kind, job.mapping.into(native).claim)
    except RecordError:
        known = job.action.record.claim if job.action.record else None
        return {**(known or {}), **job.action.desired}
    return {path: located(value, job.route.system) for path, value in claim.items()}


def _unsent(bridge: Bridge, job: _Job, error: LandbridgeError, *, stops: bool) -> Outcome:
    """Not written, or nobody knows: it stays planned, or uncertain with its marker."""
    uncertain = job.uncertain or (isinstance(error, TransientError) and error.uncertain)
    with bridge.hub.begin() as conn:
        state = "uncertain" if uncertain else "planned"
        deliveries.set_state(conn, job.delivery.id, state, reason=str(error), marker=job.marker)
    return Outcome("uncertain" if uncertain else "unsent", error, stops)


def _set_aside(bridge: Bridge, job: _Job, error: LandbridgeError) -> Outcome:
    """This one only; it is tried again by schedule, and shown until then."""
    with bridge.hub.begin() as conn:
        attempts = job.delivery.attempts + 1
        row = job.action.record
        if isinstance(error, NotFound) and row is not None:
            records.mark_gone(conn, row.system, row.stream, [row.key])
        deliveries.set_state(
            conn, job.delivery.id, "set_aside", reason=str(error), attempts=attempts, marker=job.marker,
            next_at=next_try(attempts, job.delivery.at, now()),
        )  # fmt: skip
    return Outcome("set_aside", error)
