"""Keep what was written: the records as read back, their links and the outcomes, of all that have come back by then.

One transaction for many: the fewer commits, the less each costs. What dies before the commit is uncertain, and its marker
is looked up before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from landbridge.errors import LandbridgeError, NotFound, RecordError
from landbridge.model import validate
from landbridge.store import (
    agenda,
    audit,
    brakes,
    decisions,
    deliveries,
    entities,
    locks,
    partitions,
    records,
    references,
)
from landbridge.store.records import Row
from landbridge.sync.bridge import Bridge
from landbridge.sync.decide import Action
from landbridge.sync.deliver import set_aside
from landbridge.sync.job import Job, Native, Result
from landbridge.sync.read import fingerprint, located

# What a write changes in a record beside its fields: the switch it turned, and what systems note of each change.
_SWITCHED = ("active", "archived")
_STAMPED = ("edited_at", "version_tag")


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
    checked = [_checked(bridge, conn, one) for one in results]
    again = deliveries.keep_outcomes(conn, run, {one.job.delivery.id: _outcome(one) for one, _ in checked})
    ours = [(one, written) for one, written in checked if one.job.delivery.id in again]
    _log(conn, ours)
    return Kept(
        [one for one, _ in ours], len(results) - len(ours), _follow(bridge, conn, [one for one, _ in ours], again)
    )


def _checked(bridge: Bridge, conn: Connection, one: Result) -> tuple[Result, _Written | None]:
    """Whatever cannot be kept is found out before anything is written."""
    if one.native is None:
        return one, None
    try:
        return one, _Written(bridge, conn, one.job, one.native)
    except (RecordError, KeyError) as error:
        return set_aside(one.job, error), None


def _outcome(one: Result) -> dict[str, Any]:
    return {
        "state": one.state, "lossy": list(one.lossy) or None, "marker": one.job.marker, "reason": one.reason,
        "next_at": one.next_at, "attempts": one.job.delivery.attempts if one.attempts is None else one.attempts,
    }  # fmt: skip


def _log(conn: Connection, ours: Sequence[tuple[Result, _Written | None]]) -> None:
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


def _save(conn: Connection, one: Result, written: _Written | None) -> None:
    of, action, row = one.job.delivery, one.job.action, one.job.action.record
    if written is not None:
        written.save(conn, one.job)
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
        # What was disabled may have a deletion to be scheduled, what was moved is to be made in its new place.
        anew = one.written and (job.outdated or job.action.op == "disable" or job.action.moves)
        if anew or again[of.id]:
            agenda.add(conn, of.flow, [of.entity])
        if anew:
            at_once.add(of.entity)
    for one in ours:
        if one.stops:
            partitions.release(conn, one.job.delivery.target, [one.job.delivery.partition], one.job.run)
    # Who waited for one that could not be sent goes on waiting; for one that was given up, nobody has to any more.
    deliveries.wake(conn, [one.job.delivery.entity for one in ours if not (one.stops or one.written)])
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


class _Written:
    """The read-back as a record."""

    def __init__(self, bridge: Bridge, conn: Connection, job: Job, native: Native) -> None:
        route, entity = job.route, job.delivery.entity
        self.key = bridge.connector(route.system).streams()[route.stream].key_of(native)
        self.claim = _claim_of(job, native)
        self.fingerprint = fingerprint(native, job.mapping.version)
        self.known = known = records.get(conn, route.system, route.stream, self.key)
        if known and known.gone_at is None and _of_another(conn, known, entity):
            raise RecordError(f"{job.delivery.target} answered with a record that shows something else already.")

    def save(self, conn: Connection, job: Job) -> None:
        route, row = job.route, job.action.record
        # What was left out, such as a disputed field, was not sent: it is still to be written. What stood there already
        # needed no sending, also where the system puts it in other words now.
        before = (row.claim if row else None) or {}
        sent = ((row.sent if row else None) or {}) | {
            path: value
            for path, value in job.action.desired.items()
            if path in job.action.fields or value in (before.get(path), self.claim.get(path))
        }
        if job.outdated and job.action.op == "create":
            sent = {path: self.claim.get(path) for path in sent}
        role, known = row.role if row else route.shape or "copy", self.known
        while True:
            now = _now(job, known, self.claim)
            kept = records.save_written(
                conn, route.system, route.stream, self.key, job.mapping.kind, job.delivery.entity, role, now.claim, sent,
                None if now.news else self.fingerprint, now.base, gone_at=now.gone_at,
                seen=known.changed_at if known else "",
            )  # fmt: skip
            if kept:
                break
            known = records.get(conn, route.system, route.stream, self.key)  # it was read once more


@dataclass(frozen=True)
class _Now:
    """What the hub is to hold of a record; `news` where that is more than the read-back, so that it has no fingerprint."""

    claim: dict[str, Any]
    base: dict[str, Any] | None
    gone_at: str | None = None
    news: bool = False


def _now(job: Job, known: Row | None, claim: dict[str, Any]) -> _Now:
    """The read-back, and over it what was read while we wrote and is neither as it was before nor as we wrote it.

    Nobody knows which of the two is newer. Where it is the one that was read, no later read may tell of it again.
    """
    row = job.action.record
    base = _edited_before_found(job, claim) if row is None else _edited_meanwhile(job.action, known, claim)
    if known is None or not _read_meanwhile(job, known):
        return _Now(claim, base)
    before, read = (row.claim if row else None) or {}, known.claim or {}
    news = {
        path: value for path, value in read.items() if value != before.get(path, ...) and value != claim.get(path, ...)
    }
    if not news.keys() - set(_STAMPED):
        return _Now(claim, base, known.gone_at)
    base = claim if base is None else base
    claim = claim | news
    return _Now(claim, None if base == claim else base, known.gone_at, news=True)


def _read_meanwhile(job: Job, known: Row) -> bool:
    """Did a reader bring it after the write was decided? A new record only where it surely is the one we made."""
    row = job.action.record
    if row is None or row.id != known.id:
        return known.gone_at is None and known.marker == job.marker and not job.uncertain
    return known.changed_at != row.changed_at


def _edited_meanwhile(action: Action, known: Row | None, claim: dict[str, Any]) -> dict[str, Any] | None:
    """The common state where somebody changed, between reading and writing, what this write left alone; else None."""
    if known is None or known.base is None:
        return None
    ours = {*action.fields, *_STAMPED, *(_SWITCHED if action.op in ("disable", "enable") else ())}
    theirs = {path: value for path, value in known.base.items() if path not in ours}
    if theirs == {path: value for path, value in claim.items() if path not in ours}:
        return None
    return {path: value for path, value in claim.items() if path in ours} | theirs


def _edited_before_found(job: Job, claim: dict[str, Any]) -> dict[str, Any] | None:
    """The common state where somebody has changed what a try made whose answer was lost; else None.

    Whether people or the system changed a text, only its words can tell: a system changes how they are spelled, or cuts them.
    """
    if not job.uncertain or job.outdated:
        return None
    desired = job.action.desired
    theirs = {
        path: desired[path]
        for path in desired.keys() & claim.keys()
        if not _spelled(desired[path]).startswith(_spelled(claim[path]))
    }
    return claim | theirs if theirs else None


def _spelled(value: Any) -> str:
    """The letters and digits of a text; nothing of what is no text."""
    return "".join(filter(str.isalnum, value.casefold())) if isinstance(value, str) else ""


def _of_another(conn: Connection, known: Row, entity: str) -> bool:
    """Is it linked to something else, or was it unlinked from this by a person?"""
    return known.entity not in (None, entity) or bool(decisions.apart_from(conn, known.id, [entity]))


def _claim_of(job: Job, native: Native) -> dict[str, Any]:
    """What the answer says; where it cannot be read it was written all the same, so what we sent stands for it."""
    try:
        claim = validate(job.mapping.kind, job.mapping.into(native).claim)
    except RecordError:
        known = job.action.record.claim if job.action.record else None
        return {**(known or {}), **job.action.desired}
    return {path: located(value, job.route.system) for path, value in claim.items()}
