"""E-mail: mailing lists as spaces, their mails as messages with threads, and who writes there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage, Message
from typing import Any

from connectors.email import natives, posting
from connectors.email.config import EmailConfig, MailList
from connectors.email.files import decoded
from connectors.email.mime import header, parse, sender
from connectors.email.reading import Mailbox, Position, Threads, positions
from connectors.email.reports import ROBOTS, Bounce, bounce_of
from connectors.email.session import Session
from landbridge.connector import (
    Account,
    Checkpoint,
    Complete,
    Connector,
    Failure,
    Item,
    Record,
    Stream,
    reads,
    writes,
)  # fmt: skip
from landbridge.errors import LandbridgeError, NotFound, RecordError, ScopeError, TransientError

Native = dict[str, Any]

SECTION = re.compile(r"(.+/<[^<>\s]+>)#([0-9]+(?:\.[0-9]+)*)")
# A mail that the server may have taken is on its way to the list for so many seconds before it is sent again.
ON_ITS_WAY = 600
REPORTS = ("content-type", "from", "return-path")
DRAFT = b"\\Draft"


class Email(Connector):
    """One mail account that is on some mailing lists. A mail once sent cannot be changed or taken back."""

    system = "email"
    Config = EmailConfig
    config: EmailConfig

    lists = Stream(path="", key=("mailbox",), kind="space", reports_gone=True)
    # An address that wrote once has written for ever: none is ever gone.
    people = Stream(path="", key=("address",), kind="person", reports_gone=True)
    messages = Stream(path="", key=("id",), kind="message", reports_gone=True)

    def check(self) -> Account:
        missing: list[str] = []
        ways: list[str] = []
        with self._session() as session:
            for mailbox in dict.fromkeys([*(one.mailbox for one in self.config.lists), *self._own_mailboxes()]):
                try:
                    state = session.open(mailbox)
                    ways += ["counts changes"] if state.modseq is not None else ["only numbers mails"]
                except ScopeError:
                    missing.append(f"the mailbox {mailbox}")
        if self.config.smtp:
            posting.probe(self.config, self.throttle)
        way = "counts changes" if ways and set(ways) == {"counts changes"} else "only numbers mails"
        found = f"{len(self.config.lists)} lists; the server {way}."
        if not (self.config.authserv or self.config.trust_from):
            found += " No sender is taken for a colleague: neither authserv nor trust_from is set."
        return Account(self.config.login, tuple(missing), found)

    @reads(lists)
    def read_lists(self, cursor: Any) -> Iterator[Item]:
        """As the connection names them: mail servers do not know who reads a list."""
        for place in self.config.lists:
            yield Record(place.mailbox, self._list(place))
        yield Checkpoint({"lists": len(self.config.lists)})
        yield Complete()

    @reads(people)
    def read_people(self, cursor: Any) -> Iterator[Item]:
        """Addresses that wrote to the lists, without names: those stand in people's own systems."""
        known, reached = positions(cursor), dict[str, Position]()
        met = {self.config.sender.lower(), *(str(place.address).lower() for place in self.config.lists)}
        with self._session() as session:
            for place in self.config.lists:
                try:
                    state = session.open(place.mailbox)
                except ScopeError as error:
                    yield Failure(None, error)
                    reached |= {place.mailbox: known[place.mailbox]} if place.mailbox in known else {}
                    continue
                since = known.get(place.mailbox)
                first = since.uidnext if since and since.uidvalidity == state.uidvalidity else 1
                for _, head in session.heads(session.uids(first, state.uidnext - 1), natives.HEADS):
                    address = sender(parse(head))[1]
                    if address and address not in met and not ROBOTS.match(address):
                        met.add(address)
                        yield Record(address, {"address": address})
                reached[place.mailbox] = Position(state.uidvalidity, state.uidnext)
        yield _checkpoint(reached)
        if cursor is None:
            yield Complete()

    @reads(messages)
    def read_messages(self, cursor: Any) -> Iterator[Item]:
        known, reached = positions(cursor), dict[str, Position]()
        with self._session() as session:
            for place in self.config.lists:
                mailbox = Mailbox(session, place.mailbox, self.config, known.get(place.mailbox))
                try:
                    yield from mailbox.read(known.get(place.mailbox))
                except ScopeError as error:
                    yield Failure(None, error)
                if mailbox.position:
                    reached[place.mailbox] = mailbox.position
            if self.config.bounces:
                yield from self._bounces(session, known, reached)
        yield _checkpoint(reached)
        if cursor is None:
            yield Complete()

    @writes(messages, "create")
    def create_message(self, native: Native, marker: str) -> Native:
        """Kept as a draft first, so that after a crash it is known when it was tried."""
        place = posting.place_of(native, self.config)
        with self._session() as session:
            mail = posting.compose(native, marker, self._subject(session, native), self.config, self.open_file)
            kept = self._keep(session, mail)
            try:
                posting.submit(mail, place, self.config, self.throttle)
            except LandbridgeError as error:
                if kept and not (isinstance(error, TransientError) and error.uncertain):
                    with suppress(LandbridgeError):
                        session.remove(kept)
                raise
            with suppress(LandbridgeError):  # it is sent, whatever becomes of the copy
                session.unflag(kept, DRAFT)
        return self._sent(mail, native)

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """What an earlier attempt has sent, by its Message-ID. Raises TransientError while it may be on its way."""
        if stream != self.messages.name:
            return None
        place, own = posting.place_of(native, self.config), natives.own_id(marker, self.config.sender)
        with self._session() as session:
            session.open(place.mailbox)
            for raw in session.mails(session.having(own)[:1]):
                thread = Threads(session, place.mailbox, self.config).root(own, natives.ancestors(parse(raw.data)))
                return natives.mail(raw.data, place.mailbox, thread, raw.arrived, self.config)
            if not self.config.sent:
                return None
            session.open(self.config.sent)
            copies = session.having(own)
            finished = sorted(set(copies) - session.hidden(copies))
            for raw in session.mails(finished[:1]):
                return self._sent(parse(raw.data), native)
            waited = [(datetime.now(UTC) - session.arrived(uid)).total_seconds() for uid in copies]
        if waited and min(waited) < ON_ITS_WAY:
            raise TransientError("A mail may be on its way to the list; it is looked for again.", uncertain=True)
        return None

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

    def _session(self) -> Session:
        return Session(self.config, self.throttle)

    def _own_mailboxes(self) -> list[str]:
        sent = [self.config.sent] if self.config.smtp and self.config.sent else []
        return [*sent, *([self.config.bounces] if self.config.bounces else [])]

    def _list(self, place: MailList) -> Native:
        name = natives.list_name(place.mailbox, self.config)
        alias = place.address.partition("@")[0].lower() if place.address else None
        shown = place.model_dump(include={"mailbox", "address", "visibility", "guests"})
        return shown | {"name": name, "alias": alias}

    def _bounces(self, session: Session, known: dict[str, Position], reached: dict[str, Position]) -> Iterator[Item]:
        """Mails of ours that did not arrive, for the operator; once each, since reading again would tell nothing new."""
        mailbox = str(self.config.bounces)
        where = f"bounces:{mailbox}"
        try:
            state = session.open(mailbox)
        except ScopeError as error:
            yield Failure(None, error)
            return
        since = known.get(where)
        first = since.uidnext if since and since.uidvalidity == state.uidvalidity else 1
        heads = session.heads(session.uids(first, state.uidnext - 1), REPORTS)
        suspects = [uid for uid, head in heads if _may_be_report(head)]
        for raw in session.mails(suspects):
            if bounce := bounce_of(parse(raw.data)):
                yield self._bounced(bounce, parse(raw.data))
        reached[where] = Position(state.uidvalidity, state.uidnext)

    def _bounced(self, bounce: Bounce, report: Message) -> Failure:
        addresses = {str(place.address).lower(): place.mailbox for place in self.config.lists if place.address}
        mine = [addresses[one] for one in bounce.recipients if one in addresses]
        about = natives.key(mine[0], bounce.message_id) if mine and bounce.message_id else bounce.message_id
        domains = sorted({one.rpartition("@")[2] for one in bounce.recipients if "@" in one})
        whom = f"the list {mine[0]}" if mine else f"an address at {', '.join(domains)}" if domains else "an address"
        error = RecordError(
            f"A mail to {whom} came back: {bounce.reason}.",
            remedy=f"The report is in the mailbox {self.config.bounces}; check the address, then drop this.",
        )
        return Failure(f"bounce of {about or natives.message_id(report)}", error, again=False)

    def _subject(self, session: Session, native: Native) -> str:
        """What the thread is about, empty where nobody knows."""
        if not native.get("thread"):
            return ""
        mailbox, root = natives.parts(str(native["thread"]))
        session.open(mailbox)
        for _, head in session.heads(session.having(root)[:1], ("subject",)):
            return header(parse(head), "Subject")
        return ""

    def _keep(self, session: Session, mail: EmailMessage) -> list[int]:
        """The copy of what is about to be sent, marked as unfinished; that of an earlier attempt serves again."""
        if not self.config.sent:
            return []
        own = str(mail["Message-ID"])
        session.open(self.config.sent, write=True)
        if not session.having(own):
            session.append(self.config.sent, mail.as_bytes(), (DRAFT, b"\\Seen"))
        return session.having(own)

    def _sent(self, mail: Message, native: Native) -> Native:
        thread = natives.parts(str(native["thread"]))[1] if native.get("thread") else None
        return natives.mail(mail.as_bytes(), str(native["mailbox"]), thread, datetime.now(UTC), self.config)


def _may_be_report(head: bytes) -> bool:
    said = head.lower()
    return b"report" in said or b"<>" in said or b"mailer-daemon" in said or b"postmaster" in said


def _checkpoint(reached: dict[str, Position]) -> Checkpoint:
    return Checkpoint({"mailboxes": {name: position.told() for name, position in reached.items()}})
