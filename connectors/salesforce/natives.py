"""Salesforce's records in one form, whichever of its two interfaces they came from; no I/O."""

from __future__ import annotations

from typing import Any

from connectors.salesforce.objects import SObject
from landbridge.connector import Native

USER = "005"  # how ids of users begin; an owner may also be a queue
_TRUTH = {"true": True, "false": False}
_BOOLEANS = frozenset({"IsActive", "IsPublished", "IsDeleted"})


def plain(kind: SObject, raw: Native) -> Native:
    """Bulk API writes texts only, with nothing for null; REST writes JSON, with times of another form."""
    native = {"Id": str(raw["Id"]), **{name: _value(name, raw[name]) for name in kind.fields}}
    if kind.name == "Case":
        native["owner"] = native["OwnerId"] if str(native["OwnerId"]).startswith(USER) else None
    return native


def is_deleted(raw: Native) -> bool:
    return _value("IsDeleted", raw.get("IsDeleted")) is True


def written(kind: SObject, native: Native) -> Native:
    """What of the native may be written, by the names of Salesforce's fields."""
    given = {**native, "OwnerId": native["owner"]} if native.get("owner") else native
    return {name: given[name] for name in kind.written if name in given}


def _value(name: str, value: Any) -> Any:
    if value == "" or value is None:
        return None
    if name in _BOOLEANS:
        return _TRUTH.get(str(value).lower(), value)
    return str(value).replace("+0000", "Z") if name.endswith("Date") else value
