"""Threads of mails, as far as a mailbox tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from landbridge.mail.ids import HEADS
from landbridge.mail.ids import ancestors as ancestors_of
from landbridge.mail.imap import Session
from landbridge.mail.mime import parse

# Mails whose thread is remembered during one read, and how far up a thread is followed.
REMEMBERED, HIGHEST, DEEPEST = 20_000, 50, 5


class Threads:
    """To which thread a mail belongs: that of the first of its ancestors that the mailbox holds, or that we have sent."""

    def __init__(self, session: Session, is_ours: Callable[[str], bool]) -> None:
        """Of the mailbox that is open; `is_ours`: is this Message-ID one that we have given?"""
        self._session, self._is_ours = session, is_ours
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
        for _, head in self._session.heads(uids, HEADS):
            above = ancestors_of(parse(head)) if depth < DEEPEST else []
            return self.root(message_id, above, depth + 1) or message_id
        return message_id if self._is_ours(message_id) else None

    def _remember(self, message_id: str, root: str | None) -> None:
        self._known[message_id] = root
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
