"""Take a wrong link apart: the record leaves its entity, and what was known or written because of it goes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from landbridge.model import GATHERED, ref_fields
from landbridge.store import bulk, decisions, deliveries, entities, locks, records
from landbridge.store.entities import EntityRow
from landbridge.store.held_entities import HeldEntity
from landbridge.store.held_records import HeldRecord, Ref
from landbridge.store.hub import Hub
from landbridge.store.records import Row
from landbridge.store.unit import Unit
from landbridge.sync import refs
from landbridge.sync.combine import Said, combine
from landbridge.sync.company import Company
from landbridge.sync.derive import Deriver
from landbridge.sync.linking import Linker
from landbridge.sync.reports import Report

Fields = dict[str, tuple[Any, Any]]
# The origin of a value that nobody says any more: null, so that the targets forget it too.
NOBODY = ""
_CHUNK = 200


@dataclass
class Parted:
    """What moving a record changes: `fields` (before, after) of the entity it leaves, `gained` of the one it goes to.

    `repointed` are entities that meant it by a reference; `buried` are copies that are taken back where they stand.
    """

    record: Row
    left: EntityRow | None
    to: str | None = None
    why: str = ""
    fields: Fields = field(default_factory=dict)
    gained: Fields = field(default_factory=dict)
    repointed: list[str] = field(default_factory=list)
    buried: list[HeldRecord] = field(default_factory=list)
    touched: dict[str, str] = field(default_factory=dict)


class Parting:
    """Moves one record between entities, in a unit of work whose transaction has the log; in a foreseen one nothing is kept."""

    def __init__(self, unit: Unit, company: Company, run: str) -> None:
        self.conn, self.unit, self.company = unit.conn, unit, company
        self.linker = Linker(self.unit, company, Report(run, "unlink"))
        self.deriver = Deriver(self.unit, company)

    def move(self, row: Row, to: str | None = None) -> Parted:
        """Without `to` matching says whose it is; where it cannot, the record becomes an entity of its own if its stream may."""
        parted = Parted(row, entities.get(self.conn, row.entity) if row.entity else None)
        held = self.unit.records.get(row.id)
        self.unit.records.release(held)
        self._move(held, row.entity, to, parted)
        parted.touched = dict(self.deriver.touched)
        for id, kind in parted.touched.items():
            for flow in self.company.flows_showing(kind):
                self.unit.plan_again(flow.name, id)
        self.unit.flush()
        return parted

    def _move(self, row: HeldRecord, left: str | None, to: str | None, parted: Parted) -> None:
        parted.to, parted.why = (to, "as chosen") if to else self._home(row)
        if parted.to:
            self.linker.link(row, parted.to)
        known = self.unit.entities.get(left) if left else None
        if known is not None:
            origin = known.origin
            parted.fields = self._recombine(known, lambda path: origin.get(path) == name_of(row), forget=True)
        home = self.unit.entities.get(parted.to) if parted.to else None
        if home is not None:
            parted.gained = self._recombine(home, lambda path: False)
            self.unit.records.settle(row)
        for entity in self._referring(known) if known is not None else ():
            self._repoint(entity, row, parted)

    # --- where it goes -----------------------------------------------------------------------------------------

    def _home(self, row: HeldRecord) -> tuple[str | None, str]:
        """(entity, why); None where it waits, for a person or for a record that says whose it is."""
        if row.gone_at:
            return None, "nobody's: it is gone"
        found = self.linker.matched(row)
        if found.entity:
            return found.entity, f"by its {found.field}"
        if found.candidates:
            return None, f"to be decided: {found.why}"
        if not self.linker.creates(row) or self.linker.waits(row):
            return None, "nobody's, until another record says whose it is"
        return self.unit.create(row.kind), "its own"

    # --- what is known -----------------------------------------------------------------------------------------

    def _recombine(self, entity: HeldEntity, lost: Callable[[str], bool], *, forget: bool = False) -> Fields:
        """Merge what the remaining records say, without the `lost` paths; `forget`: what nobody says becomes null."""
        rows = [
            row for row in self.unit.records.of_entity(entity.id) if row.kind == entity.kind and row.gone_at is None
        ]
        if entity.rule is not None or not any(row.role == "source" for row in rows):
            self._touch(entity, gone=entity.rule is None)
            return {}
        before, made = entity.data, not entity.data
        data = {path: value for path, value in before.items() if not lost(path)}
        merged = combine(self._said(rows), data, entity.origin)
        left_over = (before.keys() - data.keys() - merged.data.keys()) if forget else ()
        for path in left_over:
            merged.data[path], merged.origin[path] = None, NOBODY
        # Also where nothing changed: another version is another write, which must not be taken for the one before.
        if entity.deleted_at:
            self.unit.entities.restore(entity.id)
        changed = {
            path: (before.get(path), merged.data.get(path))
            for path in before.keys() | merged.data.keys()
            if before.get(path, ...) != merged.data.get(path, ...)
        }
        self.unit.entities.update(entity.id, merged.data, merged.origin, changed)
        self.unit.refer(entity.id, refs.references(ref_fields(entity.kind), merged.data))
        self.deriver.after(entity, changed, created=made)
        return changed

    def _touch(self, entity: HeldEntity, *, gone: bool) -> None:
        """What is derived is said by its rule; what no source says any more is deleted."""
        if gone and not entity.deleted_at:
            self.unit.entities.delete(entity.id)
            self.deriver.after(entity, (), created=True)
            return
        self.unit.entities.update(entity.id, entity.data, entity.origin, ())
        self.deriver.touched.setdefault(entity.id, entity.kind)

    def _said(self, rows: list[HeldRecord]) -> list[Said]:
        said = []
        for row in rows:
            source, rank = self.linker.source(row), self.linker.rank(row)
            if source is None or rank is None:
                continue
            claim, missing = self._resolved(row, _own(row, row.claim))
            base = None if row.base is None else self._resolved(row, _own(row, row.base))[0]
            self.unit.unresolved.replace(row.id, frozenset(missing))
            said.append(Said(source, rank, claim, base))
        return sorted(said, key=lambda one: one.rank)

    def _resolved(self, row: HeldRecord, said: dict[str, Any]) -> tuple[dict[str, Any], set[Ref]]:
        fields, people = refs.fields_with_refs(row.kind, said), self.linker.people(row.system)
        return refs.resolve(said, fields, row.system, people, self.unit.records.linked_to)

    # --- what meant it -----------------------------------------------------------------------------------------

    def _referring(self, left: HeldEntity) -> Iterator[HeldEntity]:
        ids = sorted({source for source, _ in entities.referrers(self.conn, left.id)})
        for chunk in bulk.chunks(ids, _CHUNK):
            self.unit.entities.load(chunk)
            self.unit.records.load_of(chunk)  # many at once: somebody may have written a hundred thousand messages
            yield from filter(None, map(self.unit.entities.get, chunk))

    def _repoint(self, entity: HeldEntity, row: HeldRecord, parted: Parted) -> None:
        """What means the record means its new entity; copies that stand where they do because of the link are taken back."""
        rows = [one for one in self.unit.records.of_entity(entity.id) if one.gone_at is None]
        meaning = [one for one in rows if self._means(one, one.claim, row)]
        if not meaning:
            return
        lost = {
            path
            for one in meaning
            for path, value in one.claim.items()
            if not is_ours(one) and entity.origin.get(path) == name_of(one) and self._means(one, {path: value}, row)
        }
        before, origin = entity.data, entity.origin
        if lost and entity.rule is None:
            self._recombine(entity, lost.__contains__)
            parted.repointed.append(entity.id)
        needed = refs.NEEDED.get(entity.kind, ())
        moved = any(before.get(path) != entity.data.get(path) for path in needed)
        for one in rows:
            stands = {path: value for path, value in one.claim.items() if path in needed}
            if is_ours(one) and (moved or self._means(one, stands, row)):
                self._bury(one, entity, before, origin)
                parted.buried.append(one)
        self.deriver.touched.setdefault(entity.id, entity.kind)

    def _means(self, one: HeldRecord, said: dict[str, Any], row: HeldRecord) -> bool:
        """Does this part of what it says refer to the record?"""
        if one.system != row.system:
            return False
        fields = refs.fields_with_refs(one.kind, said)
        return (row.system, row.stream, row.key) in refs.refs_of(
            said, fields, one.system, self.linker.people(one.system)
        )

    def _bury(self, copy: HeldRecord, entity: HeldEntity, data: dict[str, Any], origin: dict[str, str]) -> None:
        """The copy shows, from now on, something that has ended: so its flow takes it back, by the brakes and in order."""
        shape = "" if copy.role in ("source", "copy") else copy.role
        delivery = deliveries.get(self.conn, name_of(copy), entity.id, shape)
        flow = delivery.flow if delivery else "unlink"
        ended = self.unit.create(entity.kind, f"{flow}:taken-back:{entities.new_id()}")
        self.unit.entities.update(ended, data, origin, ())
        self.unit.entities.delete(ended)
        self.unit.records.link(copy, ended, copy.role)
        self.deriver.touched.setdefault(ended, entity.kind)


def carry_out(hub: Hub, company: Company, run: str) -> None:
    """Answers to "is it the same?" that a person has changed since the last run.

    Each in a transaction of its own: it ends with the agenda, and whoever has that must wait for no record.
    """
    while True:
        with hub.begin() as conn:
            locks.exclusive(conn, locks.LOG)
            decision = next(iter(decisions.unapplied(conn, (decisions.APART,), limit=1)), None)
            if decision is None:
                return
            row = records.get_many(conn, [decision.record or 0]).get(decision.record or 0)
            together = decision.answer == "same"
            if row is not None and decision.entity and together != (row.entity == decision.entity):
                Parting(Unit(conn, run), company, run).move(row, decision.entity if together else None)
            decisions.applied(conn, decision.id)


def name_of(row: Row | HeldRecord) -> str:
    return f"{row.system}/{row.stream}"


def is_ours(row: HeldRecord) -> bool:
    """Did we write it?"""
    return row.role != "source" and row.sent is not None


def _own(row: HeldRecord, claim: dict[str, Any] | None) -> dict[str, Any]:
    """What a copy says by itself, without what it only repeats of ours."""
    said, base, sent = claim or {}, row.base or {}, row.sent or {}
    if row.role == "source":
        return said
    return {
        path: value
        for path, value in said.items()
        if path not in sent or path in GATHERED or row.claim.get(path) != base.get(path)
    }
