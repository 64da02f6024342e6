"""What is new, changed and gone in one mailbox since a position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from connectors.email import natives
from connectors.email.config import EmailConfig
from landbridge.connector import Gone, Item, Record
from landbridge.connector.cursors import NOT_OURS
from landbridge.errors import ExpiredCursor
from landbridge.mail.imap import Raw, Session
from landbridge.mail.mime import parse

# A server tells only the number of a mail that was removed; the keys of so many are kept to know which it was.
RECENT = 500
# Mails whose thread is remembered during one read, and how far up a thread is followed.
REMEMBERED, HIGHEST, DEEPEST = 20_000, 50, 5


@dataclass(frozen=True)
class Position:
    """Where reading goes on in a mailbox; `recent` are numbers and Message-IDs of the newest mails."""

    uidvalidity: int
    uidnext: int
    modseq: int | None = None
    count: int = 0
    recent: tuple[tuple[int, str], ...] = ()


def told(reached: dict[str, Position]) -> dict[str, Any]:
    """Positions as a cursor."""
    return {
        "mailboxes": {
            name: [one.uidvalidity, one.uidnext, one.modseq, one.count, [list(mail) for mail in one.recent]]
            for name, one in reached.items()
        }
    }


def positions(cursor: Any) -> dict[str, Position]:
    """The positions in a cursor by mailbox, none for a full read. Raises ExpiredCursor."""
    if cursor is None:
        return {}
    try:
        return {
            str(name): Position(validity, after, modseq, count, tuple((int(uid), str(one)) for uid, one in recent))
            for name, (validity, after, modseq, count, recent) in cursor["mailboxes"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ExpiredCursor(NOT_OURS) from None


def heads_since(
    session: Session, mailbox: str, since: Position | None, names: Iterable[str]
) -> tuple[Position, Iterator[tuple[int, Message]]]:
    """The new position, and the numbers and heads of what came since the old one. Raises ScopeError."""
    state = session.open(mailbox)
    first = since.uidnext if since and since.uidvalidity == state.uidvalidity else 1
    heads = session.heads(session.uids(first, state.uidnext - 1), names)
    return Position(state.uidvalidity, state.uidnext), ((uid, parse(head)) for uid, head in heads)


class Threads:
    """To which thread a mail belongs: that of the first of its ancestors that the mailbox holds, or that we have sent."""

    def __init__(self, session: Session, mailbox: str, config: EmailConfig) -> None:
        self._session, self._mailbox, self._config = session, mailbox, config
        self._known: dict[str, str | None] = {}

    def root(self, message_id: str, ancestors: Iterable[str], depth: int = 0) -> str | None:
        """The Message-ID that the thread of this mail began with; None where it begins one itself."""
        for one in list(ancestors)[:HIGHEST]:
            found = self._thread_of(one, depth)
            if found is not None and found != message_id:
                self._remember(message_id, found)
                return found
        self._remember(message_id, message_id)
        return None

    def _thread_of(self, message_id: str, depth: int) -> str | None:
        """The thread that a mail stands in, None for a mail that was never here."""
        if message_id not in self._known:
            self._remember(message_id, message_id)  # should a thread turn back to itself, it ends here
            self._remember(message_id, self._looked_up(message_id, depth))
        return self._known[message_id]

    def _looked_up(self, message_id: str, depth: int) -> str | None:
        uids = self._session.having(message_id)[:1]
        for _, head in self._session.heads(uids, natives.HEADS):
            above = natives.ancestors(parse(head)) if depth < DEEPEST else []
            return self.root(message_id, above, depth + 1) or message_id
        return message_id if natives.is_own(message_id, self._config) else None

    def _remember(self, message_id: str, root: str | None) -> None:
        self._known[message_id] = root
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]


@dataclass
class Mailbox:
    """One reading of one mailbox; `position` is where the next begins."""

    session: Session
    name: str
    config: EmailConfig
    position: Position | None = None
    _seen: set[int] = field(default_factory=set)
    _first: dict[str, int] = field(default_factory=dict)
    _whole: bool = False

    def read(self, since: Position | None) -> Iterator[Item]:
        """Raises ScopeError where the mailbox cannot be opened, ExpiredCursor where it is no longer the one we knew."""
        state = self.session.open(self.name)
        self._threads = Threads(self.session, self.name, self.config)
        if since is not None and since.uidvalidity != state.uidvalidity:
            raise ExpiredCursor(f"The mailbox {self.name} was numbered anew.")
        self._whole = since is None
        since = since or Position(state.uidvalidity, 1)
        new = self.session.uids(since.uidnext, state.uidnext - 1)
        recent = dict(since.recent)
        if not self._whole and state.count - len(new) != since.count:
            yield from self._removed(since, recent, state.count - len(new))
        self._first = {one: uid for uid, one in sorted(recent.items(), reverse=True)}
        if since.modseq is not None and state.modseq is not None and state.modseq > since.modseq:
            changed = self.session.changed(1, since.uidnext - 1, since.modseq)
            yield from self._again(changed)
        yield from self._mails(new, recent)
        kept = tuple(sorted(recent.items())[-RECENT:])
        self.position = Position(state.uidvalidity, max(state.uidnext, since.uidnext), state.modseq, state.count, kept)

    def _removed(self, since: Position, recent: dict[int, str], left: int) -> Iterator[Item]:
        """Of the newest we know which they were; where older ones are missing, only reading in full tells which."""
        there = set(self.session.uids(min(recent), since.uidnext - 1)) if recent else set()
        for uid in sorted(recent.keys() - there):
            gone = recent.pop(uid)
            if gone not in recent.values():
                yield Gone(natives.key(self.name, gone))
        if since.count - (len(since.recent) - len(recent)) != left:
            raise ExpiredCursor(f"Mails were removed from {self.name} that are too old to know which.")

    def _again(self, uids: list[int]) -> Iterator[Item]:
        """Mails that somebody has marked: those marked as deleted or unwanted are gone, the others are as they were."""
        hidden = self.session.hidden(uids)
        for uid, head in self.session.heads([uid for uid in uids if uid in hidden], natives.IDENTITY):
            name = natives.message_id(parse(head))
            if self._is_first(uid, name):
                yield Gone(natives.key(self.name, name))
        for raw in self.session.mails([uid for uid in uids if uid not in hidden]):
            yield from self._item(raw)

    def _mails(self, uids: list[int], recent: dict[int, str]) -> Iterator[Item]:
        hidden = self.session.hidden(uids)
        for raw in self.session.mails(uids):
            name = natives.message_id(parse(raw.data))
            recent[raw.uid] = name
            if len(recent) > 2 * RECENT:
                for old in sorted(recent)[:RECENT]:
                    del recent[old]
            if raw.uid not in hidden:
                yield from self._item(raw)

    def _item(self, raw: Raw) -> Iterator[Item]:
        message = parse(raw.data)
        name = natives.message_id(message)
        if not self._is_first(raw.uid, name):
            return
        thread = self._threads.root(name, natives.ancestors(message))
        native = natives.mail(raw.data, self.name, thread, raw.arrived, self.config, cut=raw.cut)
        yield Record(native["id"], native, natives.marker_of(message, self.name, self.config))

    def _is_first(self, uid: int, message_id: str) -> bool:
        """Of several mails with one Message-ID the first counts: nobody can change what was said by sending it again."""
        if self._whole:
            mark = hash(message_id)
            if mark in self._seen:
                return False
            self._seen.add(mark)
            return True
        if self._first.get(message_id, uid) < uid:
            return False
        self._first[message_id] = min(self.session.having(message_id), default=uid)
        return uid <= self._first[message_id]
