"""What the company knows: entities as they are now; they are changed in a unit of work (`unit.py`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import uuid6
from sqlalchemy import Connection, bindparam, select

from landbridge.store import bulk
from landbridge.store.canonical import data_hash
from landbridge.store.references import (
    Match,
    matches,
    referrers,
    referrers_of,
    waiting_for,
    wake,
)
from landbridge.store.tables import entity

__all__ = [
    "EntityRow", "Match", "data_hash", "get", "get_many", "matches", "new_id", "referrers", "referrers_of", "waiting_for",
    "wake",
]  # fmt: skip


class EntityRow(NamedTuple):
    """`origin` names, per field, the stream that it comes from."""

    id: str
    kind: str
    data: dict[str, Any]
    origin: dict[str, Any]
    rule: str | None
    version: int
    deleted_at: str | None
    created_at: str
    updated_at: str


_ENTITY = select(*(entity.c[name] for name in EntityRow._fields))
_ONE = _ENTITY.where(entity.c.id == bindparam("of"))
_MANY = _ENTITY.where(entity.c.id.in_(bindparam("ids", expanding=True)))


def new_id() -> str:
    return str(uuid6.uuid7())


def get(conn: Connection, id: str) -> EntityRow | None:
    """Deleted entities too; see `deleted_at`."""
    found = conn.execute(_ONE, {"of": id}).first()
    return EntityRow._make(found) if found else None


def get_many(conn: Connection, ids: Iterable[str]) -> dict[str, EntityRow]:
    entities: dict[str, EntityRow] = {}
    for chunk in bulk.chunks(sorted(set(ids))):
        entities.update((row.id, EntityRow._make(row)) for row in conn.execute(_MANY, {"ids": chunk}))
    return entities
