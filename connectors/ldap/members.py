"""Who is in which group; each membership is a record of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import ldap
from connectors.ldap.writing import Writing
from landbridge.chunks import chunks
from landbridge.connector import Members, Stream
from landbridge.directory.errors import errors_named, write_errors_named
from landbridge.directory.listing import looked_up, paged, ranged
from landbridge.directory.session import Attributes, Search, Session
from landbridge.errors import NotFound
from ldap.filter import escape_filter_chars

KINDS = ("member", "uniqueMember", "memberUid")
BY_CLASS = {"groupofuniquenames": "uniqueMember", "posixgroup": "memberUid"}
AT_ONCE = 100  # people looked up by one search


class Memberships(Writing, Members):
    """Only people are members: groups in groups, and what lies elsewhere, are left out."""

    memberships = Stream(path="groups", key=("group", "user"), kind="membership")

    def everyone(self, stream: Stream) -> Iterator[tuple[str, Iterable[str]]]:
        search = Search(self.base(self.groups), self.config.groups_filter, ("entryUUID", *KINDS))
        with errors_named("Reading memberships"), self.session() as session, self.session() as beside:
            for group in paged(session, search, self.config.page_size, self.throttle.acquire):
                yield group.key, dict.fromkeys(self._people(beside, group.dn, group.attributes))

    def is_in(self, stream: Stream, place: str, person: str) -> bool:
        with write_errors_named("Looking for a member"), self.session() as session:
            group = self.entry(session, self.groups, place, *KINDS)
            return person in self._people(session, group.dn, group.attributes)

    def bring_in(self, stream: Stream, place: str, person: str) -> None:
        with write_errors_named("Adding a member"), self.session() as session:
            dn, name, value = self._place(session, place, person)
            try:
                session.modify(dn, [(ldap.MOD_ADD, name, [value])])
            except ldap.TYPE_OR_VALUE_EXISTS:
                pass

    def put_out(self, stream: Stream, place: str, person: str) -> None:
        """Our own account takes the place of the last one where a group must not be empty."""
        with write_errors_named("Removing a member"), self.session() as session:
            try:
                dn, name, value = self._place(session, place, person)
                gone = (ldap.MOD_DELETE, name, [value])
                try:
                    session.modify(dn, [gone])
                except ldap.OBJECT_CLASS_VIOLATION:
                    session.modify(dn, [(ldap.MOD_ADD, name, [self.config.login.encode()]), gone])
            except (NotFound, ldap.NO_SUCH_ATTRIBUTE):
                pass

    # Steps of the above

    def _people(self, session: Session, dn: str, attributes: Attributes) -> Iterator[str]:
        """Keys of the people among the members; each search goes by an index for a hundred of them."""
        search = self.search(self.people)
        for name in KINDS:
            by = "uid" if name == "memberUid" else self.config.dialect.dn
            values = [value.decode() for value in ranged(session, dn, attributes, name)]
            for part in chunks(values, AT_ONCE):
                self.throttle.acquire()
                some = "".join(f"({by}={escape_filter_chars(value)})" for value in part)
                asked = Search(search.base, f"(&{search.filter}(|{some}))", ("entryUUID",))
                yield from (entry.key for entry in looked_up(session, asked))

    def _place(self, session: Session, group: str, user: str) -> tuple[str, str, bytes]:
        """The group's distinguished name, its attribute of members, and what is written there for this person."""
        place = self.entry(session, self.groups, group, "objectClass")
        person = self.entry(session, self.people, user)
        classes = {value.decode().lower() for value in place.attributes.get("objectClass", ())}
        name = next((attribute for kind, attribute in BY_CLASS.items() if kind in classes), "member")
        return place.dn, name, person.attributes["uid"][0] if name == "memberUid" else person.dn.encode()
