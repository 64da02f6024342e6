"""A chat room and a mailing list that are one conversation: the engine, a chat in memory, a real Dovecot."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from connectors.email.connector import Email
from landbridge.connector import Connection
from landbridge.mail.mime import content, header, parse
from landbridge.store import setaside
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, load_company, run_flow
from landbridge.testing.memory import Memory
from sandbox.company import halbrueck
from sandbox.dovecot import DOMAIN, Dovecot
from tests.connectors.email.server.conftest import _desks
from tests.connectors.email.server.desk import Desk, connector, hanging_up
from tests.servers import brought_up

pytestmark = pytest.mark.server
__all__ = ["_desks"]

ROOT = Path(__file__).parents[2]
MAPPINGS = ROOT / "tests" / "sync" / "company" / "mappings"
ANNA, BERT = halbrueck().people[:2]
FILES = {
    "config/systems.yaml": "systems:\n  hr: {connector: hr_app}\n  chat: {connector: chat_app}\n  mail: {connector: email}\n",
    "config/flows/people.yaml": (
        "flow: people\npurpose: Colleagues are known.\nkind: person\nfrom: {hr/people: {}}\n"
        "match: [employee_number, emails]\nto: {chat/people: {}}\n"
    ),
    "config/flows/talk.yaml": (
        "flow: talk\npurpose: A room and its mailing list are one conversation.\nkind: message\n"
        "from: {chat/messages: {}, mail/messages: {creates: true}}\nto: {chat/messages: {}, mail/messages: {}}\nreplies: both\n"
    ),
}


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with brought_up(Dovecot) as system:
        yield system


class World:
    """Two colleagues, a room, and the list of the same name."""

    def __init__(self, home: Path, hub: Hub, dovecot: Dovecot) -> None:
        for name, text in FILES.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        for name in ("chat_app", "hr_app"):
            shutil.copytree(MAPPINGS / name, home / "mappings" / name)
        shutil.copytree(ROOT / "mappings" / "email", home / "mappings" / "email")
        self.bridge = Bridge(load_company(home), hub, _no_connection)
        self.hr, self.chat = Memory("hr"), Memory("chat")
        self.dovecot = dovecot
        self.join(connector(dovecot))
        for number, person in enumerate((ANNA, BERT), 1):
            told = {"number": str(number), "given": person.given, "family": person.family, "mail": person.email}
            self.hr.put("people", id=str(number), login=person.user_name, active=True, **told)
        # Which mails are of this world: the list outlives it, and so the number that `id` gives.
        self.mark = f"mark-{uuid4().hex}"
        self.room = self.chat.put("rooms", name="IT-Hilfe", alias="it-help", visibility="public")

    def join(self, mail: Email) -> None:
        self.mail = mail
        for name, system in {"hr": self.hr, "chat": self.chat, "mail": mail}.items():
            system.open_file = self.bridge.open_file
            self.bridge._connectors[name] = system

    def run(self) -> dict[str, Any]:
        return {flow: run_flow(self.bridge, flow).as_dict() for flow in ("people", "talk")}

    def account(self, login: str) -> str:
        return str(next(one["id"] for one in self.chat.all("people") if one["login"] == login))

    def said(self) -> dict[str, dict[str, Any]]:
        return {str(one["text"]): one for one in self.chat.all("messages")}


def _no_connection(name: str) -> Connection:
    raise AssertionError(name)


@pytest.fixture
def world(tmp_path: Path, hub: Hub, dovecot: Dovecot) -> World:
    world = World(tmp_path, hub, dovecot)
    world.run()
    return world


def mails(dovecot: Dovecot, text: str) -> list[str]:
    return Desk(dovecot, "Lists/it-help").uids("TEXT", f'"{text}"')


def _from_outside(dovecot: Dovecot, text: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Boss <boss@elsewhere.example>", f"it-help@{DOMAIN}", "Offer"
    mail.set_content(text)
    dovecot.submit(BERT.user_name, mail)


def test_a_conversation_goes_on_in_both_places(world: World, dovecot: Dovecot) -> None:
    mark = world.mark
    root = world.chat.put(
        "messages", room=world.room, author=world.account(ANNA.user_name), text=f"The **printer** is on fire {mark}",
        at="2026-03-02T09:05:00Z",
    )  # fmt: skip
    world.run()
    [uid] = mails(dovecot, mark)
    desk = Desk(dovecot, "Lists/it-help")
    mail = parse(desk.imap.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1])
    assert header(mail, "Subject").startswith(f"[it-help] {ANNA.full_name}: The printer is on fire")
    assert f"<strong>{ANNA.full_name}:</strong> The <strong>printer</strong> is on fire {mark}" in str(
        content(mail).html
    )
    quoted = (
        f"Use water, {mark}.\n\nOn Mon, 2 Mar 2026 at 10:05, Landbridge <landbridge@{DOMAIN}> wrote:\n> The printer"
    )
    dovecot.send(BERT.user_name, "it-help", "Re: printer", quoted, answers=header(mail, "Message-ID"))
    world.run()
    reply = world.said()[f"Use water, {mark}."]
    assert (reply["thread"], reply["author"], reply["room"]) == (root, world.account(BERT.user_name), world.room)
    # And it has come to rest: nobody's words come back to them.
    before = (len(world.chat.calls), len(mails(dovecot, mark)))
    world.run()
    world.run()
    assert (len(world.chat.calls), len(mails(dovecot, mark))) == before == (before[0], 2)


def test_who_is_not_verified_is_shown_as_a_guest_and_an_absence_note_not_at_all(world: World, dovecot: Dovecot) -> None:
    mark = world.mark
    _from_outside(dovecot, f"Cheap toner {mark}")
    dovecot.send(BERT.user_name, "it-help", "Away", f"I am away {mark}", Auto_Submitted="auto-replied")
    world.run()
    shown = [text for text in world.said() if mark in text]
    assert shown == [f"**Boss (boss@elsewhere.example), not verified:** Offer\n\nCheap toner {mark}"]


def test_what_the_server_took_before_landbridge_died_is_sent_once(world: World, dovecot: Dovecot) -> None:
    mark = world.mark
    world.chat.put(
        "messages", room=world.room, author=world.account(ANNA.user_name), text=mark, at="2026-03-02T09:05:00Z"
    )
    with hanging_up(dovecot.facts()["smtp_port"]) as port:
        world.join(connector(dovecot, smtp=f"smtp://127.0.0.1:{port}"))
        world.run()
    assert len(mails(dovecot, mark)) == 1
    world.join(connector(dovecot))
    world.run()
    world.run()
    assert len(mails(dovecot, mark)) == 1


def test_a_bounce_is_for_the_operator_and_costs_no_full_read(world: World, dovecot: Dovecot) -> None:
    lists = [
        {"mailbox": "Lists/it-help", "address": "it-help@elsewhere.example", "visibility": "public", "guests": False}
    ]
    mark = world.mark
    world.chat.put(
        "messages", room=world.room, author=world.account(ANNA.user_name), text=mark, at="2026-03-02T09:05:00Z"
    )
    world.join(connector(dovecot, lists=lists))
    world.run()
    world.run()
    with world.bridge.hub.read() as conn:
        [found] = [one for one in setaside.list(conn) if one.key.startswith("bounce of ")][:1]
        assert not setaside.due(conn, "mail", "messages")
    assert "A mail to the list Lists/it-help came back: 5.1.2, no such host." in found.reason
    assert found.next_at == setaside.NEVER
