"""Somebody at the mailboxes, and the connector to them."""

from __future__ import annotations

import imaplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from connectors.email.connector import Email
from landbridge.connector import Record
from landbridge.connector.config import connection_from
from landbridge.http import LocalThrottle
from landbridge.mapping import load_mapping
from sandbox.company import halbrueck
from sandbox.dovecot import LISTS, Dovecot
from tests.connectors.reading import read

ROOT = Path(__file__).parents[4]
MAPPING = load_mapping(ROOT / "mappings" / "email" / "messages.yaml")
IT, WORKS = (f"Lists/{name}" for name in LISTS)
ANNA, OTHER = (person.user_name for person in halbrueck().people[:2])
MARKER = "lb" + "0" * 31


def connector(system: Dovecot, **changed: Any) -> Email:
    """Words change the connection: host, login, password, or its extra."""
    data = system.connections()["mail"]
    data = {name: changed.pop(name, value) for name, value in data.items()}
    return Email(Email.Config.of(connection_from("mail", data | {"extra": data["extra"] | changed})), LocalThrottle())


class Desk:
    """Somebody at Landbridge's own mailboxes."""

    opened: ClassVar[list[Desk]] = []

    def __init__(self, system: Dovecot, mailbox: str, login: str = "landbridge") -> None:
        self.opened.append(self)
        self.imap = imaplib.IMAP4("127.0.0.1", system.facts()["port"])
        self.imap.login(login, system._passwords()[login])
        self.imap.select(f'"{mailbox}"')

    def uids(self, *criteria: str) -> list[str]:
        return self.imap.uid("SEARCH", *(criteria or ("ALL",)))[1][0].decode().split()

    def mark(self, message_id: str, flag: str, *, on: bool = True) -> None:
        [uid] = self.uids("HEADER", "Message-ID", message_id)
        self.imap.uid("STORE", uid, "+FLAGS" if on else "-FLAGS", flag)

    def remove(self, message_id: str) -> None:
        self.mark(message_id, r"(\Deleted)")
        self.imap.expunge()


def key(message_id: str, mailbox: str = IT) -> str:
    return f"{mailbox}/{message_id}"


def now(system: Dovecot) -> Any:
    return read(connector(system), "messages")[2]


def news(system: Dovecot, cursor: Any, **changed: Any) -> tuple[dict[str, Record], list[str], Any]:
    return read(connector(system, **changed), "messages", cursor)


def post(email: Email, marker: str = MARKER, **native: Any) -> dict[str, Any]:
    told = {"mailbox": IT, "text": "From the chat. 🙂", "html": "<p>From the <b>chat</b>. 🙂</p>"} | native
    return email.create_message(told, marker)


@contextmanager
def hanging_up(port: int) -> Iterator[int]:
    """A way to the SMTP server that breaks when the server has taken a mail, before it is heard to say so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        threading.Thread(target=_relay, args=(listener, port), daemon=True).start()
        yield listener.getsockname()[1]


def _relay(listener: socket.socket, port: int) -> None:
    client, _ = listener.accept()
    server = socket.create_connection(("127.0.0.1", port))
    taken = threading.Event()

    def forth() -> None:
        told = b""
        with suppress(OSError):
            while piece := client.recv(65536):
                told = (told + piece)[-5:]
                if told == b"\r\n.\r\n":
                    taken.set()
                server.sendall(piece)

    threading.Thread(target=forth, daemon=True).start()
    while piece := server.recv(65536):
        if taken.is_set():
            break
        client.sendall(piece)
    for end in (client, server):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
