"""Fills a fresh Synapse with the company's accounts, rooms and conversations, through its own API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote

import requests

from sandbox.company import Company, Message, Person, Room
from sandbox.errors import SandboxError

PRESETS = {"public": "public_chat", "members": "private_chat", "direct": "trusted_private_chat"}
# A closed room shows its members only what was said while they belonged to it.
HISTORY = {"public": "shared", "members": "joined", "direct": "joined"}


@dataclass
class Seeding:
    """`rooms` and `events` are filled on the way: room ids by alias, event ids by message key."""

    url: str
    server: str
    bot: str
    service_token: str
    admin_token: str
    password: str
    rooms: dict[str, str] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)

    def run(self, company: Company) -> None:
        for person in company.in_chat():
            self._account(person)
        for room in company.rooms:
            self._room(room)
        for message in company.messages:
            self._message(message)

    def _account(self, person: Person) -> None:
        address = {"medium": "email", "address": person.email}
        account = {"displayname": person.full_name, "password": self.password, "threepids": [address]}
        path = f"/_synapse/admin/v2/users/{quote(self._user(person.user_name))}"
        self._call("PUT", path, account, token=self.admin_token)

    def _room(self, room: Room) -> None:
        """Made by its first member; the service's own account is a member only where any colleague may be."""
        creator, *others = room.members
        wanted: dict[str, Any] = {
            "preset": PRESETS[room.visibility],
            "visibility": "public" if room.visibility == "public" else "private",
            "creation_content": {"m.federate": False},
            "initial_state": [
                _state("m.room.history_visibility", history_visibility=HISTORY[room.visibility]),
                _state("m.room.guest_access", guest_access="forbidden"),
            ],
        }
        if room.visibility == "direct":
            wanted |= {"is_direct": True}
        else:
            wanted |= {"room_alias_name": room.alias, "name": room.name, "topic": room.topic}
        if room.visibility == "public":
            others.append(self.bot)
        else:
            wanted["invite"] = [self._user(name) for name in others]
        room_id = self._call("POST", "/_matrix/client/v3/createRoom", wanted, user=creator)["room_id"]
        for name in others:
            self._call("POST", f"/_matrix/client/v3/join/{quote(room_id)}", {}, user=name)
        if room.visibility == "direct":
            self._mark_direct(room, room_id)
        self.rooms[room.alias] = room_id

    def _mark_direct(self, room: Room, room_id: str) -> None:
        """Clients keep apart rooms and direct conversations by this note in both accounts, not by the room."""
        for name, other in zip(room.members, reversed(room.members), strict=True):
            path = f"/_matrix/client/v3/user/{quote(self._user(name))}/account_data/m.direct"
            self._call("PUT", path, {self._user(other): [room_id]}, user=name)

    def _message(self, message: Message) -> None:
        content: dict[str, Any] = {"msgtype": "m.text", "body": message.text}
        if message.thread:
            root = self.events[message.thread]
            fallback = {"is_falling_back": True, "m.in_reply_to": {"event_id": root}}
            content["m.relates_to"] = {"rel_type": "m.thread", "event_id": root, **fallback}
        event = self._send(message, "m.room.message", content, message.author, message.sent, message.key)
        self.events[message.key] = event
        for (emoji, name), later in zip(message.reactions, count(1)):
            relation = {"m.relates_to": {"rel_type": "m.annotation", "event_id": event, "key": emoji}}
            moment = message.sent + timedelta(minutes=later)
            self._send(message, "m.reaction", relation, name, moment, f"{message.key}-{later}")

    def _send(
        self, to: Message, kind: str, content: dict[str, Any], author: str, at: datetime, transaction: str
    ) -> str:
        path = f"/_matrix/client/v3/rooms/{quote(self.rooms[to.room])}/send/{kind}/{transaction}"
        answer = self._call("PUT", path, content, user=author, ts=int(at.timestamp() * 1000))
        return str(answer["event_id"])

    def _user(self, user_name: str) -> str:
        return f"@{user_name}:{self.server}"

    def _call(
        self, method: str, path: str, body: dict[str, Any], *, user: str = "", token: str = "", ts: int | None = None
    ) -> dict[str, Any]:
        params: dict[str, Any] = {"user_id": self._user(user)} if user else {}
        if ts is not None:
            params["ts"] = ts
        headers = {"Authorization": f"Bearer {token or self.service_token}"}
        answer = self.session.request(method, self.url + path, params=params, json=body, headers=headers, timeout=60)
        if not answer.ok:
            raise SandboxError(f"Synapse answered {answer.status_code} to {method} {path}: {answer.text}")
        return dict(answer.json())


def _state(kind: str, **content: str) -> dict[str, Any]:
    return {"type": kind, "state_key": "", "content": content}
