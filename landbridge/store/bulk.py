"""The hot path, below SQLAlchemy: sets of records by the driver's own means.

PostgreSQL gets each set as binary arrays in one statement (measured faster than COPY to a temporary table, and without
one); SQLite gets executemany, and reads sets through json_each, so that one prepared statement serves every size.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Connection

from landbridge.chunks import chunks as chunks
from landbridge.store import canonical
from landbridge.store.clock import now
from landbridge.store.driver import postgresql_of, sqlite_of

# Ids alone are small.
_PIECE = 20_000


class Staged(NamedTuple):
    """One record of a page: the fingerprint of its native form, its claim in canonical form, and our marker if any."""

    key: str
    fingerprint: bytes
    claim: dict[str, Any]
    marker: str | None = None


class Counts(NamedTuple):
    """What a page brought: records never seen, records with another claim (or back again), records with no news."""

    new: int = 0
    changed: int = 0
    same: int = 0


class Known(NamedTuple):
    """What the hub holds of a key; the fingerprint is None where a write got no answer to make one of."""

    id: int
    fingerprint: bytes | None
    gone_at: str | None


def _keys(keys: Sequence[str]) -> str:
    return canonical.dumps(list(keys))


# The LIMIT makes PostgreSQL look up each key in the index. Left to itself it reads the whole stream as long as it has
# no statistics about it, which makes the first read of a large stream quadratic.
_LOOK_UP_POSTGRESQL = """
SELECT found.key, found.id, found.fingerprint, found.gone_at FROM unnest(%b::text[]) AS wanted (key)
CROSS JOIN LATERAL (
    SELECT record.* FROM record WHERE system = %s AND stream = %s AND record.key = wanted.key LIMIT 1
) AS found
"""
_LOOK_UP_SQLITE = """
SELECT key, id, fingerprint, gone_at FROM record
WHERE key IN (SELECT value FROM json_each(?)) AND system = ? AND stream = ?
"""


def look_up(conn: Connection, system: str, stream: str, keys: Sequence[str]) -> dict[str, Known]:
    """What is known of these keys; gone records too."""
    driver = postgresql_of(conn)
    found: dict[str, Known] = {}
    for chunk in chunks(keys):
        if driver:
            rows = driver.execute(_LOOK_UP_POSTGRESQL, (list(chunk), system, stream)).fetchall()
        else:
            rows = sqlite_of(conn).execute(_LOOK_UP_SQLITE, (_keys(chunk), system, stream)).fetchall()
        found.update((row[0], Known._make(row[1:])) for row in rows)
    return found


_PRESENT_POSTGRESQL = """
SELECT id FROM record WHERE system = %s AND stream = %s AND gone_at IS NULL AND id <= %s AND changed_at < %s
"""
_PRESENT_SQLITE = _PRESENT_POSTGRESQL.replace("%s", "?")


def present_ids(conn: Connection, system: str, stream: str, newest: int, before: str) -> Iterator[list[int]]:
    """In pieces, the ids up to `newest` of those records that are not gone and have not changed since `before`."""
    driver, values = postgresql_of(conn), (system, stream, newest, before)
    if driver:
        # Named, so that it stays with the server; else the driver would hold all of them at once.
        cursor: Any = driver.cursor("present_ids", binary=True)
        cursor.execute(_PRESENT_POSTGRESQL, values)
    else:
        cursor = sqlite_of(conn).execute(_PRESENT_SQLITE, values)
    while rows := cursor.fetchmany(_PIECE):
        yield [row[0] for row in rows]
    cursor.close()


_HOLD = "SELECT id FROM record WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"


def hold(conn: Connection, ids: Iterable[int]) -> None:
    """Lock these records until the transaction ends, in the order in which all lock records: that of their ids."""
    if driver := postgresql_of(conn):
        for chunk in chunks(sorted(set(ids))):
            driver.execute(_HOLD, (list(chunk),))


def upsert_claims(
    conn: Connection,
    system: str,
    stream: str,
    kind: str,
    rows: Sequence[Staged],
    known: Mapping[str, Known] | None = None,
) -> Counts:
    """Store what a page says; `pending` is set only where the claim is another one or the record was gone.

    `known`, see `look_up`: those that it names are locked in the order of their ids, as a merge does it, then new ones are
    made in that of their keys. One that another process has added since has an id by then.
    """
    # Of a key that a page holds twice the last counts.
    last, ids = {row.key: row for row in rows}, {key: one.id for key, one in (known or {}).items()}
    there = [last[key] for key in sorted(last.keys() & ids.keys(), key=ids.__getitem__)]
    others = [last[key] for key in sorted(last.keys() - ids.keys())]
    new = changed = 0
    if driver := postgresql_of(conn):
        keep = partial(_upsert_postgresql, driver, system, stream, kind)
        changed = sum(map(keep, chunks(there)))
        new = sum(_insert_postgresql(driver, system, stream, kind, some) for some in chunks(others))
        if new < len(others):  # another process has added some meanwhile: those are there now, and have their place
            found = look_up(conn, system, stream, [row.key for row in others])
            changed += sum(map(keep, chunks(sorted(others, key=lambda row: found[row.key].id))))
    else:
        for some in chunks(there + others):
            brought = _upsert_sqlite(sqlite_of(conn), system, stream, kind, some)
            new, changed = new + brought[0], changed + brought[1]
    return Counts(new, changed, len(last) - new - changed)


# Texts first, which is cheap; what is equal but written differently is the same.
_OTHER = (
    "(record.claim::text IS DISTINCT FROM excluded.claim::text"
    " AND record.claim::jsonb IS DISTINCT FROM excluded.claim::jsonb)"
)
_MOVED = f"record.gone_at IS NOT NULL OR {_OTHER}"
_INSERT_POSTGRESQL = """
INSERT INTO record (system, stream, key, kind, fingerprint, marker, claim, pending, changed_at)
SELECT %(system)s, %(stream)s, key, %(kind)s, fingerprint, marker, claim::json, true, %(now)s
FROM unnest(%(keys)b::text[], %(fingerprints)b::bytea[], %(markers)b::text[], %(claims)b::text[])
    AS staged (key, fingerprint, marker, claim)
