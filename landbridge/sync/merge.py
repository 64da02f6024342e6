"""Merge pending claims into entities: match, link, combine, derive, and note what flows have to look at again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from landbridge.model import KIND_ORDER, ref_fields
from landbridge.store import decisions, deliveries, entities, records, runs
from landbridge.store.entities import EntityRow
from landbridge.store.records import Row
from landbridge.sync import refs
from landbridge.sync.apart import carry_out
from landbridge.sync.bridge import Bridge
from landbridge.sync.combine import Said, combine
from landbridge.sync.company import Company
from landbridge.sync.derive import Deriver
from landbridge.sync.linking import Linker
from landbridge.sync.reports import Report

BATCH = 200


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
        self.linker = Linker(conn, company, report)
        self.links = self.linker.links
        self.deriver = Deriver(conn, company, report.run)

    def prefetch(self, rows: list[Row]) -> None:
        self.links.prefetch(
            ref for row in rows for ref in refs.refs_of(row.claim or {}, row.system, self.linker.people(row.system))
        )

    def merge(self, row: Row) -> bool:
        """False where the record has to wait in place, because it may be our own write."""
        if row.entity is None and not self.linker.linked(row):
            return row.id not in self.linker.postponed
        if row.entity is not None and self.linker.is_another(row):
            answer = self.linker.whose_now(row)
            if not answer.startswith("link:"):
                self._part(row, row.entity, anew=answer == "new")
                return True
        entity = row.entity or self.links.get((row.system, row.stream, row.key))
        if entity is None:
            return True
        if row.role not in ("source", "copy"):
            self._drifted(row, entity)
        elif self.linker.rank(row) is None:
            records.set_merged(self.conn, row.id, row.base)
            self._touch(entity, row.kind)
        else:
            self.linker.identify(row)
            self._combine(entity, row)
        return True

    def _part(self, row: Row, entity: str, *, anew: bool) -> None:
        """Its key is another's now, or may be: the entity is not overwritten, and the record tied anew where decided."""
        if not anew:
            records.set_merged(self.conn, row.id, row.base)
            return
        records.link(self.conn, row.id, None)
        self._combine(entity, row)
        records.set_merged(self.conn, row.id, None)
        records.mark_pending(self.conn, [row.id])

    def _drifted(self, row: Row, entity: str) -> None:
        """A projected record was touched by a person (or is gone): the flows that show it look at it again."""
        records.set_merged(self.conn, row.id, row.base)
        self._look_again(entity)

    def _look_again(self, entity: str) -> None:
        found = entities.get(self.conn, entity)
        if found:
            self._touch(entity, found.kind)

    # --- what is it now ----------------------------------------------------------------------------------------

    def _combine(self, entity_id: str, row: Row) -> None:
        entity = entities.get(self.conn, entity_id)
        if entity is None or entity.rule is not None:  # what is derived is said by its rule, whatever its copies say
            self._drifted(row, entity_id)
            return
        if row.gone_at:
            records.set_merged(self.conn, row.id, row.base)
        rows = [
            one for one in records.of_entity(self.conn, entity_id) if one.kind == entity.kind and one.gone_at is None
        ]
        said = self._said(rows)
        if not any(one.role == "source" for one in rows):
            self._delete(entity, row)
            return
        merged = combine(said, entity.data if entity.version else {}, entity.origin)
        changed = _changed(entity.data, merged.data)
        self._conflicts(entity, merged.conflicts | self._still_disputed(entity, said, changed))
        revived = entity.deleted_at is not None
        if revived:
            entities.restore(self.conn, entity_id, self.report.run)
        if changed or merged.origin != entity.origin:
            entities.update(self.conn, entity_id, merged.data, merged.origin, None, sorted(changed), self.report.run)
        for one in rows:
            if self.linker.rank(one) is not None:
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
            rank = self.linker.rank(one)
            if rank is None:
                continue
            people = self.linker.people(one.system)
            claim, missing = refs.resolve(one.claim or {}, one.system, people, self.links)
            base = None if one.base is None else refs.resolve(one.base, one.system, people, self.links)[0]
            for said_so in (claim, base) if one.kind == "message" else ():
                self._threaded(said_so or {})
            entities.set_unresolved(self.conn, one.id, missing)
            sent = one.sent and refs.resolve(one.sent, one.system, people, self.links)[0]
            said.append(Said(sources[rank], rank, claim, base, sent, self.company.shown(sources[rank].stream)))
        return sorted(said, key=lambda one: one.rank)

    def _threaded(self, message: dict[str, Any]) -> None:
        """A plain reply belongs to the thread of what it answers, also where the tool does not call it one."""
        answered = message.get("reply_to")
        if answered and not message.get("thread") and (found := entities.get(self.conn, answered)):
            message["thread"] = found.data.get("thread") or found.id

    def _conflicts(self, entity: EntityRow, conflicts: dict[str, dict[str, Any]]) -> None:
        for path, values in conflicts.items():
            decisions.ask(
                self.conn, "conflict", f"{entity.id}:{path}",
                f"{path} was changed to different values in {' and '.join(values)}. Which one holds?",
                list(values), {"field": path, "values": values, "fingerprint": entities.data_hash(values)}, entity=entity.id,
            )  # fmt: skip
            self.report.counts["undecided"] += 1

    def _still_disputed(self, entity: EntityRow, said: list[Said], changed: set[str]) -> dict[str, dict[str, Any]]:
        """Fields with an open question that somebody changed again: asked anew, or closed where all agree by now."""
        disputed = {}
        for path in changed if len(said) > 1 else ():
            if decisions.is_open(self.conn, "conflict", f"{entity.id}:{path}"):
                values = {one.source.stream: one.claim[path] for one in said if path in one.claim}
                if len({entities.data_hash(value) for value in values.values()}) > 1:
                    disputed[path] = values
                else:
                    decisions.close(self.conn, "conflict", f"{entity.id}:{path}")
        return disputed

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
        carry_out(self.conn, self.company, self.report.run)
        self.note()

    def note(self) -> None:
        """Put everything touched on the agenda of the flows that show its kind."""
        for late in self.linker.late:
            self._look_again(late)
        for entity, kind in self.deriver.touched.items():
            for flow in self.company.flows_showing(kind):
                deliveries.agenda_add(self.conn, flow.name, [entity])
        deliveries.wake(self.conn, self.deriver.touched)
        self.deriver.touched.clear()


def _changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path, ...) != after.get(path, ...)}
