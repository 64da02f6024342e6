"""Tie a record to its entity: match it, ask where that is doubtful, or make a new one where its stream may."""

from __future__ import annotations

from sqlalchemy import Connection

from landbridge.store import decisions, deliveries, entities, records
from landbridge.store.records import Row
from landbridge.sync import match, refs
from landbridge.sync.company import Company
from landbridge.sync.reports import Report

# In flight: written, but the answer is not committed yet; what is read meanwhile may be our own.
IN_FLIGHT = ("sending", "uncertain")


class Linker:
    """For one transaction; `postponed` are records that have to wait in place, `late` entities whose record came late."""

    def __init__(self, conn: Connection, company: Company, report: Report) -> None:
        self.conn, self.company, self.report = conn, company, report
        self.links = refs.Links(conn)
        self.postponed: set[int] = set()
        self.late: list[str] = []
        self._flying: dict[str, bool] = {}

    def people(self, system: str) -> str | None:
        stream = self.company.stream_of_kind(system, "person")
        return stream.partition("/")[2] if stream else None

    def rank(self, row: Row) -> int | None:
        """Where the record's stream stands among those that say what its kind is."""
        name = f"{row.system}/{row.stream}"
        sources = self.company.sources.get(row.kind, ())
        return next((rank for rank, source in enumerate(sources) if source.stream == name), None)

    def identify(self, row: Row) -> tuple[str, ...]:
        """Note the values by which the record may be recognised; the fields they come from, strongest first."""
        fields = self.company.match_fields.get(row.kind) or self.company.mapping(f"{row.system}/{row.stream}").match
        entities.set_identifiers(self.conn, row.id, row.kind, match.identifiers(fields, row.claim or {}))
        return fields

    def _creates(self, row: Row) -> bool:
        rank = self.rank(row)
        return rank is not None and self.company.sources[row.kind][rank].creates

    def linked(self, row: Row) -> bool:
        """Find or make the entity of an unlinked record; false where there is none (yet)."""
        if row.gone_at:
            records.set_merged(self.conn, row.id, row.base)
            return False
        if self._may_be_ours(row):
            return False
        fields = self.identify(row)
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

    def is_another(self, row: Row) -> bool:
        """Does the key now belong to somebody else? No identifier of before is left, and the surest contradicts."""
        if row.kind != "person" or row.role != "source" or row.gone_at or not row.base:
            return False
        fields = self.company.match_fields.get(row.kind, ())
        before, now = match.identifiers(fields, row.base), match.identifiers(fields, row.claim or {})
        both = [field for field in fields if field in before and field in now]
        return any(match.CONFIDENCE.get(field) == 1.0 for field in both) and not any(
            set(before[field]) & set(now[field]) for field in both
        )

    def whose_now(self, row: Row) -> str:
        """A person's answer to that, empty while there is none."""
        name, subject = f"{row.system}/{row.stream}", f"record:{row.id}"
        facts = entities.data_hash(row.claim)
        answer = decisions.answer_of(self.conn, "match", subject)
        if answer and answer[1].get("fingerprint") == facts:
            return answer[0]
        decisions.ask(
            self.conn, "match", subject,
            f"{name} {row.key} has become somebody else: has its key been given to a new {row.kind}?",
            [f"link:{row.entity}", "new", "ignore"], {"fingerprint": facts}, record=row.id, target=name, entity=row.entity,
        )  # fmt: skip
        self.report.counts["undecided"] += 1
        return ""

    def _may_be_ours(self, row: Row) -> bool:
        """A record that carries our marker, or appears while a write to its stream is in flight, is no news yet."""
        target = f"{row.system}/{row.stream}"
        if row.marker:
            delivery = deliveries.by_marker(self.conn, row.marker)
            if delivery and decisions.apart_from(self.conn, row.id, [delivery.entity]):
                return False
            if delivery and delivery.state not in IN_FLIGHT:
                self._link(row, delivery.entity, role=delivery.shape or "copy")
                self.late.append(delivery.entity)
            if delivery is None or delivery.state not in IN_FLIGHT:
                records.set_merged(self.conn, row.id, row.claim)
                self.report.counts["echo"] += 1
                return True
        elif not self._in_flight(target):
            return False
        self.postponed.add(row.id)
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
            for field in refs.NEEDED.get(row.kind, ())
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
