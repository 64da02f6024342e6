"""Transforms that make lists of objects: e-mail addresses, phones, references."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from landbridge.mapping.pairs import (
    MisuseError,
    Pair,
    expect_list,
    expect_text,
    whole_number,
)
from landbridge.mapping.runtime import UnfitError
from landbridge.mapping.simple import truth
from landbridge.mapping.tree import Scalar


def as_email(type: str | None = None) -> Pair:
    mark: dict[str, Any] = {"type": type} if type else {"primary": True}

    def into(value: Any) -> list[dict[str, Any]]:
        address = expect_text(value).strip()
        return [{"value": address, **mark}] if address else []

    def out(value: Any) -> str | None:
        return _one(value, type, lambda item: item.get("primary") is True)

    return Pair(into, out)


def as_phone(type: str | None = None) -> Pair:
    mark = {"type": type} if type else {}

    def into(value: Any) -> list[dict[str, Any]]:
        number = expect_text(value).strip()
        return [{"value": number, **mark}] if number else []

    return Pair(into, lambda value: _one(value, type, lambda _: False))


def _one(value: Any, wanted: str | None, preferred: Callable[[dict[str, Any]], bool]) -> str | None:
    """The entry of the wanted type, or the preferred, or the first; empty for an empty list, null where none fits."""
    items = [_entry(item) for item in expect_list(value)]
    if not items:
        return ""
    if wanted:
        return next((item["value"] for item in items if item.get("type") == wanted), None)
    found = next((item for item in items if preferred(item)), items[0])
    return str(found["value"])


def _entry(item: Any) -> dict[str, Any]:
    if isinstance(item, dict) and isinstance(item.get("value"), str):
        return item
    raise UnfitError('an object with a text in "value"', item)


def emails(value: str | None = None, type: str | None = None, primary: str | None = None) -> Pair:
    if value:
        return _objects({"value": value, "type": type, "primary": primary})
    if type or primary:
        raise MisuseError('expected emails or emails(value="…", type="…", primary="…")')

    def into(found: Any) -> list[dict[str, Any]]:
        addresses = [address for item in expect_list(found) if (address := expect_text(item).strip())]
        return [{"value": address, "primary": True} if at == 0 else {"value": address}
                for at, address in enumerate(addresses)]  # fmt: skip

    def out(found: Any) -> list[str]:
        items = [_entry(item) for item in expect_list(found)]
        return [str(item["value"]) for item in sorted(items, key=lambda item: item.get("primary") is not True)]

    return Pair(into, out)


def phones(value: str | None = None, type: str | None = None) -> Pair:
    if value:
        return _objects({"value": value, "type": type})
    if type:
        raise MisuseError('expected phones or phones(value="…", type="…")')

    def into(found: Any) -> list[dict[str, Any]]:
        return [{"value": number} for item in expect_list(found) if (number := expect_text(item).strip())]

    return Pair(into, lambda found: [_entry(item)["value"] for item in expect_list(found)])


def _objects(names: dict[str, str | None]) -> Pair:
    """Lists of objects whose keys are named otherwise; keys that are not named are left out."""
    pairs = [(ours, theirs) for ours, theirs in names.items() if theirs]

    def into_one(item: Any) -> dict[str, Any] | None:
        if not isinstance(item, dict):
            raise UnfitError("an object", item)
        entry = {ours: item[theirs] for ours, theirs in pairs if item.get(theirs) is not None}
        if not (address := expect_text(entry.get("value", "")).strip()):
            return None
        entry["value"] = address
        if "primary" in entry and (primary := truth(entry.pop("primary"))) is not None:
            entry["primary"] = primary
        return entry

    def into(value: Any) -> list[dict[str, Any]]:
        return [entry for item in expect_list(value) if (entry := into_one(item))]

    def out(value: Any) -> list[dict[str, Any]]:
        items = [_entry(item) for item in expect_list(value)]
        return [{theirs: item[ours] for ours, theirs in pairs if item.get(ours) is not None} for item in items]

    return Pair(into, out)


def ref(stream: str = "", number: bool = False, none: Scalar = None) -> Pair:
    into_key, out_key = _keys(stream, number)

    def into(value: Any) -> dict[str, str] | None:
        if value == "" or (none is not None and value == none and type(value) is type(none)):
            return None
        return into_key(value)

    return Pair(
        into,
        lambda value: none if value is None else out_key(value),
        null_out=none is not None,
    )


def refs(stream: str, number: bool = False) -> Pair:
    """Also objects whose values are lists of keys, as reactions are: {"👍": [key, …]}."""
    into_key, out_key = _keys(stream, number)
    return Pair(_each(into_key), _each(out_key))


def _each(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def convert_all(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: [convert(item) for item in expect_list(items)] for name, items in value.items()}
        return [convert(item) for item in expect_list(value)]

    return convert_all


def _keys(stream: str, number: bool) -> tuple[Callable[[Any], dict[str, str]], Callable[[Any], Any]]:
    """Without a stream the native is a reference already: the connector knows which stream is meant."""
    if not stream and number:
        raise MisuseError("number=true needs the name of a stream")

    def into(value: Any) -> dict[str, str]:
        if not stream:
            return _reference(value)
        if type(value) is int:
            return {"stream": stream, "key": str(value)}
        if isinstance(value, list) and value and all(_is_key(part) for part in value):
            # The same text as a record's key of several parts.
            return {
                "stream": stream,
                "key": orjson.dumps([str(part) for part in value]).decode(),
            }
        if not _is_key(value):
            raise UnfitError("a key (a text or a whole number)", value)
        return {"stream": stream, "key": str(value)}

    def out(value: Any) -> Any:
        found = _reference(value)
        if not stream:
            return found
        if found["stream"] != stream:
            raise UnfitError(f"a reference to a record of {stream}, not of {found['stream']}")
        key = found["key"]
        return whole_number(key, "a key that is a whole number") if number else key

    return into, out


def _reference(value: Any) -> dict[str, str]:
    if isinstance(value, dict) and isinstance(value.get("stream"), str) and isinstance(value.get("key"), str):
        return {"stream": value["stream"], "key": value["key"]}
    raise UnfitError('a reference, {"stream": …, "key": …}', value)


def _is_key(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""
