"""All there is: entries by pages (RFC 2696), and the values of an attribute that come in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import ldap
from ldap.controls import SimplePagedResultsControl

from landbridge.directory.session import Attributes, Control, Entry, Search, Session
from landbridge.errors import IncompleteRead, ScopeError
from landbridge.http import Once


def paged(session: Session, search: Search, size: int, wait: Callable[[], None]) -> Iterator[Entry]:
    """All there is, however much; `wait` is called before each page. Raises LDAPError."""
    control = SimplePagedResultsControl(True, size=size, cookie="")
    # Some servers give all pages of a search one and the same cookie: a page is known by its first entry.
    pages = Once("The directory's pages turn in a circle: the same page came twice.")
    while True:
        wait()
        answer, first = None, ""
        for message in session.messages(search, control):
            if message.type == ldap.RES_SEARCH_ENTRY:
                for dn, attributes, _ in message.parts:
                    entry = Entry(uuid_of(attributes), dn, attributes)
                    first = first or entry.key
                    yield entry
            answer = control_of(message.controls, SimplePagedResultsControl)
        if answer is None or not answer.cookie:
            return
        pages.meet(first or answer.cookie)
        control.cookie = answer.cookie


def looked_up(session: Session, search: Search) -> list[Entry]:
    """All at once, for searches that find few. Raises LDAPError."""
    return [Entry(uuid_of(attributes), dn, attributes) for dn, attributes in session.entries(search)]


def ranged(session: Session, dn: str, attributes: Attributes, name: str) -> Iterator[bytes]:
    """All values of an attribute; Active Directory gives some 1,500 of them at once, as `member;range=0-1499`.

    Raises IncompleteRead where they do not go on to their end: who is not named would count as having left.
    """
    after = 0
    while True:
        part = next((one for one in attributes if one.lower().startswith(f"{name.lower()};range=")), None)
        if part is None and after:
            raise IncompleteRead(f"The directory broke off {name} of a group after {after} values.")
        yield from attributes.get(part or name, ())
        if part is None or part.endswith("*"):
            return
        following = int(part.rpartition("-")[2]) + 1
        if following <= after:
            raise IncompleteRead(f"The directory gives {name} of a group again and again up to value {after}.")
        after = following
        search = Search(dn, "(objectClass=*)", (f"{name};range={after}-*",), ldap.SCOPE_BASE)
        attributes = next((values for _, values in session.entries(search)), {})


def uuid_of(attributes: dict[str, list[bytes]]) -> str:
    """Raises ScopeError: an account that may not see it could not tell a renaming from a deletion."""
    found = next((values for name, values in attributes.items() if name.lower() == "entryuuid"), None)
    if not found:
        raise ScopeError("The directory shows no entryUUID.", remedy="Let the account read this operational attribute.")
    # Active Directory keeps its own in sixteen bytes, some of them the other way round.
    return str(UUID(bytes_le=found[0])) if len(found[0]) == 16 else found[0].decode("ascii").lower()


def control_of(controls: list[Control], kind: type) -> Any:
    return next((control for control in controls if isinstance(control, kind)), None)
