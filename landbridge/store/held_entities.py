"""Entities held in memory for one transaction: looked up in sets, changed at once, written at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import xxhash
from sqlalchemy import Connection

from landbridge.errors import LandbridgeError
from landbridge.store import canonical, sets
from landbridge.store.clock import now

_ENTITY = """
entity.id, entity.kind, entity.rule, entity.version, entity.deleted_at, entity.data{text}, entity.origin{text}
"""
_ENTITIES = f"SELECT {_ENTITY} FROM {{wanted}} CROSS JOIN entity WHERE entity.id = wanted.value"
_BY_RULE = f"SELECT {_ENTITY} FROM {{wanted}} CROSS JOIN entity WHERE entity.rule = wanted.value"
_ENTITY_COLUMNS = {
    "id": "text", "data": "json", "origin": "json", "hash": "text", "version": "int", "deleted_at": "text",
    "updated_at": "text",
}  # fmt: skip
_NEW_ENTITY = ("id", "kind", "rule", "data", "origin", "hash", "version", "deleted_at", "created_at", "updated_at")
_CHANGE = ("entity", "kind", "op", "fields", "run", "at")


class HeldEntity:
    """One entity as it is now; `origin` names, per field, the stream that it comes from."""

    __slots__ = ("data", "deleted_at", "id", "kind", "origin", "rule", "version")

    def __init__(
        self, id: str, kind: str, rule: str | None, version: int, deleted_at: str | None, data: dict[str, Any],
        origin: dict[str, str],
    ) -> None:  # fmt: skip
        self.id, self.kind, self.rule, self.version, self.deleted_at = id, kind, rule, version, deleted_at
        self.data, self.origin = data, origin


class HeldEntities:
    """The entities of a transaction, and the changes that it appends to the log."""

    def __init__(self, conn: Connection, run: str | None) -> None:
        self._conn, self._run, self._moment = conn, run, now()
        self._by_id: dict[str, HeldEntity | None] = {}
        self._by_rule: dict[str, str | None] = {}
        self._new: dict[str, HeldEntity] = {}
        self._changed: dict[str, HeldEntity] = {}
        self._log: list[tuple[str, str, str, str, str | None, str]] = []

    def load(self, ids: Iterable[str]) -> None:
        wanted = [id for id in set(ids) if id not in self._by_id]
        self._by_id.update(dict.fromkeys(wanted))
        self._take(sets.look_up(self._conn, _ENTITIES, wanted))

    def load_rules(self, rules: Iterable[str]) -> None:
        wanted = [rule for rule in set(rules) if rule not in self._by_rule]
        self._by_rule.update(dict.fromkeys(wanted))
        self._take(sets.look_up(self._conn, _BY_RULE, wanted))

    def _take(self, rows: Iterable[Sequence[Any]]) -> None:
        for id, kind, rule, version, deleted_at, data, origin in rows:
            if self._by_id.get(id) is None:
                held = HeldEntity(id, kind, rule, version, deleted_at, orjson.loads(data), orjson.loads(origin))
                self._by_id[id] = held
            if rule is not None:
                self._by_rule[rule] = id

    def get(self, id: str) -> HeldEntity | None:
        """Deleted entities too; see `deleted_at`."""
        if id not in self._by_id:
            self.load([id])
        return self._by_id[id]

    def by_rule(self, rule: str) -> HeldEntity | None:
        if rule not in self._by_rule:
            self.load_rules([rule])
        found = self._by_rule[rule]
        return self._by_id[found] if found else None

    def is_new(self, id: str) -> bool:
        """Was it made in this transaction? Then nothing stored refers to it."""
        return id in self._new

    # --- changes -----------------------------------------------------------------------------------------------

    def create(
        self, id: str, kind: str, data: dict[str, Any], origin: dict[str, str], rule: str | None = None
    ) -> HeldEntity:
        held = HeldEntity(id, kind, rule, 1, None, data, origin)
        self._by_id[id] = self._new[id] = held
        if rule is not None:
            self._by_rule[rule] = id
        self._append(held, "create", "[]")
        return held

    def update(self, id: str, data: dict[str, Any], origin: dict[str, str], fields: Iterable[str]) -> None:
        """A new version, unless it was made in this transaction: then it was never seen otherwise."""
        held = self._held(id, "update")
        held.data, held.origin = data, origin
        if id not in self._new:
            self._step(held, "update", canonical.dumps(sorted(set(fields))))

    def delete(self, id: str) -> None:
        """Its row stays, so that what refers to it still finds it."""
        held = self._held(id, "delete")
        held.deleted_at = self._moment
        self._step(held, "delete", "[]")

    def restore(self, id: str) -> None:
        held = self._held(id, "restore")
        held.deleted_at = None
        self._step(held, "restore", "[]")

    def _held(self, id: str, op: str) -> HeldEntity:
        held = self.get(id)
        if held is None:
            raise LandbridgeError(f"The hub has no entity {id} to {op}.")
        return held

    def _step(self, held: HeldEntity, op: str, fields: str) -> None:
        held.version += 1
        self._changed[held.id] = held
        self._append(held, op, fields)

    def _append(self, held: HeldEntity, op: str, fields: str) -> None:
        self._log.append((held.id, held.kind, op, fields, self._run, self._moment))

    def flush(self) -> None:
        """New entities, changed ones, and then the log, in the order in which it happened."""
        new, changed, moment = [], [], self._moment
        for one in self._new.values():
            data, origin = canonical.dumps(one.data), canonical.dumps(one.origin)
            new.append(
                (one.id, one.kind, one.rule, data, origin, _hash(data), one.version, one.deleted_at, moment, moment)
            )
        for id, one in self._changed.items():
            if id not in self._new:
                data = canonical.dumps(one.data)
                changed.append(
                    (id, data, canonical.dumps(one.origin), _hash(data), one.version, one.deleted_at, moment)
                )
        sets.insert(self._conn, "entity", _NEW_ENTITY, new)
        sets.update(self._conn, "entity", _ENTITY_COLUMNS, changed)
        sets.insert(self._conn, "change", _CHANGE, self._log)
        self._new.clear()
        self._changed.clear()
        self._log.clear()


def _hash(data: str) -> str:
    return xxhash.xxh3_128_hexdigest(data.encode())
