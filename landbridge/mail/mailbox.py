"""What is new, changed and gone in one mailbox since a position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message

from landbridge.errors import ExpiredCursor
from landbridge.mail.ids import IDENTITY, ancestors, message_id
from landbridge.mail.imap import Raw, Session
from landbridge.mail.mime import parse
from landbridge.mail.threads import Threads

# A server tells only the number of a mail that was removed; the keys of so many are kept to know which it was.
RECENT = 500


@dataclass(frozen=True)
class Position:
    """Where reading goes on in a mailbox; `recent` are numbers and Message-IDs of the newest mails."""

    uidvalidity: int
    uidnext: int
    modseq: int | None = None
    count: int = 0
    recent: tuple[tuple[int, str], ...] = ()


def heads_since(
    session: Session, mailbox: str, since: Position | None, names: Iterable[str]
) -> tuple[Position, Iterator[tuple[int, Message]]]:
    """The new position, and the numbers and heads of what came since the old one. Raises ScopeError."""
    state = session.open(mailbox)
    first = since.uidnext if since and since.uidvalidity == state.uidvalidity else 1
    heads = session.heads(session.uids(first, state.uidnext - 1), names)
    return Position(state.uidvalidity, state.uidnext), ((uid, parse(head)) for uid, head in heads)


@dataclass(frozen=True)
class Mail:
    """As it came; `thread` is the Message-ID of the first of its thread, None where this is the first."""

    raw: Raw
    message: Message
    id: str
    thread: str | None


@dataclass(frozen=True)
class Removed:
    """The Message-ID of a mail that is not there any more."""

    id: str


@dataclass
class Mailbox:
    """One reading of one mailbox; `position` is where the next begins. `is_ours` is as for Threads."""

    session: Session
    name: str
    is_ours: Callable[[str], bool]
    position: Position | None = None
    _seen: set[int] = field(default_factory=set)
    _first: dict[str, int] = field(default_factory=dict)
    _whole: bool = False

    def read(self, since: Position | None) -> Iterator[Mail | Removed]:
        """Raises ScopeError where the mailbox cannot be opened, ExpiredCursor where it is no longer the one we knew."""
        state = self.session.open(self.name)
        self._threads = Threads(self.session, self.is_ours)
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

    def _removed(self, since: Position, recent: dict[int, str], left: int) -> Iterator[Mail | Removed]:
        """Of the newest we know which they were; where older ones are missing, only reading in full tells which."""
        there = set(self.session.uids(min(recent), since.uidnext - 1)) if recent else set()
        for uid in sorted(recent.keys() - there):
            gone = recent.pop(uid)
            if gone not in recent.values():
                yield Removed(gone)
        if since.count - (len(since.recent) - len(recent)) != left:
            raise ExpiredCursor(f"Mails were removed from {self.name} that are too old to know which.")

    def _again(self, uids: list[int]) -> Iterator[Mail | Removed]:
        """Mails that somebody has marked: those marked as deleted or unwanted are gone, the others are as they were."""
        hidden = self.session.hidden(uids)
        for uid, head in self.session.heads([uid for uid in uids if uid in hidden], IDENTITY):
            name = message_id(parse(head))
            if self._is_first(uid, name):
                yield Removed(name)
        for raw in self.session.mails([uid for uid in uids if uid not in hidden]):
            yield from self._mail(raw)

    def _mails(self, uids: list[int], recent: dict[int, str]) -> Iterator[Mail | Removed]:
        hidden = self.session.hidden(uids)
        for raw in self.session.mails(uids):
            name = message_id(parse(raw.data))
            recent[raw.uid] = name
            if len(recent) > 2 * RECENT:
                for old in sorted(recent)[:RECENT]:
                    del recent[old]
            if raw.uid not in hidden:
                yield from self._mail(raw)

    def _mail(self, raw: Raw) -> Iterator[Mail]:
        message = parse(raw.data)
        own = message_id(message)
        if self._is_first(raw.uid, own):
            yield Mail(raw, message, own, self._threads.root(own, ancestors(message)))

    def _is_first(self, uid: int, id: str) -> bool:
        """Of several mails with one Message-ID the first counts: nobody can change what was said by sending it again."""
        if self._whole:
            mark = hash(id)
            if mark in self._seen:
                return False
            self._seen.add(mark)
            return True
        if self._first.get(id, uid) < uid:
            return False
        self._first[id] = min(self.session.having(id), default=uid)
        return uid <= self._first[id]
