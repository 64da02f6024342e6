"""Accounts, which Slack lets only its own administration change, and user groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.slack import natives
from connectors.slack.api import NEXT, PAGE, Api, Json
from landbridge.connector import Complete, Item, Stream, finds, reads, writes
from landbridge.connector.members import member, member_of, place_and_person
from landbridge.errors import NotFound, RecordError
from landbridge.http import CursorPages, SinglePage

MEMBERS = CursorPages(param="cursor", path=NEXT, items="members", size_param="limit", size=PAGE)
GROUPS = SinglePage(items="usergroups")
WHOLE = {"include_users": "true", "include_disabled": "true"}


class Users(Api):
    """Everyone with an account, leavers too; in full each time: Slack lists who there is, not who has changed."""

    users = Stream("api/users.list", ("id",), "person", MEMBERS, params={"include_locale": "true"}, native=natives.user)


class UserGroups(Api):
    """User groups (paid plans), each with its whole list of members in one answer."""

    usergroups = Stream("api/usergroups.list", ("id",), "group", GROUPS, params=WHOLE, native=natives.usergroup)
    usergroup_members = Stream("api/usergroups.list", ("usergroup", "user"), "membership", GROUPS, params=WHOLE)

    @reads(usergroup_members)
    def read_usergroup_members(self, cursor: Any) -> Iterator[Item]:
        for group in self.listed(self.usergroups):
            # One without a number is told by the other stream.
            for user in sorted(group.get("users") or ()) if group.get("id") else ():
                yield self.item(self.usergroup_members, member(self.usergroup_members, group["id"], user))
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
        group, user = place_and_person(self.usergroup_members, native)
        self._set_members(group, [*self._members(group), user])
        return member(self.usergroup_members, group, user)

    @writes(usergroup_members, "delete")
    def delete_usergroup_member(self, key: str, marker: str) -> None:
        group, user = member_of(key)
        members = self._members(group)
        if members == [user]:
            raise RecordError("Slack keeps no user group without members.", remedy="Disable the user group instead.")
        if user in members:
            self._set_members(group, [one for one in members if one != user])

    @finds(usergroups)
    def find_usergroup(self, native: Json, marker: str) -> Json | None:
        """By the handle, which Slack keeps unique."""
        handle = native.get("handle")
        found = (one for one in self.listed(self.usergroups) if handle and one.get("handle") == handle)
        return next((natives.usergroup(raw) for raw in found), None)

    @finds(usergroup_members)
    def find_usergroup_member(self, native: Json, marker: str) -> Json | None:
        return native if native["user"] in self._members(native["usergroup"]) else None

    # Steps of the above

    def _tell(self, action: str, *, safe: bool = True, **body: Any) -> Json:
        return natives.usergroup(self.told(f"usergroups.{action}", body, safe=safe).part("usergroup", dict))

    def _switched(self, action: str, key: str, already: str) -> Json:
        answer = self.tell(f"usergroups.{action}", {"usergroup": key}, fine=(already,))
        return natives.usergroup(answer.part("usergroup", dict) if answer else self._group(key))

    def _group(self, key: str) -> Json:
        found = next((one for one in self.listed(self.usergroups) if one.get("id") == key), None)
        if found is None:
            raise NotFound("The user group is not there.")
        return found

    def _members(self, group: str) -> list[str]:
        return list(self._group(group).get("users") or ())

    def _set_members(self, group: str, users: list[str]) -> None:
        self.tell("usergroups.users.update", {"usergroup": group, "users": ",".join(dict.fromkeys(users))})


def _described(native: Json) -> Json:
    return {name: native[name] or "" for name in ("name", "handle", "description") if name in native}
