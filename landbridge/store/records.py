"""What the systems say: the records of one stream, read and written in sets. Raw SQL for the sets is in bulk.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, bindparam, func, literal_column, select, union_all, update

from landbridge.store import bulk, canonical, locks, sets
from landbridge.store.bulk import Counts, Known, Staged
from landbridge.store.clock import now
from landbridge.store.hub import is_snapshot
from landbridge.store.tables import record
from landbridge.store.upsert import upsert

__all__ = [
    "Counts", "Known", "Row", "Staged", "by_keys", "get", "get_many", "hold", "known", "look_up", "mark_gone",
    "of_entities", "of_entity", "pending_ids", "retell", "save_written", "take_back", "upsert_claims",
]  # fmt: skip

hold = bulk.hold
look_up = bulk.look_up
upsert_claims = bulk.upsert_claims


class Row(NamedTuple):
    """One record; `base` is its claim at the last merge or write, `sent` what we last wanted it to be."""

    id: int
    system: str
    stream: str
    key: str
    kind: str
    entity: str | None
    role: str
    claim: dict[str, Any] | None
    base: dict[str, Any] | None
    sent: dict[str, Any] | None
    gone_at: str | None
    pending: bool
    fingerprint: bytes | None
    marker: str | None
    changed_at: str


_ROW = select(*(record.c[name] for name in Row._fields), record.c.merged)
_ONE = _ROW.where(*(record.c[name] == bindparam(name) for name in ("system", "stream", "key")))
_MANY = _ROW.where(record.c.id.in_(bindparam("ids", expanding=True)))
_OF_ENTITIES = _ROW.where(record.c.entity.in_(bindparam("ids", expanding=True))).order_by(record.c.id)
# SQLite uses a partial index only where the query repeats its condition word for word.
_IS_PENDING: ColumnElement[bool] = literal_column("record.pending")


def _row(found: Any) -> Row:
    *values, merged = found
    row = Row._make(values)
    return row._replace(base=row.claim) if merged else row


def _stream(system: Any, stream: Any) -> Any:
    return (record.c.system == system) & (record.c.stream == stream)


def get(conn: Connection, system: str, stream: str, key: str) -> Row | None:
    found = conn.execute(_ONE, {"system": system, "stream": stream, "key": key}).first()
    return _row(found) if found else None


def get_many(conn: Connection, ids: Iterable[int]) -> dict[int, Row]:
    rows: dict[int, Row] = {}
    for chunk in bulk.chunks(sorted(set(ids))):
        rows.update((row.id, _row(row)) for row in conn.execute(_MANY, {"ids": chunk}))
    return rows


def by_keys(conn: Connection, system: str, stream: str, keys: Iterable[str]) -> dict[str, Row]:
    """Gone records too: what refers to one still means it."""
    found = get_many(conn, (one.id for one in look_up(conn, system, stream, list(set(keys))).values()))
    return {row.key: row for row in found.values()}


def of_entity(conn: Connection, entity: str) -> list[Row]:
    return of_entities(conn, [entity])[entity]


def of_entities(conn: Connection, ids: Iterable[str]) -> dict[str, list[Row]]:
    """The records linked to each entity, oldest first; gone ones too, and an empty list where there is none."""
    wanted = sorted(set(ids))
    rows: dict[str, list[Row]] = {entity: [] for entity in wanted}
    for chunk in bulk.chunks(wanted):
        for found in conn.execute(_OF_ENTITIES, {"ids": chunk}):
            rows[found.entity].append(_row(found))
    return rows


def pending_ids(conn: Connection, streams: Sequence[tuple[str, str]], limit: int, after: int = 0) -> list[int]:
    """In ascending order; each stream contributes at most `limit` index entries, never a scan.

    In a writing transaction merging is alone from here on: a link made elsewhere meanwhile would go unnoticed.
    """
    if not streams:
        return []
    if not is_snapshot(conn):
        locks.exclusive(conn, locks.LOG)
    names = {f"{what}{place}": name for place, one in enumerate(streams) for what, name in zip("ab", one, strict=True)}
    return list(conn.scalars(_pending_in(len(streams)), {"after": after, "most": limit, **names}))


@cache
def _pending_in(streams: int) -> Any:
    most = bindparam("most", type_=Integer)
    of_one = select(record.c.id).where(_IS_PENDING, record.c.id > bindparam("after")).order_by(record.c.id).limit(most)
    waiting = [of_one.where(_stream(bindparam(f"a{one}"), bindparam(f"b{one}"))).subquery() for one in range(streams)]
    ids = union_all(*map(select, waiting)).subquery()
    return select(ids.c.id).order_by(ids.c.id).limit(most)


def known(conn: Connection, system: str, stream: str, cap: int | None = None) -> int:
    """How many records are not gone; with a cap, counting stops there."""
    present = select(record.c.id).where(_stream(system, stream), record.c.gone_at.is_(None)).limit(cap).subquery()
    return int(conn.scalar(select(func.count()).select_from(present)) or 0)


def mark_gone(conn: Connection, system: str, stream: str, keys: Iterable[str]) -> int:
    """The system itself says that these were deleted."""
    moment, count = now(), 0
    gone = update(record).where(record.c.gone_at.is_(None))
    known = look_up(conn, system, stream, list(set(keys)))
    for chunk in bulk.chunks(sorted(one.id for one in known.values() if one.gone_at is None)):
        marked = gone.where(record.c.id.in_(chunk)).values(gone_at=moment, pending=True, changed_at=moment)
        count += conn.execute(marked).rowcount
    return count


_RETOLD = {
    "id": "bigint", "claim": "json", "base": "json", "sent": "json", "merged": "boolean", "told_at": "text", "changed_at": "text",
}  # fmt: skip
_RETELL = "claim = {claim}, base = {base}, sent = {sent}, merged = {merged}, pending = true, changed_at = {told_at}"


def retell(conn: Connection, told: Mapping[int, dict[str, Any]]) -> int:
    """Id → the claim that another mapping makes of the same record: nobody has changed it, so it is the common state.

    Only a field that was not mapped for a while may have been changed meanwhile, where it is not what it was when we last
    knew. How many were told otherwise before. What is still to be merged keeps its news.
    """
    moment, rows = now(), []
    for id, row in sorted(get_many(conn, told).items()):
        claim, before, sent = told[id], row.claim or {}, row.sent
        if row.base is not row.claim or row.gone_at is not None or before == claim:
            continue
        if sent is not None:  # no longer mapped: that is what was known last
            sent = sent | {path: before[path] for path in before.keys() - claim.keys()}
        edited = {
            path for path in claim.keys() & (sent or {}).keys() - before.keys() if claim[path] != (sent or {})[path]
        }
        base = {path: claim[path] for path in claim if path not in edited} if edited else None
        texts = (None if one is None else canonical.dumps(one) for one in (claim, base, sent))
        rows.append((id, *texts, not edited, moment, row.changed_at))
    return sets.update(conn, "record", _RETOLD, rows, _RETELL, only="changed_at")


_AS_SEEN = record.c.changed_at == bindparam("seen")


def save_written(
    conn: Connection,
    system: str,
    stream: str,
    key: str,
    kind: str,
    entity: str,
    role: str,
    claim: dict[str, Any],
    sent: dict[str, Any] | None,
    fingerprint: bytes | None,
    base: dict[str, Any] | None = None,
    *,
    gone_at: str | None = None,
    seen: str | None = None,
) -> int:
    """Keep the read-back of a write as the claim and the common state: the next read of it finds no news.

    `base` is the common state where the read-back says more than what was written: the rest is merged as news. `seen` is
    the `changed_at` that all this was made for (empty for none): 0, and nothing is kept, where it is another by now.
    """
    locks.exclusive(conn, locks.LOG)
    values = {
        "system": system, "stream": stream, "key": key, "kind": kind, "entity": entity, "role": role, "claim": claim,
        "merged": base is None, "base": base, "sent": sent,
        "fingerprint": fingerprint, "gone_at": gone_at, "pending": base is not None or gone_at is not None,
        "changed_at": now(),
    }  # fmt: skip
    only = None if seen is None else _AS_SEEN
    statement = upsert(conn, record, ("system", "stream", "key"), values, "id", only)
    return int(conn.scalar(statement, values if seen is None else values | {"seen": seen}) or 0)


def note_sent(conn: Connection, record_id: int, sent: dict[str, Any]) -> None:
    """What we last wanted it to be, where that was told elsewhere than in it."""
    locks.exclusive(conn, locks.LOG)
    conn.execute(record.update().where(record.c.id == record_id).values(sent=sent))


def take_back(conn: Connection, record_id: int) -> None:
    """We removed it ourselves: gone, not wanted there any more (`sent` null), and no news to anybody."""
    locks.exclusive(conn, locks.LOG)  # before the row: a merge that holds the log may want it
    gone = {"gone_at": now(), "sent": None, "pending": False}
    conn.execute(record.update().where(record.c.id == record_id).values(**gone))
