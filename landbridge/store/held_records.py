"""Records held in memory for one transaction: looked up in sets, changed at once, written at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from landbridge.store import canonical, sets
from landbridge.store.bulk import hold

Ref = tuple[str, str, str]  # system, stream, key

_RECORD = """
record.id, record.system, record.stream, record.key, record.kind, record.entity, record.role, record.gone_at,
record.pending, record.marker, record.changed_at, record.merged, record.claim{text}, record.base{text}, record.sent{text}
"""
_RECORDS = f"SELECT {_RECORD} FROM {{wanted}} CROSS JOIN record WHERE record.id = wanted.value"
_OF_ENTITIES = f"SELECT {_RECORD} FROM {{wanted}} CROSS JOIN record WHERE record.entity = wanted.value"
_LINKS = """
SELECT record.key, record.entity FROM {wanted} CROSS JOIN record
WHERE record.system = {?} AND record.stream = {?} AND record.key = wanted.value
"""
# The claim is the common state; the record was untied and has none; or what was common stays so.
_KEEPS, _SETTLES, _FORGETS = 0, 1, 2
_RECORD_COLUMNS = {
    "id": "bigint", "entity": "text", "role": "text", "pending": "boolean", "how": "int", "changed_at": "text",
}  # fmt: skip
_RECORD_CHANGE = (
    "entity = {entity}, role = {role}, pending = {pending}, "
    "base = CASE WHEN {how} = 0 THEN base END, merged = CASE WHEN {how} = 0 THEN merged ELSE {how} = 1 END"
)
# Those that were read anew since they were looked up: what was merged is the common state, and the rest is news.
_CHANGED = "SELECT record.id, record.changed_at FROM {wanted} CROSS JOIN record WHERE record.id = wanted.value"
_OVERTAKEN_COLUMNS = {"id": "bigint", "entity": "text", "role": "text", "base": "json"}
_OVERTAKEN_CHANGE = "entity = {entity}, role = {role}, base = {base}, merged = false, pending = true"


class HeldRecord:
    """One record as it is now; `base` is the last common state."""

    __slots__ = (
        "_how", "_sent", "base", "changed_at", "claim", "entity", "gone_at", "id", "key", "kind", "marker", "pending",
        "refers", "role", "stream", "system",
    )  # fmt: skip

    def __init__(self, row: Sequence[Any]) -> None:
        (
            self.id, self.system, self.stream, self.key, self.kind, self.entity, self.role, self.gone_at, pending,
            self.marker, self.changed_at, merged, claim, base, self._sent,
        ) = row  # fmt: skip
        self.pending = bool(pending)
        self.claim: dict[str, Any] = orjson.loads(claim) if claim else {}
        self.base: dict[str, Any] | None = self.claim if merged else orjson.loads(base) if base else None
        # Most claims refer to nothing, and looking at their text is cheaper than walking through them.
        self.refers = bool(claim) and ('"stream"' in claim or "@{person:" in claim)
        self._how = _KEEPS

    @property
    def sent(self) -> dict[str, Any] | None:
        """What we last wanted it to be, where we wrote it."""
        return orjson.loads(self._sent) if self._sent else None


class HeldRecords:
    """The records of a transaction, known by id, by the entity that they are linked to, and by what refers to them."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._by_id: dict[int, HeldRecord] = {}
        self._of: dict[str, set[int]] = {}
        # Linked in this transaction to an entity whose other records were not looked up yet.
        self._joined: dict[str, set[int]] = {}
        self._links: dict[Ref, str | None] = {}
        self._changed: dict[int, HeldRecord] = {}
        self._woken: set[int] = set()
        # Those of which what we wanted them to be is another now, or nothing any more.
        self._resent: set[int] = set()
        self._just_woken: list[int] = []

    def take(self, rows: Iterable[Sequence[Any]]) -> list[HeldRecord]:
        """Hold these rows, as they are here where they are held already."""
        taken = []
        for row in rows:
            held = self._by_id.get(row[0])
            if held is None:
                held = self._by_id[row[0]] = HeldRecord(row)
                self._links.setdefault((held.system, held.stream, held.key), held.entity)
                if held.id in self._woken:
                    self._mark(held)
            taken.append(held)
        return taken

    def load(self, ids: Iterable[int]) -> None:
        wanted = [id for id in ids if id not in self._by_id]
        self.take(sets.look_up(self._conn, _RECORDS, wanted, type="bigint"))

    def load_of(self, entities: Iterable[str]) -> None:
        """All records that are linked to these."""
        wanted = [entity for entity in set(entities) if entity not in self._of]
        for entity in wanted:
            self._of[entity] = self._joined.pop(entity, set())
        for held in self.take(sets.look_up(self._conn, _OF_ENTITIES, wanted)):
            if held.entity in self._of:  # not where this transaction has linked it to something else
                self._of[held.entity].add(held.id)

    def load_links(self, refs: Iterable[Ref]) -> None:
        """What these are linked to; nothing where they are not known."""
        wanted: dict[tuple[str, str], list[str]] = {}
        for ref in set(refs):
            if ref not in self._links:
                self._links[ref] = None
                wanted.setdefault(ref[:2], []).append(ref[2])
        for (system, stream), keys in wanted.items():
            for key, entity in sets.look_up(self._conn, _LINKS, keys, system, stream):
                self._links[system, stream, key] = entity

    def get(self, id: int) -> HeldRecord:
        if id not in self._by_id:
            self.load([id])
        return self._by_id[id]

    def linked_to(self, ref: Ref) -> str | None:
        if ref not in self._links:
            self.load_links([ref])
        return self._links[ref]

    def of_entity(self, entity: str) -> list[HeldRecord]:
        """Oldest first; gone ones too."""
        if entity not in self._of:
            self.load_of([entity])
        ids = self._of[entity]
        return [self._by_id[id] for id in (sorted(ids) if len(ids) > 1 else ids)]

    def is_new(self, entity: str) -> None:
        """No record is linked to it yet."""
        self._of[entity] = set()

    # --- changes -----------------------------------------------------------------------------------------------

    def link(self, held: HeldRecord, entity: str | None, role: str = "source") -> None:
        """None unties it."""
        for known in (self._of, self._joined):
            if held.entity in known:
                known[held.entity].discard(held.id)
        if entity is not None:
            (self._of if entity in self._of else self._joined).setdefault(entity, set()).add(held.id)
        held.entity, held.role = entity, role
        self._links[held.system, held.stream, held.key] = entity
        self._changed[held.id] = held

    def settle(self, held: HeldRecord) -> None:
        """Its claim is part of the entity: it becomes the common state that later edits are compared with."""
        if held.base is not held.claim:
            held.base, held._how = held.claim, _SETTLES
            self._changed[held.id] = held
        self.rest(held)

    def rest(self, held: HeldRecord) -> None:
        """There is nothing to merge now; what was common stays so."""
        if held.pending:
            held.pending = False
            self._changed[held.id] = held

    def renew(self, held: HeldRecord) -> None:
        """Untied from what it was: without a common state it is merged as if it were new."""
        self.link(held, None)
        held.base, held._how = None, _FORGETS
        self._mark(held)
        self._just_woken.append(held.id)

    def release(self, held: HeldRecord) -> None:
        """Likewise, and nothing that we wanted it to be is left."""
        self.renew(held)
        held._sent = None
        self._resent.add(held.id)

    def forget_sent(self, held: HeldRecord, path: str) -> None:
        """What we wanted this field to be counts no more: where it is something else, that is to be written."""
        sent = held.sent
        if sent and path in sent:
            held._sent = canonical.dumps({name: value for name, value in sent.items() if name != path})
            self._resent.add(held.id)

    def wake(self, ids: Iterable[int]) -> None:
        """Have these merged again although nobody changed them."""
        for id in ids:
            if id in self._by_id:
                self._mark(self._by_id[id])
            else:
                self._woken.add(id)
            self._just_woken.append(id)

    def pending(self) -> list[HeldRecord]:
        """Those held here that are to be merged, the woken ones with them."""
        self.load(self._woken)
        return [one for one in self._by_id.values() if one.pending]

    def has_settled(self, id: int) -> bool:
        """Is it held here, and nothing of it to be merged any more?"""
        return id in self._by_id and not self._by_id[id].pending

    def just_woken(self) -> list[int]:
        """Those that were woken since this was asked last."""
        woken, self._just_woken = self._just_woken, []
        return woken

    def _mark(self, held: HeldRecord) -> None:
        held.pending = True
        self._changed[held.id] = held

    def flush(self) -> None:
        changed = [one for _, one in sorted(self._changed.items())]
        woken = sorted(self._woken - self._by_id.keys())
        if woken:
            hold(self._conn, (*self._changed, *woken))
        rows = [(one.id, one.entity, one.role, one.pending, one._how, one.changed_at) for one in changed]
        if sets.update(self._conn, "record", _RECORD_COLUMNS, rows, _RECORD_CHANGE, only="changed_at") < len(rows):
            self._overtaken(changed)
        for one in self._changed.values():
            one._how = _KEEPS
        sets.update(self._conn, "record", {"id": "bigint", "pending": "boolean"}, [(id, True) for id in woken])
        resent = [(id, self._by_id[id]._sent) for id in sorted(self._resent)]
        sets.update(self._conn, "record", {"id": "bigint", "sent": "json"}, resent)
        self._changed.clear()
        self._woken.clear()
        self._resent.clear()

    def _overtaken(self, changed: list[HeldRecord]) -> None:
        """Reading does not wait for merging: what it has brought meanwhile is merged next."""
        now = dict(sets.look_up(self._conn, _CHANGED, [one.id for one in changed], type="bigint"))
        rows = [
            (one.id, one.entity, one.role, None if one.base is None else canonical.dumps(one.base))
            for one in changed
            if now[one.id] != one.changed_at
        ]
        sets.update(self._conn, "record", _OVERTAKEN_COLUMNS, rows, _OVERTAKEN_CHANGE)
