"""Which entity a person means: by its id, by a record's key, or by an identifier."""

from __future__ import annotations

from sqlalchemy import Connection

from landbridge.errors import ConfigError
from landbridge.model import KINDS
from landbridge.store import entities, records
from landbridge.store.entities import EntityRow
from landbridge.sync import Company


def entity_of(conn: Connection, company: Company, said: str) -> EntityRow:
    """Raises ConfigError where nothing or more than one thing is meant."""
    found = _by_id(conn, said) or _by_record(conn, company, said) or _by_identifier(conn, company, said)
    if not found:
        raise ConfigError(
            "Nothing in the hub is called that.",
            remedy="Give an entity id, system/stream/key, an e-mail address or another identifier; "
            "`landbridge entities person --match …` looks for a name.",
        )
    if len(found) > 1:
        ids = ", ".join(f"{one.id} ({one.kind})" for one in found[:5])
        raise ConfigError(f"{len(found)} entities are called that.", remedy=f"Choose one: {ids}.")
    return found[0]


def _by_id(conn: Connection, said: str) -> list[EntityRow]:
    found = entities.get(conn, said)
    return [found] if found else []


def _by_record(conn: Connection, company: Company, said: str) -> list[EntityRow]:
    system, _, rest = said.partition("/")
    stream, slash, key = rest.partition("/")
    if not slash or system not in company.systems:
        return []
    row = records.get(conn, system, stream, key)
    if row is None:
        raise ConfigError(f"The hub has no record with this key in {system}/{stream}.", remedy="Read the stream first.")
    if row.entity is None:
        raise ConfigError(
            f"This record of {system}/{stream} belongs to no entity.",
            remedy="It is not merged yet, not a source of any flow, or waits for a decision: `landbridge decide`.",
        )
    return _by_id(conn, row.entity)


def _by_identifier(conn: Connection, company: Company, said: str) -> list[EntityRow]:
    value = said.strip().casefold()
    ids = {
        hit.entity
        for kind in KINDS
        for field in _identifiers(company, kind)
        for hit in entities.matches(conn, kind, field, [value])
        if hit.entity
    }
    return list(entities.get_many(conn, ids).values())


def _identifiers(company: Company, kind: str) -> dict[str, None]:
    """What records of this kind are recognised by: the hub keeps these values, and only these."""
    of_mappings = [field for mapping in company.mappings.values() if mapping.kind == kind for field in mapping.match]
    return dict.fromkeys((*company.match_fields.get(kind, ()), *of_mappings))
