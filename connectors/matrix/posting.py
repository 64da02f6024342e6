"""Saying something in a room as its author, changing it, and taking it back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

import orjson

from connectors.matrix import contents, natives
from connectors.matrix.api import CLIENT, ROOM, Json
from connectors.matrix.reading import Reading
from landbridge.connector import done_already, finds, writes
from landbridge.errors import NotFound, RecordError, ScopeError
from landbridge.http import CursorPages

# How far back an earlier attempt is looked for among the messages of author and bot.
RECENT, RECENT_PAGES = CursorPages(param="from", path="end", items="chunk", size_param="limit", size=100), 5
T = TypeVar("T")
SAID, REACTED = "m.room.message", "m.reaction"
# Synapse takes no larger files unless it is told to.
MAX_FILE = 50 * 2**20


class Messages(Reading):
    """The service may write as any colleague; where that colleague may not speak, the bot does in their name."""

    @writes(Reading.messages, "create")
    def create_message(self, native: Json, marker: str) -> Json:
        room, author = native.get("room_id"), native.get("sender") or self.config.login
        if not room:
            raise RecordError("A new message needs a room.")
        when = {} if native.get("ts") is None else {"ts": native["ts"]}
        files = self._files(native.get("attachments") or (), [])

        def say(who: str) -> str:
            named = {} if who == author else {natives.AUTHOR: author}
            content = contents.message(contents.in_name_of(native, self._name(author)) if named else native) | named
            signed = self._signed(room, contents.with_files(content, files), marker)
            return self._send_joining(room, signed, marker, when, SAID, who)

        return self._completed(room, self._by(author, say), native, marker)

    @writes(Reading.messages, "update")
    def update_message(self, key: str, changes: Json, marker: str) -> Json:
        """Text and files, by an edit of its author, and the reactions of people elsewhere."""
        room, event_id = natives.parts(key)
        event = self.event(room, event_id)
        if natives.is_redacted(event):
            raise NotFound("The message was removed meanwhile.")
        if changes.keys() & {"body", "formatted_body", "attachments"}:
            self._edit(room, event, changes, marker)
        if "reactions" in changes:
            self._react(room, event_id, changes["reactions"] or {}, marker)
        return self.read_back(room, event_id)

    @writes(Reading.messages, "delete")
    def delete_message(self, key: str, marker: str) -> None:
        """By its author, else by the bot where it moderates the room."""
        room, event_id = natives.parts(key)
        try:
            event = self.event(room, event_id)
        except NotFound:
            # Also the answer to who is not in the room: then nobody can tell.
            if (self.state(room, "m.room.member", self.config.login) or {}).get("membership") == "join":
                return
            raise ScopeError(
                "Landbridge is not in the room of this message.",
                remedy="Invite its account, or delete it there by hand.",
            ) from None
        if natives.is_redacted(event):
            return
        # Its edits hold the text as well.
        edits = self.related(room, event_id, "m.replace", SAID)
        for one in [*self._parts(room, event), *edits, event]:
            self._take_back(room, one, marker)

    @finds(Reading.messages)
    def find_message(self, native: Json, marker: str) -> Json | None:
        """By the marker in the content: Synapse forgets transactions when it is restarted.

        What follows the message, its other files and reactions, may still be missing.
        """
        room, secret = native["room_id"], self.config.password.get_secret_value()
        senders = sorted({native.get("sender") or self.config.login, self.config.login})
        wanted = orjson.dumps({"types": [SAID], "senders": senders}).decode()
        params = {"dir": "b", "filter": wanted}
        path, where = f"{ROOM}/messages", {"room": room}
        for event in self.client.items(path, RECENT, most=RECENT_PAGES, path_params=where, params=params):
            if natives.marker_of(event, room, secret) == marker and not natives.is_part(event):
                return self._completed(room, event["event_id"], native, marker)
        return None

    # Steps of the above

    def _edit(self, room: str, event: Json, changes: Json, marker: str) -> None:
        """What stays of the files is not sent again; those that are no first ones have events of their own."""
        before = natives.shown(event)
        there = contents.files_of(before)
        files = self._files(changes["attachments"] or (), there) if "attachments" in changes else there
        author = contents.author_of(event["content"]) if event["sender"] == self.config.login else None
        if "body" in changes or "formatted_body" in changes:
            native = contents.in_name_of(changes, self._name(author)) if author else changes
        else:
            native = contents.text_of(before)
        content = contents.fitted(contents.edit(event["event_id"], native, files, had=bool(there)))
        self._send_joining(room, content, marker, {}, SAID, event["sender"])
        if "attachments" in changes:
            main = {**event, "content": event["content"] | {natives.FILES: files[1:]}}
            shown = {file["url"] for file in files[1:]}
            for part in self._parts(room, main):
                if part["content"].get("url") not in shown:
                    self._take_back(room, part, marker)
            self._send_parts(room, main, marker, None)

    def _files(self, wanted: Iterable[Json], there: list[Json]) -> list[Json]:
        """As an event says them; what is there already by what it was made of."""
        known = {file[natives.SOURCE]: file for file in there if natives.SOURCE in file}
        return [
            known.get(contents.source(one)) or contents.file(one, self.upload(one, MAX_FILE)) for one in wanted
        ]  # fmt: skip

    def _completed(self, room: str, event_id: str, native: Json, marker: str) -> Json:
        """With what takes events of its own."""
        if len(native.get("attachments") or ()) > 1:
            self._send_parts(room, self.event(room, event_id), marker, native.get("ts"))
        if native.get("reactions"):
            self._react(room, event_id, native["reactions"], marker)
        return self.read_back(room, event_id)

    def _send_parts(self, room: str, main: Json, marker: str, ts: int | None) -> None:
        """The further files of a message, less those that are there."""
        there = {part["content"].get("url") for part in self._parts(room, main)}
        about, when = natives.relation(main), {} if ts is None else {"ts": ts}
        thread = about["event_id"] if about.get("rel_type") == "m.thread" else None
        for number, named in enumerate(main["content"].get(natives.FILES) or (), 1):
            if named["url"] not in there:
                content = self._signed(room, contents.part(main["event_id"], named, thread), marker)
                self._send(room, content, f"{marker} {number}", when, SAID, main["sender"])

    def _parts(self, room: str, main: Json) -> list[Json]:
        """The events of its further files, whether it was made with them or given them since."""
        if not main["content"].get(natives.FILES) and not natives.shown(main).get(natives.FILES):
            return []
        about, own = natives.relation(main), main["event_id"]
        in_thread = about.get("rel_type") == "m.thread"
        place = (about["event_id"], "m.thread") if in_thread else (own, natives.PART)
        found = self.related(room, *place, SAID)
        return [one for one in found if one["content"].get(natives.PART) == own]

    def _react(self, room: str, event_id: str, wanted: Json, marker: str) -> None:
        """As those who did so elsewhere, as the bot for who has no account or is not in a closed room.

        What people here put stays theirs.
        """
        bot = self.config.login
        pairs = {(emoji, user) for emoji, people in wanted.items() for user in people or (bot,)}
        there = {
            (str(natives.relation(one).get("key")), one["sender"]): one["event_id"]
            for one in self.related(room, event_id, "m.annotation", REACTED)
            if natives.is_ours(one)
        }
        lacking = {emoji for emoji, _ in pairs - there.keys()}
        for emoji, user in sorted(there.keys() - pairs):
            if user != bot or emoji not in lacking:
                self._redact(room, there[emoji, user], f"{marker} {emoji}", user)
        for emoji, user in sorted(pairs - there.keys()):
            content = contents.reaction(event_id, emoji, marker)
            with done_already("M_DUPLICATE_ANNOTATION"):  # by the same person, here
                self._by(user, partial(self._send_joining, room, content, f"{marker} {emoji}", {}, REACTED))

    def _by(self, user: str, act: Callable[[str], T]) -> T:
        """By the person, else by the bot where that one may not."""
        try:
            return act(user)
        except ScopeError:
            if user == self.config.login:
                raise
        return act(self.config.login)

    def _send_joining(self, room: str, content: Json, marker: str, when: Json, kind: str, author: str) -> str:
        """As the author, who enters an open room for it. Raises ScopeError where the author may not speak."""
        try:
            return self._send(room, content, marker, when, kind, author)
        except ScopeError:
            rule = None if author == self.config.login else self.state(room, "m.room.join_rules")
            if not rule or rule.get("join_rule") != "public":
                raise
        self.join(room, author)
        return self._send(room, content, marker, when, kind, author)

    def _send(self, room: str, content: Json, marker: str, when: Json, kind: str, author: str) -> str:
        values = {"room": room, "kind": kind, "transaction": transaction(marker, author)}
        path = f"{ROOM}/send/{{kind}}/{{transaction}}"
        # Not sent twice by itself: a server that was restarted in between would not know the transaction any more.
        params = {"user_id": author, **when}
        answer = self.client.put(path, path_params=values, params=params, json=content, safe=False)
        return answer.part("event_id", str)

    def _take_back(self, room: str, event: Json, marker: str) -> None:
        self._by(event["sender"], partial(self._redact, room, event["event_id"], f"{marker} {event['event_id']}"))

    def _redact(self, room: str, event: str, marker: str, user: str) -> None:
        path = f"{ROOM}/redact/{{event}}/{{transaction}}"
        self.put(path, {}, user, room=room, event=event, transaction=transaction(marker, user))

    def _signed(self, room: str, content: Json, marker: str) -> Json:
        kept = contents.fitted(content)
        secret = self.config.password.get_secret_value()
        return kept | {natives.MARKER: marker, natives.PROOF: natives.proof(secret, marker, room, kept)}

    def _name(self, user: str) -> str:
        found = self.get(f"{CLIENT}/profile/{{user}}/displayname", user=user).part("", dict)
        return str(found.get("displayname") or user)


def transaction(marker: str, author: str) -> str:
    """Of marker and author: Synapse counts a service's transactions once for all whom it acts as."""
    return hashlib.sha256(f"{marker}\n{author}".encode()).hexdigest()[:32]
