"""Read one stream: fetch, sort out the unchanged by fingerprint, map, validate, and commit claims with the cursor.

Data and cursor commit in one transaction behind a fence, and only a complete, error-free enumeration may call a
record gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import xxhash

from landbridge.connector import Checkpoint, Complete, Failure, Gone, Item, Record
from landbridge.errors import ExpiredCursor, IncompleteRead, LandbridgeError, RecordError
from landbridge.mapping import Mapping
from landbridge.model import validate
from landbridge.store import records, runs, setaside
from landbridge.store.clock import now
from landbridge.store.records import Staged
from landbridge.sync.bridge import Bridge
from landbridge.sync.reports import Report

BATCH = 1000
# An empty success where more than this many records were known is an error, not a mass deletion.
EMPTY_IS_ERROR_ABOVE = 10


@dataclass
class _Batch:
    """What was yielded since the last commit."""

    rows: list[Record] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows) + len(self.gone) + len(self.failures)


def fingerprint(native: dict[str, Any], version: str) -> bytes:
    """Of the raw record, salted with the mapping's version, so that a changed mapping is applied to everything."""
    return xxhash.xxh3_128(orjson.dumps(native, option=orjson.OPT_SORT_KEYS, default=str) + version.encode()).digest()


def located(value: Any, system: str) -> Any:
    """An attachment's locator belongs to its system: `<system>:<locator>`, so that any other can ask for its bytes."""
    if isinstance(value, list):
        return [located(one, system) for one in value]
    if isinstance(value, dict) and value.get("url") and "media_type" in value and "://" not in value["url"]:
        return value | {"url": f"{system}:{value['url']}"}
    return value


