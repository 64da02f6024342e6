"""Writing: people and groups are entries named by one attribute; each change of an entry is one atomic operation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import ldap
from connectors.ldap import natives
from connectors.ldap.directory import Directory
from connectors.ldap.natives import Native
from landbridge.connector import Stream, finds, writes
from landbridge.directory.errors import write_errors_named
from landbridge.directory.listing import looked_up
from landbridge.directory.session import Attributes, Entry, Search, Session
from landbridge.errors import ConfigError, NotFound, RecordError
from ldap.dn import escape_dn_chars, str2dn
from ldap.filter import escape_filter_chars

MAX_PHOTO = 2**20
MEMBER = {"groupofnames": "member", "groupofuniquenames": "uniqueMember"}
TAKEN = "Link it by employee number or address, or give one of the two another name."


class Writing(Directory):
    @writes(Directory.people, "create")
    def create_person(self, native: Native, marker: str) -> Native:
        if self.config.directory == "active_directory":
            raise ConfigError(
                "New accounts of an Active Directory need a password, which Landbridge does not set.",
                remedy="Read from it, or write changes only: leave this target to those who make accounts.",
            )

        def attributes(session: Session) -> Attributes:
            found = self._attributes(session, native)
            # What the object classes demand, and HR does not say.
            name = found.get("displayName") or [b" ".join(_names(found)) or found[rdn][0]]
            demanded = {"objectClass": [each.encode() for each in self.config.people_classes], "cn": name, "sn": name}
            return demanded | {each: values for each, values in found.items() if values}

        rdn = self._rdn(self.people)
        return self._create(self.people, native, attributes)

    @writes(Directory.people, "disable")
    def disable_person(self, key: str, marker: str) -> Native:
        return self._switched(key, active=False)

    @writes(Directory.people, "enable")
    def enable_person(self, key: str, marker: str) -> Native:
        return self._switched(key, active=True)

    @writes(Directory.groups, "create")
    def create_group(self, native: Native, marker: str) -> Native:
        """With our own account in it where the object classes demand a member."""
        kind = self.config.group_class

        def attributes(session: Session) -> Attributes:
            if self.config.directory == "active_directory":
                return {"objectClass": [b"group"], "uid": [_one(native, "cn").encode()]} | self._attributes(
                    session, native
                )
            own = {"objectClass": [kind.encode()], MEMBER[kind.lower()]: [self.config.login.encode()]}
            return own | self._attributes(session, native)

        return self._create(self.groups, native, attributes)

    @writes((Directory.people, Directory.groups), "update")
    def update_entry(self, stream: Stream, key: str, changes: Native, marker: str) -> Native:
        rdn = self._rdn(stream)
        with write_errors_named(f"Changing one of {stream.name}"), self.session() as session:
            entry = self.entry(session, stream, key)
            wanted, named = self._attributes(session, changes), _naming(entry.dn)
            # Who is named by something else has this attribute as any other.
            name = wanted.pop(rdn, None) if named.keys() == {rdn.lower()} else None
            if modifications := [(ldap.MOD_REPLACE, each, values or None) for each, values in wanted.items()]:
                session.modify(entry.dn, modifications)
            if name and name[0].decode() != named[rdn.lower()]:
                session.rename(entry.dn, f"{rdn}={escape_dn_chars(name[0].decode())}")
            return self._native(session, stream, self.entry(session, stream, key))

    @writes((Directory.people, Directory.groups), "delete")
    def delete_entry(self, stream: Stream, key: str, marker: str) -> None:
        with write_errors_named(f"Deleting one of {stream.name}"), self.session() as session:
            try:
                session.delete(self.entry(session, stream, key).dn)
            except (NotFound, ldap.NO_SUCH_OBJECT):
                pass

    @finds(Directory.people, Directory.groups)
    def find_entry(self, stream: Stream, native: Native, marker: str) -> Native | None:
        """By its name, since an entry has no place for a marker; of a person an address or the number has to agree, too."""
        with suppress(NotFound), write_errors_named("Looking for an entry"), self.session() as session:
            if entry := self._named(session, stream, native):
                found = self._native(session, stream, entry)
                return found if stream is self.groups or _same(found, native) else None
        return None

    # What members need, too

    def entry(self, session: Session, stream: Stream, key: str, *more: str) -> Entry:
        """Raises NotFound."""
        search = self.search(stream)
        asked = Search(search.base, self.config.dialect.by_key(key), (*search.attributes, *more))
        for entry in looked_up(session, asked):
            return entry
        raise NotFound(f"The entry is not (any more) below {search.base}.")

    # Steps of the above

    def _rdn(self, stream: Stream) -> str:
        """The attribute that names an entry."""
        return "cn" if stream is self.groups else self.config.people_rdn

    def _create(self, stream: Stream, native: Native, attributes: Callable[[Session], Attributes]) -> Native:
        rdn = self._rdn(stream)
        name = _one(native, rdn)
        with write_errors_named(f"Creating in {stream.name}"), self.session() as session:
            try:
                filled = {each: values for each, values in attributes(session).items() if values}
                session.add(f"{rdn}={escape_dn_chars(name)},{self.base(stream)}", filled)
            except ldap.ALREADY_EXISTS:
                entry = self._named(session, stream, native)
                found = self._native(session, stream, entry) if entry and stream is self.people else None
                if found is not None and _same(found, native):
                    return found
                raise RecordError(f"Another entry of {stream.name} has this {rdn}.", remedy=TAKEN) from None
            entry = self._named(session, stream, native)
            if entry is None:
                raise RecordError("The entry was created, but the connection's filter does not find it.")
            return self._native(session, stream, entry)

    def _switched(self, key: str, *, active: bool) -> Native:
        switch = self.config.switch
        if switch is None:
            raise ConfigError(
                "The connection does not say what marks somebody as disabled.", remedy="Add disabled_by to it."
            )
        with write_errors_named("Disabling or enabling a person"), self.session() as session:
            entry = self.entry(session, self.people, key)
            if changes := switch.changes(natives.values_at(entry, switch.attribute), active=active):
                session.modify(entry.dn, changes)
            return self._native(session, self.people, self.entry(session, self.people, key))

    def _attributes(self, session: Session, native: Native) -> Attributes:
        found = natives.values_of(native)
        if "manager" in native:
            key = (native["manager"] or {}).get("entryUUID")
            found["manager"] = [self.entry(session, self.people, key).dn.encode()] if key else []
        if natives.PHOTO in native:
            found[natives.PHOTO] = [self._photo(native[natives.PHOTO])] if native[natives.PHOTO] else []
        return found

    def _photo(self, attachment: Native) -> bytes:
        data = bytearray()
        for piece in self.open_file(attachment):
            data += piece
            if len(data) > MAX_PHOTO:
                raise RecordError(f"A photograph of at most {MAX_PHOTO // 2**20} MB was expected.")
        return bytes(data)

    def _named(self, session: Session, stream: Stream, native: Native) -> Entry | None:
        rdn, search = self._rdn(stream), self.search(stream)
        asked = f"(&{search.filter}({rdn}={escape_filter_chars(_one(native, rdn))}))"
        return next(iter(looked_up(session, replace(search, filter=asked))), None)

    def _native(self, session: Session, stream: Stream, entry: Entry) -> Native:
        if stream is self.groups:
            return natives.texts(entry, natives.GROUP)
        return self.person_of(lambda: session)(entry)


def _one(native: Native, name: str) -> str:
    values: list[Any] = native.get(name) or []
    if not values or not values[0]:
        raise RecordError(f"An entry needs {name}, which names it.")
    return str(values[0])


def _names(attributes: Attributes) -> list[bytes]:
    return [values[0] for name in ("givenName", "sn") if (values := attributes.get(name))]


def _same(one: Native, other: Native) -> bool:
    return any(set(one.get(name) or ()) & set(other.get(name) or ()) for name in ("employeeNumber", "mail"))


def _naming(dn: str) -> dict[str, str]:
    """The attributes that name an entry, in small letters; mostly one."""
    return {name.lower(): value for name, value, _ in str2dn(dn)[0]}
