"""Resources as natives: one form for all providers, whatever each of them makes of booleans, lists and letters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from landbridge.errors import RecordError

Native = dict[str, Any]

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
SCHEMAS = {"person": USER, "group": GROUP}
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
TEXTS = ("userName", "externalId", "displayName", "title", "userType", "preferredLanguage", "locale", "timezone")
NAME = ("formatted", "familyName", "givenName")
COMPANY = ("employeeNumber", "costCenter", "organization", "division", "department")
LISTS = ("emails", "phoneNumbers")
TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def user(raw: Native, supported: Collection[str] = ()) -> Native:
    """Of what the provider has (`supported`, small letters) what is left out is null; of all else nothing is said.

    Raises RecordError.
    """
    found = _by_name(raw)
    native: Native = {"id": key_of(raw), **_texts(found, TEXTS, supported)}
    if (active := found.get("active")) is not None:
        native["active"] = boolean(active, "active")
    if name := _texts(_by_name(found.get("name")), NAME, supported, "name."):
        native["name"] = name
    for each in LISTS:
        if each.lower() in found or each.lower() in supported:
            native[each] = [_entry(value, each) for value in _listed(found.get(each.lower()))]
    company = _company(_by_name(found.get(ENTERPRISE.lower())), supported)
    return native | ({"enterprise": company} if company else {})


def group(raw: Native, supported: Collection[str] = ()) -> Native:
    return {"id": key_of(raw)} | _texts(_by_name(raw), ("displayName", "externalId"), supported)


def members(raw: Native) -> list[str] | None:
    """The keys of the people in a group, without groups in it; None where the provider left them out."""
    found = _by_name(raw)
    if "members" not in found:
        return None
    people = [one for one in map(_member, _listed(found["members"])) if one]
    return list(dict.fromkeys(people))


def id_of(raw: Native) -> str:
    """Empty where there is none."""
    found = _by_name(raw).get("id")
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def key_of(raw: Native) -> str:
    """Raises RecordError."""
    if not (found := id_of(raw)):
        raise RecordError("A resource has no id.")
    return found


def is_equal(raw: Native, attribute: str, value: str) -> bool:
    """As a filter by equality compares (RFC 7644, 3.4.2.2); all attributes that are looked for are without case."""
    return str(_by_name(raw).get(attribute.lower(), "")).casefold() == value.casefold()


def boolean(value: Any, name: str) -> bool:
    """Some providers write booleans as texts, `"False"` among them. Raises RecordError."""
    found = value if isinstance(value, bool) else TRUTH.get(str(value).strip().lower())
    if found is None:
        raise RecordError(f"{name} is neither true nor false.")
    return found


def resource(native: Native, schema: str) -> Native:
    """A native as the resource to create."""
    body = {name: value for name, value in native.items() if name != "enterprise" and value not in (None, [], {})}
    schemas = [schema]
    company = {part: value for part, value in (native.get("enterprise") or {}).items() if value is not None}
    if company:
        schemas.append(ENTERPRISE)
        body[ENTERPRISE] = {part: _outward(part, value) for part, value in company.items()}
    if name := body.get("name"):
        body["name"] = {part: value for part, value in name.items() if value is not None}
    return {"schemas": schemas, **body}


def changes(native: Native) -> dict[tuple[str, ...], Any]:
    """What is to be set, by the place in the resource where it stands."""
    found: dict[tuple[str, ...], Any] = {}
    for name, value in native.items():
        if name == "enterprise":
            found |= {(ENTERPRISE, part): _outward(part, each) for part, each in (value or {}).items()}
        elif name == "name":
            found |= {(name, part): each for part, each in (value or {}).items()}
        else:
            found[(name,)] = value
    return found


def _outward(part: str, value: Any) -> Any:
    return {"value": value} if part == "manager" and value is not None else value


def _company(found: Native, supported: Collection[str]) -> Native:
    native = _texts(found, COMPANY, supported, f"{ENTERPRISE}.".lower())
    if "manager" in found or f"{ENTERPRISE}.manager".lower() in supported:
        native["manager"] = next((one for one in map(_member, _listed(found.get("manager"))) if one), None)
    return native


def _texts(found: Native, names: tuple[str, ...], supported: Collection[str], above: str = "") -> Native:
    native: Native = {}
    for name in names:
        if name.lower() in found:
            native[name] = _text(found[name.lower()], name)
        elif f"{above}{name}".lower() in supported:
            native[name] = None
    return native


def _text(value: Any, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise RecordError(f"{name} is no text.")


def _entry(value: Any, name: str) -> Native:
    """An address or number; where there is no object, the value itself."""
    found = _by_name(value) if isinstance(value, dict) else {"value": value}
    entry: Native = {"value": _text(found.get("value"), name) or ""}
    if kind := found.get("type"):
        entry["type"] = str(kind)
    if found.get("primary") is not None:
        entry["primary"] = boolean(found["primary"], f"{name}.primary")
    return entry


def _member(value: Any) -> str | None:
    """The key of a person referred to; None for a group."""
    found = _by_name(value) if isinstance(value, dict) else {"value": value}
    of_group = str(found.get("type") or "").lower() == "group" or "/groups/" in str(found.get("$ref") or "").lower()
    key = found.get("value")
    return None if of_group or key in (None, "") else str(key)


def _listed(value: Any) -> list[Any]:
    """Some send one object where a list is meant."""
    return [] if value is None else value if isinstance(value, list) else [value]


def _by_name(raw: Any) -> Native:
    """Names of attributes have no case (RFC 7643, 2.1)."""
    return {str(name).lower(): value for name, value in raw.items()} if isinstance(raw, dict) else {}
