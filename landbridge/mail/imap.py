"""One signed-in IMAP connection, and what the server's refusals mean."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from imaplib import IMAP4
from types import TracebackType
from typing import Any, Self

from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from landbridge.chunks import chunks
from landbridge.errors import LandbridgeError, RateLimited, RecordError, ScopeError, TransientError
from landbridge.http import BearerToken, Throttle
from landbridge.mail.errors import errors_named, temporary
from landbridge.mail.server import Server, with_token

# It would write every mail into the log where somebody asks for details.
logging.getLogger("imapclient").setLevel(logging.WARNING)

CHUNK = 64 * 1024
# How many times its size a file is at most as it is sent: three letters for a byte, and line ends.
ENCODED = 4
# What is fetched together: so many mails, or so many bytes.
TOGETHER, BYTES_TOGETHER = 100, 4 * 2**20
HIDDEN = frozenset({b"\\Deleted", b"\\Draft", b"$Junk", b"Junk"})


@dataclass(frozen=True)
class State:
    """A mailbox as it is now: `modseq` is None where the server does not count changes (RFC 7162)."""

    uidvalidity: int
    uidnext: int
    count: int
    modseq: int | None


@dataclass(frozen=True)
class Raw:
    """A mail's bytes as far as they were fetched; `cut` where that is not all."""

    uid: int
    data: bytes
    arrived: datetime
    cut: bool


