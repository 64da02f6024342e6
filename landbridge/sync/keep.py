"""Keep what was written: the record as read back, its link and the outcome, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from landbridge.errors import RecordError
from landbridge.mapping import Mapping
from landbridge.model import validate
from landbridge.store import agenda, audit, brakes, decisions, deliveries, entities, locks, records
from landbridge.store.deliveries import Delivery
from landbridge.store.records import Row
from landbridge.sync.bridge import Bridge
from landbridge.sync.decide import Action
from landbridge.sync.read import fingerprint, located
from landbridge.sync.routes import Flow, Route

Native = dict[str, Any]
# What a write changes in a record beside its fields: the switch it turned, and what systems note of each change.
_SWITCHED = ("active", "archived")
_STAMPED = ("edited_at", "version_tag")


@dataclass(frozen=True)
class Job:
    """A claimed delivery with everything that sending needs; made in one transaction, used outside of any."""

    run: str
    flow: Flow
    delivery: Delivery
    route: Route
    action: Action
    mapping: Mapping
    marker: str
    uncertain: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    # What an earlier try may have made is not what is wanted now.
    outdated: bool = False

    def label(self, kind: str, key: str) -> str | None:
        """The name to show for a mention of this native key."""
        return self.labels.get(key)


def keep(bridge: Bridge, conn: Connection, job: Job, native: Native | None, lossy: tuple[str, ...]) -> list[str] | None:
    """The entities of this flow that are to be planned at once; None where another run has taken over.

    Kept together, the write is no news when it is read (no echo). Raises RecordError and KeyError before it writes.
    """
    of, action, row = job.delivery, job.action, job.action.record
    written = None if native is None else _Written(bridge, conn, job, native)
    wanted_again = deliveries.keep_outcome(conn, of, job.run, "done", lossy=lossy, marker=job.marker)
    if wanted_again is None:
        return None
    if written is not None:
        _hold(conn, job, written)
        written.save(conn, job)
    if row is not None and (written is None or row.key != written.key):
        records.take_back(conn, row.id)  # deleted, or replaced by a system that cannot edit
    if action.op in brakes.BRAKED and of.cleared != brakes.PERSON:
        brakes.note(conn, of.target, action.cause or of.entity)
    audit.append(
        conn, f"flow:{job.flow.name}", action.op, f"{of.target}:{of.entity}",
        {"run": job.run, "fields": list(action.fields), "lossy": len(lossy)},
    )  # fmt: skip
    # What was disabled may have a deletion to be scheduled, what was moved is to be made in its new place.
    again = [of.entity] if job.outdated or action.op == "disable" or action.moves else []
    agenda.add(conn, job.flow.name, [of.entity] if wanted_again else again)
    woken = deliveries.wake(conn, [of.entity]).get(job.flow.name, [])
    return [*again, *woken]


def _hold(conn: Connection, job: Job, written: _Written) -> None:
    """All records that this changes, in the order in which all lock records; a page that is read may hold some of them."""
    locks.exclusive(conn, locks.LOG)
    rows = (job.action.record, written.known)
    waiting = entities.waiting_for(conn, job.route.system, job.route.stream, written.key)
    ids = {*waiting, *(row.id for row in rows if row is not None)}
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
        entities.wake(conn, route.system, route.stream, self.key)


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
