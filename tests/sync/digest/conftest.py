"""A company whose rooms have lists, the news of which are told once a day."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from landbridge.store import unit
from landbridge.store.entities import new_id
from landbridge.store.hub import Hub
from landbridge.sync import load_company, periods, run_flow
from tests.sync.conftest import HOME, World, make_world

MESSAGES = """\
system: mail_app
stream: messages
kind: message
fields:
  space: room | ref("rooms")
  thread: thread | ref("messages")
  body: text
  sent_at: at
"""
LETTERS = "system: mail_app\nstream: notes\nkind: message\nfields: {to: to, body: text, sent_at: at}\n"
LISTS = "system: mail_app\nstream: rooms\nkind: space\nmatch: [alias]\nfields: {name: name, alias: alias, visibility: visibility}\n"
DIGEST = """\
flow: digest
purpose: Who reads mail only knows what was said.
kind: message
from: {chat/messages: {only: 'not body == "secret"'}}
as: digest
to:
  mail/messages: {}
  mail/notes: {only: 'title == "Fitter"'}
digest: {every: 1 day, at: "07:00", zone: Europe/Berlin}
"""
PEOPLE = (
    "flow: people\npurpose: Colleagues are known.\nkind: person\nfrom: {hr/people: {}}\n"
    "match: [employee_number, emails]\nto: {chat/people: {}}\n"
)
TALK = (
    "flow: talk\npurpose: A room and its list are one conversation.\nkind: message\n"
    "from: {mail/messages: {}, chat/messages: {creates: true}}\nto: {chat/messages: {only: 'body != \"\"'}}\nreplies: both\n"
)
STAFF = {"anna": "Clerk", "bert": "Fitter", "cleo": "Fitter"}


@dataclass
class Digests:
    """The company, and what time it is there."""

    world: World
    moment: datetime

    def run(self, days: int = 0) -> None:
        self.moment += timedelta(days=days)
        for flow in self.world.bridge.company.flows:
            run_flow(self.world.bridge, flow)

    def next_day(self) -> None:
        """What was said today is known by then."""
        self.run()
        self.run(days=1)

    def new_id(self) -> str:
        """As it would be made at that time."""
        told = f"{int(self.moment.timestamp() * 1000):012x}"
        return f"{told[:8]}-{told[8:]}{new_id()[13:]}"

    def say(self, room: str, login: str, text: str, **more: Any) -> str:
        at = (self.moment + timedelta(seconds=len(self.world.chat.all("messages")))).isoformat()
        return self.world.chat.put("messages", room=room, author=self.account(login), text=text, at=at, **more)

    def account(self, login: str) -> str:
        return next(str(one["id"]) for one in self.world.chat.all("people") if one["login"] == login)

    def mails(self) -> list[str]:
        return [str(one["text"]) for one in self.world.mail.all("messages")]

    def letters(self) -> dict[str, str]:
        """By address; nobody has two."""
        found = {str(one["to"]): str(one["text"]) for one in self.world.mail.all("notes")}
        assert len(found) == len(self.world.mail.all("notes"))
        return found

    def clear(self) -> None:
        """Whoever keeps the mailbox removes all letters."""
        self.world.mail.state["notes"].clear()


def company(home: Path, **files: str) -> Path:
    systems = "systems:\n  hr: {connector: hr_app}\n  chat: {connector: chat_app}\n  mail: {connector: mail_app}\n"
    flows = {"people": PEOPLE, "digest": DIGEST, **files}
    texts = {"config/systems.yaml": systems, **{f"config/flows/{name}.yaml": text for name, text in flows.items()}}
    texts |= {f"mappings/mail_app/{name}.yaml": text for name, text in
              {"messages": MESSAGES, "notes": LETTERS, "rooms": LISTS}.items()}  # fmt: skip
    for name, text in texts.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    for name in ("chat_app", "hr_app"):
        shutil.copytree(HOME / "mappings" / name, home / "mappings" / name)
    return home


def begin(home: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Digests:
    """Two rooms with lists of their names, the first digest's period under way."""
    world = make_world(load_company(home), hub)
    found = Digests(world, datetime(2026, 3, 2, 12, tzinfo=UTC))
    monkeypatch.setattr(periods, "_moment", lambda: found.moment)
    monkeypatch.setattr(unit, "new_id", found.new_id)
    for number, (login, title) in enumerate(STAFF.items(), 1):
        told = {"number": str(number), "login": login, "given": login.title(), "family": "Müller", "title": title}
        world.hr.put("people", id=str(number), mail=f"{login}@example.org", active=True, **told)
    for alias, visibility in (("help", "public"), ("works", "public"), ("board", "members"), ("cellar", "hidden")):
        for system in (world.chat, world.mail):
            system.put("rooms", id=f"!{alias}", name=alias.title(), alias=alias, visibility=visibility)
    found.run()
    return found


@pytest.fixture
def digests(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Digests:
    return begin(company(tmp_path), hub, monkeypatch)
