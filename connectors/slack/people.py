"""Accounts, which Slack lets only its own administration change, and user groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from connectors.slack import natives
from connectors.slack.api import NEXT, PAGE, Api, Json
from landbridge.connector import Complete, Failure, Item, Record, Stream, key_text, reads, writes
from landbridge.errors import NotFound, RecordError
from landbridge.http import CursorPages

MEMBERS = CursorPages(param="cursor", path=NEXT, items="members", size_param="limit", size=PAGE)
WHOLE = {"include_users": "true", "include_disabled": "true"}


class Users(Api):
    """Everyone with an account, leavers too."""

    users = Stream("api/users.list", ("id",), "person")

    @reads(users)
    def read_users(self, cursor: Any) -> Iterator[Item]:
        """In full each time: Slack lists who there is, not who has changed. A call per 200 people."""
        yield from self.records(self.accounts(), natives.user)
        yield Complete()

    def accounts(self) -> Iterator[Json]:
        for page in self.list_all("users.list", MEMBERS, include_locale="true"):
            yield from page


class UserGroups(Api):
    """User groups (paid plans), each with its whole list of members in one answer."""

    usergroups = Stream("api/usergroups.list", ("id",), "group")
    usergroup_members = Stream("api/usergroups.list", ("usergroup", "user"), "membership")

    @reads(usergroups)
    def read_usergroups(self, cursor: Any) -> Iterator[Item]:
        yield from self.records(self._groups(), natives.usergroup)
        yield Complete()

    @reads(usergroup_members)
    def read_usergroup_members(self, cursor: Any) -> Iterator[Item]:
        for group in self.records(self._groups(), lambda raw: {"users": sorted(raw.get("users") or ())}):
            if isinstance(group, Failure):
                yield group
                continue
            for user in group.native["users"]:
                yield Record(key_text((group.key, user)), {"usergroup": group.key, "user": user})
        yield Complete()

    @writes(usergroups, "create")
    def create_usergroup(self, native: Json, marker: str) -> Json:
        return self._tell("create", safe=False, **_described(native))

    @writes(usergroups, "update")
    def update_usergroup(self, key: str, changes: Json, marker: str) -> Json:
        return self._tell("update", usergroup=key, **_described(changes))

    @writes(usergroups, "disable")
    def disable_usergroup(self, key: str, marker: str) -> Json:
        return self._switched("disable", key, "already_disabled")

    @writes(usergroups, "enable")
    def enable_usergroup(self, key: str, marker: str) -> Json:
        return self._switched("enable", key, "already_enabled")

    @writes(usergroup_members, "create")
    def create_usergroup_member(self, native: Json, marker: str) -> Json:
        group, user = native.get("usergroup"), native.get("user")
        if not group or not user:
            raise RecordError("A membership needs a user group and an account.")
        self._set_members(group, [*self._members(group), user])
        return {"usergroup": group, "user": user}

    @writes(usergroup_members, "delete")
    def delete_usergroup_member(self, key: str, marker: str) -> None:
        group, user = orjson.loads(key)
        members = self._members(group)
        if user not in members:
            return
        if members == [user]:
            raise RecordError("Slack keeps no user group without members.", remedy="Disable the user group instead.")
        self._set_members(group, [one for one in members if one != user])

    def find_usergroup(self, native: Json) -> Json | None:
        """By the handle, which Slack keeps unique."""
        found = (raw for raw in self._groups() if raw.get("handle") and raw["handle"] == native.get("handle"))
        return next((natives.usergroup(raw) for raw in found), None)

    def find_usergroup_member(self, native: Json) -> Json | None:
        return native if native["user"] in self._members(native["usergroup"]) else None

    # Steps of the above

    def _groups(self) -> list[Json]:
        return self.ask("usergroups.list", **WHOLE).part("usergroups", list)

    def _tell(self, action: str, *, safe: bool = True, **body: Any) -> Json:
        return natives.usergroup(self.told(f"usergroups.{action}", body, safe=safe).part("usergroup", dict))

    def _switched(self, action: str, key: str, already: str) -> Json:
        answer = self.tell(f"usergroups.{action}", {"usergroup": key}, fine=(already,))
        return natives.usergroup(answer.part("usergroup", dict) if answer else self._group(key))

    def _group(self, key: str) -> Json:
        found = next((raw for raw in self._groups() if raw["id"] == key), None)
        if found is None:
            raise NotFound("The user group is not there.")
        return found

    def _members(self, group: str) -> list[str]:
        return list(self._group(group).get("users") or ())

    def _set_members(self, group: str, users: list[str]) -> None:
        self.tell("usergroups.users.update", {"usergroup": group, "users": ",".join(dict.fromkeys(users))})


def _described(native: Json) -> Json:
    return {name: native[name] or "" for name in ("name", "handle", "description") if name in native}