class Session:
    """Lasts for one read or write; each command waits for its turn."""

    def __init__(self, server: Server, throttle: Throttle, largest: int) -> None:
        """`largest`: bytes of a mail that are read at most."""
        self._throttle, self._largest = throttle, largest
        scheme, host, port = server.address
        with errors_named("Signing in"):
            throttle.acquire()
            context = server.tls()
            self._imap = IMAPClient(host, port, ssl=scheme == "imaps", ssl_context=context, timeout=server.timeout)
            try:
                if scheme == "imap" and server.may_encrypt(self._imap.has_capability("STARTTLS")):
                    self._imap.starttls(context)
                self._sign_in(server)
                # IMAPClient would go on with what the server could do before; after signing in it can more.
                self._imap._cached_capabilities = None
                if self._imap.has_capability("ENABLE") and self._imap.has_capability("CONDSTORE"):
                    self._imap.enable("CONDSTORE")
            except BaseException:
                with suppress(OSError):
                    self._imap.shutdown()
                raise

    def _sign_in(self, server: Server) -> None:
        if isinstance(server.secret, BearerToken):
            with_token(server, server.secret, self._ask_with_token, LoginError)
        else:
            self._imap.login(server.login, server.secret)

    def _ask_with_token(self, said: str) -> None:
        # A refusal explains itself in a challenge, which is to be answered with nothing.
        self._imap.sasl_login("XOAUTH2", lambda challenge: b"" if challenge else said)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._imap.__exit__(kind, error, at)

    def open(self, mailbox: str, *, write: bool = False) -> State:
        """Selects it. Raises ScopeError where it is not there or may not be read."""
        with errors_named(f"Opening the mailbox {mailbox}", ScopeError):
            self._throttle.acquire()
            found = self._imap.select_folder(mailbox, readonly=not write)
        modseq = found.get(b"HIGHESTMODSEQ") if self._imap.has_capability("CONDSTORE") else None
        return State(int(found[b"UIDVALIDITY"]), int(found.get(b"UIDNEXT", 0)), int(found[b"EXISTS"]), modseq)

    def uids(self, first: int, last: int) -> list[int]:
        """What is there between two numbers. `n:*` alone would always hold the last mail, whatever its number."""
        if last < first:
            return []
        with self._asking("Listing mails"):
            return sorted(self._imap.search(["UID", f"{first}:{last}"]))

    def having(self, message_id: str) -> list[int]:
        """The mails with this Message-ID, the oldest first."""
        with self._asking("Looking for a mail"):
            found = self._imap.search(["HEADER", "Message-ID", message_id])
        return sorted(found)

    def changed(self, first: int, last: int, modseq: int) -> list[int]:
        """Of the mails between two numbers those that moved since, new or not."""
        if last < first:
            return []
        with self._asking("Asking for changes"):
            return sorted(self._imap.search(["UID", f"{first}:{last}", "MODSEQ", modseq + 1]))

    def hidden(self, uids: Iterable[int]) -> set[int]:
        """Those that are marked as deleted, unfinished or unwanted."""
        found: set[int] = set()
        for some in chunks(list(uids), 1000):
            with self._asking("Asking for flags"):
                told = self._imap.fetch(some, ["FLAGS"])
            found |= {uid for uid, one in told.items() if HIDDEN & set(one.get(b"FLAGS", ()))}
        return found

    def heads(self, uids: list[int], names: Iterable[str]) -> Iterator[tuple[int, bytes]]:
        """Only these headers of each mail."""
        wanted = f"BODY.PEEK[HEADER.FIELDS ({' '.join(names).upper()})]"
        for some in chunks(uids, 500):
            with self._asking("Reading headers"):
                told = self._imap.fetch(some, [wanted])
            for uid, one in sorted(told.items()):
                yield uid, next((v for k, v in one.items() if k.startswith(b"BODY[") and isinstance(v, bytes)), b"")

    def mails(self, uids: list[int]) -> Iterator[Raw]:
        """Whole mails in order, few at a time; of one that is too large only its beginning."""
        for some in chunks(uids, TOGETHER):
            with self._asking("Asking for sizes"):
                told = self._imap.fetch(some, ["RFC822.SIZE", "INTERNALDATE"])
            sizes = {uid: int(one.get(b"RFC822.SIZE", 0)) for uid, one in told.items()}
            for group in _by_size(sizes):
                yield from self._mails(group, sizes, told)

    def part(self, uid: int, section: str) -> Iterator[bytes]:
        """The bytes of a part as they were sent, encoded, piece by piece. Raises RecordError where there is no end."""
        for at in range(0, ENCODED * self._largest, CHUNK):
            with self._asking("Reading a file"):
                told = self._imap.fetch([uid], [f"BODY.PEEK[{section}]<{at}.{CHUNK}>"])
            piece = _bytes_in(told.get(uid, {}))
            if len(piece) > CHUNK:
                raise RecordError("The mail server does not send files piece by piece: more came than was asked for.")
            if piece:
                yield piece
            if len(piece) < CHUNK:
                return
        raise RecordError(f"A file of at most {ENCODED * self._largest} encoded bytes was expected; it does not end.")

    def section(self, uid: int, section: str) -> bytes:
        with self._asking("Reading a mail"):
            return _bytes_in(self._imap.fetch([uid], [f"BODY.PEEK[{section}]"]).get(uid, {}))

    def append(self, mailbox: str, data: bytes, flags: tuple[bytes, ...]) -> None:
        with self._asking(f"Writing into the mailbox {mailbox}", ScopeError):
            self._imap.append(mailbox, data, flags)

    def arrived(self, uid: int) -> datetime:
        with self._asking("Reading a mail"):
            return _moment(self._imap.fetch([uid], ["INTERNALDATE"]).get(uid, {}).get(b"INTERNALDATE"))

    def unflag(self, uids: list[int], flag: bytes) -> None:
        with self._asking("Marking a mail"):
            self._imap.remove_flags(uids, [flag], silent=True)

    def remove(self, uids: list[int]) -> None:
        """For good where the server can do so for single mails, else marked as deleted."""
        with self._asking("Removing a mail"):
            self._imap.delete_messages(uids, silent=True)
            if self._imap.has_capability("UIDPLUS"):
                self._imap.uid_expunge(uids)

    def _mails(self, group: list[int], sizes: dict[int, int], told: dict[int, Any]) -> Iterator[Raw]:
        cap = self._largest
        cut = len(group) == 1 and sizes[group[0]] > cap
        with self._asking("Reading mails"):
            found = self._imap.fetch(group, [f"BODY.PEEK[]<0.{cap}>" if cut else "BODY.PEEK[]"])
        for uid in group:
            if uid in found:  # else it was expunged meanwhile
                yield Raw(uid, _bytes_in(found[uid]), _moment(told[uid].get(b"INTERNALDATE")), cut)

    @contextmanager
    def _asking(self, at: str, refused: type[LandbridgeError] = TransientError) -> Iterator[None]:
        with errors_named(at, refused):
            self._throttle.acquire()
            try:
                yield
            except IMAP4.error as error:
                if isinstance(temporary(error, at), RateLimited):
                    self._throttle.limited(None)
                raise


def _bytes_in(told: dict[bytes, Any]) -> bytes:
    return next((value for name, value in told.items() if name.startswith(b"BODY[") and isinstance(value, bytes)), b"")


def _moment(told: Any) -> datetime:
    """imapclient gives local times without a zone."""
    return told.astimezone(UTC) if isinstance(told, datetime) else datetime.now(UTC)


def _by_size(sizes: dict[int, int]) -> Iterator[list[int]]:
    """In order, together as long as they are small."""
    group: list[int] = []
    total = 0
    for uid in sorted(sizes):
        if group and total + sizes[uid] > BYTES_TOGETHER:
            yield group
            group, total = [], 0
        group.append(uid)
        total += sizes[uid]
    if group:
        yield group
