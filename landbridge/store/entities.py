"""What the company knows: entities, and the ordered log of their changes that every target reads from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import uuid6
from sqlalchemy import Connection, bindparam, func, select

from landbridge.errors import LandbridgeError
from landbridge.store import bulk, locks
from landbridge.store.canonical import data_hash
from landbridge.store.clock import now
from landbridge.store.references import (
    Match,
    matches,
    referrers,
    referrers_of,
    set_identifiers,
    set_references,
    set_unresolved,
    waiting_for,
    wake,
)
from landbridge.store.tables import change, entity

__all__ = [
    "Change", "EntityRow", "Match", "by_rule", "changes_after", "create", "data_hash", "delete", "get", "get_many",
    "last_seq", "matches", "new_id", "referrers", "referrers_of", "restore", "set_identifiers", "set_references",
    "set_unresolved",
    "update", "waiting_for", "wake",
]  # fmt: skip


class EntityRow(NamedTuple):
    """`origin` names, per field, the record it comes from; `audience` None is unknown, so nobody."""

    id: str
    kind: str
    data: dict[str, Any]
    origin: dict[str, Any]
    audience: Any
    rule: str | None
    hash: str
    version: int
    deleted_at: str | None
    created_at: str
    updated_at: str


class Change(NamedTuple):
    """One step in an entity's life; `fields` are the changed paths of an update, empty for the other operations."""

    seq: int
    entity: str
    kind: str
    op: str
    fields: list[str]


_ENTITY = select(*(entity.c[name] for name in EntityRow._fields))
_ONE = _ENTITY.where(entity.c.id == bindparam("of"))
_BY_RULE = _ENTITY.where(entity.c.rule == bindparam("of"))
_MANY = _ENTITY.where(entity.c.id.in_(bindparam("ids", expanding=True)))
_NEXT_VERSION = (
    entity.update()
    .where(entity.c.id == bindparam("of"))
    .values(version=entity.c.version + 1)
    .returning(entity.c.kind, entity.c.version)
)
_APPEND = change.insert().inline()
_CHANGE = select(*(change.c[name] for name in Change._fields))


def new_id() -> str:
    return str(uuid6.uuid7())


def create(
    conn: Connection,
    id: str,
    kind: str,
    data: dict[str, Any],
    origin: dict[str, Any],
    audience: Any,
    rule: str | None = None,
    run: str | None = None,
) -> int:
    """The new entity's version, which is 1."""
    locks.exclusive(conn, locks.LOG)
    moment = now()
    values = {
        "id": id, "kind": kind, "data": data, "origin": origin, "audience": audience, "rule": rule,
        "hash": data_hash(data), "version": 1, "created_at": moment, "updated_at": moment,
    }  # fmt: skip
    conn.execute(entity.insert(), values)
    _append(conn, id, kind, "create", [], run)
    return 1


def update(
    conn: Connection,
    id: str,
    data: dict[str, Any],
    origin: dict[str, Any],
    audience: Any,
    fields: Iterable[str],
    run: str | None = None,
) -> int:
    """The entity's new version."""
    values = {"data": data, "origin": origin, "audience": audience, "hash": data_hash(data)}
    return _step(conn, id, "update", values, sorted(set(fields)), run)


def delete(conn: Connection, id: str, run: str | None = None) -> int:
    """The entity's new version; its row stays, so that what refers to it still finds it."""
    return _step(conn, id, "delete", {"deleted_at": now()}, [], run)


def restore(conn: Connection, id: str, run: str | None = None) -> int:
    return _step(conn, id, "restore", {"deleted_at": None}, [], run)


def _step(conn: Connection, id: str, op: str, values: dict[str, Any], fields: list[str], run: str | None) -> int:
    locks.exclusive(conn, locks.LOG)  # before the row: whoever holds the log must never wait for us
    found = conn.execute(_NEXT_VERSION, {"of": id, "updated_at": now(), **values}).first()
    if found is None:
        raise LandbridgeError(f"The hub has no entity {id} to {op}.")
    _append(conn, id, found.kind, op, fields, run)
    return int(found.version)


def _append(conn: Connection, id: str, kind: str, op: str, fields: list[str], run: str | None) -> None:
    """Under the lock, numbers appear in the order of commits: a reader that has passed one can have missed none."""
    values = {"entity": id, "kind": kind, "op": op, "fields": fields, "run": run, "at": now()}
    conn.execute(_APPEND, values)


def get(conn: Connection, id: str) -> EntityRow | None:
    """Deleted entities too; see `deleted_at`."""
    found = conn.execute(_ONE, {"of": id}).first()
    return EntityRow._make(found) if found else None


def get_many(conn: Connection, ids: Iterable[str]) -> dict[str, EntityRow]:
    entities: dict[str, EntityRow] = {}
    for chunk in bulk.chunks(sorted(set(ids))):
        entities.update((row.id, EntityRow._make(row)) for row in conn.execute(_MANY, {"ids": chunk}))
    return entities


def by_rule(conn: Connection, rule: str) -> EntityRow | None:
    found = conn.execute(_BY_RULE, {"of": rule}).first()
    return EntityRow._make(found) if found else None


def changes_after(conn: Connection, seq: int, kinds: Sequence[str], limit: int) -> list[Change]:
    """The next changes of these kinds, in the order in which they were committed."""
    following = _CHANGE.where(change.c.seq > seq, change.c.kind.in_(kinds)).order_by(change.c.seq).limit(limit)
    return [Change._make(row) for row in conn.execute(following)]


def last_seq(conn: Connection) -> int:
    return int(conn.scalar(select(func.max(change.c.seq))) or 0)
