"""Microsoft Entra ID: accounts, groups and who is in them, followed by delta queries."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import Field

from connectors.microsoft365 import people
from connectors.microsoft365.accounts import USER, WITH_MANAGER, Accounts
from connectors.microsoft365.graph import LISTED, GraphConfig, Json
from landbridge.connector import Account, Gone, Item, Record, Stream, reads, writes
from landbridge.errors import NotFound, RecordError, ScopeError, TransientError

MEMBERS = "groups/{group}/members"
GROUP = "id,displayName,description,mailNickname,groupTypes,membershipRule"


class EntraConfig(GraphConfig):
    """The sign-in that all of Microsoft 365 shares, and where new accounts belong."""

    domain: str = Field(pattern=r"^[\w.-]+$", description="domain of the accounts' sign-in names, e.g. example.org")


class Entra(Accounts):
    """One tenant's directory."""

    system = "entra"
    Config = EntraConfig
    config: EntraConfig

    groups = Stream("groups/delta", ("id",), "group", params={"$select": GROUP}, reports_gone=True)
    # Of a group that was deleted no delta names the members: the next full read sees that they are gone.
    memberships = Stream("groups/delta", ("group", "user"), "membership", params={"$select": "id,members"})

    @property
    def domain(self) -> str:
        return self.config.domain

    def check(self) -> Account:
        few = {"$select": "id", "$top": 1}
        return self.account(("users", few, "User.ReadWrite.All"), ("groups", few, "GroupMember.ReadWrite.All"))

    # Reading

    @reads(groups)
    def read_groups(self, cursor: Any) -> Iterator[Item]:
        return self.changes(self.groups, cursor)

    @reads(memberships)
    def read_memberships(self, cursor: Any) -> Iterator[Item]:
        """A large group comes in several parts; devices and groups in groups are left out."""
        return self.changes(self.memberships, cursor, _members)

    def record_of(self, stream: Stream, raw: Json) -> Record | Gone:
        if stream is self.users or "@removed" in raw:
            return super().record_of(stream, raw)
        if stream is self.groups:
            return Record(stream.key_of(raw), people.group(raw))
        return Record(stream.key_of(raw), {"group": raw["group"], "user": raw["user"]})

    # Accounts

    @writes(Accounts.users, "create")
    def create_user(self, native: Json, marker: str) -> Json:
        """With a password that nobody ever knows: people set their own by a temporary access pass or a reset."""
        name = people.principal_name(native, self.domain)
        body = people.properties(native) | {
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
        return people.user(body | {"id": key}, self.domain, manager)

    @writes(Accounts.users, "update")
    def update_user(self, key: str, changes: Json, marker: str) -> Json:
        if body := people.properties(changes):
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

    @writes(memberships, "create")
    def create_membership(self, native: Json, marker: str) -> Json:
        group, user = native.get("group"), native.get("user")
        if not group or not user:
            raise RecordError("A membership needs a group and an account.")
        reference = {"@odata.id": f"{self.config.host}/v1.0/directoryObjects/{user}"}
        try:
            self.client.post(f"{MEMBERS}/$ref", path_params={"group": group}, json=reference, safe=True)
        except RecordError:
            if not self._is_member(group, user):
                raise
        return {"group": group, "user": user}

    @writes(memberships, "delete")
    def delete_membership(self, key: str, marker: str) -> None:
        group, user = orjson.loads(key)
        self.client.remove(f"{MEMBERS}/{{user}}/$ref", path_params={"group": group, "user": user})

    # Steps of the above

    def find(self, stream: str, native: Json, marker: str) -> Json | None:
        """Accounts by their sign-in name, if the employee number or an address says that it is the same person."""
        if stream == self.memberships.name:
            known = self._is_member(native["group"], native["user"])
            return {"group": native["group"], "user": native["user"]} if known else None
        try:
            found = self._user(people.principal_name(native, self.domain))
        except NotFound:
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

    def _is_member(self, group: str, user: str) -> bool:
        few = {"$select": "id", "$top": 999}
        pages = self.client.pages(MEMBERS, LISTED, path_params={"group": group}, params=few)
        return any(member.get("id") == user for page in pages for member in page.items)


def _members(raw: Json) -> Iterator[Json]:
    for member in raw.get("members@delta") or ():
        if member.get("@odata.type", "#microsoft.graph.user") == "#microsoft.graph.user":
            yield member | {"group": raw.get("id"), "user": member.get("id")}
