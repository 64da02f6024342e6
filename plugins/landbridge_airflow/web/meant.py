"""Whom or what a decision is about, by name: a number alone is no ground to decide on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from landbridge.store import brakes, entities, records
from landbridge.store.decisions import Decision
from landbridge.sync.preview import label, name_of

NAMED = 20
_LINK = "link:"


def names(conn: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Entity id → what a person would call it; without those that the hub does not know."""
    return {id: name_of(conn, entity) for id, entity in entities.get_many(conn, set(ids)).items()}


def meant(conn: Connection, decision: Decision) -> dict[str, Any]:
    """`named`: (entity, name) of at most NAMED, `more`: how many are left unnamed, `options`: (answer, its words).

    `record` is what the record in question calls itself.
    """
    ids = [decision.entity] if decision.entity else []
    if decision.kind == "brake":
        ids = brakes.held_entities(conn, decision.flow or "", decision.target or "", NAMED)
    linked = [option.removeprefix(_LINK) for option in decision.options if option.startswith(_LINK)]
    found = names(conn, (*ids, *linked))
    named = sorted(((id, found[id]) for id in ids if id in found), key=lambda pair: pair[1].casefold())
    asked = records.get_many(conn, [decision.record]).get(decision.record) if decision.record is not None else None
    return {
        "named": named,
        "record": label(asked.claim or {}) if asked else "",
        "more": max(int(decision.details.get("count", 0)) - NAMED, 0),
        "options": [(option, _words(option, found)) for option in decision.options],
    }


def _words(option: str, names: dict[str, str]) -> str:
    """What stands on the button: a plain answer with a capital, a stream as it is, an entity by its name."""
    if option.startswith(_LINK):
        entity = option.removeprefix(_LINK)
        return f"Link to {names.get(entity, entity)}"
    return option.capitalize() if option.isalpha() else option
