"""What is said in rooms: history by pages, news by sync, each message with its edits and reactions."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

import orjson

from connectors.matrix import natives
from connectors.matrix.api import ADMIN, NOTHING, ROOM, Api, Json
from connectors.matrix.natives import Window
from landbridge.connector import Gone, Item, News, Record, Stream, apart, ended, kept, makes, reads
from landbridge.connector.parts import if_allowed, if_there
from landbridge.errors import NotFound, ScopeError
from landbridge.http import CursorPages

SAID = ["m.room.message", "m.reaction", "m.room.redaction"]
PAGES = CursorPages(param="from", path="end", items="chunk", size_param="limit", size=500)
ABOUT = CursorPages(param="from", path="next_batch", items="chunk", size_param="limit", size=500)
# A room's first event comes only when Landbridge has newly entered the room.
NEWS: Json = {"timeline": {"types": SAID, "limit": 1000}, "state": {"types": ["m.room.create"]}}
# What is listened for: that something was said, not what.
TOLD: Json = {"timeline": {"types": SAID, "limit": 1}, "state": NOTHING}


class Reading(Api):
    """The rooms that Landbridge is in and, where they are private, may read: its service could read more, but must not."""

    messages = Stream(path=f"{ROOM}/messages", key=("id",), kind="message", reports_gone=True)
    # Up to where the listening has come; None where nobody has listened, or what was heard is lost. And what was closed then.
    _heard: str | None = None
    _closed: Sequence[str] = ()

    @reads(messages)
    def read_messages(self, cursor: Any) -> Iterator[Item]:
        closed = self.join_open_rooms()
        since = kept(cursor, "since", str)
        if since is None:
            following = self.now()
            for room in self.joined_rooms():
                if room not in closed:
                    yield from apart(self._history(room))
        else:
            following = yield from self._news(since, closed)
        yield from ended(cursor, {"since": following})

    def listen(self, seconds: float) -> Sequence[News]:
        """By the homeserver's long poll. The server keeps all that happens, so what is told is read from where reading
        stands."""
        since, self._heard = self._heard, None
        if since is None:
            self._closed, self._heard = self.join_open_rooms(), self.now()
            return [News(self.messages.name)]
        found = self.sync(since, _without(TOLD, self._closed), wait=seconds)
        self._heard = str(found["next_batch"])
        joined = found.get("rooms", {}).get("join", {}).values()
        return [News(self.messages.name)] if any(room["timeline"]["events"] for room in joined) else []

    def _news(self, since: str, closed: Sequence[str]) -> Generator[Item, None, str]:
        """Yields what changed; returns where a later read goes on."""
        found = self.sync(since, _without(NEWS, closed))
        for room, told in sorted(found.get("rooms", {}).get("join", {}).items()):
            timeline = told["timeline"]
            if told["state"]["events"]:
                items = self._history(room)
            elif timeline["limited"]:
                items = self._missed(room, since)
            else:
                items = self._changes(room, natives.window(timeline["events"]))
            yield from apart(items)
        return str(found["next_batch"])

    def _history(self, room: str) -> Iterator[Item]:
        """All of a room, oldest first. Edits come along with their messages; a reaction that is pages away from its
        message costs two calls more."""
        for events in self._pages(room):
            seen = natives.window(events)
            yield from self._records(room, seen)
            yield from self._again(room, seen.elsewhere(edits=False))

    def _missed(self, room: str, since: str) -> Iterator[Item]:
        """More than one answer of sync holds."""
        for events in self._pages(room, {"from": since}):
            yield from self._changes(room, natives.window(events))

    def _pages(self, room: str, params: Json | None = None) -> Iterator[list[Json]]:
        wanted = {"dir": "f", "filter": orjson.dumps({"types": SAID}).decode(), **(params or {})}
        for page in self.client.pages(f"{ROOM}/messages", PAGES, path_params={"room": room}, params=wanted):
            yield page.items

    def _changes(self, room: str, seen: Window) -> Iterator[Item]:
        """Everything that the events touch, older messages first."""
        touched = seen.elsewhere(edits=True)
        touched += [target for event in seen.redacted if (target := self._meant(event)) not in seen.messages]
        yield from self._again(room, dict.fromkeys(touched))
        yield from self._records(room, seen)

    def _meant(self, event: str) -> str:
        """The message that a removed reaction or edit was about, else the removed event itself.

        It no longer says so; the administrators' interface still does, for some days.
        """
        try:
            found = self._as_administrator(event)
        except (NotFound, ScopeError):
            return event
        about = natives.relation(found)
        return str(about.get("event_id")) if about.get("rel_type") in ("m.annotation", "m.replace") else event

    def _records(self, room: str, seen: Window) -> Iterator[Item]:
        for name, event in seen.messages.items():
            if natives.is_part(event):
                continue
            yield Gone(natives.key(room, name)) if natives.is_redacted(event) else self._item(room, event, seen)

    def _again(self, room: str, events: Iterable[str]) -> Iterator[Item]:
        """Messages that were read before, as they are now."""
        for event in events:
            try:
                found = self._shown(room, event)
            except NotFound:
                yield Gone(natives.key(room, event))
                continue
            if found and natives.is_redacted(found):
                yield Gone(natives.key(room, event))
            elif found and found["type"] == "m.room.message":
                yield self._item(room, found, self._about(room, event))

    def _shown(self, room: str, event: str) -> Json | None:
        """None where the room does not show it, although it may be there. Raises NotFound where it is nowhere."""
        if found := if_there(self.event, room, event):
            return found
        # Which by itself proves nothing: the administrators' interface has to say so as well.
        if if_allowed(self._as_administrator, event) is None:
            return None
        return if_there(self.event, room, event)  # it may be from before Landbridge was let in

    def _as_administrator(self, event: str) -> Json:
        answer = self.admin.get(f"{ADMIN}/v1/fetch_event/{{event}}", path_params={"event": event})
        return answer.part("event", dict)

    def _item(self, room: str, event: Json, seen: Window) -> Item:
        key = natives.key(room, str(event.get("event_id")))
        return self.item(self.messages, {"id": key, "room": room, "event": event, "seen": seen})

    @makes(messages)
    def message(self, raw: Json) -> Record:
        """An event of a room, with what is seen around it."""
        room, event = raw["room"], raw["event"]
        marker = natives.marker_of(event, room, self.config.password.get_secret_value())
        return Record(raw["id"], natives.message(room, event, raw["seen"], self.config.server), marker)

    def event(self, room: str, event: str) -> Json:
        """As the room shows it. Raises NotFound."""
        answer = self.get(f"{ROOM}/event/{{event}}", room=room, event=event)
        answer.part("type", str)
        return answer.part("", dict)

    def _about(self, room: str, event: str) -> Window:
        """The reactions to a message; its last edit comes with the message."""
        return natives.window(self.related(room, event, "m.annotation", "m.reaction"))

    def related(self, room: str, event: str, relation: str, kind: str) -> Iterator[Json]:
        """The events of a kind that say this of an event."""
        path = "_matrix/client/v1/rooms/{room}/relations/{event}/{relation}/{kind}"
        values = {"room": room, "event": event, "relation": relation, "kind": kind}
        return self.client.items(path, ABOUT, path_params=values)

    def read_back(self, room: str, event: str) -> Json:
        """One message as reading yields it."""
        return natives.message(room, self.event(room, event), self._about(room, event), self.config.server)


def _without(wanted: Json, closed: Sequence[str]) -> Json:
    """What of rooms is told, but nothing of these."""
    return {**wanted, "not_rooms": list(closed)} if closed else wanted
