"""Whose record is this? Tiers of identifiers, strongest first; what is ambiguous or weak is asked, never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from landbridge.store.held_records import HeldRecord
from landbridge.store.unit import Unit
from landbridge.sync.company import Company
from landbridge.sync.routes import CONFIDENCE, SURE, WEAK


@dataclass(frozen=True)
class Match:
    """`entity` where the match is sure; otherwise `candidates` for a person to choose from (empty: nobody fits)."""

    entity: str | None = None
    field: str = ""
    confidence: float = 0.0
    candidates: tuple[str, ...] = ()
    why: str = ""
    # Records of other streams that share an identifier and have no entity yet.
    unlinked: tuple[int, ...] = ()


def identifiers(fields: tuple[str, ...], claim: dict[str, Any]) -> dict[str, list[str]]:
    """The claim's identifier values, normalised: e-mail addresses and names compare without case."""
    found: dict[str, list[str]] = {}
    for field in fields:
        values = claim.get(field)
        for value in values if isinstance(values, list) else (values,):
            text = value.get("value") if isinstance(value, dict) else value
            if text not in (None, ""):
                found.setdefault(field, []).append(str(text).strip().casefold())
    return found


def contradict(company: Company, kind: str, before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Are these claims about two? No identifier of the first is left in the second, and the surest contradicts."""
    fields, confidence = company.match_fields.get(kind, ()), company.confidence.get(kind, CONFIDENCE)
    first, second = identifiers(fields, before), identifiers(fields, now)
    both = [field for field in fields if field in first and field in second]
    return any(confidence.get(field) == 1.0 for field in both) and not any(
        set(first[field]) & set(second[field]) for field in both
    )


def prefetch(unit: Unit, rows: Iterable[tuple[HeldRecord, Mapping[str, list[str]]]]) -> None:
    """Look up together what `find` will ask for each of these records and its identifiers."""
    wanted = {
        (row.kind, field, value): row for row, values in rows for field, texts in values.items() for value in texts
    }
    unit.identifiers.load_owners(wanted)
    hits = {entry: ids for entry in wanted if (ids := unit.identifiers.owners(entry))}
    unit.records.load({id for ids in hits.values() for id in ids})
    linked = {entry: {unit.records.get(id).entity for id in ids} - {None} for entry, ids in hits.items()}
    unit.records.load_of(entity for entities in linked.values() for entity in entities if entity)
    unit.questions.load_apart((wanted[entry].id, entity) for entry, some in linked.items() for entity in some if entity)


def find(
    unit: Unit, row: HeldRecord, values: Mapping[str, list[str]], confidence: Mapping[str, float] = CONFIDENCE
) -> Match:
    """Look in tiers; the first tier with any entity decides."""
    unlinked: set[int] = set()
    for field, texts in values.items():
        ids = {id for text in texts for id in unit.identifiers.owners((row.kind, field, text))} - {row.id}
        if not ids:
            continue
        hits = [hit for hit in map(unit.records.get, sorted(ids)) if hit.gone_at is None]
        unlinked.update(
            hit.id for hit in hits if hit.entity is None and (hit.system, hit.stream) != (row.system, row.stream)
        )
        linked = {hit.entity for hit in hits if hit.entity}
        found = sorted(entity for entity in linked if not unit.questions.are_apart(row.id, entity))
        if found:
            return _judge(unit, row, field, found, values, confidence)
    return Match(unlinked=tuple(sorted(unlinked)))


def _judge(
    unit: Unit, row: HeldRecord, field: str, found: list[str], values: Mapping[str, list[str]],
    confidence: Mapping[str, float],
) -> Match:  # fmt: skip
    sure = confidence.get(field, WEAK)
    if len(found) > 1:
        return Match(candidates=tuple(found), field=field, why=f"{len(found)} {row.kind}s share its {field}")
    if sure < SURE:
        return Match(candidates=tuple(found), field=field, confidence=sure, why=f"only its {field} agrees")
    others = unit.records.of_entity(found[0])
    if any((one.system, one.stream) == (row.system, row.stream) and one.gone_at is None for one in others):
        return Match(candidates=tuple(found), field=field, why=f"another record of the same stream has its {field}")
    contradiction = _contradiction(others, field, values, confidence)
    if contradiction:
        return Match(candidates=tuple(found), field=field, why=f"its {field} agrees, but its {contradiction} differs")
    return Match(entity=found[0], field=field, confidence=sure)


def _contradiction(
    others: list[HeldRecord], agreed: str, values: Mapping[str, list[str]], confidence: Mapping[str, float]
) -> str:
    """A stronger or equal single-valued identifier that both sides have and that differs."""
    for field, mine in values.items():
        if field == agreed or confidence.get(field, WEAK) < 1.0:
            continue
        theirs = {value for row in others for value in identifiers((field,), row.claim).get(field, [])}
        if theirs and not theirs & set(mine):
            return field
    return ""
