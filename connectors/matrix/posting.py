"""Saying something in a room as its author, changing it, and taking it back."""

from __future__ import annotations

import hashlib

import orjson

from connectors.matrix import contents, natives
from connectors.matrix.api import CLIENT, ROOM, Json
from connectors.matrix.reading import Reading
from landbridge.connector import writes
from landbridge.errors import NotFound, RecordError, ScopeError
from landbridge.http import CursorPages

# How far back an earlier attempt is looked for among the messages of author and bot.
RECENT, RECENT_PAGES = CursorPages(param="from", path="end", items="chunk", size_param="limit", size=100), 5


class Messages(Reading):
    """The service may write as any colleague; where that colleague may not speak, the bot does in their name."""

    @writes(Reading.messages, "create")
    def create_message(self, native: Json, marker: str) -> Json:
        room, author = native.get("room_id"), native.get("sender") or self.config.login
        if not room:
            raise RecordError("A new message needs a room.")
        when = {} if native.get("ts") is None else {"ts": native["ts"]}
        try:
            event = self._send_joining(room, author, self._signed(room, contents.message(native), marker), marker, when)
        except ScopeError:
            if author == self.config.login:
                raise
            named = contents.message(contents.in_name_of(native, self._name(author))) | {natives.AUTHOR: author}
            event = self._send(room, self.config.login, self._signed(room, named, marker), marker, when)
        return self.read_back(room, event)

    @writes(Reading.messages, "update")
    def update_message(self, key: str, changes: Json, marker: str) -> Json:
        """The text, by an edit of its author; nothing else of a message can be changed."""
        room, event_id = natives.parts(key)
        event = self._event(room, event_id)
        if natives.is_redacted(event):
            raise NotFound("The message was removed meanwhile.")
        if "body" in changes or "formatted_body" in changes:
            author = contents.author_of(event["content"]) if event["sender"] == self.config.login else None
            native = contents.in_name_of(changes, self._name(author)) if author else changes
            content = contents.fitted(contents.edit(event_id, native))
            self._send_joining(room, event["sender"], content, marker, {})
        return self.read_back(room, event_id)

    @writes(Reading.messages, "delete")
    def delete_message(self, key: str, marker: str) -> None:
        """By its author, else by the bot where it moderates the room."""
        room, event_id = natives.parts(key)
        try:
            event = self._event(room, event_id)
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
        try:
            self._redact(room, event_id, event["sender"], marker)
        except ScopeError:
            if event["sender"] == self.config.login:
                raise
            self._redact(room, event_id, self.config.login, marker)

    def find_message(self, native: Json, marker: str) -> Json | None:
        """By the marker in the content: Synapse forgets transactions when it is restarted."""
        room, secret = native["room_id"], self.config.password.get_secret_value()
        senders = sorted({native.get("sender") or self.config.login, self.config.login})
        wanted = orjson.dumps({"types": ["m.room.message"], "senders": senders}).decode()
        params = self.acting(dir="b", filter=wanted)
        pages = self.client.pages(f"{ROOM}/messages", RECENT, path_params={"room": room}, params=params)
        for _, page in zip(range(RECENT_PAGES), pages, strict=False):
            for event in page.items:
                if natives.marker_of(event, room, secret) == marker:
                    return self.read_back(room, event["event_id"])
        return None

    # Steps of the above

    def _send_joining(self, room: str, author: str, content: Json, marker: str, when: Json) -> str:
        """As the author, who enters an open room for it. Raises ScopeError where the author may not speak."""
        try:
            return self._send(room, author, content, marker, when)
        except ScopeError:
            rule = None if author == self.config.login else self.state(room, "m.room.join_rules")
            if not rule or rule.get("join_rule") != "public":
                raise
        self.join(room, author)
        return self._send(room, author, content, marker, when)

    def _send(self, room: str, author: str, content: Json, marker: str, when: Json) -> str:
        values = {"room": room, "transaction": transaction(marker, author)}
        path = f"{ROOM}/send/m.room.message/{{transaction}}"
        # Not sent twice by itself: a server that was restarted in between would not know the transaction any more.
        answer = self.client.put(path, path_params=values, params=self.acting(author, **when), json=content, safe=False)
        return answer.part("event_id", str)

    def _redact(self, room: str, event: str, user: str, marker: str) -> None:
        values = {"room": room, "event": event, "transaction": transaction(marker, user)}
        path = f"{ROOM}/redact/{{event}}/{{transaction}}"
        self.client.put(path, path_params=values, params=self.acting(user), json={})

    def _signed(self, room: str, content: Json, marker: str) -> Json:
        kept = contents.fitted(content)
        secret = self.config.password.get_secret_value()
        return kept | {natives.MARKER: marker, natives.PROOF: natives.proof(secret, marker, room, kept)}

    def _name(self, user: str) -> str:
        path = f"{CLIENT}/profile/{{user}}/displayname"
        found = self.client.get(path, path_params={"user": user}, params=self.acting()).part("", dict)
        return str(found.get("displayname") or user)


def transaction(marker: str, author: str) -> str:
    """Of marker and author: Synapse counts a service's transactions once for all whom it acts as."""
    return hashlib.sha256(f"{marker}\n{author}".encode()).hexdigest()[:32]
