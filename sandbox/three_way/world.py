"""Three tools with one help desk: what people do in each, and what each shows, through its own API."""

from __future__ import annotations

import hashlib
import imaplib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from sandbox.company import Company, halbrueck
from sandbox.dovecot import DOMAIN, Dovecot
from sandbox.emulators.slack import Slack
from sandbox.emulators.slack_workspace import BOT_USER
from sandbox.matrix_client import MatrixDesk
from sandbox.synapse import SERVER_NAME, Synapse

REPOSITORY = Path(__file__).parents[2]
ROOM, CLOSED = "it-help", "works-council"
# Whom each of them has an account with: Slack and Matrix, Matrix alone, and all three.
ANNA, LUKASZ, RENEE = "anna.mueller", "lukasz.wisniewski", "renee.lefevre"
IN_SLACK = (ANNA, RENEE)
# Who is on the list and says nothing; in this mailbox is looked at what everybody gets.
READER = halbrueck().people[1].user_name
# Who writes to the list from elsewhere.
GUEST, GUEST_NAME = "petra@elsewhere.example", "Petra Gast"
TOOLS = ("slack", "matrix", "mail")


def small(company: Company) -> Company:
    """Three people, the open room and a closed one; nothing was said yet."""
    people = tuple(company.by_user_name[name] for name in (ANNA, LUKASZ, RENEE))
    names = tuple(person.user_name for person in people)
    rooms = tuple(replace(company.room(alias), members=names) for alias in (ROOM, CLOSED))
    return replace(company, people=people, rooms=rooms, messages=())


@dataclass(frozen=True)
class Shown:
    """A message as one tool shows it; `thread` is the id of the thread's first message, `files` are checksums by name."""

    id: str
    author: str
    text: str
    thread: str = ""
    edited: bool = False
    reactions: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


class SlackDesk:
    """People act in the emulator's workspace, as they would in Slack's client; what is shown the Web API tells."""

    def __init__(self, emulator: Slack, url: str, company: Company) -> None:
        self.emulator, self.url = emulator, url
        space = emulator.space
        people = [one for one in company.people if one.user_name in IN_SLACK]
        self.ids = {one.user_name: space.person(one)["id"] for one in people}
        members = [BOT_USER, *self.ids.values()]
        self.rooms = {
            alias: space.channel(alias, members, creator=members[1], private=alias == CLOSED)["id"]
            for alias in (ROOM, CLOSED)
        }

    def say(
        self, who: str, text: str, thread: str = "", file: tuple[str, bytes] | None = None, room: str = ROOM
    ) -> str:
        files = [self.emulator.space.file(f"F{len(self.emulator.space.files):09}", *file)] if file else []
        more: dict[str, Any] = {"files": files} if files else {}
        return str(self.emulator.space.say(self.rooms[room], self.ids[who], text, thread or None, **more)["ts"])

    def edit(self, ts: str, text: str) -> None:
        self.emulator.space.edit(self.rooms[ROOM], ts, text)

    def remove(self, ts: str) -> None:
        self.emulator.space.remove(self.rooms[ROOM], ts)

    def react(self, who: str, ts: str, name: str) -> None:
        self.emulator.space.react(self.rooms[ROOM], ts, name, self.ids[who])

    def shown(self, room: str = ROOM) -> list[Shown]:
        found: list[Shown] = []
        for root in self._ask("conversations.history", channel=self.rooms[room])["messages"][::-1]:
            thread = self._ask("conversations.replies", channel=self.rooms[room], ts=root["ts"])["messages"]
            found += [self._shown(one) for one in thread if one.get("subtype") != "tombstone"]
        return found

    def _shown(self, raw: dict[str, Any]) -> Shown:
        thread = raw.get("thread_ts", raw["ts"])
        return Shown(
            raw["ts"],
            str(raw.get("username") or self._names[raw["user"]]),
            str(raw["text"]),
            "" if thread == raw["ts"] else thread,
            "edited" in raw and raw["edited"]["user"] != BOT_USER,
            {one["name"]: one["count"] for one in raw.get("reactions", ())},
            {one["name"]: self._checksum(one["id"]) for one in raw.get("files", ())},
        )

    @cached_property
    def _names(self) -> dict[str, str]:
        return {one["id"]: one["profile"]["real_name"] for one in self._ask("users.list")["members"]}

    def _checksum(self, file: str) -> str:
        address = self._ask("files.info", file=file)["file"]["url_private_download"]
        return hashlib.sha256(requests.get(address, headers=self._headers, timeout=30).content).hexdigest()

    def _ask(self, method: str, **params: str) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/api/{method}", params=params, headers=self._headers, timeout=30).json()
        if not answer["ok"]:
            raise RuntimeError(f"Slack refused {method}: {answer['error']}")
        return dict(answer)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.emulator.token}"}


