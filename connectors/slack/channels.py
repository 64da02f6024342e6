"""Channels, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from connectors.slack import natives
from connectors.slack.api import Json
from connectors.slack.people import MEMBERS, Users
from landbridge.connector import Members, Stream, finds, writes
from landbridge.errors import NotFound, RecordError, ScopeError

PEOPLE = replace(MEMBERS, wrap="user")
SHARED = ("is_ext_shared", "is_pending_ext_shared")


class Channels(Users):
    """Every public channel, and the private ones that the app was invited to; never direct messages.

    In full each time; where the workspace has guests, one call more per channel.
    """

    rooms = Users.rooms

    @writes(rooms, "create")
    def create_room(self, native: Json, marker: str) -> Json:
        if not native.get("name"):
            raise RecordError("A new channel needs a name.")
        body = {"name": native["name"], "is_private": bool(native.get("private"))}
        answer = self.tell("conversations.create", body, fine=("name_taken",), safe=False)
        found = answer.part("channel", dict) if answer else self.find_room(native, marker)
        if found is None:
            raise RecordError("Another channel has this name.", remedy="Give one of the two another name.")
        self._describe(found["id"], native)
        return self._again(found["id"])

    @writes(rooms, "update")
    def update_room(self, key: str, changes: Json, marker: str) -> Json:
        if changes.get("name"):
            self.tell("conversations.rename", {"channel": key, "name": changes["name"]})
        self._describe(key, changes)
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

    # Steps of the above

    def _describe(self, key: str, native: Json) -> None:
        if "topic" in native:
            self.tell("conversations.setTopic", {"channel": key, "topic": native["topic"] or ""})

    def _again(self, key: str) -> Json:
        return self.room(self.ask("conversations.info", channel=key).part("channel", dict))

    def room(self, raw: Json) -> Json:
        among = any(raw.get(flag) for flag in SHARED) or bool(self._guests and self._has_guests(raw["id"]))
        return natives.channel(raw, guests=among, url=self.link(raw["id"]))

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
        for page in self.paged("conversations.members", PEOPLE, {"channel": channel}):
            yield from (one["user"] for one in page.items)


class Memberships(Channels, Members):
    """Who is in the channels that the app is in."""

    memberships = Stream("api/conversations.members", ("room", "user"), "membership")

    def everyone(self, stream: Stream) -> Iterator[tuple[str, Iterator[str]]]:
        for raw in self.listed(self.rooms):
            if raw.get("is_member") and not raw.get("is_archived"):
                yield raw["id"], (user for user in self.members_of(raw["id"]) if user != self.me)

    def is_in(self, stream: Stream, place: str, person: str) -> bool:
        return person in self.members_of(place)

    def bring_in(self, stream: Stream, place: str, person: str) -> None:
        self.tell("conversations.invite", {"channel": place, "users": person}, fine=("already_in_channel",))

    def put_out(self, stream: Stream, place: str, person: str) -> None:
        if self.is_in(stream, place, person):
            self.tell("conversations.kick", {"channel": place, "user": person})
