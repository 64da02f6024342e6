"""References between what systems say and what the company knows, resolved through links in both directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeGuard
from urllib.parse import quote, unquote

from sqlalchemy import Connection

from landbridge.richtext import escape
from landbridge.store import records
from landbridge.store.records import Row

Ref = tuple[str, str, str]  # system, stream, key
# Without what it belongs to, a message or a membership could end up in the wrong place, so it waits.
NEEDED = {"message": ("thread", "space"), "membership": ("group", "person")}
_NATIVE_MENTION = re.compile(r"@\{person:~([^}\s]+)\}")
_MENTION = re.compile(r"@\{person:([0-9a-f-]{36})\}")


class Links:
    """The links that a batch of claims needs, fetched together and kept current while the batch links more."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._known: dict[Ref, str | None] = {}

    def prefetch(self, refs: Iterable[Ref]) -> None:
        wanted: dict[tuple[str, str], list[str]] = {}
        for system, stream, key in set(refs) - self._known.keys():
            wanted.setdefault((system, stream), []).append(key)
        for (system, stream), keys in wanted.items():
            found = records.by_keys(self._conn, system, stream, keys)
            self._known.update({(system, stream, key): found[key].entity if key in found else None for key in keys})

    def get(self, ref: Ref) -> str | None:
        if ref not in self._known:
            self.prefetch([ref])
        return self._known[ref]

    def set(self, row: Row, entity: str) -> None:
        self._known[row.system, row.stream, row.key] = entity


def is_ref(value: Any) -> TypeGuard[dict[str, str]]:
    return isinstance(value, dict) and value.keys() == {"stream", "key"}


def refs_in(value: Any) -> Iterator[dict[str, str]]:
    """All references inside a claim's value."""
    if is_ref(value):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from refs_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from refs_in(inner)


def refs_of(claim: dict[str, Any], system: str, people: str | None) -> set[Ref]:
    """Every record that a claim refers to, mentions in its text included."""
    found = {(system, ref["stream"], ref["key"]) for ref in refs_in(claim)}
    for text in _texts(claim):
        found.update((system, people, unquote(key)) for key in _NATIVE_MENTION.findall(text) if people)
    return found


def _texts(claim: dict[str, Any]) -> Iterator[str]:
    return (value for value in claim.values() if isinstance(value, str) and "@{person:" in value)


def resolve(claim: dict[str, Any], system: str, people: str | None, links: Links) -> tuple[dict[str, Any], set[Ref]]:
    """The claim with entity ids for references; what has no link yet is left out and returned beside it."""
    missing: set[Ref] = set()

    def entity(stream: str, key: str) -> str | None:
        found = links.get((system, stream, key))
        if found is None:
            missing.add((system, stream, key))
        return found

    data = {}
    for field, value in claim.items():
        resolved = _resolve_value(value, entity)
        if resolved is None and value is not None:
            continue
        if isinstance(resolved, str) and people and "@{person:~" in resolved:
            resolved = _NATIVE_MENTION.sub(lambda found: _mention(found, entity, people), resolved)
        data[field] = resolved
    return data, missing


def _mention(found: re.Match[str], entity: Callable[[str, str], str | None], people: str) -> str:
    person = entity(people, unquote(found[1]))
    return f"@{{person:{person}}}" if person else found[0]


def _resolve_value(value: Any, entity: Callable[[str, str], str | None]) -> Any:
    if is_ref(value):
        return entity(value["stream"], value["key"])
    if isinstance(value, dict):
        return {name: _resolve_value(inner, entity) for name, inner in value.items()}
    if isinstance(value, list):
        resolved = [_resolve_value(inner, entity) for inner in value]
        return [one for one, was in zip(resolved, value, strict=True) if one is not None or was is None]
    return value


def references(kind_fields: Iterable[str], data: dict[str, Any]) -> dict[str, list[str]]:
    """Field → entity ids, of the single references and the mentions of an entity; for the reverse index."""
    found = {field: [data[field]] for field in kind_fields if isinstance(data.get(field), str)}
    mentioned = [person for text in _texts(data) for person in _MENTION.findall(text)]
    if mentioned:
        found["mentions"] = sorted(set(mentioned))
    return found


def record_in(rows: Iterable[Row], system: str, stream: str) -> Row | None:
    """The live record that shows an entity in this stream; a person's own (source) before a copy."""
    found = [row for row in rows if row.system == system and row.stream == stream and row.gone_at is None]
    return min(found, key=lambda row: (row.role != "source", row.id)) if found else None


def native_mentions(text: str, key_of: Callable[[str], str | None], label_of: Callable[[str], str]) -> str:
    """Mentions as a target knows them: `~key` where the person has an account there, else the person's name."""

    def one(found: re.Match[str]) -> str:
        key = key_of(found[1])
        return f"@{{person:~{quote(key, safe='')}}}" if key else escape(label_of(found[1]))

    return _MENTION.sub(one, text) if "@{person:" in text else text
