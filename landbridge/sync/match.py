"""Whose record is this? Tiers of identifiers, strongest first; what is ambiguous or weak is asked, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from landbridge.store import decisions, entities, records
from landbridge.store.records import Row

# How sure an equal value makes us; below SURE a person is asked.
CONFIDENCE = {"employee_number": 1.0, "emails": 0.95, "user_name": 0.9, "alias": 1.0, "code": 1.0, "number": 1.0}
WEAK = 0.5
SURE = 0.9


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
        for value in values if isinstance(values, list) else [values]:
            text = value.get("value") if isinstance(value, dict) else value
            if text not in (None, ""):
                found.setdefault(field, []).append(str(text).strip().casefold())
    return found


def find(conn: Connection, row: Row, fields: tuple[str, ...]) -> Match:
    """Look in tiers; the first tier with any entity decides."""
    values = identifiers(fields, row.claim or {})
    unlinked: set[int] = set()
    for field in fields:
        hits = [
            hit for hit in entities.matches(conn, row.kind, field, values.get(field, [])) if hit.record_id != row.id
        ]
        unlinked.update(
            hit.record_id for hit in hits if hit.entity is None and (hit.system, hit.stream) != (row.system, row.stream)
        )
        linked = {hit.entity for hit in hits if hit.entity}
        found = sorted(linked - decisions.apart_from(conn, row.id, linked))
        if found:
            return _judge(conn, row, field, found, values)
    return Match(unlinked=tuple(sorted(unlinked)))


def _judge(conn: Connection, row: Row, field: str, found: list[str], values: dict[str, list[str]]) -> Match:
    confidence = CONFIDENCE.get(field, WEAK)
    if len(found) > 1:
        return Match(candidates=tuple(found), field=field, why=f"{len(found)} {row.kind}s share its {field}")
    if confidence < SURE:
        return Match(candidates=tuple(found), field=field, confidence=confidence, why=f"only its {field} agrees")
    others = records.of_entity(conn, found[0])
    if any((one.system, one.stream) == (row.system, row.stream) and one.gone_at is None for one in others):
        return Match(candidates=tuple(found), field=field, why=f"another record of the same stream has its {field}")
    contradiction = _contradiction(others, field, values)
    if contradiction:
        return Match(candidates=tuple(found), field=field, why=f"its {field} agrees, but its {contradiction} differs")
    return Match(entity=found[0], field=field, confidence=confidence)


def _contradiction(others: list[Row], agreed: str, values: dict[str, list[str]]) -> str:
    """A stronger or equal single-valued identifier that both sides have and that differs."""
    for field, mine in values.items():
        if field == agreed or CONFIDENCE.get(field, WEAK) < 1.0:
            continue
        theirs = {value for row in others for value in identifiers((field,), row.claim or {}).get(field, [])}
        if theirs and not theirs & set(mine):
            return field
    return ""
