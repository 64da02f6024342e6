"""What must hold at each single write, whatever comes later: no delete without a reason, nothing shown too widely."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from landbridge.store import records
from landbridge.store.hub import Hub
from tests.model import clock
from tests.model.people import People, post_of
from tests.model.systems import Simulated
from tests.model.talk import SPOKEN
from tests.model.words import Word, bare, number_of

GRACE = timedelta(days=30)


class Judge:
    """Asked before each write is applied; it may look at what the hub has read by then, for more nobody can know."""

    def __init__(self, people: People, hub: Hub) -> None:
        self.people, self.hub = people, hub

    def __call__(self, system: Simulated, about: str, what: Any) -> Iterator[str]:
        op, _, stream = about.partition(" ")
        native = what if op == "create" else system.state[stream].get(what)
        if native is None:
            return
        with self.hub.read() as conn:
            if op == "delete":
                yield from self._taken(conn, system, stream, native)
            if SPOKEN.get(system.name) == stream and op in ("create", "update"):
                yield from self._shown(conn, system, stream, op, native)

    def replaced(self, system: Simulated, stream: str, native: dict[str, Any]) -> None:
        """Words that nobody had read yet are gone with our update: a run reads first, but people go on meanwhile."""
        text = bare(str(native.get("text", "")))
        word = self.people.words.get(number_of(text) or 0)
        with self.hub.read() as conn:
            known = _claim(conn, system.name, stream, native["id"]).get("body")
        if word and known is not None and bare(str(known)) != text:
            word.versions.rejected.add(text)

    def _taken(self, conn: Connection, system: Simulated, stream: str, native: dict[str, Any]) -> Iterator[str]:
        key = system.streams()[stream].key_of(native)
        if (stream, key) not in system.made and stream not in ("people", "memberships"):
            yield f"delete of {system.name}/{stream} {key}, which a person made"
        if word := self.people.words.get(number_of(str(native.get("text", ""))) or 0):
            word.retracted = True
        if stream == "people":
            yield from self._deleted(conn, system, native["number"])

    def _deleted(self, conn: Connection, system: Simulated, number: str) -> Iterator[str]:
        here = next((one["id"] for one in self.people.hr.all("people") if one["number"] == number), "")
        row = records.get(conn, "hr", "people", here)
        claim = (row.claim or {}) if row is not None and row.gone_at is None else {}
        if claim.get("employee_number") == number and claim.get("active") is not False:
            yield f"{number} is deleted in {system.name}, who works here as far as is known"
        if not any(at <= clock.now() - GRACE for at in self.people.left.get(number, [])):
            yield f"{number} is deleted in {system.name} before the grace period was over"

    def _shown(
        self, conn: Connection, system: Simulated, stream: str, op: str, native: dict[str, Any]
    ) -> Iterator[str]:
        """The audience of a post is that of what is said about it; that of a reply is its room's."""
        if op == "update" and (stream, native["id"]) not in system.made:
            return  # said here: nobody sees it who did not before
        word = self.people.words.get(number_of(native["text"]) or 0)
        if word and not word.post:
            yield from self._passed_on(conn, system, native, word)
            return
        about = word.post if word else self.people.titled.get(post_of(native), "")
        scope = (_claim(conn, "cms", "posts", about).get("audience") or {}).get("scope", "company")
        if scope == "nobody":
            yield f"{native['text']} is shown in {system.name}, and its post is for nobody"
        room = native.get("room") if system.name == "chat" else self._said_in(word)
        claim = _claim(conn, "chat", "rooms", room or "")
        if system.name == "chat" and claim.get("guests_present"):
            yield f"{native['text']} is shown to guests"
        if system.name == "cms" and room and claim.get("visibility") == "members":
            yield f"{native['text']} was said in a closed room and is shown to all"

    def _passed_on(self, conn: Connection, system: Simulated, native: dict[str, Any], word: Word) -> Iterator[str]:
        """From one of the joined chats into the other."""
        home = self.people.systems[word.home].state[word.stream].get(word.key)
        said_in = _claim(conn, word.home, "rooms", home["room"]) if home else {}
        claim = _claim(conn, system.name, "rooms", native["room"])
        closed = [one.get("visibility") == "members" for one in (said_in, claim)]
        if closed == [True, False]:
            yield f"{native['text']} was said in a closed room and is shown in an open one"
        if claim.get("guests_present") and not (all(closed) and said_in.get("guests_present")):
            yield f"{native['text']} is shown to guests"

    def _said_in(self, word: Any) -> str | None:
        home = self.people.chat.state["messages"].get(word.key) if word else None
        return home["room"] if home else None


def _claim(conn: Connection, system: str, stream: str, key: str) -> dict[str, Any]:
    row = records.get(conn, system, stream, key)
    return (row.claim or {}) if row else {}
