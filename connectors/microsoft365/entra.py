"""Microsoft Entra ID: accounts, groups and who is in them, followed by delta queries."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from connectors.microsoft365.accounts import PLAIN, USER, WITH_MANAGER, Accounts, user
from connectors.microsoft365.graph import DELTA, LISTED, Json, removed
from connectors.microsoft365.notifications import Notified, NotifiedConfig
from landbridge.connector import Account, Gone, Item, Members, Record, Stream, finds, if_there, reads, writes
from landbridge.errors import RecordError, ScopeError, TransientError

MEMBERS = "groups/{group}/members"
GROUP = "id,displayName,description,mailNickname,groupTypes,membershipRule"


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


class EntraConfig(NotifiedConfig):
    """The sign-in that all of Microsoft 365 shares, and where new accounts belong."""

    domain: str = Field(pattern=r"^[\w.-]+$", description="domain of the accounts' sign-in names, e.g. example.org")


class Entra(Accounts, Notified, Members):
    """One tenant's directory."""

    system = "entra"
    Config = EntraConfig
    config: EntraConfig

    groups = Stream(
        "groups/delta", ("id",), "group", DELTA, params={"$select": GROUP}, reports_gone=True, gone=removed,
        native=group,
    )  # fmt: skip
    # Of a group that was deleted no delta names the members: the next full read sees that they are gone.
    memberships = Stream(
        "groups/delta", ("group", "user"), "membership", DELTA, params={"$select": "id,members"}, gone=removed,
    )  # fmt: skip

    # An account is updated where it is made or put into the bin, and deleted when the bin is emptied.
    told_stream, told_changes = "users", "updated,deleted"

    def record_of(self, stream: Stream, raw: Json) -> Record | Gone:
        if stream is self.users and not removed(raw):
            return Record(stream.key_of(raw), user(raw, self.config.domain))
        return super().record_of(stream, raw)

    def resources(self) -> tuple[str, ...]:
        return ("users",)

    def check(self) -> Account:
        few = {"$select": "id", "$top": 1}
        return self.account(("users", few, "User.ReadWrite.All"), ("groups", few, "GroupMember.ReadWrite.All"))

    @reads(memberships)
    def read_memberships(self, cursor: Any) -> Iterator[Item]:
        return self.changes(self.memberships, cursor, _members)

    # Accounts

    @writes(Accounts.users, "create")
    def create_user(self, native: Json, marker: str) -> Json:
        """With a password that nobody ever knows: people set their own by a temporary access pass or a reset."""
        name = principal_name(native, self.config.domain)
        body = properties(native) | {
            "accountEnabled": True,
            "userPrincipalName": name,
            "mailNickname": name.partition("@")[0],
            "passwordProfile": {"forceChangePasswordNextSignIn": True, "password": secrets.token_urlsafe(32)},
        }
        body["displayName"] = body.get("displayName") or name.partition("@")[0]
        sent = {field: value for field, value in body.items() if value is not None}
        made = self.client.post("users", json=sent)
        key = made.part("id", str)
        manager = native.get("manager")
        if manager:
            try:
                self._set_manager(key, manager)
            except (RecordError, ScopeError, TransientError):
                manager = None  # the account is there: to fail now would have it made a second time
        # A directory answers from many places: the one asked next may not know the account yet.
        return user(body | {"id": key, "manager": {"id": manager} if manager else None}, self.config.domain)

    @writes(Accounts.users, "update")
    def update_user(self, key: str, changes: Json, marker: str) -> Json:
        if body := properties(changes):
            self.client.patch(USER, path_params={"user": key}, json=body, safe=True)
        if "manager" in changes:
            self._set_manager(key, changes["manager"])
        return self._user(key)

    @writes(Accounts.users, "disable")
    def disable_user(self, key: str, marker: str) -> Json:
        """No sign-in any more, and those that are open end."""
        self.client.patch(USER, path_params={"user": key}, json={"accountEnabled": False}, safe=True)
        self.client.post(f"{USER}/revokeSignInSessions", path_params={"user": key}, json={}, safe=True)
        return self._user(key)

    @writes(Accounts.users, "enable")
    def enable_user(self, key: str, marker: str) -> Json:
        self.client.patch(USER, path_params={"user": key}, json={"accountEnabled": True}, safe=True)
        return self._user(key)

    # Members of groups

    def is_in(self, stream: Stream, place: str, person: str) -> bool:
        few = {"$select": "id", "$top": 999}
        members = self.client.items(MEMBERS, LISTED, path_params={"group": place}, params=few)
        return any(member.get("id") == person for member in members)

    def bring_in(self, stream: Stream, place: str, person: str) -> None:
        reference = {"@odata.id": f"{self.config.host}/v1.0/directoryObjects/{person}"}
        try:
            self.client.post(f"{MEMBERS}/$ref", path_params={"group": place}, json=reference, safe=True)
        except RecordError:
            if not self.is_in(stream, place, person):
                raise

    def put_out(self, stream: Stream, place: str, person: str) -> None:
        self.client.remove(f"{MEMBERS}/{{user}}/$ref", path_params={"group": place, "user": person})

    # Steps of the above

    @finds(Accounts.users)
    def find_user(self, native: Json, marker: str) -> Json | None:
        """By its sign-in name, if the employee number or an address says that it is the same person."""
        found = if_there(self._user, principal_name(native, self.config.domain))
        if found is None:
            return None
        same = found["employeeId"] is not None and found["employeeId"] == native.get("employeeId")
        mine = {str(address).casefold() for address in native.get("emails") or ()}
        return found if same or mine & {address.casefold() for address in found["emails"]} else None

    def _user(self, key: str) -> Json:
        answer = self.client.get(USER, path_params={"user": key}, params=WITH_MANAGER)
        return self.native_of(self.users, answer)

    def _set_manager(self, key: str, manager: str | None) -> None:
        path, named = f"{USER}/manager/$ref", {"user": key}
        if manager:
            self.client.put(path, path_params=named, json={"@odata.id": f"{self.config.host}/v1.0/users/{manager}"})
        else:
            self.client.remove(path, path_params=named)


def _members(raw: Json) -> Iterator[Json]:
    """A large group comes in several parts; devices and groups in groups are left out."""
    for one in raw.get("members@delta") or ():
        if one.get("@odata.type", "#microsoft.graph.user") == "#microsoft.graph.user":
            gone = {"@removed": True} if removed(one) else {}
            yield {"group": raw.get("id"), "user": one.get("id"), **gone}
