"""Reading: people with telephones and photographs, and groups; changes and deletions by syncrepl."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache, lru_cache, partial
from itertools import islice
from typing import Any

import ldap
from connectors.ldap import natives
from connectors.ldap.config import LdapConfig
from connectors.ldap.natives import Native
from landbridge.connector import (
    Account,
    Checkpoint,
    Complete,
    Connector,
    Failure,
    Gone,
    Item,
    Record,
    Stream,
    needed,
    reads,
)  # fmt: skip
from landbridge.directory.changes import Cookie, Deleted, refreshed
from landbridge.directory.dirsync import followed
from landbridge.directory.errors import LIMITED, UNSEEN, errors_named
from landbridge.directory.listing import paged, uuid_of
from landbridge.directory.session import Entry, Search, Session
from landbridge.errors import ExpiredCursor, NotFound, RecordError

NOBODY = "(entryUUID=00000000-0000-0000-0000-000000000000)"
LOCATOR = re.compile(rf"people/([0-9a-f-]{{36}})#{natives.PHOTO}")
CHUNK = 65536
SAMPLE = 100
MANAGERS = 10_000  # keys of managers kept during one read


class Directory(Connector):
    """One directory, and the connections to it."""

    Config = LdapConfig
    config: LdapConfig

    people = Stream(path="people", key=("entryUUID",), kind="person", reports_gone=True)
    groups = Stream(path="groups", key=("entryUUID",), kind="group", reports_gone=True)

    def check(self) -> Account:
        missing: list[str] = []
        details: list[str] = []
        with errors_named("Checking the account"), self.session() as session:
            name = session.who()
            for stream in (self.people, self.groups):
                if stream is self.people or self.config.groups:
                    self._look(session, stream, missing, details)
        return Account(name, tuple(missing), " ".join(details))

    @reads(people)
    def read_people(self, cursor: Any) -> Iterator[Item]:
        with ExitStack() as stack:
            # Managers are looked up beside the running search: on its connection their answers would queue behind it.
            beside = cache(lambda: stack.enter_context(self.session()))
            yield from self._read(self.people, cursor, self.person_of(beside))

    @reads(groups)
    def read_groups(self, cursor: Any) -> Iterator[Item]:
        yield from self._read(self.groups, cursor, partial(natives.texts, names=natives.GROUP))

    def open(self, locator: str) -> Iterator[bytes]:
        """The photograph as it is now."""
        found = LOCATOR.fullmatch(locator)
        if found is None:
            raise NotFound("This is no address of a photograph.", remedy="Expected people/<entryUUID>#jpegPhoto.")
        search = Search(self.base(self.people), self.config.dialect.by_key(found[1]), (natives.PHOTO,))
        with errors_named("Reading a photograph"), self.session() as session:
            data = next((natives.photo_bytes(found) for _, found in session.entries(search)), b"")
        if not data:
            raise NotFound("The photograph is not there (any more).")
        return (data[at : at + CHUNK] for at in range(0, len(data), CHUNK))

    # What writing needs, too

    def session(self) -> Session:
        self.throttle.acquire()
        return Session(self.config.server)

    def person_of(self, beside: Callable[[], Session]) -> Callable[[Entry], Native]:
        """Makes natives; managers are looked up in the session that `beside` gives."""
        names = (*natives.PERSON, *self.config.attributes)
        key_of = lru_cache(MANAGERS)(lambda dn: _key_of(beside(), dn))
        return partial(natives.person, names=names, key_of=key_of, photos=self.config.photos, switch=self.config.switch)

    # Steps of the above

    def _read(self, stream: Stream, cursor: Any, native: Callable[[Entry], Native]) -> Iterator[Item]:
        search = self.search(stream)
        cookie = self._cookie(search, cursor)
        empty = True
        with errors_named(f"Reading {stream.name}"), self.session() as session:
            for found in self._found(session, search, cookie):
                if isinstance(found, Entry):
                    empty = False
                    yield _item(found, native)
                elif isinstance(found, Deleted):
                    yield Gone(found.key)
                elif not empty or cursor is not None:
                    # After an empty full read there is none: should it have been a mistake, the next is in full again.
                    yield Checkpoint({"cookie": found.text, "search": self._mark(search)})
        if cursor is None:
            yield Complete()

    def _found(self, session: Session, search: Search, cookie: str | None) -> Iterator[Entry | Deleted | Cookie]:
        if self.config.syncrepl and self.config.directory == "active_directory":
            yield from followed(session, search, self.config.base, cookie, self.config.dialect.by_key)
            return
        if self.config.syncrepl:
            try:
                yield from refreshed(session, search, cookie)
                return
            except ldap.UNAVAILABLE_CRITICAL_EXTENSION:
                pass  # this directory, or this part of it, offers no syncrepl
        yield from paged(session, search, self.config.page_size, self.throttle.acquire)

    def _cookie(self, search: Search, cursor: Any) -> str | None:
        """The cookie in a cursor. What was read in another place, or of other attributes, cannot be gone on with."""
        if cursor is None:
            return None
        if not self.config.syncrepl or not isinstance(cursor, dict) or cursor.get("search") != self._mark(search):
            raise ExpiredCursor("The cursor belongs to another way of reading this directory.")
        return str(cursor["cookie"])

    def _mark(self, search: Search) -> str:
        return hashlib.sha256(repr((self.config.host, search)).encode()).hexdigest()[:16]

    def search(self, stream: Stream) -> Search:
        if stream is self.groups:
            return Search(self.base(stream), self.config.groups_filter, ("entryUUID", *natives.GROUP))
        photo = (natives.PHOTO,) if self.config.photos else ()
        mark = (self.config.switch.attribute,) if self.config.switch else ()
        names = ("entryUUID", *natives.PERSON, *self.config.attributes, *mark, *photo)
        return Search(self.base(stream), self.config.people_filter, tuple(dict.fromkeys(names)))

    def base(self, stream: Stream) -> str:
        if stream is self.people:
            return self.config.people or self.config.base
        return needed(self.config.groups, "The connection names no place for groups.", "Add the field groups to it.")

    def _look(self, session: Session, stream: Stream, missing: list[str], details: list[str]) -> None:
        """What the account finds in a stream's place: nothing at all, or some attributes in none of its entries."""
        search = self.search(stream)
        try:
            entries = list(islice(paged(session, search, SAMPLE, self.throttle.acquire), SAMPLE))
        except LIMITED:
            missing.append(f"{stream.name}: searches without a limit of size")
            return
        except UNSEEN:
            entries = []
        if not entries:
            missing.append(f"{stream.name}: read {search.filter} below {search.base}")
            return
        shown = {name.lower() for entry in entries for name in entry.attributes}
        hidden = [name for name in search.attributes if name.lower() not in shown]
        way = self._way(session, search)
        details.append(f"{stream.name}: read {way}.")
        if hidden:
            details.append(f"None of the first {len(entries)} shows {', '.join(hidden)}.")

    def _way(self, session: Session, search: Search) -> str:
        """Only a try tells: the root entry lists what the server can do, not what it does for this part of the tree."""
        if not self.config.syncrepl:
            return "in full each time"
        if self.config.directory == "active_directory":
            return "by DirSync, which needs the right to replicate directory changes"
        try:
            list(refreshed(session, Search(search.base, NOBODY, ("entryUUID",)), None))
        except ldap.UNAVAILABLE_CRITICAL_EXTENSION:
            return "in full each time, without syncrepl"
        return "by syncrepl"


def _item(entry: Entry, native: Callable[[Entry], Native]) -> Item:
    try:
        return Record(entry.key, native(entry))
    except RecordError as error:
        return Failure(entry.key, error)


def _key_of(beside: Session, dn: str) -> str | None:
    """The entryUUID behind a distinguished name; None where nothing (visible) is there."""
    try:
        found = list(beside.entries(Search(dn, "(objectClass=*)", ("entryUUID",), ldap.SCOPE_BASE)))
    except UNSEEN:
        return None
    return uuid_of(found[0][1]) if found and found[0][1] else None
