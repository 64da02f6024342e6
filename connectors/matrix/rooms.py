"""Rooms, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.matrix import natives
from connectors.matrix.api import CLIENT, ROOM, Api, Json
from connectors.matrix.natives import ARCHIVED, MARKER
from landbridge.connector import Gone, Item, Members, Record, Stream, apart, finds, makes, reads, writes
from landbridge.connector.cursors import ended, kept
from landbridge.connector.parts import if_allowed, if_there
from landbridge.errors import RecordError, ScopeError

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
ALIAS = f"{CLIENT}/directory/room/{{alias}}"
POWER = "m.room.power_levels"
SPEECH = ("m.room.message", "m.reaction", "m.room.redaction")


class Rooms(Api):
    """The rooms that Landbridge is in."""

    rooms = Stream(path=f"{CLIENT}/joined_rooms", key=("room_id",), kind="space", reports_gone=True)

    @reads(rooms)
    def read_rooms(self, cursor: Any) -> Iterator[Item]:
        """One call per room in full, later per room in which something moved."""
        if self.config.join == "public":
            self.join_open_rooms()
        since = kept(cursor, "since", str)
        if since is None:
            following, told = self.now(), dict[str, Json]()
            moved = self.joined_rooms()
        else:
            found = self.sync(since, NEWS)
            following, told = found["next_batch"], found.get("rooms", {})
            moved = [room for room, news in told.get("join", {}).items() if _has_moved(news)]
        for room in sorted(moved):
            yield from apart(self._read_room(room), room)
        yield from (Gone(room) for room in sorted(told.get("leave", {})))
        yield from ended(cursor, {"since": following})

    @makes(rooms)
    def room(self, raw: Json) -> Record:
        return Record(raw["room_id"], *natives.room(raw, self.config))

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
        made = self.client.post(f"{CLIENT}/createRoom", json=body)
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
        self._let_speak(key, {"events_default": 100, "events": {"m.room.redaction": 0}})
        return self._room(key)[0]

    @writes(rooms, "enable")
    def reopen_room(self, key: str, marker: str) -> Json:
        said = self.state(key, ARCHIVED) or {}
        if said.get("archived"):
            self._let_speak(key, said.get("before") or {})
            self.set_state(key, ARCHIVED, {"archived": False})
        return self._room(key)[0]

    @finds(rooms)
    def find_room(self, native: Json, marker: str) -> Json | None:
        """By alias, if it carries our marker."""
        alias = f"#{native.get('alias')}:{self.config.server}"
        room = if_allowed(self._directory, alias)
        found, mark = (if_allowed(self._room, room) if room else None) or (None, None)
        return found if mark == marker else None

    # Steps of the above

    def _read_room(self, room: str) -> Iterator[Item]:
        yield self.item(self.rooms, self._state_of(room))

    def _state_of(self, room: str) -> Json:
        return {"room_id": room, "state": self.get(f"{ROOM}/state", room=room).part("", list)}

    def _room(self, room: str) -> tuple[Json, str | None]:
        return natives.room(self._state_of(room), self.config)

    def _levels(self, room: str) -> Json:
        return self.state(room, POWER) or {}

    def _let_speak(self, room: str, wanted: Json) -> None:
        """Whom `wanted` lets, as far as it says; what else needs a level keeps its own."""
        levels = self._levels(room)
        others = {kind: level for kind, level in levels.get("events", {}).items() if kind not in SPEECH}
        told = {"events_default": wanted.get("events_default", 0), "events": others | wanted.get("events", {})}
        self.set_state(room, POWER, levels | told)

    def _directory(self, alias: str) -> str | None:
        found = if_there(self.get, ALIAS, alias=alias)
        return found.part("room_id", str) if found else None

    def _rename(self, room: str, alias: str) -> None:
        holder = self._directory(alias)
        if holder is None:
            self.put(ALIAS, {"room_id": room}, alias=alias)
        elif holder != room:
            raise RecordError("Another room has this alias.", remedy="Give one of the two another name.")
        self.set_state(room, "m.room.canonical_alias", {"alias": alias})


class Memberships(Api, Members):
    """Who is in the rooms that Landbridge is in; people are brought in and out without having to do anything."""

    memberships = Stream(path=f"{ROOM}/joined_members", key=("room", "user"), kind="membership")

    def everyone(self, stream: Stream) -> Iterator[tuple[str, Iterator[str]]]:
        return ((room, self._people_in(room)) for room in self.joined_rooms())

    def is_in(self, stream: Stream, place: str, person: str) -> bool:
        return self._membership(place, person) == "join"

    def bring_in(self, stream: Stream, place: str, person: str) -> None:
        try:
            self.join(place, person)
        except ScopeError:
            self.post(f"{ROOM}/invite", {"user_id": person}, room=place)
            self.join(place, person)

    def put_out(self, stream: Stream, place: str, person: str) -> None:
        """By the bot where it moderates the room, else in the person's own name."""
        if self._membership(place, person) not in ("join", "invite"):
            return
        try:
            self.post(f"{ROOM}/kick", {"user_id": person}, room=place)
        except ScopeError:
            self.post(f"{ROOM}/leave", {}, person, room=place)

    def _people_in(self, room: str) -> Iterator[str]:
        joined = self.get(f"{ROOM}/joined_members", room=room).part("joined", dict)
        yield from sorted(joined.keys() - {self.config.login})

    def _membership(self, room: str, user: str) -> str | None:
        return (self.state(room, "m.room.member", user) or {}).get("membership")


def _has_moved(news: Json) -> bool:
    return bool(news["state"]["events"] or news["timeline"]["events"])


def _state(kind: str, **content: str) -> Json:
    return {"type": kind, "state_key": "", "content": content}
