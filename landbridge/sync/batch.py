"""One batch of records, merged in one transaction: all are linked first, then each entity is combined once, then derived from."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from landbridge.store import decisions, deliveries, privacy
from landbridge.store.held_records import HeldRecord
from landbridge.store.unit import Unit
from landbridge.sync.combining import Combiner
from landbridge.sync.company import Company
from landbridge.sync.derive import Deriver
from landbridge.sync.linking import Linker
from landbridge.sync.reports import Report

# The questions whose answers merging carries out.
ANSWERS = ("conflict", "match")


class Batch:
    """Nothing is written before `finish`."""

    def __init__(self, unit: Unit, company: Company, report: Report) -> None:
        self.unit, self.company, self.report = unit, company, report
        self.linker = Linker(unit, company, report)
        self.deriver = Deriver(unit, company)
        # Entities to be combined, with the records that ask for it.
        self._affected: dict[str, list[HeldRecord]] = {}
        self.combiner = Combiner(self.linker, self.deriver)

    def merge(self, ids: Sequence[int], streams: Collection[tuple[str, str]]) -> None:
        """Merge these records, and those of the same streams that can be linked because of them."""
        self._link_all(ids, streams)
        self.combiner.combine_all(self._affected)
        self._derive()

    # --- whose is it -------------------------------------------------------------------------------------------

    def _link_all(self, ids: Sequence[int], streams: Collection[tuple[str, str]]) -> None:
        """Lowest id first, also among those that become mergeable meanwhile: so the outcome is that of any batch size."""
        unit, last = self.unit, ids[-1]
        queue, queued = list(ids), set(ids)
        self._prefetch_links(queue)
        while queue:
            row = unit.records.get(heapq.heappop(queue))
            queued.discard(row.id)
            self._link(row)
            woken = [id for id in unit.records.just_woken() if id <= last and id not in queued]
            if woken:
                self._prefetch_links(woken)
            for id in woken:
                again = unit.records.get(id)
                if again.entity is None and (again.system, again.stream) in streams:
                    heapq.heappush(queue, id)
                    queued.add(id)

    def _prefetch_links(self, ids: Iterable[int]) -> None:
        unit = self.unit
        unit.records.load(ids)
        rows = [unit.records.get(id) for id in ids]
        unit.records.load_links(ref for row in rows for ref in self.linker.refs_of(row))
        self.linker.prefetch(rows)

    def _link(self, row: HeldRecord) -> None:
        if not row.pending:  # another record of its entity has taken it along
            return
        if row.entity is None and not self.linker.linked(row):
            return
        if self.linker.is_another(row):
            answer = self.linker.whose_now(row)
            if not answer.startswith("link:"):
                self._part(row, anew=answer == "new")
                return
        entity = row.entity
        if entity is None:
            return
        if row.role not in ("source", "copy"):
            self.unit.records.rest(row)
            self.linker.late.append(entity)  # a person touched what shows it (or it is gone): its flows look again
        elif self.linker.rank(row) is None:
            self.unit.records.rest(row)
            self.deriver.touched.setdefault(entity, row.kind)
        else:
            self.linker.identify(row)
            self._affected.setdefault(entity, []).append(row)

    def _part(self, row: HeldRecord, *, anew: bool) -> None:
        """Its key is another's now, or may be: the entity is not overwritten, and the record tied anew where decided."""
        self.unit.records.rest(row)
        if anew and row.entity is not None:
            self._affected.setdefault(row.entity, [])
            self.unit.records.renew(row)

    # --- what follows ------------------------------------------------------------------------------------------

    def _derive(self) -> None:
        changed = {id: found for id in self.combiner.changed if (found := self.unit.entities.get(id)) is not None}
        self.deriver.prefetch(changed.values())
        for id, entity in changed.items():
            fields, made_or_gone = self.combiner.changed[id]
            self.deriver.after(entity, fields, made_or_gone)

    def apply_decisions(self) -> None:
        """Carry out what people decided about disputed fields and doubtful matches since the last run."""
        answered = decisions.unapplied(self.unit.conn, ANSWERS)
        for decision in answered:
            if decision.kind == "match" and decision.record:
                self.unit.records.wake([decision.record])
            entity = self.unit.entities.get(decision.entity) if decision.entity else None
            if decision.kind == "conflict" and entity:
                path, stream = decision.details["field"], decision.answer or ""
                values: dict[str, Any] = decision.details["values"]
                data, origin = entity.data | {path: values[stream]}, entity.origin | {path: stream}
                self.unit.entities.update(entity.id, data, origin, [path])
                for row in self.unit.records.of_entity(entity.id):
                    if f"{row.system}/{row.stream}" in values.keys() - {stream}:
                        self.unit.records.forget_sent(row, path)
                self.combiner.changed.setdefault(entity.id, (set(), False))[0].add(path)
        self.unit.questions.applied(answered)
        self._derive()

    def finish(self) -> None:
        """Write all of it."""
        waited_for = self.note()
        self.unit.flush()
        privacy.forget(self.unit.conn, self.linker.withheld.ids)
        deliveries.wake(self.unit.conn, waited_for)

    def note(self) -> list[str]:
        """Put everything touched on the agenda of the flows that show its kind; those of it that others may wait for."""
        touched = self.deriver.touched
        for id in self.linker.late:
            late = self.unit.entities.get(id)
            if late is not None:
                touched.setdefault(id, late.kind)
        flows: dict[str, Collection[str]] = {}
        for entity, kind in touched.items():
            if kind not in flows:
                flows[kind] = [flow.name for flow in self.company.flows_showing(kind)]
            for flow in flows[kind]:
                self.unit.plan_again(flow, entity)
        waited_for = [entity for entity in touched if not self.unit.entities.is_new(entity)]
        touched.clear()
        return waited_for
