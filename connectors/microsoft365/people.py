"""Accounts of Entra as natives, and natives as the properties that Entra takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.microsoft365.graph import Json
from landbridge.errors import RecordError

# As they are on both sides.
PLAIN = (
    "displayName", "givenName", "surname", "employeeId", "jobTitle", "mobilePhone", "preferredLanguage",
)  # fmt: skip
TOLD = (
    "id", "userPrincipalName", *PLAIN, "mail", "otherMails", "businessPhones", "accountEnabled", "userType",
    "employeeType", "employeeHireDate", "employeeOrgData",
)  # fmt: skip
SELECT = ",".join(TOLD)


def user(raw: Mapping[str, Any], domain: str, manager: str | None) -> Json:
    """What was never set is left out of answers, so here it is null. Raises KeyError."""
    name = str(raw["userPrincipalName"])
    mine = bool(domain) and name.casefold().endswith(f"@{domain.casefold()}")
    others = [address for address in raw.get("otherMails") or () if address != raw.get("mail")]
    organisation = raw.get("employeeOrgData") or {}
    return {
        "id": raw["id"],
        "userPrincipalName": name,
        "login": name.partition("@")[0] if mine else name,
        **{field: raw.get(field) for field in PLAIN},
        "emails": [raw["mail"], *others] if raw.get("mail") else others,
        "businessPhone": next(iter(raw.get("businessPhones") or ()), None),
        "accountEnabled": raw.get("accountEnabled"),
        "guest": raw.get("userType") == "Guest",
        "employeeType": raw.get("employeeType"),
        "employeeHireDate": raw.get("employeeHireDate"),
        "costCenter": organisation.get("costCenter"),
        "division": organisation.get("division"),
        "manager": manager,
    }


def manager_of(raw: Mapping[str, Any]) -> str | None:
    """The manager that an answer tells: as a change (`manager@delta`), or expanded."""
    for one in raw.get("manager@delta") or ():
        if "@removed" not in one:
            return str(one["id"])
    expanded = raw.get("manager")
    return str(expanded["id"]) if isinstance(expanded, Mapping) else None


def properties(native: Mapping[str, Any]) -> Json:
    """Entra refuses empty texts: null takes a value away."""
    found: Json = {field: native[field] or None for field in PLAIN if field in native}
    if "businessPhone" in native:
        found["businessPhones"] = [native["businessPhone"]] if native["businessPhone"] else []
    if "emails" in native:
        addresses = [str(address).strip() for address in native["emails"] or ()]
        found |= {"mail": addresses[0] if addresses else None, "otherMails": addresses[1:]}
    return found


def principal_name(native: Mapping[str, Any], domain: str) -> str:
    """The sign-in name of a new account. Raises RecordError."""
    login = str(native.get("login") or "")
    name = login if "@" in login else f"{login}@{domain}"
    local = name.partition("@")[0]
    if not local or not local.isascii() or any(sign in local for sign in ' "\\/[]:;|=,+*?<>()'):
        raise RecordError("A user name of letters a-z, digits and ._-' was expected.")
    return name


def group(raw: Mapping[str, Any]) -> Json:
    """A group without its members; those that Microsoft fills by a rule say so. Raises KeyError."""
    kinds = raw.get("groupTypes") or []
    return {
        "id": raw["id"],
        "displayName": raw.get("displayName"),
        "description": raw.get("description"),
        "mailNickname": raw.get("mailNickname"),
        "unified": "Unified" in kinds,
        "rule": raw.get("membershipRule"),
    }
