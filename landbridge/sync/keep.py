"""Keep what was written: the records as read back, their links and the outcomes, of all that have come back by then.

One transaction for many: the fewer commits, the less each costs. What dies before the commit is uncertain, and its marker
is looked up before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from landbridge.errors import FileError, LandbridgeError, NotFound, RecordError
from landbridge.store import (
    agenda,
    audit,
    brakes,
    deliveries,
    entities,
    leftfiles,
    locks,
    partitions,
    records,
    references,
    sending,
)
from landbridge.store.records import Row
from landbridge.sync.bridge import Bridge
from landbridge.sync.deliver import set_aside
from landbridge.sync.job import Job, Result
from landbridge.sync.left import which
from landbridge.sync.written import Written


@dataclass
class Kept:
    """`results` as they were kept, in order; `taken`: how many came too late, since another run has taken over.

    `woken`: entities of this flow that are to be planned at once. `failed`: what kept one of them from being kept.
    """

    results: list[Result] = field(default_factory=list)
    taken: int = 0
    woken: set[str] = field(default_factory=set)
    failed: list[Exception] = field(default_factory=list)


def keep(bridge: Bridge, run: str, results: Sequence[Result]) -> Kept:
    """Keep all of these together; where one of them cannot be kept, the others are. Raises what the hub raises."""
    try:
        with bridge.hub.begin() as conn:
            return kept(bridge, conn, run, results)
    except LandbridgeError:
        raise
    except Exception as error:
        if len(results) == 1:
            return Kept(failed=[error])
    found = Kept()
    for alone in (keep(bridge, run, [one]) for one in results):
        found.results += alone.results
        found.taken += alone.taken
        found.woken |= alone.woken
        found.failed += alone.failed
    return found


def kept(bridge: Bridge, conn: Connection, run: str, results: Sequence[Result]) -> Kept:
    """Kept together with its outcome, a write is no news when it is read (no echo).

    In the one order of locks: deliveries, log, agenda.
    """
    again = sending.hold(conn, run, [one.job.delivery.id for one in results])
    ours = [_read_back(bridge, one) for one in results if one.job.delivery.id in again]
    if any(one.written or isinstance(one.error, NotFound) for one, _ in ours):
        locks.exclusive(conn, locks.LOG)  # from here on nobody links a record to something else
    checked = [_met(conn, *one) for one in ours]
    sending.keep_outcomes(conn, {one.job.delivery.id: _outcome(one) for one, _ in checked})
    _log(conn, checked)
    kept = [one for one, _ in checked]
    return Kept(kept, len(results) - len(ours), _follow(bridge, conn, kept, again))


def _read_back(bridge: Bridge, one: Result) -> tuple[Result, Written | None]:
    """What the system answered, as a record; what cannot be one is set aside."""
    if one.native is None:
        return one, None
    try:
        return one, Written(bridge, one.job, one.native)
    except (RecordError, KeyError) as error:
        return set_aside(one.job, error), None


def _met(conn: Connection, one: Result, written: Written | None) -> tuple[Result, Written | None]:
    """Whatever cannot be kept is found out before anything is written."""
    try:
        if written is not None:
            written.meets(conn, one.job)
        if one.refused is not None:
            _leave(conn, one.job, one.refused)
        return one, written
    except RecordError as error:
        return set_aside(one.job, error), None


def _leave(conn: Connection, job: Job, refused: FileError) -> None:
    """Raises FileError where the same file is refused again, or one that nobody wanted there: that would have no end."""
    file = which(job.action.desired, job.mapping.kind, refused.file)
    if file is None or not leftfiles.note(conn, job.delivery.target, job.delivery.entity, file, refused.reason):
        raise refused


def _outcome(one: Result) -> dict[str, Any]:
    return {
        "state": one.state, "lossy": list(one.lossy) or None, "marker": one.job.marker, "reason": one.reason,
        "next_at": one.next_at, "attempts": one.job.delivery.attempts if one.attempts is None else one.attempts,
    }  # fmt: skip


def _log(conn: Connection, ours: Sequence[tuple[Result, Written | None]]) -> None:
    """What needs the log: records, links, what the brakes count, and the audit."""
    gone = [one.job.action.record for one, _ in ours if isinstance(one.error, NotFound)]
    done = [(one, written) for one, written in ours if one.written]
    if not done and not any(gone):
        return
    linked: dict[tuple[str, str], list[str]] = {}
    for one, written in done:
        if written is not None:
            linked.setdefault((one.job.route.system, one.job.route.stream), []).append(written.key)
    touched = [one.job.action.record for one, _ in done] + [written.known for _, written in done if written]
    _hold(conn, linked, touched + gone)
    for row in gone:
        if row is not None:
            records.mark_gone(conn, row.system, row.stream, [row.key])
    # New ones by their keys, as a page that is read meanwhile brings them.
    for one, written in sorted(done, key=lambda kept: kept[1].key if kept[1] else ""):
        _save(conn, one, written)
    for (system, stream), keys in linked.items():
        entities.wake(conn, system, stream, keys)
    audit.append_all(conn, [_act(one) for one, _ in done])


def _save(conn: Connection, one: Result, written: Written | None) -> None:
    of, action, row = one.job.delivery, one.job.action, one.job.action.record
    if written is not None:
        written.save(conn, one.job)
    if one.job.told is not None:
        return  # it stays, with an answer to it
    if row is not None and (written is None or row.key != written.key):
        records.take_back(conn, row.id)  # deleted, or replaced by a system that cannot edit
    if action.op in brakes.BRAKED and of.cleared != brakes.PERSON:
        brakes.note(conn, of.target, action.cause or of.entity)


def _act(one: Result) -> tuple[str, str, str, dict[str, Any]]:
    job, of = one.job, one.job.delivery
    details = {"run": job.run, "fields": list(job.action.fields), "lossy": len(one.lossy)}
    return f"flow:{job.flow.name}", job.action.op, f"{of.target}:{of.entity}", details


def _follow(bridge: Bridge, conn: Connection, ours: Sequence[Result], again: dict[int, bool]) -> set[str]:
    """What is to be planned after these; those of this flow that are to be planned at once."""
    at_once = _naming(bridge, conn, ours)
    for one in ours:
        job, of = one.job, one.job.delivery
        # What was disabled may have a deletion to be scheduled, what was moved is to be made in its new place, and what
        # was looked for in vain may wait for something.
        anew = one.in_vain or (one.written and (job.outdated or job.action.op == "disable" or job.action.moves))
        if anew or again[of.id]:
            agenda.add(conn, of.flow, [of.entity])
        if anew:
            at_once.add(of.entity)
    for one in ours:
        if one.stops:
            partitions.release(conn, one.job.delivery.target, [one.job.delivery.partition], one.job.run)
    # Who waited for one that could not be sent goes on waiting; for one that was given up, nobody has to any more.
    deliveries.wake(conn, [one.job.delivery.entity for one in ours if not (one.stops or one.written or one.refused)])
    woken = deliveries.wake(conn, [one.job.delivery.entity for one in ours if one.written])
    return at_once.union(woken.get(ours[0].job.flow.name, ()) if ours else ())


def _naming(bridge: Bridge, conn: Connection, ours: Sequence[Result]) -> set[str]:
    """Those that can name these there from now on, such as people their manager; put on the flow's agenda."""
    made: dict[str, list[str]] = {}
    for one in ours:
        if one.written and one.job.action.op == "create":
            made.setdefault(one.job.route.target, []).append(one.job.delivery.entity)
    found: set[str] = set()
    for target, those in made.items():
        for path in bridge.company.naming(target):
            found.update(*references.referrers_of(conn, those, path).values())
    if found:
        agenda.add(conn, ours[0].job.flow.name, found)
    return found


def _hold(conn: Connection, linked: Mapping[tuple[str, str], Sequence[str]], rows: Iterable[Row | None]) -> None:
    """All records that these change, in the order in which all lock records; a page that is read may hold some of them."""
    locks.exclusive(conn, locks.LOG)
    ids = {row.id for row in rows if row is not None}
    for (system, stream), keys in linked.items():
        ids.update(entities.waiting_for(conn, system, stream, keys))
    if len(ids) > 1:
        records.hold(conn, ids)
