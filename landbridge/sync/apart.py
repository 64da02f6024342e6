"""Take a wrong link apart: the record leaves its entity, and what was known or written because of it goes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from landbridge.model import ref_fields
from landbridge.store import bulk, decisions, deliveries, entities, records
from landbridge.store.entities import EntityRow
from landbridge.store.records import Row
from landbridge.sync import match, refs
from landbridge.sync.combine import Said, combine
from landbridge.sync.company import Company
from landbridge.sync.derive import Deriver

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
    buried: list[Row] = field(default_factory=list)
    touched: dict[str, str] = field(default_factory=dict)


class Parting:
    """Moves records between entities, within one transaction."""

    def __init__(self, conn: Connection, company: Company, run: str) -> None:
        self.conn, self.company, self.run = conn, company, run
        self.deriver = Deriver(conn, company, run)

    def move(self, row: Row, to: str | None = None) -> Parted:
        """Without `to` matching says whose it is; where it cannot, the record becomes an entity of its own if its stream may."""
        left = entities.get(self.conn, row.entity) if row.entity else None
        parted = Parted(row, left)
        records.release(self.conn, row.id)
        self.links = refs.Links(self.conn)
        parted.to, parted.why = (to, "as chosen") if to else self._home(row)
        if parted.to:
            self._link(row, parted.to)
        if left is not None:
            parted.fields = self._recombine(left, lambda path: left.origin.get(path) == name_of(row), forget=True)
        if parted.to and (home := entities.get(self.conn, parted.to)) is not None:
            parted.gained = self._recombine(home, lambda path: False)
            records.set_merged(self.conn, row.id, row.claim)
        for entity, rows in self._referring(left) if left is not None else ():
            self._repoint(entity, rows, row, parted)
        parted.touched = dict(self.deriver.touched)
        for id, kind in parted.touched.items():
            for flow in self.company.flows_showing(kind):
                deliveries.agenda_add(self.conn, flow.name, [id])
        return parted

    # --- where it goes -----------------------------------------------------------------------------------------

    def _home(self, row: Row) -> tuple[str | None, str]:
        """(entity, why); None where it waits, for a person or for a record that says whose it is."""
        if row.gone_at:
            return None, "nobody's: it is gone"
        fields = self.company.match_fields.get(row.kind) or self.company.mapping(name_of(row)).match
        entities.set_identifiers(self.conn, row.id, row.kind, match.identifiers(fields, row.claim or {}))
        found = match.find(self.conn, row, fields)
        if found.entity:
            return found.entity, f"by its {found.field}"
        if found.candidates:
            return None, f"to be decided: {found.why}"
        rank = self._rank(row)
        if rank is None or not self.company.sources[row.kind][rank].creates or self._waits(row):
            return None, "nobody's, until another record says whose it is"
        entity = entities.new_id()
        entities.create(self.conn, entity, row.kind, {}, {}, None, None, self.run)
        return entity, "its own"

    def _waits(self, row: Row) -> bool:
        _, missing = refs.resolve(row.claim or {}, row.system, self._people(row.system), self.links)
        needed = ((row.claim or {}).get(name) for name in refs.NEEDED.get(row.kind, ()))
        return any(refs.is_ref(ref) and (row.system, ref["stream"], ref["key"]) in missing for ref in needed)

    def _link(self, row: Row, entity: str) -> None:
        rank = self._rank(row)
        source = rank is not None and self.company.sources[row.kind][rank].creates
        records.link(self.conn, row.id, entity, "source" if source else "copy")
        self.links.set(row, entity)
        entities.wake(self.conn, row.system, row.stream, row.key)

    def _rank(self, row: Row) -> int | None:
        sources = self.company.sources.get(row.kind, ())
        return next((rank for rank, source in enumerate(sources) if source.stream == name_of(row)), None)

    def _people(self, system: str) -> str | None:
        stream = self.company.stream_of_kind(system, "person")
        return stream.partition("/")[2] if stream else None

    # --- what is known -----------------------------------------------------------------------------------------

    def _recombine(self, entity: EntityRow, lost: Callable[[str], bool], *, forget: bool = False) -> Fields:
        """Merge what the remaining records say, without the `lost` paths; `forget`: what nobody says becomes null."""
        rows = [
            row for row in records.of_entity(self.conn, entity.id) if row.kind == entity.kind and row.gone_at is None
        ]
        if entity.rule is not None or not any(row.role == "source" for row in rows):
            self._touch(entity, gone=entity.rule is None)
            return {}
        data = {path: value for path, value in entity.data.items() if not lost(path)}
        merged = combine(self._said(rows), data, entity.origin)
        left_over = (entity.data.keys() - data.keys() - merged.data.keys()) if forget else ()
        for path in left_over:
            merged.data[path], merged.origin[path] = None, NOBODY
        # Also where nothing changed: another version is another write, which must not be taken for the one before.
        if entity.deleted_at:
            entities.restore(self.conn, entity.id, self.run)
        changed = {
            path: (entity.data.get(path), merged.data.get(path))
            for path in entity.data.keys() | merged.data.keys()
            if entity.data.get(path, ...) != merged.data.get(path, ...)
        }
        entities.update(self.conn, entity.id, merged.data, merged.origin, None, sorted(changed), self.run)
        entities.set_references(self.conn, entity.id, refs.references(ref_fields(entity.kind), merged.data))
        self._follow(entity.id, changed, created=not entity.data)
        return changed

    def _touch(self, entity: EntityRow, *, gone: bool) -> None:
        """What is derived is said by its rule; what no source says any more is deleted."""
        if gone and not entity.deleted_at:
            entities.delete(self.conn, entity.id, self.run)
            self._follow(entity.id, (), created=True)
            return
        entities.update(self.conn, entity.id, entity.data, entity.origin, entity.audience, (), self.run)
        self.deriver.touched.setdefault(entity.id, entity.kind)

    def _follow(self, entity: str, fields: Any, *, created: bool) -> None:
        found = entities.get(self.conn, entity)
        if found is not None:
            self.deriver.after(found, fields, created)

    def _said(self, rows: list[Row]) -> list[Said]:
        sources = self.company.sources.get(rows[0].kind, ())
        said = []
        for row in rows:
            rank = self._rank(row)
            if rank is None:
                continue
            claim, missing = self._resolved(_own(row, row.claim), row.system)
            base = None if row.base is None else self._resolved(_own(row, row.base), row.system)[0]
            entities.set_unresolved(self.conn, row.id, missing)
            said.append(Said(sources[rank], rank, claim, base))
        return sorted(said, key=lambda one: one.rank)

    def _resolved(self, claim: dict[str, Any], system: str) -> tuple[dict[str, Any], set[refs.Ref]]:
        return refs.resolve(claim, system, self._people(system), self.links)

    # --- what meant it -----------------------------------------------------------------------------------------

    def _referring(self, left: EntityRow) -> Iterator[tuple[EntityRow, list[Row]]]:
        """With their live records, many at once: somebody may have written a hundred thousand messages."""
        ids = sorted({source for source, _ in entities.referrers(self.conn, left.id)})
        for chunk in bulk.chunks(ids, _CHUNK):
            rows = records.of_entities(self.conn, chunk)
            for entity in entities.get_many(self.conn, chunk).values():
                yield entity, [one for one in rows[entity.id] if one.gone_at is None]

    def _repoint(self, entity: EntityRow, rows: list[Row], row: Row, parted: Parted) -> None:
        """What means the record means its new entity; copies that stand where they do because of the link are taken back."""
        meaning = [one for one in rows if self._means(one.claim or {}, one.system, row)]
        if not meaning:
            return
        lost = {
            path
            for one in meaning
            for path, value in (one.claim or {}).items()
            if not is_ours(one)
            and entity.origin.get(path) == name_of(one)
            and self._means({path: value}, one.system, row)
        }
        if lost and entity.rule is None:
            self._recombine(entity, lost.__contains__)
            parted.repointed.append(entity.id)
        now = entities.get(self.conn, entity.id) or entity
        needed = refs.NEEDED.get(entity.kind, ())
        moved = any(entity.data.get(path) != now.data.get(path) for path in needed)
        for one in rows:
            stands = {path: value for path, value in (one.claim or {}).items() if path in needed}
            if is_ours(one) and (moved or self._means(stands, one.system, row)):
                self._bury(one, entity)
                parted.buried.append(one)
        self.deriver.touched.setdefault(entity.id, entity.kind)

    def _means(self, claim: dict[str, Any], system: str, row: Row) -> bool:
        ref = (row.system, row.stream, row.key)
        return system == row.system and ref in refs.refs_of(claim, system, self._people(system))

    def _bury(self, copy: Row, entity: EntityRow) -> None:
        """The copy shows, from now on, something that has ended: so its flow takes it back, by the brakes and in order."""
        shape = "" if copy.role in ("source", "copy") else copy.role
        delivery = deliveries.get(self.conn, name_of(copy), entity.id, shape)
        ended, flow = entities.new_id(), delivery.flow if delivery else "unlink"
        rule = f"{flow}:taken-back:{ended}"
        entities.create(self.conn, ended, entity.kind, entity.data, entity.origin, None, rule, self.run)
        entities.delete(self.conn, ended, self.run)
        records.link(self.conn, copy.id, ended, copy.role)
        self.deriver.touched.setdefault(ended, entity.kind)


def carry_out(conn: Connection, company: Company, run: str) -> None:
    """Answers to "is it the same?" that a person has changed since the last run."""
    for decision in decisions.unapplied(conn, (decisions.APART,)):
        row = records.get_many(conn, [decision.record or 0]).get(decision.record or 0)
        together = decision.answer == "same"
        if row is not None and decision.entity and together != (row.entity == decision.entity):
            Parting(conn, company, run).move(row, decision.entity if together else None)
        decisions.applied(conn, decision.id)


def name_of(row: Row) -> str:
    return f"{row.system}/{row.stream}"


def is_ours(row: Row) -> bool:
    """Did we write it?"""
    return row.role != "source" and row.sent is not None


def _own(row: Row, claim: dict[str, Any] | None) -> dict[str, Any]:
    """What a copy says by itself, without what it only repeats of ours."""
    said, base, sent = claim or {}, row.base or {}, row.sent or {}
    if row.role == "source":
        return said
    return {
        path: value for path, value in said.items() if path not in sent or (row.claim or {}).get(path) != base.get(path)
    }
