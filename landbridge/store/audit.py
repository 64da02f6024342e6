"""Who saw, changed, approved, exported or erased what: append-only, each entry sealed with the previous one's hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from landbridge.store import canonical, locks
from landbridge.store.clock import now
from landbridge.store.tables import audit

_FIRST = "0" * 64


class Entry(NamedTuple):
    """One act; `hash` seals it together with `previous`, the hash of the act before."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    previous: str
    hash: str


_ENTRY = select(*(audit.c[name] for name in Entry._fields))
_LAST_HASH = select(audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
_APPEND = audit.insert().inline()


def append(conn: Connection, actor: str, action: str, subject: str, details: Mapping[str, Any] | None = None) -> str:
    """The new entry's hash. Call it late: no other transaction can append until this one ends."""
    return append_all(conn, [(actor, action, subject, details or {})])


def append_all(conn: Connection, acts: Iterable[tuple[str, str, str, Mapping[str, Any]]]) -> str:
    """Several (actor, action, subject, details) in this order; the hash of the last."""
    locks.exclusive(conn, locks.LOG)
    last, at, rows = last_hash(conn), now(), []
    for actor, action, subject, details in acts:
        # As the database will give it back, or the chain could not be verified.
        kept = canonical.loads(canonical.dumps(dict(details)))
        said = {"at": at, "actor": actor, "action": action, "subject": subject, "details": kept, "previous": last}
        last = _seal(said)
        rows.append({**said, "hash": last})
    if rows:
        conn.execute(_APPEND, rows)
    return last


def verify(conn: Connection) -> int | None:
    """The first entry that was changed, or before which one is missing; None where the chain is whole.

    An entry cut off at the end leaves no gap: compare the last hash with one that was kept elsewhere.
    """
    previous = _FIRST
    with conn.execute(_ENTRY.order_by(audit.c.seq).execution_options(yield_per=1_000)) as rows:
        for entry in map(Entry._make, rows):
            said = {name: value for name, value in entry._asdict().items() if name not in ("seq", "hash")}
            if entry.previous != previous or entry.hash != _seal(said):
                return entry.seq
            previous = entry.hash
    return None


def last_hash(conn: Connection) -> str:
    """What to keep elsewhere, so that cutting off the end is noticed too."""
    return conn.scalar(_LAST_HASH) or _FIRST


def recent(conn: Connection, limit: int = 100, *, subject: str | None = None) -> list[Entry]:
    """Newest first."""
    entries = _ENTRY.order_by(audit.c.seq.desc()).limit(limit)
    if subject is not None:
        entries = entries.where(audit.c.subject == subject)
    return [Entry._make(row) for row in conn.execute(entries)]


def _seal(said: Mapping[str, Any]) -> str:
    # The standard library's JSON, because PostgreSQL may spell 1e16 as an integer that orjson refuses to write.
    text = json.dumps(_exact(said), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _exact(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
