"""Matrix against the conformance suite, on a real Synapse: accounts and messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import pytest

from connectors.matrix import natives, reading, users
from connectors.matrix.connector import Matrix
from landbridge.connector import Stream
from landbridge.connector.items import Native
from landbridge.testing import faults
from landbridge.testing.conformance import Conformance, Harness
from landbridge.testing.exchange import Fault
from sandbox.synapse import Synapse
from tests.connectors.matrix.server.desk import ANNA, CLIENT, Desk, user
from tests.servers import brought_up

pytestmark = pytest.mark.server

ADMIN = "/_synapse/admin/v2/users"
DEACTIVATED = "an account of Matrix is never deleted, only deactivated, and is read as that"


class MatrixHarness(Harness):
    connector = Matrix
    mappings = Path(__file__).parents[4] / "mappings"
    exempt: ClassVar[dict[str, str]] = {
        "rooms": "rooms are seen a moment after they were made: test_people_and_rooms.py waits for them",
        "memberships": "a membership holds no text by which the suite could know it: test_people_and_rooms.py",
        "users.deletion": DEACTIVATED,
        "users.written_deletion": DEACTIVATED,
        "users.update_of_what_is_gone": DEACTIVATED,
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        with brought_up(Synapse) as self.synapse, pytest.MonkeyPatch.context() as patch:
            # So that a few records are several pages.
            patch.setattr(users, "LISTED", replace(users.LISTED, size=20))
            patch.setattr(reading, "PAGES", replace(reading.PAGES, size=3))
            self.desk, self.facts = Desk(self.synapse), self.synapse.facts()
            self.room = self.desk.room(ANNA, name="Conformance")
            self.desk.ask("POST", f"{CLIENT}/join/{quote(self.room)}", user("landbridge"), {})
            yield self.synapse.connections()["chat"]["host"]

    def config(self, url: str) -> dict[str, Any]:
        chat = self.synapse.connections()["chat"]
        return {"host": url, "login": chat["login"], "password": chat["password"], **chat["extra"]}

    def add(self, stream: str, text: str) -> str:
        if stream == "messages":
            return natives.key(self.room, self.desk.say(self.room, ANNA, text))
        return self._account(user(f"c{text.rpartition(' ')[2]}"), displayname=text)

    def change(self, stream: str, key: str, text: str) -> None:
        if stream == "users":
            self._account(key, displayname=text)
            return
        room, event = natives.parts(key)
        about = {"m.relates_to": {"rel_type": "m.replace", "event_id": event}}
        self.desk.say(room, ANNA, f"* {text}", **{"m.new_content": {"msgtype": "m.text", "body": text}, **about})

    def remove(self, stream: str, key: str) -> None:
        self.desk.take_back(natives.parts(key)[0], ANNA, natives.parts(key)[1])

    def keys(self, stream: str) -> set[str]:
        if stream == "users":
            listed = self.desk.ask("GET", ADMIN, "", token=self.facts["admin_token"], limit=1000, deactivated="true")
            return {row["name"] for row in listed["users"]}
        rooms = self.desk.ask("GET", f"{CLIENT}/joined_rooms", user("landbridge"))["joined_rooms"]
        return {natives.key(room, event) for room in rooms for event in self._said(room)}

    def native(self, stream: str, text: str) -> Native:
        number = text.rpartition(" ")[2]
        if stream == "users":
            return {"localpart": f"new{number}", "displayname": text, "emails": [], "employee_number": f"X-{number}"}
        return {"room_id": self.room, "sender": ANNA, "body": text}

    def changes(self, stream: str, text: str) -> Native:
        return {"displayname": text} if stream == "users" else {"body": text}

    # How Synapse says it

    def path(self, stream: Stream) -> str:
        return f"{ADMIN}*" if stream.name == "users" else f"{CLIENT}/*"

    def items(self, stream: Stream) -> str | None:
        return None

    def limited(self, after: float | None) -> Fault:
        wait = {} if after is None else {"retry_after_ms": int(after * 1000)}
        return faults.refuse(429, json.dumps({"errcode": "M_LIMIT_EXCEEDED", **wait}).encode())

    def worn_out(self, stream: str, cursor: Any) -> Any:
        return {"since": "s0_nowhere"} if stream == "messages" else {"names": []}

    # Steps of the above

    def _account(self, name: str, **fields: Any) -> str:
        self.desk.ask("PUT", f"{ADMIN}/{quote(name)}", name, fields, token=self.facts["admin_token"])
        return name

    def _said(self, room: str) -> Iterator[str]:
        start: dict[str, str] = {}
        while True:
            path = f"{CLIENT}/rooms/{quote(room)}/messages"
            found = self.desk.ask("GET", path, user("landbridge"), dir="f", limit=500, **start)
            for event in found["chunk"]:
                content, edit = (
                    event["content"],
                    event["content"].get("m.relates_to", {}).get("rel_type") == "m.replace",
                )
                if event["type"] == "m.room.message" and content and not edit:
                    yield event["event_id"]
            if "end" not in found:
                return
            start = {"from": found["end"]}


class TestMatrix(Conformance):
    harness = MatrixHarness
