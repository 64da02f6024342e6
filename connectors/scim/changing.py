"""Changes of a resource as values: what is still to do, how it is said, and whether it was done."""

from __future__ import annotations

import copy
from typing import Any

from connectors.scim.natives import ENTERPRISE

Json = dict[str, Any]
# By the place in the resource: ("name", "givenName"), or the extension and its attribute. None and [] empty it.
Changes = dict[tuple[str, ...], Any]


def undone(raw: Json, wanted: Changes) -> Changes:
    return {place: value for place, value in wanted.items() if not _alike(_at(raw, place), value)}


def operations(wanted: Changes) -> list[Json]:
    """The operations of a PATCH (RFC 7644, 3.5.2)."""
    return [
        {"op": "remove", "path": path_of(place)}
        if value in (None, [])
        else {"op": "replace", "path": path_of(place), "value": value}
        for place, value in wanted.items()
    ]


def replaced(raw: Json, wanted: Changes) -> Json:
    """The whole resource for a PUT, with what nobody asked to change as it is."""
    whole = copy.deepcopy({name: value for name, value in raw.items() if name not in ("meta", "groups")})
    for place, value in wanted.items():
        holder = whole
        for step in place[:-1]:
            holder = holder.setdefault(step, {})
        holder[place[-1]] = value
        if value in (None, []):
            del holder[place[-1]]
        if ENTERPRISE in place and ENTERPRISE not in whole["schemas"]:
            whole["schemas"].append(ENTERPRISE)
    return whole


def lost(before: Json, after: Json, wanted: Changes) -> list[str]:
    """What is as before although it was to change; another form of what was wanted is the provider's own affair."""
    return [
        path_of(place)
        for place, value in wanted.items()
        if not _alike(_at(after, place), value) and _alike(_at(after, place), _at(before, place))
    ]


def path_of(place: tuple[str, ...]) -> str:
    return f"{place[0]}:{place[1]}" if place[0] == ENTERPRISE else ".".join(place)


def _at(raw: Json, place: tuple[str, ...]) -> Any:
    found: Any = raw
    for step in place:
        by_name = {name.lower(): value for name, value in found.items()} if isinstance(found, dict) else {}
        found = by_name.get(step.lower())
    return found


def _alike(one: Any, other: Any) -> bool:
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    """Without what providers change on their own: letters' case, the order of lists, what they add to an entry."""
    if isinstance(value, list):
        return sorted(str(_plain(one)) for one in value) or None
    if isinstance(value, dict):
        return _plain(value.get("value"))
    return None if value is None else str(value).strip().casefold()
