"""The tenant's accounts, as every connector of Microsoft 365 reads them: its own records refer to people by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.microsoft365.graph import DELTA, Graph, Json, removed
from landbridge.connector import Item, Stream, reads

# As they are on both sides.
PLAIN = (
    "displayName", "givenName", "surname", "employeeId", "jobTitle", "mobilePhone", "preferredLanguage",
)  # fmt: skip
TOLD = (
    "id", "userPrincipalName", *PLAIN, "mail", "otherMails", "businessPhones", "accountEnabled", "userType",
    "employeeType", "employeeHireDate", "employeeOrgData",
)  # fmt: skip
SELECT = ",".join(TOLD)
USER = "users/{user}"
WITH_MANAGER = {"$select": SELECT, "$expand": "manager($select=id)"}


def user(raw: Mapping[str, Any], domain: str = "") -> Json:
    """What was never set is left out of answers, so here it is null; `domain` is left out of the login. Raises KeyError."""
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
        "manager": manager_of(raw),
    }


def manager_of(raw: Mapping[str, Any]) -> str | None:
    """The manager that an answer tells: as a change (`manager@delta`), or expanded."""
    for one in raw.get("manager@delta") or ():
        if "@removed" not in one:
            return str(one["id"])
    expanded = raw.get("manager")
    return str(expanded["id"]) if isinstance(expanded, Mapping) else None


class Accounts(Graph):
    """Accounts by delta."""

    users = Stream(
        "users/delta", ("id",), "person", DELTA, params={"$select": f"{SELECT},manager"}, reports_gone=True, gone=removed,
        native=user,
    )  # fmt: skip

    @reads(users)
    def read_users(self, cursor: Any) -> Iterator[Item]:
        """A round tells whole accounts; a later one leaves out the manager where only other things changed."""
        return self.changes(self.users, cursor, None if cursor is None else self._completed)

    def _completed(self, raw: Json) -> Iterator[Json]:
        """What the change itself says stands above what is fetched: another place of the directory may be behind."""
        told = {}
        if raw.get("id") and not raw.keys() & {"@removed", "manager@delta"}:
            found = self.client.find(USER, path_params={"user": raw["id"]}, params=WITH_MANAGER)
            told = found.part("", dict) if found else {}
        yield told | raw
