"""E-mail: mailing lists as spaces, their mails as messages with threads, and who writes there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import Message
from functools import cached_property
from typing import Any

from connectors.email import natives, posting
from connectors.email.bounces import bounces
from connectors.email.config import EmailConfig, MailList
from connectors.email.cursor import positions, told
from landbridge.connector import (
    Account,
    Connector,
    Failure,
    Gone,
    Item,
    Record,
    Stream,
    ended,
    needed,
    reads,
    writes,
)  # fmt: skip
from landbridge.errors import NotFound, ScopeError
from landbridge.http import BearerToken
from landbridge.mail import smtp
from landbridge.mail.encoding import decoded
from landbridge.mail.ids import HEADS, ancestors, message_id
from landbridge.mail.imap import Session
from landbridge.mail.mailbox import Mail, Mailbox, Position, Removed, heads_since
from landbridge.mail.mime import header, parse, sender
from landbridge.mail.outbox import Outbox
from landbridge.mail.reports import ROBOTS
from landbridge.mail.server import Server
from landbridge.mail.threads import Threads

Native = dict[str, Any]

SECTION = re.compile(r"(.+/<[^<>\s]+>)#([0-9]+(?:\.[0-9]+)*)")


class Email(Connector):
    """One mail account that is on some mailing lists, and writes to people. What is sent cannot be changed or taken back."""

    system = "email"
    Config = EmailConfig
    config: EmailConfig

    lists = Stream(path="", key=("mailbox",), kind="space", reports_gone=True)
    # An address that wrote once has written for ever: none is ever gone.
    people = Stream(path="", key=("address",), kind="person", reports_gone=True)
    messages = Stream(path="", key=("id",), kind="message", reports_gone=True)
    letters = Stream(path="", key=("id",), kind="message", reports_gone=True)

    def check(self) -> Account:
        missing: list[str] = []
        counting: list[bool] = []
        with self._session() as session:
            for mailbox in dict.fromkeys([*(one.mailbox for one in self.config.lists), *self._own_mailboxes()]):
                try:
                    counting.append(session.open(mailbox).modseq is not None)
                except ScopeError:
                    missing.append(f"the mailbox {mailbox}")
        if self.config.smtp:
            with smtp.signed_in(self._submission(), self.throttle):
                pass
        way = "counts changes" if counting and all(counting) else "only numbers mails"
        found = f"{len(self.config.lists)} lists; the server {way}."
        if not (self.config.authserv or self.config.trust_from):
            found += " No sender is taken for a colleague: neither authserv nor trust_from is set."
        return Account(self.config.login, tuple(missing), found)

    @reads(lists)
    def read_lists(self, cursor: Any) -> Iterator[Item]:
        """As the connection names them, mail servers know no lists; but only as long as the account may sign in."""
        with self._session():
            for place in self.config.lists:
                yield Record(place.mailbox, self._list(place))
        yield from ended(None, {"lists": len(self.config.lists)})

    @reads(people)
    def read_people(self, cursor: Any) -> Iterator[Item]:
        """Addresses that wrote to the lists, without names: those stand in people's own systems."""
        known, reached = positions(cursor), dict[str, Position]()
        met = {self.config.sender.lower(), *(str(place.address).lower() for place in self.config.lists)}
        with self._session() as session:
            for mailbox in (place.mailbox for place in self.config.lists):
                reached |= {mailbox: known[mailbox]} if mailbox in known else {}
                with _scoped() as refused:
                    reached[mailbox], heads = heads_since(session, mailbox, known.get(mailbox), HEADS)
                    for address in (sender(head)[1] for _, head in heads):
                        if address and address not in met and not ROBOTS.match(address):
                            met.add(address)
                            yield Record(address, {"address": address})
                yield from refused
        yield from ended(cursor, told(reached))

    @reads(messages)
    def read_messages(self, cursor: Any) -> Iterator[Item]:
        known, reached = positions(cursor), dict[str, Position]()
        with self._session() as session:
            for place in self.config.lists:
                mailbox = Mailbox(session, place.mailbox, self._is_own)
                with _scoped() as refused:
                    for found in mailbox.read(known.get(place.mailbox)):
                        yield self._item(place.mailbox, found)
                yield from refused
                if mailbox.position:
                    reached[place.mailbox] = mailbox.position
            yield from bounces(session, self.config, known, reached, of_letters=False)
        yield from ended(cursor, told(reached))

    @reads(letters)
    def read_letters(self, cursor: Any) -> Iterator[Item]:
        """What was sent to single people stays sent, also where somebody clears the mailbox."""
        known, reached = positions(cursor), dict[str, Position]()
        with self._session() as session:
            if self.config.sent and self.config.smtp:
                position, heads = heads_since(session, self.config.sent, known.get(self.config.sent), natives.LETTER)
                found = [(uid, one) for uid, one in heads if natives.is_letter(message_id(one), self.config)]
                unfinished = session.hidden(uid for uid, _ in found)
                for native in (natives.letter(one) for uid, one in found if uid not in unfinished):
                    yield Record(native["id"], native)
                reached[self.config.sent] = position
            yield from bounces(session, self.config, known, reached, of_letters=True)
        yield from ended(cursor, told(reached))

    @writes(messages, "create")
    def create_message(self, native: Native, marker: str) -> Native:
        place = posting.place_of(native, self.config)
        with self._session() as session:
            mail = posting.to_list(native, marker, self._subject(session, native), self.config, self.open_file)
            with posting.fitting(native):
                self._outbox(session).send(mail, str(place.address), self._submission(), self.throttle)
        return self._sent(mail, native)

    @writes(letters, "create")
    def create_letter(self, native: Native, marker: str) -> Native:
        mail = posting.to_person(native, marker, self.config)
        with self._session() as session:
            self._outbox(session).send(mail, native["to"], self._submission(), self.throttle)
        return natives.letter(parse(mail.as_bytes()))

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """What an earlier attempt has sent, by its Message-ID. Raises TransientError while it may be on its way."""
        with self._session() as session:
            if stream == self.letters.name:
                head = self._outbox(session).begun(natives.letter_id(marker, self.config.sender), natives.LETTER)
                return natives.letter(head) if head else None
            if stream != self.messages.name:
                return None
            place, own = posting.place_of(native, self.config), natives.own_id(marker, self.config.sender)
            session.open(place.mailbox)
            for raw in session.mails(session.having(own)[:1]):
                thread = Threads(session, self._is_own).root(own, ancestors(parse(raw.data)))
                return natives.mail(raw.data, place.mailbox, thread, raw.arrived, self.config)
            copy = self._outbox(session).sent(own)
            return self._sent(copy, native) if copy else None

    def open(self, locator: str) -> Iterator[bytes]:
        """The bytes of a file; the locator is `mailbox/<Message-ID>#section`."""
        found = SECTION.fullmatch(locator)
        mailbox, message_id = natives.parts(found[1]) if found else ("", "")
        if found is None or self.config.list_of(mailbox) is None:
            raise NotFound("This is no address of a file in a list.")
        with self._session() as session:
            session.open(mailbox)
            uids = session.having(message_id)
            if not uids:
                raise NotFound("The mail is not there (any more).")
            mime_header = session.section(uids[0], f"{found[2]}.MIME")
            yield from decoded(session.part(uids[0], found[2]), mime_header, self.config.max_size)

    # Steps of the above

    @cached_property
    def _secret(self) -> str | BearerToken:
        return self.config.secret()

    def _session(self) -> Session:
        return Session(self.config.server(self.config.host, self._secret), self.throttle, self.config.max_size)

    def _submission(self) -> Server:
        smtp = needed(self.config.smtp, "The connection names no server that sends.", "Give the connection smtp.")
        return self.config.server(smtp, self._secret)

    def _outbox(self, session: Session) -> Outbox:
        return Outbox(session, self.config.sender, self.config.sent)

    def _is_own(self, message_id: str) -> bool:
        return natives.is_own(message_id, self.config)

    def _item(self, mailbox: str, found: Mail | Removed) -> Item:
        if isinstance(found, Removed):
            return Gone(natives.key(mailbox, found.id))
        native = natives.mail(found.raw.data, mailbox, found.thread, found.raw.arrived, self.config, cut=found.raw.cut)
        return Record(native["id"], native, natives.marker_of(found.message, mailbox, self.config))

    def _own_mailboxes(self) -> list[str]:
        sent = [self.config.sent] if self.config.smtp and self.config.sent else []
        return [*sent, *([self.config.bounces] if self.config.bounces else [])]

    def _list(self, place: MailList) -> Native:
        name = natives.list_name(place.mailbox, self.config)
        alias = place.address.partition("@")[0].lower() if place.address else None
        shown = place.model_dump(include={"mailbox", "address", "visibility", "guests"})
        return shown | {"name": name, "alias": alias}

    def _subject(self, session: Session, native: Native) -> str:
        """What the thread is about, empty where nobody knows."""
        if not native.get("thread"):
            return ""
        mailbox, root = natives.parts(str(native["thread"]))
        session.open(mailbox)
        for _, head in session.heads(session.having(root)[:1], ("subject",)):
            return header(parse(head), "Subject")
        return ""

    def _sent(self, mail: Message, native: Native) -> Native:
        thread = natives.parts(str(native["thread"]))[1] if native.get("thread") else None
        return natives.mail(mail.as_bytes(), str(native["mailbox"]), thread, datetime.now(UTC), self.config)


@contextmanager
def _scoped() -> Iterator[list[Failure]]:
    """A mailbox that may not be read keeps nobody from the others; it is told afterwards."""
    refused: list[Failure] = []
    try:
        yield refused
    except ScopeError as error:
        refused.append(Failure(None, error))
