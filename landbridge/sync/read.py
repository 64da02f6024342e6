"""Read one stream: fetch, sort out the unchanged by fingerprint, map, validate, and commit claims with the cursor.

Data and cursor commit in one transaction behind a fence, and only a complete, error-free enumeration may call a
record gone. Pages without news cost a look at the hub and no transaction that writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import xxhash

from landbridge.connector import Record
from landbridge.errors import ExpiredCursor, IncompleteRead, RecordError
from landbridge.mapping import Mapping
from landbridge.model import attachment_fields, validate
from landbridge.store import records, runs, setaside
from landbridge.store.clock import now
from landbridge.store.enumeration import Enumeration
from landbridge.store.records import Counts, Known, Staged
from landbridge.store.runs import Checkpoint
from landbridge.store.setaside import DECLINED, Bad, SetAside
from landbridge.sync.ahead import ahead
from landbridge.sync.aside import failed, unread
from landbridge.sync.bridge import Bridge
from landbridge.sync.collector import seldom_collecting
from landbridge.sync.paging import Page, pages
from landbridge.sync.private import Allowed, Gate, Permitted, allowed, policies_of, untold
from landbridge.sync.reports import Progress, Report, Tell

# An empty success where more than this many records were known is an error, not a mass deletion.
EMPTY_IS_ERROR_ABOVE = 10


@cache
def _salt(version: str) -> int:
    return xxhash.xxh3_64_intdigest(version.encode())


def fingerprint(native: dict[str, Any], version: str) -> bytes:
    """Of the raw record, salted with the mapping's version, so that a changed mapping is applied to everything."""
    return xxhash.xxh3_128_digest(orjson.dumps(native, option=orjson.OPT_SORT_KEYS, default=str), _salt(version))


def located(value: Any, system: str) -> Any:
    """An attachment's locator belongs to its system: `<system>:<locator>`, so that any other can ask for its bytes."""
    if isinstance(value, list):
        return [located(one, system) for one in value]
    if isinstance(value, dict) and value.get("url") and "media_type" in value and "://" not in value["url"]:
        return value | {"url": f"{system}:{value['url']}"}
    return value


@dataclass
class Fresh:
    """What of a page is not as the hub has it."""

    staged: list[Staged] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    bad: list[Bad] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)
    # Of `staged`, by id: as it was, told by another mapping.
    retold: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.staged or self.gone or self.bad or self.settled)


def read(bridge: Bridge, system: str, stream: str, *, full: bool = False, tell: Tell | None = None) -> Report:
    """Read what changed (all of it where `full`, on the first read, after a changed mapping or an expired cursor).

    `tell` hears every second how far it has come; without it the log does, every half minute.
    """
    return Reading(bridge, system, stream, tell).run(full)


