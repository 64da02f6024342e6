"""What people do in their chat, and short names for what the tests ask of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from connectors.matrix.connector import Matrix
from landbridge.connector import Checkpoint, Complete, Record
from sandbox.company import halbrueck
from sandbox.synapse import SERVER_NAME, Synapse

MAPPINGS = Path(__file__).parents[4] / "mappings" / "matrix"
COMPANY = halbrueck()
CLIENT = "/_matrix/client/v3"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0000000030001015a0a2db4"
    "0000000049454e44ae426082"
)
PHOTO = {"name": "zoë.png", "media_type": "image/png", "size": len(PNG), "url": "directory:zoe"}
Make = Callable[..., Matrix]
_numbers = itertools.count(1)


def user(name: str) -> str:
    return f"@{name}:{SERVER_NAME}"


ANNA, LENA, LUKASZ = user("anna.mueller"), user("lena.vogt"), user("lukasz.wisniewski")


class Desk:
    """What people do in their chat."""

    def __init__(self, synapse: Synapse) -> None:
        self.facts = synapse.facts()

    def ask(self, method: str, path: str, name: str, body: Any = None, token: str = "", **params: Any) -> Any:
        url = f"http://127.0.0.1:{self.facts['port']}{path}"
        params |= {} if token else {"user_id": name}
        headers = {"Authorization": f"Bearer {token or self.facts['as_token']}"}
        answer = requests.request(method, url, params=params, json=body, headers=headers, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def room(self, creator: str, **wanted: Any) -> str:
        return str(self.ask("POST", f"{CLIENT}/createRoom", creator, {"preset": "public_chat", **wanted})["room_id"])

    def send(self, room: str, name: str, kind: str = "m.room.message", **content: Any) -> str:
        path = f"{CLIENT}/rooms/{quote(room)}/send/{kind}/people-{next(_numbers)}"
        return str(self.ask("PUT", path, name, content)["event_id"])

    def say(self, room: str, name: str, text: str, **more: Any) -> str:
        return self.send(room, name, msgtype="m.text", body=text, **more)

    def react(self, room: str, name: str, event: str, emoji: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event, "key": emoji}
        return self.send(room, name, "m.reaction", **{"m.relates_to": relation})

    def take_back(self, room: str, name: str, event: str) -> None:
        path = f"{CLIENT}/rooms/{quote(room)}/redact/{quote(event)}/people-{next(_numbers)}"
        self.ask("PUT", path, name, {})


class Follower:
    """Reads a stream on and on, as the engine does."""

    def __init__(self, matrix: Matrix, stream: str) -> None:
        self.matrix, self.stream, self.cursor = matrix, stream, None
        self.items()

    def items(self) -> list[Any]:
        items = list(self.matrix.read(self.stream, self.cursor))
        self.cursor = next(item.cursor for item in items if isinstance(item, Checkpoint))
        return [item for item in items if not isinstance(item, Checkpoint | Complete)]

    def records(self) -> dict[str, Any]:
        return {item.key: item.native for item in self.items()}


def full(matrix: Matrix, stream: str) -> dict[str, Any]:
    return {item.key: item.native for item in matrix.read(stream) if isinstance(item, Record)}


def newcomer(name: str) -> dict[str, Any]:
    address = f"{name}@{SERVER_NAME}"
    return {
        "localpart": name,
        "displayname": f"Zoë {name} 🪜",
        "emails": [address.title()],
        "employee_number": f"X-{name}",
    }


def closed_room(matrix: Matrix, alias: str, *members: str) -> str:
    room = matrix.create_room({"alias": alias, "name": alias, "join_rule": "invite"}, f"lb-{alias}")["room_id"]
    for member in members:
        matrix.writer("memberships", "create")({"room": room, "user": member}, "m")
    return str(room)


def desk_room_of(matrix: Matrix, alias: str) -> str:
    return next(key for key, native in full(matrix, "rooms").items() if native["alias"] == alias)
