"""The two ways through a directory: what changed since a cookie (RFC 4533), or all of it by pages (RFC 2696)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import ldap
from connectors.ldap.session import Control, Entry, Message, Search, Session, code
from landbridge.connector import Gone
from landbridge.errors import ExpiredCursor, ScopeError
from landbridge.http import Once
from ldap.controls import SimplePagedResultsControl
from ldap.syncrepl import SyncDoneControl, SyncInfoMessage, SyncRequestControl, SyncStateControl

REFRESH_REQUIRED = 4096
OFF = "Set syncrepl to false in the connection."
# How servers say that they can do nothing with a cookie: from before a restore, from another server, of another form.
COOKIE_REFUSED = (ldap.UNWILLING_TO_PERFORM, ldap.PROTOCOL_ERROR, ldap.UNAVAILABLE_CRITICAL_EXTENSION)


@dataclass(frozen=True)
class Cookie:
    """Everything before it was seen; the next refresh goes on from here."""

    text: str


def refreshed(session: Session, search: Search, cookie: str | None) -> Iterator[Entry | Gone | Cookie]:
    """What changed since the cookie, deletions last; all there is without one. Raises ExpiredCursor, LDAPError."""
    control = SyncRequestControl(cookie=cookie, mode="refreshOnly")
    gone: set[str] = set()
    try:
        for message in session.messages(search, control):
            if message.type == ldap.RES_SEARCH_ENTRY:
                yield from _entries(message, gone)
            elif message.type == ldap.RES_INTERMEDIATE:
                gone.update(_deleted(message))
            elif message.type == ldap.RES_SEARCH_RESULT:
                yield from _end(message, gone, cookie)
    except ldap.LDAPError as error:
        if cookie is not None and (isinstance(error, COOKIE_REFUSED) or code(error) == REFRESH_REQUIRED):
            raise ExpiredCursor("The directory no longer knows the cookie.") from None
        raise


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
            answer = _control(message.controls, SimplePagedResultsControl)
        if answer is None or not answer.cookie:
            return
        pages.meet(first or answer.cookie)
        control.cookie = answer.cookie


def looked_up(session: Session, search: Search) -> list[Entry]:
    """All at once, for searches that find few. Raises LDAPError."""
    return [Entry(uuid_of(attributes), dn, attributes) for dn, attributes in session.entries(search)]


def _entries(message: Message, gone: set[str]) -> Iterator[Entry]:
    for dn, attributes, controls in message.parts:
        state = _control(controls, SyncStateControl)
        if state is None:
            raise ScopeError("The directory answered a refresh without saying what became of an entry.", remedy=OFF)
        if state.state == "present":
            raise _present()
        if state.state == "delete":
            gone.add(state.entryUUID)
        else:
            gone.discard(state.entryUUID)
            yield Entry(state.entryUUID, dn, attributes)


def _deleted(message: Message) -> Iterator[str]:
    for name, value, _ in message.parts:
        if name != SyncInfoMessage.responseName:
            continue
        info = SyncInfoMessage(value)
        if info.refreshPresent is not None or (info.syncIdSet and not info.syncIdSet["refreshDeletes"]):
            raise _present()
        yield from (info.syncIdSet or {}).get("syncUUIDs", ())


def _end(message: Message, gone: set[str], cookie: str | None) -> Iterator[Gone | Cookie]:
    done = _control(message.controls, SyncDoneControl)
    if cookie is not None and not (done and done.refreshDeletes):
        raise _present()
    yield from map(Gone, sorted(gone))
    if done and _leads_on(done.cookie):
        yield Cookie(done.cookie)


def _present() -> ExpiredCursor:
    """In its present phase a server names who is left, not who has gone; only who remembers them all could tell."""
    return ExpiredCursor("The directory remembers what changed since the cookie, but not what was deleted.")


def _leads_on(cookie: str | None) -> bool:
    """OpenLDAP takes a cookie without a change number for none at all, and then reports no deletion."""
    return bool(cookie) and ("csn=" in str(cookie) or not str(cookie).startswith("rid="))


def uuid_of(attributes: dict[str, list[bytes]]) -> str:
    """Raises ScopeError: an account that may not see it could not tell a renaming from a deletion."""
    found = next((values for name, values in attributes.items() if name.lower() == "entryuuid"), None)
    if not found:
        raise ScopeError("The directory shows no entryUUID.", remedy="Let the account read this operational attribute.")
    # Active Directory keeps its own in sixteen bytes, some of them the other way round.
    return str(UUID(bytes_le=found[0])) if len(found[0]) == 16 else found[0].decode("ascii").lower()


def _control(controls: list[Control], kind: type) -> Any:
    return next((control for control in controls if isinstance(control, kind)), None)
