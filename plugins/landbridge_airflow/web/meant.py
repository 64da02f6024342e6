"""Whom or what a decision is about, by name: a number alone is no ground to decide on."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from landbridge.cli.find import name_of
from landbridge.store import deliveries, entities
from landbridge.store.decisions import Decision

NAMED = 20
_LINK = "link:"


def meant(conn: Connection, decision: Decision) -> dict[str, Any]:
    """`named`: (entity, name) of at most NAMED, `more`: how many are left unnamed, `options`: (answer, its words)."""
    held = str(decision.details.get("fingerprint", "")).split(",") if decision.kind == "brake" else []
    rows = [row for id in held[:NAMED] if (row := deliveries.by_id(conn, int(id)))]
    ids = [decision.entity] if decision.entity else [row.entity for row in rows]
    linked = [option.removeprefix(_LINK) for option in decision.options if option.startswith(_LINK)]
    found = entities.get_many(conn, {*ids, *linked})
    names = {id: name_of(conn, entity) for id, entity in found.items()}
    named = sorted(((id, names[id]) for id in ids if id in names), key=lambda pair: pair[1].casefold())
    return {
        "named": named,
        "more": max(len(held) - NAMED, 0),
        "options": [(option, _words(option, names)) for option in decision.options],
    }


def _words(option: str, names: dict[str, str]) -> str:
    """What stands on the button: a plain answer with a capital, a stream as it is, an entity by its name."""
    if option.startswith(_LINK):
        entity = option.removeprefix(_LINK)
        return f"Link to {names.get(entity, entity)}"
    return option.capitalize() if option.isalpha() else option