class Reading:
    """One read of one stream, from its first page to its report."""

    def __init__(self, bridge: Bridge, system: str, stream: str, tell: Tell | None) -> None:
        self.bridge, self.hub, self.working = bridge, bridge.hub, bridge.working
        self.system, self.stream = system, stream
        self.config = bridge.company.system(system).config
        self.mapping: Mapping = bridge.company.mapping(f"{system}/{stream}")
        self.attachments = attachment_fields(self.mapping.kind)
        self.connector = bridge.connector(system)
        self.report = Report("", f"{system}/{stream}")
        # One partition that could not be read is enough: absence can no longer be concluded.
        self.partial = False
        self.fence = 0
        # Up to where it is committed, and what was set aside and is due.
        self.cursor: Any = None
        self.due: Sequence[SetAside] = ()
        # The mapping by which it was read before, where that is another one.
        self.before = ""
        self.gate, self.version = self._gate()
        self.progress = Progress(self.report, tell)

    def _gate(self) -> tuple[Gate, str]:
        """What may be read now; and by which mapping, and which private spaces, it is read: of other ones all is."""
        found = Allowed()
        if policies_of(self.bridge.company, self.system):
            with self.hub.read() as conn:
                found = allowed(conn, self.bridge.company, self.system)
        self.connector.private_spaces = Permitted(self.hub, self.bridge.company, self.system)
        gate = Gate(found, self.mapping, self.system)
        return gate, f"{self.mapping.version}+{found.mark}" if found.mark and gate.concerns else self.mapping.version

    def run(self, full: bool) -> Report:
        with self.hub.begin() as conn:
            if self.mapping.kind == "message":
                self.report.warnings += untold(conn, self.bridge.company, self.system)
            self.report.run = runs.start(conn, "read", self.report.subject).id
            checkpoint = runs.take_fence(conn, self.system, self.stream)
            self.due = setaside.due(conn, self.system, self.stream)
        self.fence, before = checkpoint.fence, (checkpoint.mapping or "").partition("+")[0]
        self.before = before if before != self.mapping.version else ""
        self.cursor = None if full or self._full_is_due(checkpoint) else checkpoint.cursor
        with self.working(self.report.run, self.report.counts):
            try:
                self._read(self.cursor)
            except ExpiredCursor:
                self.report.warnings.append("The cursor had expired: read in full.")
                self._read(None)
        return self.report

    def _full_is_due(self, checkpoint: Checkpoint) -> bool:
        """The mapping changed, or what may be read; deletions are to be looked for, or what could not be read at all."""
        if checkpoint.full_at is None or checkpoint.mapping != self.version or unread(self.due):
            return True
        if self.connector.streams()[self.stream].reports_gone:
            return False
        return datetime.now(UTC) - datetime.fromisoformat(checkpoint.full_at) >= self.config.sweep

    def _read(self, cursor: Any) -> None:
        enumeration, due = None, self.due
        if cursor is None:  # a full read meets what is due anyway
            due, late = (), self.connector.streams()[self.stream].late
            with self.hub.read() as conn:
                enumeration = Enumeration.begin(conn, self.system, self.stream, late)
        again = (Record(one.key, one.native) for one in due if one.native is not None)
        items = self.connector.read(self.stream, cursor)
        with seldom_collecting(), ahead(pages(items, cursor, again)) as fetched:
            for page in fetched:
                self._keep(page, enumeration)
                self.progress()

    def _keep(self, page: Page, enumeration: Enumeration | None) -> None:
        """The cursor of a full read moves only together with what it found gone: killed in between, it is read again."""
        keys = [*page.rows, *page.gone, *(failure.key for failure in page.failures if failure.key)]
        known: dict[str, Known] = {}
        aside: set[str] = set()
        if keys:
            with self.hub.read() as conn:
                known = records.look_up(conn, self.system, self.stream, keys)
                aside = setaside.among(conn, self.system, self.stream, keys)
        if enumeration:
            enumeration.met.add(one.id for one in known.values())
        news = self._news(page, known, aside)
        self._leave_out(news)
        self.report.counts["read"] += len(page.rows)
        if news or page.last or not (enumeration or page.cursor == self.cursor):
            self._commit(page, news, known, enumeration)

    def _news(self, page: Page, known: dict[str, Known], aside: set[str]) -> Fresh:
        """Map and validate what is not as we know it; tell what cannot be, and what the mapping filters out."""
        news, counts, version = Fresh(), self.report.counts, self.mapping.version
        for key, row in page.rows.items():
            mark, old = fingerprint(row.native, version), known.get(key)
            if old and old.fingerprint == mark and old.gone_at is None:
                counts["same"] += 1
                continue
            try:
                if self.mapping.accepts(row.native):
                    staged = Staged(key, mark, self._claim(row), row.marker)
                    news.staged.append(staged)
                    if old and self.before and old.fingerprint == fingerprint(row.native, self.before):
                        news.retold[old.id] = staged.claim
                    continue
            except RecordError as error:
                news.bad.append(Bad(key, row.native, str(error)))
                continue
            counts["filtered"] += 1
            page.gone.add(key)
        for failure in page.failures:
            if failure.key is None:
                self.partial = True
                self.report.warnings.append(f"A part could not be read: {failure.error}")
        news.bad.extend(failed(page.failures, known.keys() | page.rows.keys()))
        news.gone = {key for key in page.gone if (one := known.get(key)) and one.gone_at is None}
        # What is well again, filtered or gone must not be tried again with what it was.
        news.settled = aside - {one.key for one in news.bad}
        return news

    def _leave_out(self, news: Fresh) -> None:
        """What is said in private spaces that no policy names, or by who does not want it to be read."""
        if self.mapping.kind == "message" and news.staged:
            with self.hub.read() as conn:
                kept = self.gate.kept(conn, news.staged)
                if len(kept) < len(news.staged):
                    ours = {one.key for one in kept}
                    out = [one for one in news.staged if one.key not in ours]
                    news.gone |= self.gate.moved_out(conn, self.stream, out)
            self.report.counts["private"] += len(news.staged) - len(kept)
            news.staged = kept

    def _claim(self, row: Record) -> dict[str, Any]:
        mapped = self.mapping.into(row.native)
        if mapped.lossy:
            self.report.counts["lossy"] += 1
        claim = validate(self.mapping.kind, mapped.claim)
        for name in self.attachments:
            if name in claim:
                claim[name] = located(claim[name], self.system)
        return claim

    def _commit(self, page: Page, news: Fresh, known: dict[str, Known], enumeration: Enumeration | None) -> None:
        with self.hub.begin(repeatable=True) as conn:
            runs.hold_fence(conn, self.system, self.stream, self.fence)
            complete = page.last and page.complete
            missing = self._missing(conn, enumeration) if enumeration and complete else []
            counts, gone = self._put(conn, news, known, missing)
            if enumeration:
                self._met(conn, enumeration, (row.key for row in news.staged if row.key not in known), counts.new)
                if complete:
                    gone += enumeration.call_gone(conn, missing)
                    runs.set_full(conn, self.system, self.stream, now(), self.version)
                    # What failed once more in this read is due later only.
                    again = unread(setaside.due(conn, self.system, self.stream))
                    setaside.settle(conn, self.system, self.stream, *again)
            if page.last or not enumeration:
                runs.set_cursor(conn, self.system, self.stream, page.cursor)
                self.cursor = page.cursor
            self._count(news, counts, gone)
            if page.last:
                self.report.reason = self._reason()
                runs.finish(conn, self.report.run, "done", dict(self.report.counts), self.report.reason)

    def _put(self, conn: Any, news: Fresh, known: dict[str, Known], missing: Sequence[int] = ()) -> tuple[Counts, int]:
        """Store the news; what is new and changed, and how many the system itself calls gone."""
        if missing or news.gone or news.retold:
            changed = (known[key].id for key in (*news.gone, *(row.key for row in news.staged)) if key in known)
            records.hold(conn, (*missing, *changed))
        retold = records.retell(conn, news.retold)
        counts = records.upsert_claims(conn, self.system, self.stream, self.mapping.kind, news.staged, known)
        gone = records.mark_gone(conn, self.system, self.stream, news.gone)
        setaside.put(conn, self.system, self.stream, news.bad)
        setaside.settle(conn, self.system, self.stream, *news.settled)
        return counts._replace(changed=counts.changed + retold), gone

    def _count(self, news: Fresh, counts: Counts, gone: int) -> None:
        declined = sum(one.stands == DECLINED for one in news.bad)
        self.report.counts.update(
            new=counts.new, changed=counts.changed, gone=gone, set_aside=len(news.bad) - declined, declined=declined
        )

    def _met(self, conn: Any, enumeration: Enumeration, unknown: Iterable[str], new: int) -> None:
        """What another process has added since we looked is met as well."""
        added = list(unknown)
        if len(added) != new:
            found = records.look_up(conn, self.system, self.stream, added)
            enumeration.met.add(one.id for one in found.values())

    def _missing(self, conn: Any, enumeration: Enumeration) -> list[int]:
        """What is gone because a full read has not met it."""
        if self.partial:
            return []
        found = enumeration.missing(conn)
        unseen = self.gate.unseen(conn, found)
        missing = [id for id in found if id not in unseen] if unseen else found
        known = records.known(conn, self.system, self.stream, cap=EMPTY_IS_ERROR_ABOVE + 1)
        empty = not self.report.counts["read"] and not enumeration.met
        if empty and known > EMPTY_IS_ERROR_ABOVE and (missing or not unseen):
            raise IncompleteRead(
                f"{self.report.subject} answered with nothing where more than {EMPTY_IS_ERROR_ABOVE} records were known; "
                "nothing was called gone.",
                remedy="Check the account's permissions and the system's filters.",
            )
        return missing

    def _reason(self) -> str:
        counts = self.report.counts
        if self.report.moved:
            return ""
        if counts["set_aside"]:
            return f"{counts['set_aside']} records were set aside, nothing else is new."
        if counts["declined"]:
            return f"{counts['declined']} who were written to want no more, nothing else is new."
        if counts["private"]:
            return (
                f"{counts['private']} messages are of private spaces that are not read: see `landbridge policy list`."
            )
        if counts["filtered"] and counts["filtered"] == counts["read"]:
            return f"All {counts['filtered']} records are filtered by the mapping's `only`."
        return "Nothing new." if counts["read"] or counts["same"] else "The system has nothing (new) to say."
