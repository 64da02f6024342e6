"""References between what systems say and what the company knows, resolved through links in both directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeGuard
from urllib.parse import quote, unquote

from landbridge.model import holding_refs
from landbridge.richtext import escape
from landbridge.store.held_records import Ref
from landbridge.store.records import Row

# Without what it belongs to, a message or a membership could end up in the wrong place, so it waits.
NEEDED = {"message": ("thread", "space"), "membership": ("group", "person")}
_NESTED = (dict, list)
_NATIVE_SPACE = re.compile(r"#\{space:~([^}\s]+)\}")
_NATIVE_MENTION = re.compile(r"@\{person:~([^}\s]+)\}")
_MENTION = re.compile(r"@\{person:([0-9a-f-]{36})\}")


def is_ref(value: Any) -> TypeGuard[dict[str, str]]:
    return isinstance(value, dict) and value.keys() == {"stream", "key"}


def refs_in(value: dict[str, Any] | Sequence[Any]) -> Iterator[dict[str, str]]:
    """All references inside a claim, or a value of it."""
    for inner in value.values() if isinstance(value, dict) else value:
        if inner.__class__ is dict and len(inner) == 2 and is_ref(inner):
            yield inner
        elif inner.__class__ in _NESTED and inner:
            yield from refs_in(inner)


def fields_with_refs(kind: str, claim: dict[str, Any]) -> list[str]:
    """Most hold none, and need not be looked through again."""
    fields = [field for field in holding_refs(kind) if field in claim and _holds_ref(claim[field])]
    fields += [field for field, value in claim.items() if value.__class__ is str and "@{person:~" in value]
    return fields


def _holds_ref(value: Any) -> bool:
    if value.__class__ not in _NESTED:
        return False
    return is_ref(value) or any(map(_holds_ref, value.values() if value.__class__ is dict else value))


def refs_of(claim: dict[str, Any], fields: Iterable[str], system: str, people: str | None) -> set[Ref]:
    """Every record that these fields of a claim refer to, mentions in its text included."""
    values = [claim[field] for field in fields]
    found = {(system, ref["stream"], ref["key"]) for ref in refs_in(values)}
    for text in values if people else ():
        if isinstance(text, str):
            found.update((system, str(people), unquote(key)) for key in _NATIVE_MENTION.findall(text))
    return found


def _texts(claim: dict[str, Any]) -> Iterator[str]:
    return (value for value in claim.values() if isinstance(value, str) and "@{person:" in value)


def resolve(
    claim: dict[str, Any],
    fields: Iterable[str],
    system: str,
    people: str | None,
    linked: Callable[[Ref], str | None],
) -> tuple[dict[str, Any], set[Ref]]:
    """The claim with entity ids for the references in these fields; what has no link yet is left out and told."""
    missing: set[Ref] = set()

    def entity(stream: str, key: str) -> str | None:
        found = linked((system, stream, key))
        if found is None:
            missing.add((system, stream, key))
        return found

    data = dict(claim)
    for field in fields:
        value = claim[field]
        if isinstance(value, str):
            data[field] = _NATIVE_MENTION.sub(lambda found: _mention(found, entity, people), value) if people else value
        elif (resolved := _resolve_value(value, entity)) is not None:
            data[field] = resolved
        else:
            del data[field]
    return data, missing


def _mention(found: re.Match[str], entity: Callable[[str, str], str | None], people: str) -> str:
    person = entity(people, unquote(found[1]))
    return f"@{{person:{person}}}" if person else found[0]


def _resolve_value(value: Any, entity: Callable[[str, str], str | None]) -> Any:
    if is_ref(value):
        return entity(value["stream"], value["key"])
    if isinstance(value, dict):
        return {name: _resolve_value(inner, entity) for name, inner in value.items()}
    if not isinstance(value, list):
        return value
    resolved = [_resolve_value(inner, entity) for inner in value]
    return [one for one, was in zip(resolved, value, strict=True) if one is not None or was is None]


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


def unlinked_mentions(text: str, name_of: Callable[[str], str]) -> str:
    """Mentions that no link leads from, as text: another system would take such a key for one of its own."""

    def one(found: re.Match[str]) -> str:
        return escape(f"@{name_of(unquote(found[1])).removeprefix('@')}")

    return _NATIVE_MENTION.sub(one, text) if "@{person:~" in text else text


def mentioned_spaces(text: str, key_of: Callable[[str], str | None], name_of: Callable[[str], str]) -> str:
    """Mentions of another system's spaces: of the target's own where a link leads there, else as text."""

    def one(found: re.Match[str]) -> str:
        key = key_of(unquote(found[1]))
        name = name_of(unquote(found[1])).removeprefix("#")
        return f"#{{space:~{quote(key, safe='')}}}" if key else escape(f"#{name}")

    return _NATIVE_SPACE.sub(one, text) if "#{space:~" in text else text
