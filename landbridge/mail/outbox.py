"""Sending once: a copy of each mail is among the sent before the server is given it, and tells after a crash."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage, Message

from landbridge.errors import LandbridgeError, TransientError
from landbridge.http import Throttle
from landbridge.mail import smtp
from landbridge.mail.imap import Session
from landbridge.mail.mime import parse
from landbridge.mail.server import Server

# A mail that the server may have taken is on its way for so many seconds before it is sent again.
ON_ITS_WAY = 600
DRAFT = b"\\Draft"


class Outbox:
    """Of one session. `kept_in` is the mailbox of what is sent, without which nothing is kept; `sender` an address."""

    def __init__(self, session: Session, sender: str, kept_in: str | None) -> None:
        self._session, self._sender, self._kept_in = session, sender, kept_in

    def send(self, mail: EmailMessage, address: str, server: Server, throttle: Throttle) -> None:
        """Raises TransientError, uncertain where the server may have taken it, and what the server refuses."""
        kept: list[int] = []
        data = mail.as_bytes()
        try:
            smtp.submit(server, throttle, data, self._sender, address, before=lambda: kept.extend(self._keep(mail)))
        except LandbridgeError as error:
            if kept and not (isinstance(error, TransientError) and error.uncertain):
                with suppress(LandbridgeError):
                    self._session.remove(kept)
            raise
        with suppress(LandbridgeError):  # it is sent, whatever becomes of the copy
            self._session.unflag(kept, DRAFT)

    def sent(self, own: str) -> Message | None:
        """The copy of what is sent for sure. Raises TransientError where it was tried lately."""
        if not self._kept_in:
            return None
        self._session.open(self._kept_in)
        copies = self._session.having(own)
        for raw in self._session.mails(sorted(set(copies) - self._session.hidden(copies))[:1]):
            return parse(raw.data)
        waited = [(datetime.now(UTC) - self._session.arrived(uid)).total_seconds() for uid in copies]
        if waited and min(waited) < ON_ITS_WAY:
            raise TransientError("A mail may be on its way; it is looked for again.", uncertain=True)
        return None

    def begun(self, own: str, names: Iterable[str]) -> Message | None:
        """The head (`names`) of a mail that counts as sent: nobody can look whether it arrived, and one too few is better than
        two.
        """
        if not self._kept_in:
            return None
        self._session.open(self._kept_in, write=True)
        copies = self._session.having(own)
        for _, head in self._session.heads(copies[:1], names):
            self._session.unflag(copies, DRAFT)
            return parse(head)
        return None

    def _keep(self, mail: EmailMessage) -> list[int]:
        """The copy, marked as unfinished; that of an earlier attempt serves again."""
        if not self._kept_in:
            return []
        own = str(mail["Message-ID"])
        self._session.open(self._kept_in, write=True)
        if not self._session.having(own):
            self._session.append(self._kept_in, mail.as_bytes(), (DRAFT, b"\\Seen"))
        return self._session.having(own)