class MatrixRoom:
    """Everybody acts as themselves, by Matrix's own API."""

    def __init__(self, synapse: Synapse) -> None:
        facts = synapse.facts()
        self._url = str(synapse.connections()["chat"]["host"])
        self._desk = MatrixDesk(self._url, SERVER_NAME, facts["admin_token"])
        self._clients = {name: self._desk.acting_as(name) for name in (ANNA, LUKASZ, RENEE)}
        self.rooms = self._desk.rooms()

    def say(
        self, who: str, text: str, thread: str = "", file: tuple[str, bytes] | None = None, room: str = ROOM
    ) -> str:
        client, room_id = self._clients[who], self.rooms[room]
        return client.post(room_id, text, thread=thread or None, file=file)

    def edit(self, who: str, event: str, text: str) -> None:
        self._clients[who].edit(self.rooms[ROOM], event, text)

    def remove(self, who: str, event: str) -> None:
        self._clients[who].redact(self.rooms[ROOM], event)

    def react(self, who: str, event: str, emoji: str) -> str:
        return self._clients[who].react(self.rooms[ROOM], event, emoji)

    def shown(self, room: str = ROOM) -> list[Shown]:
        client = self._clients[ANNA]
        return [self._shown(one) for one in client.messages(self.rooms[room])[::-1]]

    def _shown(self, event: dict[str, Any]) -> Shown:
        client, content = self._clients[ANNA], event["content"]
        about = content.get("m.relates_to") or {}
        original = client.event(self.rooms[ROOM], event["event_id"]) if event["room_id"] == self.rooms[ROOM] else event
        files = {content["filename"]: client.checksum(content["url"])} if "url" in content else {}
        return Shown(
            event["event_id"],
            client.display_name(event["sender"]),
            str(content["body"]),
            str(about["event_id"]) if about.get("rel_type") == "m.thread" else "",
            "m.replace" in original.get("unsigned", {}).get("m.relations", {}),
            client.reactions(event["room_id"], event["event_id"]),
            files,
        )


class MailBox:
    """Colleagues write to the list by SMTP; what they get is in their own INBOX."""

    def __init__(self, dovecot: Dovecot) -> None:
        self.dovecot = dovecot

    def say(
        self, who: str, text: str, thread: str = "", file: tuple[str, bytes] | None = None, subject: str = ""
    ) -> str:
        mail = EmailMessage()
        address = who if who == GUEST else halbrueck().by_user_name[who].email
        number = len(self.shown())
        mail["From"], mail["To"] = f"{full_name(who)} <{address}>", f"{ROOM}@{DOMAIN}"
        mail["Subject"] = subject or "Re: help"
        mail["Message-ID"] = f"<{number}.{who.partition('@')[0]}@{DOMAIN}>"
        if thread:
            mail["In-Reply-To"] = mail["References"] = thread
        mail.set_content(text)
        if file:
            mail.add_attachment(file[1], maintype="image", subtype="png", filename=file[0])
        self.dovecot.submit(READER if who == GUEST else who, mail)
        return str(mail["Message-ID"])

    def shown(self) -> list[Shown]:
        return [self._shown(message_from_bytes(data)) for data in self._mails()]

    def _shown(self, mail: Message) -> Shown:
        parts = [one for one in mail.walk() if not one.is_multipart()]
        text = next((_text(one) for one in parts if one.get_content_type() == "text/plain"), "")
        files = {one.get_filename() or "": _checksum(one) for one in parts if one.get_filename()}
        thread = re.findall(r"<[^>]+>", str(mail.get("References") or ""))
        author = str(make_header(decode_header(str(mail["From"])))).partition(" <")[0].strip('"')
        return Shown(str(mail["Message-ID"]), author, text, thread[0] if thread else "", files=files)

    def _mails(self) -> Iterator[bytes]:
        with imaplib.IMAP4("127.0.0.1", self.dovecot.facts()["port"]) as imap:
            imap.login(READER, self.dovecot.secret("people_password"))
            imap.select("INBOX", readonly=True)
            for number in imap.search(None, "ALL")[1][0].split():
                part = imap.fetch(number, "(BODY.PEEK[])")[1][0]
                if isinstance(part, tuple):
                    yield part[1]


@dataclass
class World:
    """`home` is Landbridge's: config/, mappings/ and connections.json."""

    home: Path
    slack: SlackDesk
    matrix: MatrixRoom
    mail: MailBox

    @property
    def environment(self) -> dict[str, str]:
        return {"LANDBRIDGE_HOME": str(self.home), "LANDBRIDGE_CONNECTIONS": str(self.home / "connections.json")}

    def shown(self) -> dict[str, list[Shown]]:
        return {"slack": self.slack.shown(), "matrix": self.matrix.shown(), "mail": self.mail.shown()}


def settled(home: Path, emulator: Slack, url: str, synapse: Synapse, dovecot: Dovecot) -> World:
    """The configuration that the how-to shows, and connections to these three."""
    company = small(halbrueck())
    shutil.copytree(Path(__file__).parent / "config", home / "config", dirs_exist_ok=True)
    for name in ("slack", "matrix", "email"):
        shutil.copytree(REPOSITORY / "mappings" / name, home / "mappings" / name, dirs_exist_ok=True)
    world = World(home, SlackDesk(emulator, url, company), MatrixRoom(synapse), MailBox(dovecot))
    mail = dovecot.connections()["mail"]
    mail["extra"]["lists"] = [one for one in mail["extra"]["lists"] if one["mailbox"] == f"Lists/{ROOM}"]
    slack = {"conn_type": "landbridge_slack", "host": url, "password": emulator.token, "extra": {}}
    connections = {"slack": slack, "matrix": synapse.connections()["chat"], "mail": mail}
    file = home / "connections.json"
    file.touch(0o600)
    file.write_text(json.dumps(connections))
    return world


def full_name(user_name: str) -> str:
    return GUEST_NAME if user_name == GUEST else halbrueck().by_user_name[user_name].full_name


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode(part.get_content_charset() or "utf-8").strip() if isinstance(payload, bytes) else ""


def _checksum(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return hashlib.sha256(payload if isinstance(payload, bytes) else b"").hexdigest()