ON CONFLICT (system, stream, key) DO"""
_NEW_POSTGRESQL = f"{_INSERT_POSTGRESQL} NOTHING"
_CHANGE = """ UPDATE SET
    fingerprint = excluded.fingerprint,
    kind = excluded.kind,
    marker = excluded.marker,
    base = CASE WHEN record.merged AND {_OTHER} THEN record.claim ELSE record.base END,
    merged = record.merged AND NOT {_OTHER},
    claim = excluded.claim,
    pending = record.pending OR {_MOVED},
    changed_at = CASE WHEN {_MOVED} THEN excluded.changed_at ELSE record.changed_at END,
    gone_at = NULL
WHERE {_MOVED} OR record.fingerprint IS DISTINCT FROM excluded.fingerprint
RETURNING changed_at = %(now)s AS moved
""".replace("{_MOVED}", _MOVED).replace("{_OTHER}", _OTHER)
_UPSERT_POSTGRESQL = """
WITH written AS ({_WRITE}) SELECT count(*) FILTER (WHERE moved) FROM written
""".replace("{_WRITE}", _INSERT_POSTGRESQL + _CHANGE)


def _upsert_postgresql(
    driver: psycopg.Connection[Any], system: str, stream: str, kind: str, rows: Sequence[Staged]
) -> int:
    """How many have changed."""
    found = driver.execute(_UPSERT_POSTGRESQL, _values(system, stream, kind, rows)).fetchone()
    return int(found[0]) if found else 0


def _insert_postgresql(
    driver: psycopg.Connection[Any], system: str, stream: str, kind: str, rows: Sequence[Staged]
) -> int:
    """How many were new; the others stay as they are, and are not waited for."""
    return driver.execute(_NEW_POSTGRESQL, _values(system, stream, kind, rows)).rowcount


def _values(system: str, stream: str, kind: str, rows: Sequence[Staged]) -> dict[str, Any]:
    return {
        "system": system, "stream": stream, "kind": kind, "now": now(), "keys": [row.key for row in rows],
        "fingerprints": [row.fingerprint for row in rows], "markers": [row.marker for row in rows],
        "claims": [canonical.dumps(row.claim) for row in rows],
    }  # fmt: skip


_KNOWN_SQLITE = """
SELECT key, id, claim, fingerprint, gone_at FROM record
WHERE system = ? AND stream = ? AND key IN (SELECT value FROM json_each(?))
"""
_INSERT_SQLITE = """
INSERT INTO record (system, stream, key, kind, fingerprint, marker, claim, pending, changed_at)
VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)
"""
_CHANGE_SQLITE = """
UPDATE record SET
    kind = ?1, fingerprint = ?2, marker = ?3, base = CASE WHEN merged AND claim IS NOT ?4 THEN claim ELSE base END,
    merged = merged AND claim IS ?4, claim = ?4, pending = 1, changed_at = ?5, gone_at = NULL
WHERE id = ?6
"""
_TOUCH_SQLITE = "UPDATE record SET fingerprint = ? WHERE id = ?"


def _upsert_sqlite(
    driver: sqlite3.Connection, system: str, stream: str, kind: str, rows: Sequence[Staged]
) -> tuple[int, int]:
    """Looking first is safe: a writing transaction is alone."""
    moment = now()
    known = {row[0]: row[1:] for row in driver.execute(_KNOWN_SQLITE, (system, stream, _keys([r.key for r in rows])))}
    new, changed, touched = [], [], []
    for key, fingerprint, data, marker in rows:
        claim = canonical.dumps(data)
        if key not in known:
            new.append((system, stream, key, kind, fingerprint, marker, claim, moment))
            continue
        record_id, old_claim, old_fingerprint, gone_at = known[key]
        if gone_at is not None or old_claim != claim:
            changed.append((kind, fingerprint, marker, claim, moment, record_id))
        elif old_fingerprint != fingerprint:
            touched.append((fingerprint, record_id))
    driver.executemany(_INSERT_SQLITE, new)
    driver.executemany(_CHANGE_SQLITE, changed)
    driver.executemany(_TOUCH_SQLITE, touched)
    return len(new), len(changed)
