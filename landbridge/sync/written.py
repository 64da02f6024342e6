"""The read-back of a write as a record, with what people have done there meanwhile kept beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from landbridge.errors import RecordError
from landbridge.model import validate
from landbridge.store import decisions, records
from landbridge.store.records import Row
from landbridge.sync.bridge import Bridge
from landbridge.sync.decide import Action
from landbridge.sync.job import Job, Native
from landbridge.sync.read import fingerprint, located
from landbridge.sync.routes import CORRECTION

# What a write changes in a record beside its fields: the switch it turned, and what systems note of each change.
_SWITCHED = ("active", "archived")
_STAMPED = ("edited_at", "version_tag")


class Written:
    """What a system answered; raises RecordError or KeyError where that cannot be a record."""

    def __init__(self, bridge: Bridge, job: Job, native: Native) -> None:
        route = job.route
        self.key = bridge.connector(route.system).streams()[route.stream].key_of(native)
        self.claim = _claim_of(job, native)
        self.fingerprint = fingerprint(native, job.mapping.version)
        self.known: Row | None = None

    def meets(self, conn: Connection, job: Job) -> None:
        """Look up what the hub has there. Raises RecordError where that shows something else.

        Only who holds the log may rely on it: whose a record is does not change until the commit then.
        """
        self.known = known = records.get(conn, job.route.system, job.route.stream, self.key)
        if known and known.gone_at is None and _of_another(conn, known, job.delivery.entity):
            raise RecordError(f"{job.delivery.target} answered with a record that shows something else already.")

    def save(self, conn: Connection, job: Job) -> None:
        route, row, known = job.route, job.action.record, self.known
        role, sent = row.role if row else route.shape or "copy", _sent(job, self.claim)
        if row is not None and job.told is not None:
            records.note_sent(conn, row.id, sent)
            role, sent = CORRECTION, job.told
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


def _sent(job: Job, claim: dict[str, Any]) -> dict[str, Any]:
    """What we last wanted the record to be.

    What was left out, such as a disputed field, was not sent: it is still to be written. What stood there already needed
    no sending, also where the system puts it in other words now.
    """
    row = job.action.record
    if row is None:
        return _as_tried(job, claim)
    before = row.claim or {}
    return (row.sent or {}) | {
        path: value
        for path, value in job.action.desired.items()
        if path in job.action.fields or value in (before.get(path), claim.get(path))
    }


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
    if not job.uncertain:
        return None
    theirs = {
        path: value for path, value in _as_tried(job, claim).items() if path in claim and not _shows(claim[path], value)
    }
    return claim | theirs if theirs else None


def _as_tried(job: Job, claim: dict[str, Any]) -> dict[str, Any]:
    """What was wanted when it was made, which may be long before now: per field what it still shows, else the first try's."""
    tries = [*job.tried, job.action.desired] if job.uncertain else [job.action.desired]
    found: dict[str, Any] = {}
    for path in dict.fromkeys(path for one in tries for path in one):
        values = [one[path] for one in tries if path in one]
        shown = [value for value in values if value == claim.get(path)]
        found[path] = next(iter(shown or [value for value in values if _shows(claim.get(path), value)] or values))
    return found


def _shows(now: Any, wanted: Any) -> bool:
    """May this be what the system made of it?"""
    return _spelled(wanted).startswith(_spelled(now))


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
