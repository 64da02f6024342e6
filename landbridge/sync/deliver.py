"""One claimed delivery is sent, outside of any transaction, and what became of it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from landbridge import boundary
from landbridge.connector import Connector, Finds, FindsAlike
from landbridge.errors import (
    AuthError,
    ConfigError,
    FileError,
    LandbridgeError,
    NotFound,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.store import records
from landbridge.store.brakes import BRAKED
from landbridge.store.setaside import next_try_after
from landbridge.sync.bridge import Bridge
from landbridge.sync.correct import correction
from landbridge.sync.job import Job, Native, Result

_DONE = {"create": "created", "update": "updated", "delete": "deleted", "disable": "disabled", "enable": "enabled"}


def deliver(bridge: Bridge, job: Job) -> Result:
    """Ask the system. Never raises for one record; what stops the target comes back in the result."""
    connector, op, lost = bridge.connector(job.route.system), job.action.op, job.action.lost
    if not connector.can_write(job.route.stream, op):
        correcting = _correcting(connector, job)
        if correcting is None:
            reason = f"{job.route.target} cannot {op} records."
            return Result(job, "unsupported", "dropped", sent=False, reason=reason, lossy=lost)
        job = correcting
    try:
        if job.uncertain and op == "create":
            native, lossy = _left_by_an_earlier_try(bridge, job)
            if native is not None:
                return Result(job, _DONE[op], "done", written=True, native=native, lossy=(*lost, *lossy))
            if job.action.state == "done":  # nobody wants it any more, or it waits
                return Result(job, "settled", "done")
        native, lossy = _tell(connector, job, job.told) if job.told else _send(connector, job)
    except (AuthError, ConfigError, TransientError) as error:
        return _unsent(job, error)
    except FileError as error:
        return _without_file(connector, job, error)
    except Exception as error:
        return set_aside(job, error)
    if job.uncertain and job.told is None and isinstance(connector, Finds | FindsAlike):
        # It was not there: what is now is what is wanted now.
        job = replace(job, uncertain=False, outdated=False, tried=())
    told = job.action.left if op == "create" or "body" in job.action.fields else ()
    return Result(job, _DONE[op], "done", written=True, native=native, lossy=(*lost, *lossy), left=told)


def called_off(job: Job) -> Result:
    """Claimed, but not sent any more."""
    return Result(job, "unsent", "uncertain" if job.uncertain else "planned", sent=False, stops=True)


def set_aside(job: Job, error: Exception) -> Result:
    """This one only; it is tried again by schedule, and shown until then."""
    named = error if isinstance(error, RecordError | ScopeError) else _mistake(job, error)
    attempts = job.delivery.attempts + 1
    return Result(
        job, "set_aside", "set_aside", error=named, reason=str(named), attempts=attempts,
        next_at=next_try_after(attempts),
    )  # fmt: skip


def _mistake(job: Job, error: Exception) -> RecordError:
    """A connector's own: the error's words may hold a person's data, its name does not."""
    return RecordError(
        f"{job.route.target} failed to {job.action.op} ({type(error).__name__}).", remedy="Tell its author."
    )


def _unsent(job: Job, error: LandbridgeError) -> Result:
    """Not written, or nobody knows: it stays planned, or uncertain with its marker."""
    uncertain = job.uncertain or (isinstance(error, TransientError) and error.uncertain)
    count, state = ("uncertain", "uncertain") if uncertain else ("unsent", "planned")
    return Result(job, count, state, error=error, stops=True, reason=str(error))


def _without_file(connector: Connector, job: Job, error: FileError) -> Result:
    """It is next again, without this file; looked for first, should the connector have begun all the same."""
    begun = job.uncertain or (job.action.op == "create" and isinstance(connector, Finds))
    state = "uncertain" if begun else "planned"
    return Result(job, "files_left", state, refused=error, reason=str(error), left=(error.why,))


def _send(connector: Connector, job: Job) -> tuple[Native | None, tuple[str, ...]]:
    """Ask the system; the record as it has it now (None where it is gone), and what was lost."""
    stream, op, row = job.route.stream, job.action.op, job.action.record
    write = connector.writer(stream, op)
    if op == "create":
        out = job.mapping.out(job.action.desired, labels=job.label, create=True)
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


def _correcting(connector: Connector, job: Job) -> Job | None:
    """The job that tells an edit instead; what an earlier try has begun to tell comes first."""
    if job.uncertain and job.tried:
        job = replace(job, action=replace(job.action, desired=job.tried[0]))
    told = correction(job) if connector.can_write(job.route.stream, "create") else None
    return None if told is None else replace(job, told=told)


def _tell(connector: Connector, job: Job, told: dict[str, Any]) -> tuple[Native | None, tuple[str, ...]]:
    """An answer to what it corrects; one that an earlier try has made is not made again."""
    out = job.mapping.out(told, labels=job.label, create=True)
    if job.uncertain and isinstance(connector, Finds):
        found = connector.find(job.route.stream, out.native, job.marker)
        if found is not None:
            return found, out.lossy
    return _asked(connector.writer(job.route.stream, "create"), out.native, job.marker), out.lossy


def _left_by_an_earlier_try(bridge: Bridge, job: Job) -> tuple[Native | None, tuple[str, ...]]:
    """What it has made, where the system can be asked for it, and what was lost."""
    connector, stream = bridge.connector(job.route.system), job.route.stream
    outs = [
        job.mapping.out(desired, labels=job.label, create=True) for desired in (job.action.desired, *job.tried)
    ]  # fmt: skip
    found = connector.find(stream, outs[0].native, job.marker) if isinstance(connector, Finds) else None
    if found is not None or not isinstance(connector, FindsAlike):
        return found, outs[0].lossy
    key_of = connector.streams()[stream].key_of
    for out in outs:
        for one in connector.alike(stream, out.native):
            if not _shows_another(bridge, job, key_of(one)):
                return one, out.lossy
    return None, ()


def _shows_another(bridge: Bridge, job: Job, key: str) -> bool:
    """Two people may say the same: what is known to be the one message is not the other."""
    with bridge.hub.read() as conn:
        row = records.get(conn, job.route.system, job.route.stream, key)
    return row is not None and row.entity not in (None, job.delivery.entity)


def _asked(write: Callable[..., Native | None], *told: Any, **known: Any) -> Native | None:
    """The outward write itself."""
    boundary.passed("before the write")
    native = write(*told, **known)
    boundary.passed("after the write")
    return native
