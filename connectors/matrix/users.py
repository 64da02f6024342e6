"""Accounts: read and kept through the administrators' interface."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from connectors.matrix import natives
from connectors.matrix.api import ADMIN, CLIENT, Api, Json
from landbridge.connector import Failure, Item, Stream, Sums, finds, if_there, makes, reads, writes
from landbridge.errors import NotFound, RecordError
from landbridge.http import OffsetPages

ACCOUNTS = f"{ADMIN}/v2/users"
ACCOUNT = f"{ACCOUNTS}/{{user}}"
LISTED = OffsetPages(param="from", items="users", total="total", size=500)
# What the list tells of an account; the rest (addresses, employee number) has to be asked for one by one.
TOLD = ("name", "displayname", "avatar_url", "admin", "deactivated", "locked", "user_type", "is_guest")
EVERYONE = {"guests": "true", "deactivated": "true", "locked": "true"}
LOCALPART = re.compile(r"[a-z0-9._=/+-]{1,200}")


class Users(Api):
    """Everyone with an account, the locked ones too."""

    users = Stream(path=ACCOUNTS, key=("user_id",), kind="person")

    @reads(users)
    def read_users(self, cursor: Any) -> Iterator[Item]:
        """In full one call per account; later only for buckets in which the list has changed.

        An address or employee number that somebody else changes is not in the list: the next full read sees it.
        """
        listed = partial(self.admin.items, ACCOUNTS, LISTED, params=EVERYONE)
        return Sums("name", TOLD).read(cursor, listed, self._read_account)

    @makes(users)
    def account(self, raw: Json) -> Json:
        return natives.account(raw, self.config)

    @writes(users, "create")
    def create_user(self, native: Json, marker: str) -> Json:
        user = self._user_id(native)
        found = if_there(self._detail, user)
        if found is not None:
            remedy = "Reactivate it, or give" if found["deactivated"] else "Link them by employee number, or give"
            raise RecordError("An account of this user name exists.", remedy=f"{remedy} the person another user name.")
        self.admin.put(ACCOUNT, path_params={"user": user}, json=self._body(user, native, {})).part("name", str)
        return self._account(user)

    @writes(users, "update")
    def update_user(self, key: str, changes: Json, marker: str) -> Json:
        body = self._body(key, changes, self._detail(key))
        self.admin.put(ACCOUNT, path_params={"user": key}, json=body)
        return self._account(key)

    @writes(users, "disable")
    def disable_user(self, key: str, marker: str) -> Json:
        """Locked, and signed out everywhere; what the person has written stays."""
        self._detail(key)  # raises NotFound, where the next call would make an account
        self.admin.put(ACCOUNT, path_params={"user": key}, json={"locked": True})
        self.post(f"{CLIENT}/logout/all", {}, key)
        return self._account(key)

    @writes(users, "enable")
    def enable_user(self, key: str, marker: str) -> Json:
        if self._detail(key)["deactivated"]:
            raise RecordError(
                "The account is deactivated for good.", remedy="A server administrator can reactivate it."
            )
        self.admin.put(ACCOUNT, path_params={"user": key}, json={"locked": False})
        return self._account(key)

    @writes(users, "delete")
    def delete_user(self, key: str, marker: str) -> None:
        """Deactivated without erasing: what the person has written stays, attributed."""
        path = f"{ADMIN}/v1/deactivate/{{user}}"
        with suppress(NotFound):
            self.admin.post(path, path_params={"user": key}, json={"erase": False}, safe=True)

    @finds(users)
    def find_user(self, native: Json, marker: str) -> Json | None:
        """By the user name, if the employee number or an address says that it is the same person."""
        row = if_there(self._detail, self._user_id(native))
        if row is None:
            return None
        found = self.account(row)
        same = found["employee_number"] is not None and found["employee_number"] == native.get("employee_number")
        return found if same or set(found["emails"]) & set(_addresses(native)) else None

    # Steps of the above

    def _read_account(self, user: str) -> Iterator[Item]:
        try:
            yield self.item(self.users, self._detail(user))
        except NotFound:
            # The list has just named it. Nobody is gone by one answer against another: the next full read tells.
            yield Failure(user, RecordError("An account is in the list, but its own address does not know it."))
        except RecordError as error:
            yield Failure(user, error)

    def _account(self, user: str) -> Json:
        return self.account(self._detail(user))

    def _detail(self, user: str) -> Json:
        answer = self.admin.get(ACCOUNT, path_params={"user": user})
        return answer.part("", dict) | {"user_id": answer.part("name", str)}

    def _user_id(self, native: Json) -> str:
        name = native.get("localpart")
        if not isinstance(name, str) or not LOCALPART.fullmatch(name):
            raise RecordError("A user name of the letters a-z, digits and ._=/+- was expected.")
        return f"@{name}:{self.config.server}"

    def _body(self, user: str, native: Json, now: Json) -> Json:
        """What to set, with what others have set beside it."""
        body: Json = {}
        if "displayname" in native:
            body["displayname"] = native["displayname"] or ""
        if "emails" in native:
            addresses = _addresses(native)
            for address in addresses:
                self._refuse_holder(user, f"{ADMIN}/v1/threepid/email/users/{{value}}", address, "e-mail address")
            kept = [entry for entry in now.get("threepids", ()) if entry["medium"] != "email"]
            new = [{"medium": "email", "address": address} for address in addresses]
            body["threepids"] = [{"medium": entry["medium"], "address": entry["address"]} for entry in kept] + new
        if "employee_number" in native:
            body["external_ids"] = self._external_ids(user, native["employee_number"], now)
        if "avatar" in native:
            body["avatar_url"] = self.upload(native["avatar"]) if native["avatar"] else ""
        return body

    def _external_ids(self, user: str, number: str | None, now: Json) -> list[Json]:
        mine = self.config.id_provider
        kept = [entry for entry in now.get("external_ids", ()) if entry["auth_provider"] != mine]
        if not number:
            return kept
        path = f"{ADMIN}/v1/auth_providers/{mine}/users/{{value}}"
        self._refuse_holder(user, path, number, "employee number")
        return [*kept, {"auth_provider": mine, "external_id": number}]

    def _refuse_holder(self, user: str, path: str, value: str, what: str) -> None:
        """Synapse itself would move an address from its holder to whoever is given it, without a word."""
        holder = self.admin.find(path, path_params={"value": value})
        if holder and holder.part("user_id", str) != user:
            raise RecordError(f"Another account holds this {what}.", remedy="Decide in Synapse which account is right.")


def _addresses(native: Json) -> list[str]:
    """As Synapse keeps them: it looks addresses up letter by letter."""
    return [str(address).strip().lower() for address in native.get("emails") or ()]