def _told(error: Exception) -> str:
    """Our own errors name no person; what a connector or a library says of one might."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, LandbridgeError) else f"{name}."


def read(bridge: Bridge, system: str, stream: str, *, full: bool = False) -> Report:
    """Read what changed (all of it where `full`, on the first read, after a changed mapping or an expired cursor)."""
    return _Reading(bridge, system, stream).run(full)


class _Reading:
    def __init__(self, bridge: Bridge, system: str, stream: str) -> None:
        self.hub = bridge.hub
        self.system, self.stream = system, stream
        self.config = bridge.company.system(system).config
        self.mapping: Mapping = bridge.company.mapping(f"{system}/{stream}")
        self.connector = bridge.connector(system)
        self.report = Report("", f"{system}/{stream}")
        # One partition that could not be read is enough: absence can no longer be concluded.
        self.partial = False
        self.fence = 0

    def run(self, full: bool) -> Report:
        with self.hub.begin() as conn:
            self.report.run = runs.start(conn, "read", self.report.subject).id
            self.fence = runs.take_fence(conn, self.system, self.stream)
            cursor = None if full or self._full_is_due(conn) else runs.cursor(conn, self.system, self.stream)
        try:
            self._read(cursor)
        except ExpiredCursor:
            self.report.warnings.append("The cursor had expired: read in full.")
            self._try_in_full()
        except Exception as error:
            self._finish("failed", _told(error))
            raise
        self._finish("done", self._reason())
        return self.report

    def _try_in_full(self) -> None:
        try:
            self._read(None)
        except Exception as error:
            self._finish("failed", _told(error))
            raise

    def _full_is_due(self, conn: Any) -> bool:
        """The mapping changed, or deletions that only a full read shows have not been looked for in time."""
        state = runs.checkpoint_of(conn, self.system, self.stream)
        if state is None or state.full_at is None or state.mapping != self.mapping.version:
            return True
        if self.connector.streams()[self.stream].reports_gone:
            return False
        return datetime.now(UTC) - datetime.fromisoformat(state.full_at) >= self.config.sweep

    def _read(self, cursor: Any) -> None:
        full, complete = cursor is None, False
        batch = _Batch() if full else self._tried_again()
        newest = cursor
        for item in self._items(cursor):
            if isinstance(item, Record):
                batch.rows.append(item)
            elif isinstance(item, Gone):
                batch.gone.append(item.key)
            elif isinstance(item, Failure):
                batch.failures.append(item)
            elif isinstance(item, Complete):
                complete = True
            if isinstance(item, Checkpoint):
                newest = item.cursor
            if len(batch) >= BATCH or (isinstance(item, Checkpoint) and not full):
                self._commit(batch, full, newest)
                batch = _Batch()
        self._commit(batch, full, newest, last=True, complete=complete and full)

    def _tried_again(self) -> _Batch:
        """What was set aside and is due; a full read meets it anyway."""
        with self.hub.read() as conn:
            due = setaside.due(conn, self.system, self.stream)
        return _Batch([Record(one.key, one.native) for one in due if one.native is not None])

    def _items(self, cursor: Any) -> Iterator[Item]:
        return self.connector.read(self.stream, cursor)

    def _commit(self, batch: _Batch, full: bool, cursor: Any, *, last: bool = False, complete: bool = False) -> None:
        """The cursor of a full read moves only together with what it found gone: killed in between, it is read again."""
        with self.hub.begin() as conn:
            runs.hold_fence(conn, self.system, self.stream, self.fence)
            staged, filtered = self._stage(conn, batch)
            counts = records.upsert_claims(conn, self.system, self.stream, self.mapping.kind, staged)
            gone = records.mark_gone(conn, self.system, self.stream, [*batch.gone, *filtered])
            if full:
                seen = [row.key for row in batch.rows if row.key not in filtered]
                records.mark_seen(conn, self.report.run, [*seen, *(f.key for f in batch.failures if f.key)])
            if complete and not self.partial:
                gone += self._gone_after(conn)
            if last or not full:
                runs.set_cursor(conn, self.system, self.stream, cursor)
            if complete:
                runs.set_full(conn, self.system, self.stream, now(), self.mapping.version)
        self.report.counts.update(new=counts.new, changed=counts.changed, gone=gone, read=len(batch.rows))

    def _gone_after(self, conn: Any) -> int:
        known = records.known(conn, self.system, self.stream, cap=EMPTY_IS_ERROR_ABOVE + 1)
        if (
            self.report.counts["read"] == 0
            and known > EMPTY_IS_ERROR_ABOVE
            and not records.seen_any(conn, self.report.run)
        ):
            raise IncompleteRead(
                f"{self.report.subject} answered with nothing where more than {EMPTY_IS_ERROR_ABOVE} records were known; "
                "nothing was called gone.",
                remedy="Check the account's permissions and the system's filters.",
            )
        return records.gone_after(conn, self.report.run, self.system, self.stream)

    def _stage(self, conn: Any, batch: _Batch) -> tuple[list[Staged], set[str]]:
        """Map and validate what is not as we know it; set aside what cannot be; tell what the mapping filters out."""
        newest = {row.key: row for row in batch.rows}
        known = records.fingerprints(conn, self.system, self.stream, list(newest))
        staged, filtered, bad = [], set(), set()
        for key, row in newest.items():
            mark = fingerprint(row.native, self.mapping.version)
            if known.get(key) == mark:
                self.report.counts["same"] += 1
                continue
            try:
                if not self.mapping.accepts(row.native):
                    filtered.add(key)
                    continue
                staged.append(Staged(key, mark, self._claim(row), row.marker))
            except RecordError as error:
                bad.add(key)
                self._set_aside(conn, key, row.native, error)
        for failure in batch.failures:
            if failure.key is None:
                self.partial = True
                self.report.warnings.append(f"A part could not be read: {failure.error}")
            self._set_aside(conn, failure.key or "?", None, failure.error)
        # What is well again, filtered or gone must not be tried again with what it was.
        settled = [*batch.gone, *(key for key in newest if key not in bad)]
        setaside.remove(conn, self.system, self.stream, *settled)
        self.report.counts["filtered"] += len(filtered)
        return staged, filtered

    def _claim(self, row: Record) -> dict[str, Any]:
        mapped = self.mapping.into(row.native)
        if mapped.lossy:
            self.report.counts["lossy"] += 1
        claim = validate(self.mapping.kind, mapped.claim)
        return {name: located(value, self.system) for name, value in claim.items()}

    def _set_aside(self, conn: Any, key: str, native: dict[str, Any] | None, error: Exception) -> None:
        setaside.put(conn, self.system, self.stream, key, native, str(error))
        self.report.counts["set_aside"] += 1

    def _reason(self) -> str:
        counts = self.report.counts
        if self.report.moved:
            return ""
        if counts["set_aside"]:
            return f"{counts['set_aside']} records were set aside, nothing else is new."
        if counts["filtered"] and counts["filtered"] == counts["read"]:
            return f"All {counts['filtered']} records are filtered by the mapping's `only`."
        return "Nothing new." if counts["read"] or counts["same"] else "The system has nothing (new) to say."

    def _finish(self, state: str, reason: str) -> None:
        self.report.reason = reason
        with self.hub.begin() as conn:
            runs.finish(conn, self.report.run, state, dict(self.report.counts), reason)
