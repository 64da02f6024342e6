"""Merge pending claims into entities: match, link, combine, derive, and note what flows have to look at again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from landbridge.model import KIND_ORDER, ref_fields
from landbridge.store import decisions, deliveries, entities, records, runs
from landbridge.store.entities import EntityRow
from landbridge.store.records import Row
from landbridge.sync import match, refs
from landbridge.sync.bridge import Bridge
from landbridge.sync.combine import Said, combine
from landbridge.sync.company import Company
from landbridge.sync.derive import Deriver
from landbridge.sync.reports import Report

BATCH = 200
# Without what it belongs to, a message could be shown in the wrong place, so it waits.
NEEDED = {"message": ("thread", "space"), "membership": ("group", "person")}
# In flight: written, but the answer is not committed yet; what is read meanwhile may be our own.
IN_FLIGHT = ("sending", "uncertain")


def merge(bridge: Bridge, flow: str) -> Report:
    """Merge everything pending in the flow's streams; each batch commits by itself."""
    company = bridge.company
    report = Report("", flow)
    with bridge.hub.begin() as conn:
        report.run = runs.start(conn, "merge", flow).id
        _Merger(conn, company, report).apply_decisions()
    streams = _streams(company, company.flow(flow).sources)
    for kind in KIND_ORDER:
        of_kind = [stream for stream in streams if company.mapping("/".join(stream)).kind == kind]
        while of_kind and _merge_batch(bridge, report, of_kind):
            pass
    with bridge.hub.begin() as conn:
        report.reason = "" if report.moved else "Nothing was read that changes what is known."
        runs.finish(conn, report.run, "done", dict(report.counts), report.reason)
    return report


def _streams(company: Company, names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(system, stream) for system, _, stream in (name.partition("/") for name in names)]


def _merge_batch(bridge: Bridge, report: Report, streams: list[tuple[str, str]]) -> bool:
    """One batch in one transaction; false when nothing is left that can be merged now."""
    with bridge.hub.begin() as conn:
        rows = records.pending(conn, streams, limit=BATCH)
        merger = _Merger(conn, bridge.company, report)
        merger.prefetch(rows)
        postponed = sum(not merger.merge(row) for row in rows)
        merger.note()
    return bool(rows) and postponed < len(rows)


