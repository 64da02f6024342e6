"""Tie a record to its entity: match it, ask where that is doubtful, or make a new one where its stream may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landbridge.store import entities
from landbridge.store.decisions import Question
from landbridge.store.held_records import HeldRecord, Ref
from landbridge.store.unit import Unit
from landbridge.sync import match, refs
from landbridge.sync.company import Company
from landbridge.sync.reports import Report
from landbridge.sync.routes import CONFIDENCE, Source
from landbridge.sync.withheld import Withheld

# In flight: written, but the answer is not committed yet; what is read meanwhile may be our own.
IN_FLIGHT = ("sending", "uncertain")


class Linker:
    """For one batch; `postponed` are records that have to wait in place, `late` entities whose record came late."""

    def __init__(self, unit: Unit, company: Company, report: Report) -> None:
        self.unit, self.company, self.report = unit, company, report
        self.withheld = Withheld(unit.conn, company)
        self.postponed: set[int] = set()
        self.late: list[str] = []
        self._streams: dict[tuple[str, str, str], tuple[int | None, Source | None, tuple[str, ...]]] = {}
        self._people: dict[str, str | None] = {}
        self._identifiers: dict[int, dict[str, list[str]]] = {}
        self._identified: set[int] = set()
        self._refs: dict[int, tuple[list[str], set[Ref]]] = {}

    # --- what its stream is ------------------------------------------------------------------------------------

    def people(self, system: str) -> str | None:
        if system not in self._people:
            stream = self.company.stream_of_kind(system, "person")
            self._people[system] = stream.partition("/")[2] if stream else None
        return self._people[system]

    def _stream(self, row: HeldRecord) -> tuple[int | None, Source | None, tuple[str, ...]]:
        """Its rank and source among those that say what its kind is, and the fields by which it is recognised."""
        known = self._streams.get((row.system, row.stream, row.kind))
        if known is None:
            name = f"{row.system}/{row.stream}"
            sources = self.company.sources.get(row.kind, ())
            rank = next((rank for rank, source in enumerate(sources) if source.stream == name), None)
            fields = self.company.match_fields.get(row.kind) or self.company.mapping(name).match
            known = rank, None if rank is None else sources[rank], fields
            self._streams[row.system, row.stream, row.kind] = known
        return known

    def rank(self, row: HeldRecord) -> int | None:
        """Where the record's stream stands among those that say what its kind is."""
        return self._stream(row)[0]

    def source(self, row: HeldRecord) -> Source | None:
        return self._stream(row)[1]

    def creates(self, row: HeldRecord) -> bool:
        source = self._stream(row)[1]
        return source is not None and source.creates

    def refs_of(self, row: HeldRecord) -> set[Ref]:
        return self._references(row)[1]

    def _references(self, row: HeldRecord) -> tuple[list[str], set[Ref]]:
        """The fields of its claim that refer to anything, and to what."""
        known = self._refs.get(row.id)
        if known is None:
            fields = refs.fields_with_refs(row.kind, row.claim) if row.refers else []
            found = refs.refs_of(row.claim, fields, row.system, self.people(row.system)) if fields else set()
            known = self._refs[row.id] = fields, found
        return known

    def resolved(self, row: HeldRecord) -> tuple[dict[str, Any], set[Ref]]:
        """Its claim with entity ids for references, and what it refers to that is not known yet."""
        fields = self._references(row)[0]
        return refs.resolve(row.claim, fields, row.system, self.people(row.system), self.unit.records.linked_to)

    def resolved_as(self, row: HeldRecord, said: dict[str, Any]) -> dict[str, Any]:
        """Likewise something else that it said, or was to say."""
        fields = refs.fields_with_refs(row.kind, said)
        return refs.resolve(said, fields, row.system, self.people(row.system), self.unit.records.linked_to)[0]

    # --- whose it is -------------------------------------------------------------------------------------------

    def prefetch(self, rows: Sequence[HeldRecord]) -> None:
        """Look up together what linking each of these would otherwise ask for one by one."""
        unit = self.unit
        unit.identifiers.load(row.id for row in rows)
        new = [row for row in rows if row.entity is None]
        unit.markers.load(row.marker for row in new if row.marker)
        unit.unresolved.load_owners((row.system, row.stream, row.key) for row in new)
        unit.questions.load("match", (f"record:{row.id}" for row in new))
        match.prefetch(unit, [(row, self.identifiers(row)) for row in new])
        self.withheld.load(new)

    def identifiers(self, row: HeldRecord) -> dict[str, list[str]]:
        """The values by which the record may be recognised, strongest field first."""
        known = self._identifiers.get(row.id)
        if known is None:
            known = self._identifiers[row.id] = match.identifiers(self._stream(row)[2], row.claim)
        return known

    def identify(self, row: HeldRecord) -> dict[str, list[str]]:
        """Note them."""
        values = self.identifiers(row)
        if row.id not in self._identified:
            noted = [(row.kind, field, text) for field, texts in values.items() for text in texts]
            self.unit.identifiers.replace(row.id, frozenset(noted))
            self._identified.add(row.id)
        return values

    def matched(self, row: HeldRecord) -> match.Match:
        """Whose it is by its identifiers, which are noted."""
        return match.find(self.unit, row, self.identify(row), self.company.confidence.get(row.kind, CONFIDENCE))

    def linked(self, row: HeldRecord) -> bool:
        """Find or make the entity of an unlinked record; false where there is none (yet)."""
        if row.gone_at:
            self.unit.records.rest(row)
            return False
        if self._may_be_ours(row):
            return False
        if self.withheld.has(row, self.unit.records):
            self.unit.records.rest(row)
            self.report.counts["private"] += 1
            return False
        found = self.matched(row)
        answer = self.unit.questions.answer_of("match", f"record:{row.id}")
        if answer:
            return self._as_decided(row, answer.answer or "", found)
        if found.candidates:
            self._ask(row, found)
            return False
        if found.entity:
            return self.link(row, found.entity)
        return self._create(row, found.unlinked)

    def is_another(self, row: HeldRecord) -> bool:
        """Does the key now belong to somebody else?"""
        if not row.base or row.base is row.claim or row.kind != "person" or row.gone_at:
            return False
        return match.contradict(self.company, row.kind, row.base, row.claim)

    def is_given_away(self, row: HeldRecord) -> bool:
        """Does it say who has its key now, instead of whom it is linked to, or may it?"""
        return self.is_another(row) and not self._said_of(row).startswith("link:")

    def _said_of(self, row: HeldRecord) -> str:
        answer = self.unit.questions.answer_of("match", f"record:{row.id}")
        holds = answer is not None and answer.details.get("fingerprint") == entities.data_hash(row.claim)
        return (answer.answer or "") if answer and holds else ""

    def whose_now(self, row: HeldRecord) -> str:
        """A person's answer to that, empty while there is none."""
        answer = self._said_of(row)
        if not answer:
            self._question(
                row, f"{_name(row)} has become somebody else: has its key been given to a new {row.kind}?",
                [f"link:{row.entity}", "new", "ignore"], {"fingerprint": entities.data_hash(row.claim)}, row.entity,
            )  # fmt: skip
        return answer

    def _may_be_ours(self, row: HeldRecord) -> bool:
        """A record that carries our marker, or appears while a write to its stream is in flight, is no news yet."""
        if row.marker:
            delivery = self.unit.markers.find(row.marker)
            if delivery and self.unit.questions.are_apart(row.id, delivery.entity):
                return False
            if delivery and delivery.state not in IN_FLIGHT:
                self.link(row, delivery.entity, role=delivery.shape or "copy")
                self.late.append(delivery.entity)
            if delivery is None or delivery.state not in IN_FLIGHT:
                self.unit.records.settle(row)
                self.report.counts["echo"] += 1
                return True
        elif not self.unit.markers.any_in(f"{row.system}/{row.stream}", IN_FLIGHT):
            return False
        self.postponed.add(row.id)
        return True

    def _as_decided(self, row: HeldRecord, answer: str, found: match.Match) -> bool:
        if answer.startswith("link:"):
            return self.link(row, answer.removeprefix("link:"))
        if answer == "new":
            return self._create(row, found.unlinked)
        self.unit.records.rest(row)
        return False

    def _ask(self, row: HeldRecord, found: match.Match) -> None:
        details = {
            "field": found.field, "confidence": found.confidence, "fingerprint": ",".join(found.candidates),
        }  # fmt: skip
        options = [*(f"link:{entity}" for entity in found.candidates), "new", "ignore"]
        self._question(row, f"Whose is {_name(row)}? {found.why}.", options, details)
        self.unit.records.rest(row)

    def _question(
        self, row: HeldRecord, text: str, options: list[str], details: dict[str, object], entity: str | None = None
    ) -> None:
        subject, target = f"record:{row.id}", f"{row.system}/{row.stream}"
        self.unit.questions.ask(
            Question("match", subject, text, options, details, target=target, entity=entity, record=row.id)
        )
        self.report.counts["undecided"] += 1

    def _create(self, row: HeldRecord, unlinked: tuple[int, ...]) -> bool:
        """A new entity, if this stream may say that there is one; else the record stays unlinked."""
        if not self.creates(row):
            self.unit.records.rest(row)
            self.report.counts["unlinked"] += 1
            return False
        if self.waits(row):
            self.unit.unresolved.replace(row.id, self._unknown(row))
            self.unit.records.rest(row)
            self.report.counts["waiting"] += 1
            return False
        entity = self.unit.create(row.kind)
        self.report.counts["created"] += 1
        self.unit.records.wake(unlinked)
        return self.link(row, entity)

    def _unknown(self, row: HeldRecord) -> frozenset[Ref]:
        return frozenset(ref for ref in self.refs_of(row) if self.unit.records.linked_to(ref) is None)

    def waits(self, row: HeldRecord) -> bool:
        """Is it not known yet what it belongs to?"""
        needed = (row.claim.get(field) for field in refs.NEEDED.get(row.kind, ()))
        return any(
            refs.is_ref(ref) and self.unit.records.linked_to((row.system, ref["stream"], ref["key"])) is None
            for ref in needed
        )

    def link(self, row: HeldRecord, entity: str, role: str | None = None) -> bool:
        self.unit.records.link(row, entity, role or ("source" if self.creates(row) else "copy"))
        self.unit.wake_waiting(row)
        self.report.counts["linked"] += 1
        return True


def _name(row: HeldRecord) -> str:
    return f"{row.system}/{row.stream} {row.key}"
