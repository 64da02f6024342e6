"""Accounts, which Slack lets only its own administration change; user groups, channels, and who is in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from connectors.slack import natives
from connectors.slack.api import NEXT, PAGE, Api, Json
from landbridge.connector import Members, Stream, done_already, finds, makes, writes
from landbridge.errors import NotFound, RecordError, ScopeError
from landbridge.http import Answer, CursorPages, SinglePage

MEMBERS = CursorPages(param="cursor", path=NEXT, items="members", size_param="limit", size=PAGE)
PEOPLE = replace(MEMBERS, wrap="user")
GROUPS = SinglePage(items="usergroups")
WHOLE = {"include_users": "true", "include_disabled": "true"}
SHARED = ("is_ext_shared", "is_pending_ext_shared")


class UserGroups(Api):
    """User groups (paid plans), each with its whole list of members in one answer."""

    usergroups = Stream("api/usergroups.list", ("id",), "group", GROUPS, params=WHOLE, native=natives.usergroup)

    @writes(usergroups, "create")
    def create_usergroup(self, native: Json, marker: str) -> Json:
        return self._group_of(self.client.post("api/usergroups.create", json=_described(native)))

    @writes(usergroups, "update")
    def update_usergroup(self, key: str, changes: Json, marker: str) -> Json:
        return self._group_of(self.tell("usergroups.update", {"usergroup": key, **_described(changes)}), key)

    @writes(usergroups, "disable")
    def disable_usergroup(self, key: str, marker: str) -> Json:
        return self._group_of(self.tell("usergroups.disable", {"usergroup": key}, fine=("already_disabled",)), key)

    @writes(usergroups, "enable")
    def enable_usergroup(self, key: str, marker: str) -> Json:
        return self._group_of(self.tell("usergroups.enable", {"usergroup": key}, fine=("already_enabled",)), key)

    @finds(usergroups)
    def find_usergroup(self, native: Json, marker: str) -> Json | None:
        """By the handle, which Slack keeps unique."""
        handle = native.get("handle")
        found = (one for one in self.listed(self.usergroups) if handle and one.get("handle") == handle)
        return next((natives.usergroup(raw) for raw in found), None)

    # Steps of the above

    def _group_of(self, answer: Answer | None, key: str = "") -> Json:
        return natives.usergroup(answer.part("usergroup", dict) if answer else self.group(key))

    def group(self, key: str) -> Json:
        found = next((one for one in self.listed(self.usergroups) if one.get("id") == key), None)
        if found is None:
            raise NotFound("The user group is not there.")
        return found


class Channels(Api):
    """Every public channel, and the private ones that the app was invited to; never direct messages.

    In full each time; where the workspace has guests, one call more per channel.
    """

    # Leavers too; in full each time: Slack lists who there is, not who has changed.
    users = Stream("api/users.list", ("id",), "person", MEMBERS, params={"include_locale": "true"}, native=natives.user)
    rooms = Api.rooms

    @writes(rooms, "create")
    def create_room(self, native: Json, marker: str) -> Json:
        if not native.get("name"):
            raise RecordError("A new channel needs a name.")
        body = {"name": native["name"], "is_private": bool(native.get("private"))}
        found = None
        with done_already("name_taken"):
            found = self.client.post("api/conversations.create", json=body).part("channel", dict)
        if found is None and (found := self.find_room(native, marker)) is None:
            raise RecordError("Another channel has this name.", remedy="Give one of the two another name.")
        return self.update_room(found["id"], {**native, "name": None}, marker)

    @writes(rooms, "update")
    def update_room(self, key: str, changes: Json, marker: str) -> Json:
        if changes.get("name"):
            self.tell("conversations.rename", {"channel": key, "name": changes["name"]})
        if "topic" in changes:
            self.tell("conversations.setTopic", {"channel": key, "topic": changes["topic"] or ""})
        return self._again(key)

    @writes(rooms, "disable")
    def archive_room(self, key: str, marker: str) -> Json:
        self.tell("conversations.archive", {"channel": key}, fine=("already_archived",))
        return self._again(key)

    @writes(rooms, "enable")
    def reopen_room(self, key: str, marker: str) -> Json:
        self.tell("conversations.unarchive", {"channel": key}, fine=("not_archived",))
        return self._again(key)

    @finds(rooms)
    def find_room(self, native: Json, marker: str) -> Json | None:
        """By the name, if the app has made it: names are unique in a workspace."""
        found = next((raw for raw in self.listed(self.rooms) if raw.get("name") == native.get("name")), None)
        return self._again(found["id"]) if found and found.get("creator") == self.me else None

    @makes(rooms)
    def room(self, raw: Json) -> Json:
        among = any(raw.get(flag) for flag in SHARED) or bool(self._guests and self._has_guests(raw["id"]))
        return natives.channel(raw, guests=among, url=self.link(raw["id"]))

    # Steps of the above

    def _again(self, key: str) -> Json:
        return self.room(self.channel(key))

    @cached_property
    def _guests(self) -> set[str]:
        return {raw["id"] for raw in self.listed(self.users) if natives.is_guest(raw) and not raw.get("deleted")}

    def _has_guests(self, channel: str) -> bool:
        """Is one of the members a guest? Whose members we may not see counts as having some."""
        try:
            return any(user in self._guests for user in self.members_of(channel))
        except (NotFound, ScopeError):
            return True

    def members_of(self, channel: str) -> Iterator[str]:
        found = self.client.items("api/conversations.members", PEOPLE, params={"channel": channel})
        return (one["user"] for one in found)


class Memberships(Channels, UserGroups, Members):
    """Who is in the channels that the app is in, and in user groups, whose members are written as a whole."""

    memberships = Stream("api/conversations.members", ("room", "user"), "membership")
    usergroup_members = Stream("api/usergroups.list", ("usergroup", "user"), "membership", GROUPS, params=WHOLE)

    def everyone(self, stream: Stream) -> Iterator[tuple[str, Iterable[str]]]:
        if self._of_groups(stream):
            # One without a number is told by the other stream.
            return ((one["id"], sorted(one.get("users") or ())) for one in self.listed(stream) if one.get("id"))
        mine = (raw["id"] for raw in self.listed(self.rooms) if raw.get("is_member") and not raw.get("is_archived"))
        return ((room, (user for user in self.members_of(room) if user != self.me)) for room in mine)

    def is_in(self, stream: Stream, place: str, person: str) -> bool:
        return person in (self._members(place) if self._of_groups(stream) else self.members_of(place))

    def bring_in(self, stream: Stream, place: str, person: str) -> None:
        if self._of_groups(stream):
            self._set_members(place, [*self._members(place), person])
        else:
            self.tell("conversations.invite", {"channel": place, "users": person}, fine=("already_in_channel",))

    def put_out(self, stream: Stream, place: str, person: str) -> None:
        if self._of_groups(stream):
            members = self._members(place)
            if person in members:
                self._set_members(place, [one for one in members if one != person])
        elif self.is_in(stream, place, person):
            self.tell("conversations.kick", {"channel": place, "user": person})

    # Steps of the above

    def _of_groups(self, stream: Stream) -> bool:
        return stream.name == self.usergroup_members.name

    def _members(self, group: str) -> list[str]:
        return list(self.group(group).get("users") or ())

    def _set_members(self, group: str, users: list[str]) -> None:
        if not users:
            raise RecordError("Slack keeps no user group without members.", remedy="Disable the user group instead.")
        self.tell("usergroups.users.update", {"usergroup": group, "users": ",".join(dict.fromkeys(users))})


def _described(native: Json) -> Json:
    return {name: native[name] or "" for name in ("name", "handle", "description") if name in native}