class _Merger:
    def __init__(self, conn: Connection, company: Company, report: Report) -> None:
        self.conn, self.company, self.report = conn, company, report
        self.links = refs.Links(conn)
        self.deriver = Deriver(conn, company, report.run)
        self._flying: dict[str, bool] = {}
        self._postponed: set[int] = set()

    def prefetch(self, rows: list[Row]) -> None:
        self.links.prefetch(
            ref for row in rows for ref in refs.refs_of(row.claim or {}, row.system, self.people(row.system))
        )

    def people(self, system: str) -> str | None:
        stream = self.company.stream_of_kind(system, "person")
        return stream.partition("/")[2] if stream else None

    def merge(self, row: Row) -> bool:
        """False where the record has to wait in place, because it may be our own write."""
        if row.entity is None and not self._linked(row):
            return row.id not in self._postponed
        entity = row.entity or self.links.get((row.system, row.stream, row.key))
        if entity is None:
            return True
        if row.role not in ("source", "copy"):
            self._drifted(row, entity)
        elif self._rank(row) is None:
            records.set_merged(self.conn, row.id, row.base)
            self._touch(entity, row.kind)
        else:
            self._combine(entity, row)
        return True

    def _drifted(self, row: Row, entity: str) -> None:
        """A projected record was touched by a person (or is gone): the flows that show it look at it again."""
        records.set_merged(self.conn, row.id, row.base)
        found = entities.get(self.conn, entity)
        if found:
            self._touch(entity, found.kind)

    def _rank(self, row: Row) -> int | None:
        name = f"{row.system}/{row.stream}"
        sources = self.company.sources.get(row.kind, ())
        return next((rank for rank, source in enumerate(sources) if source.stream == name), None)

    def _creates(self, row: Row) -> bool:
        rank = self._rank(row)
        return rank is not None and self.company.sources[row.kind][rank].creates

    # --- whose is it -------------------------------------------------------------------------------------------

    def _linked(self, row: Row) -> bool:
        """Find or make the entity of an unlinked record; false where there is none (yet)."""
        fields = self.company.match_fields.get(row.kind) or self.company.mapping(f"{row.system}/{row.stream}").match
        if row.gone_at:
            records.set_merged(self.conn, row.id, row.base)
            return False
        if self._may_be_ours(row):
            return False
        entities.set_identifiers(self.conn, row.id, row.kind, match.identifiers(fields, row.claim or {}))
        found = match.find(self.conn, row, fields)
        answer = decisions.answer_of(self.conn, "match", f"record:{row.id}")
        if answer:
            return self._as_decided(row, answer[0], found)
        if found.candidates:
            self._ask(row, found)
            return False
        if found.entity:
            return self._link(row, found.entity)
        return self._create(row, found.unlinked)

    def _may_be_ours(self, row: Row) -> bool:
        """A record that carries our marker, or appears while a write to its stream is in flight, is no news yet."""
        target = f"{row.system}/{row.stream}"
        if row.marker:
            delivery = deliveries.by_marker(self.conn, row.marker)
            if delivery and delivery.state not in IN_FLIGHT:
                self._link(row, delivery.entity, role=delivery.shape or "copy")
            if delivery is None or delivery.state not in IN_FLIGHT:
                records.set_merged(self.conn, row.id, row.claim)
                self.report.counts["echo"] += 1
                return True
        elif not self._in_flight(target):
            return False
        self._postponed.add(row.id)
        self.report.counts["postponed"] += 1
        return True

    def _in_flight(self, target: str) -> bool:
        if target not in self._flying:
            self._flying[target] = deliveries.any_in(self.conn, target, IN_FLIGHT)
        return self._flying[target]

    def _as_decided(self, row: Row, answer: str, found: match.Match) -> bool:
        if answer.startswith("link:"):
            return self._link(row, answer.removeprefix("link:"))
        if answer == "new":
            return self._create(row, found.unlinked)
        records.set_merged(self.conn, row.id, row.base)
        return False

    def _ask(self, row: Row, found: match.Match) -> None:
        name = f"{row.system}/{row.stream}"
        decisions.ask(
            self.conn, "match", f"record:{row.id}",
            f"Whose is {name} {row.key}? {found.why}.",
            [*(f"link:{entity}" for entity in found.candidates), "new", "ignore"],
            {"field": found.field, "confidence": found.confidence, "fingerprint": ",".join(found.candidates)},
            record=row.id, target=name,
        )  # fmt: skip
        records.set_merged(self.conn, row.id, row.base)
        self.report.counts["undecided"] += 1

    def _create(self, row: Row, unlinked: tuple[int, ...]) -> bool:
        """A new entity, if this stream may say that there is one; else the record stays unlinked."""
        if not self._creates(row):
            records.set_merged(self.conn, row.id, row.base)
            self.report.counts["unlinked"] += 1
            return False
        _, missing = refs.resolve(row.claim or {}, row.system, self.people(row.system), self.links)
        if self._waits(row, missing):
            return False
        entity = entities.new_id()
        entities.create(self.conn, entity, row.kind, {}, {}, None, None, self.report.run)
        self.report.counts["created"] += 1
        records.mark_pending(self.conn, unlinked)
        return self._link(row, entity)

    def _waits(self, row: Row, missing: set[refs.Ref]) -> bool:
        needed = {
            (row.system, value["stream"], value["key"])
            for field in NEEDED.get(row.kind, ())
            if refs.is_ref(value := (row.claim or {}).get(field))
        }
        if not needed & missing:
            return False
        entities.set_unresolved(self.conn, row.id, missing)
        records.set_merged(self.conn, row.id, row.base)
        self.report.counts["waiting"] += 1
        return True

    def _link(self, row: Row, entity: str, role: str | None = None) -> bool:
        records.link(self.conn, row.id, entity, role or ("source" if self._creates(row) else "copy"))
        self.links.set(row, entity)
        entities.wake(self.conn, row.system, row.stream, row.key)
        self.report.counts["linked"] += 1
        return True

    # --- what is it now ----------------------------------------------------------------------------------------

    def _combine(self, entity_id: str, row: Row) -> None:
        entity = entities.get(self.conn, entity_id)
        if entity is None:
            return
        fields = self.company.match_fields.get(row.kind) or self.company.mapping(f"{row.system}/{row.stream}").match
        entities.set_identifiers(self.conn, row.id, row.kind, match.identifiers(fields, row.claim or {}))
        rows = [
            one for one in records.of_entity(self.conn, entity_id) if one.kind == entity.kind and one.gone_at is None
        ]
        said = self._said(rows)
        if not any(one.role == "source" for one in rows):
            self._delete(entity, row)
            return
        merged = combine(said, entity.data if entity.version else {}, entity.origin)
        self._conflicts(entity, merged.conflicts)
        changed = _changed(entity.data, merged.data)
        revived = entity.deleted_at is not None
        if revived:
            entities.restore(self.conn, entity_id, self.report.run)
        if changed or merged.origin != entity.origin:
            entities.update(self.conn, entity_id, merged.data, merged.origin, None, sorted(changed), self.report.run)
        for one in rows:
            if self._rank(one) is not None:
                records.set_merged(self.conn, one.id, one.claim)
        if changed or revived:
            self.report.counts["merged"] += 1
            entities.set_references(self.conn, entity_id, refs.references(ref_fields(entity.kind), merged.data))
            self._changed(entity_id, changed, created=not entity.data)
        else:
            self._touch(entity_id, entity.kind)

    def _said(self, rows: list[Row]) -> list[Said]:
        sources = self.company.sources.get(rows[0].kind, ()) if rows else ()
        said = []
        for one in rows:
            rank = self._rank(one)
            if rank is None:
                continue
            people = self.people(one.system)
            claim, missing = refs.resolve(one.claim or {}, one.system, people, self.links)
            base = None if one.base is None else refs.resolve(one.base, one.system, people, self.links)[0]
            entities.set_unresolved(self.conn, one.id, missing)
            said.append(Said(sources[rank], rank, claim, base))
        return sorted(said, key=lambda one: one.rank)

    def _conflicts(self, entity: EntityRow, conflicts: dict[str, dict[str, Any]]) -> None:
        for path, values in conflicts.items():
            decisions.ask(
                self.conn, "conflict", f"{entity.id}:{path}",
                f"{path} was changed to different values in {' and '.join(values)}. Which one holds?",
                list(values), {"field": path, "values": values, "fingerprint": entities.data_hash(values)}, entity=entity.id,
            )  # fmt: skip
            self.report.counts["undecided"] += 1

    def _delete(self, entity: EntityRow, row: Row) -> None:
        """No source says that it exists any more."""
        records.set_merged(self.conn, row.id, row.base)
        if not entity.deleted_at:
            entities.delete(self.conn, entity.id, self.report.run)
            self.report.counts["deleted"] += 1
            self._changed(entity.id, set(), created=True)

    def _changed(self, entity_id: str, fields: set[str], created: bool) -> None:
        found = entities.get(self.conn, entity_id)
        if found is not None:
            self.deriver.after(found, fields, created)

    def _touch(self, entity: str, kind: str) -> None:
        self.deriver.touched.setdefault(entity, kind)

    # --- afterwards --------------------------------------------------------------------------------------------

    def apply_decisions(self) -> None:
        """Carry out what people decided about disputed fields and doubtful matches since the last run."""
        for decision in decisions.unapplied(self.conn, ("conflict", "match")):
            if decision.kind == "match" and decision.record:
                records.mark_pending(self.conn, [decision.record])
            entity = entities.get(self.conn, decision.entity) if decision.entity else None
            if decision.kind == "conflict" and entity:
                path, stream = decision.details["field"], decision.answer or ""
                values: dict[str, Any] = decision.details["values"]
                data = entity.data | {path: values[stream]}
                entities.update(
                    self.conn, entity.id, data, entity.origin | {path: stream}, None, [path], self.report.run
                )
                self._changed(entity.id, {path}, created=False)
            decisions.applied(self.conn, decision.id)
        self.note()

    def note(self) -> None:
        """Put everything touched on the agenda of the flows that show its kind."""
        for entity, kind in self.deriver.touched.items():
            for flow in self.company.flows_showing(kind):
                deliveries.agenda_add(self.conn, flow.name, [entity])
        self.deriver.touched.clear()


def _changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path, ...) != after.get(path, ...)}
