"""Rooms, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from connectors.matrix import natives
from connectors.matrix.api import CLIENT, ROOM, Api, Json
from connectors.matrix.natives import ARCHIVED, MARKER
from landbridge.connector import (
    Checkpoint,
    Complete,
    Failure,
    Gone,
    Item,
    Record,
    Stream,
    kept,
    key_text,
    reads,
    writes,
)
from landbridge.errors import NotFound, RecordError, ScopeError

# Whichever of these moves may change a room as it is read: members matter, since a guest may be among them.
MOVED = [
    "m.room.create", "m.room.name", "m.room.topic", "m.room.canonical_alias", "m.room.join_rules",
    "m.room.guest_access", "m.room.encryption", "m.room.tombstone", "m.room.member", ARCHIVED,
]  # fmt: skip
NEWS: Json = {
    "timeline": {"types": MOVED, "limit": 1},
    "state": {"types": [kind for kind in MOVED if kind != "m.room.member"]},
}
STATE = {
    "name": ("m.room.name", "name"),
    "topic": ("m.room.topic", "topic"),
    "join_rule": ("m.room.join_rules", "join_rule"),
}
POWER = "m.room.power_levels"
SPEECH = ("m.room.message", "m.reaction", "m.room.redaction")


class Rooms(Api):
    """The rooms that Landbridge is in."""

    rooms = Stream(path=f"{CLIENT}/joined_rooms", key=("room_id",), kind="space", reports_gone=True)

    @reads(rooms)
    def read_rooms(self, cursor: Any) -> Iterator[Item]:
        """One call per room in full, later per room in which something moved."""
        self.join_open_rooms()
        since = kept(cursor, "since", str)
        if since is None:
            start = self.now()
            for room in self.joined_rooms():
                yield self._read_room(room)
            yield Checkpoint({"since": start})
            yield Complete()
            return
        found = self.sync(since, NEWS)
        told = found.get("rooms", {})
        for room, news in sorted(told.get("join", {}).items()):
            if news["state"]["events"] or news["timeline"]["events"]:
                yield self._read_room(room)
        for room in sorted(told.get("leave", {})):
            yield Gone(room)
        yield Checkpoint({"since": found["next_batch"]})

    @writes(rooms, "create")
    def create_room(self, native: Json, marker: str) -> Json:
        """Kept inside the company: no other server, no guests; who enters sees what was said before."""
        if not native.get("alias"):
            raise RecordError("A new room needs an alias: it is found again by it.")
        is_open = native.get("join_rule") == "public"
        body: Json = {
            "preset": "public_chat" if is_open else "private_chat",
            "visibility": "public" if is_open else "private",
            "room_alias_name": native["alias"],
            "creation_content": {"m.federate": False, MARKER: marker},
            "initial_state": [
                _state("m.room.history_visibility", history_visibility="shared"),
                _state("m.room.guest_access", guest_access="forbidden"),
            ],
        }
        body |= {field: native[field] for field in ("name", "topic") if native.get(field)}
        made = self.client.post(f"{CLIENT}/createRoom", params=self.acting(), json=body)
        return self._room(made.part("room_id", str))[0]

    @writes(rooms, "update")
    def update_room(self, key: str, changes: Json, marker: str) -> Json:
        for field, (kind, name) in STATE.items():
            if field in changes:
                self.set_state(key, kind, {name: changes[field] or ""})
        if changes.get("alias"):
            self._rename(key, f"#{changes['alias']}:{self.config.server}")
        return self._room(key)[0]

    @writes(rooms, "disable")
    def archive_room(self, key: str, marker: str) -> Json:
        """Nobody but moderators can speak any more; everything stays readable, and people can still remove their own."""
        if not (self.state(key, ARCHIVED) or {}).get("archived"):
            levels = self._levels(key)
            before = {kind: level for kind, level in levels.get("events", {}).items() if kind in SPEECH}
            kept = {"events_default": levels.get("events_default", 0), "events": before}
            self.set_state(key, ARCHIVED, {"archived": True, "before": kept})
        levels = self._levels(key)
        others = {kind: level for kind, level in levels.get("events", {}).items() if kind not in SPEECH}
        self.set_state(key, POWER, levels | {"events_default": 100, "events": others | {"m.room.redaction": 0}})
        return self._room(key)[0]

    @writes(rooms, "enable")
    def reopen_room(self, key: str, marker: str) -> Json:
        said = self.state(key, ARCHIVED) or {}
        if said.get("archived"):
            levels, before = self._levels(key), said.get("before") or {}
            others = {kind: level for kind, level in levels.get("events", {}).items() if kind not in SPEECH}
            opened = {"events_default": before.get("events_default", 0), "events": others | before.get("events", {})}
            self.set_state(key, POWER, levels | opened)
            self.set_state(key, ARCHIVED, {"archived": False})
        return self._room(key)[0]

    def find_room(self, native: Json, marker: str) -> Json | None:
        """By alias, if it carries our marker."""
        alias = f"#{native.get('alias')}:{self.config.server}"
        try:
            room = self._directory(alias)
            found, mark = self._room(room) if room else (None, None)
        except ScopeError:
            return None
        return found if mark == marker else None

    # Steps of the above

    def _read_room(self, room: str) -> Item:
        try:
            native, marker = self._room(room)
        except (RecordError, ScopeError) as error:
            return Failure(room, error)
        except (AttributeError, KeyError, TypeError) as error:
            return Failure(room, RecordError(f"A room is not as expected ({type(error).__name__})."))
        return Record(room, native, marker)

    def _room(self, room: str) -> tuple[Json, str | None]:
        answer = self.client.get(f"{ROOM}/state", path_params={"room": room}, params=self.acting())
        return natives.room(room, answer.part("", list), self.config)

    def _levels(self, room: str) -> Json:
        return self.state(room, POWER) or {}

    def _directory(self, alias: str) -> str | None:
        path = f"{CLIENT}/directory/room/{{alias}}"
        try:
            return self.client.get(path, path_params={"alias": alias}, params=self.acting()).part("room_id", str)
        except NotFound:
            return None

    def _rename(self, room: str, alias: str) -> None:
        holder = self._directory(alias)
        if holder is None:
            path = f"{CLIENT}/directory/room/{{alias}}"
            self.client.put(path, path_params={"alias": alias}, params=self.acting(), json={"room_id": room})
        elif holder != room:
            raise RecordError("Another room has this alias.", remedy="Give one of the two another name.")
        self.set_state(room, "m.room.canonical_alias", {"alias": alias})


class Memberships(Api):
    """Who is in the rooms that Landbridge is in; people are brought in and out without having to do anything."""

    memberships = Stream(path=f"{ROOM}/joined_members", key=("room", "user"), kind="membership")

    @reads(memberships)
    def read_memberships(self, cursor: Any) -> Iterator[Item]:
        for room in self.joined_rooms():
            try:
                path = f"{ROOM}/joined_members"
                answer = self.client.get(path, path_params={"room": room}, params=self.acting())
            except (RecordError, ScopeError) as error:
                yield Failure(None, error)
                continue
            for user in sorted(answer.part("joined", dict).keys() - {self.config.login}):
                yield Record(key_text((room, user)), {"room": room, "user": user})
        yield Complete()

    @writes(memberships, "create")
    def create_membership(self, native: Json, marker: str) -> Json:
        room, user = native.get("room"), native.get("user")
        if not room or not user:
            raise RecordError("A membership needs a room and an account.")
        try:
            self.join(room, user)
        except ScopeError:
            self._ask(room, "invite", {"user_id": user})
            self.join(room, user)
        return {"room": room, "user": user}

    @writes(memberships, "delete")
    def delete_membership(self, key: str, marker: str) -> None:
        """By the bot where it moderates the room, else in the person's own name."""
        room, user = orjson.loads(key)
        for action, body, as_user in (("kick", {"user_id": user}, ""), ("leave", {}, user)):
            if self._membership(room, user) not in ("join", "invite"):
                return
            try:
                self._ask(room, action, body, as_user)
                return
            except ScopeError:
                if action == "leave":
                    raise

    def find_membership(self, native: Json) -> Json | None:
        room, user = native["room"], native["user"]
        return {"room": room, "user": user} if self._membership(room, user) == "join" else None

    def _membership(self, room: str, user: str) -> str | None:
        return (self.state(room, "m.room.member", user) or {}).get("membership")

    def _ask(self, room: str, action: str, body: Json, user: str = "") -> None:
        path = f"{ROOM}/{action}"
        self.client.post(path, path_params={"room": room}, params=self.acting(user), json=body, safe=True)


def _state(kind: str, **content: str) -> Json:
    return {"type": kind, "state_key": "", "content": content}
