"""What changed since a cookie: syncrepl (RFC 4533)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ldap
from ldap.syncrepl import SyncDoneControl, SyncInfoMessage, SyncRequestControl, SyncStateControl

from landbridge.directory.errors import code
from landbridge.directory.listing import control_of
from landbridge.directory.session import Entry, Message, Search, Session
from landbridge.errors import ExpiredCursor, ScopeError

REFRESH_REQUIRED = 4096
OFF = "Set syncrepl to false in the connection."
# How servers say that they can do nothing with a cookie: from before a restore, from another server, of another form.
COOKIE_REFUSED = (ldap.UNWILLING_TO_PERFORM, ldap.PROTOCOL_ERROR, ldap.UNAVAILABLE_CRITICAL_EXTENSION)


@dataclass(frozen=True)
class Deleted:
    """The key of an entry that is not there any more."""

    key: str


@dataclass(frozen=True)
class Cookie:
    """Everything before it was seen; the next refresh goes on from here."""

    text: str


def refreshed(session: Session, search: Search, cookie: str | None) -> Iterator[Entry | Deleted | Cookie]:
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


def _entries(message: Message, gone: set[str]) -> Iterator[Entry]:
    for dn, attributes, controls in message.parts:
        state = control_of(controls, SyncStateControl)
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


def _end(message: Message, gone: set[str], cookie: str | None) -> Iterator[Deleted | Cookie]:
    done = control_of(message.controls, SyncDoneControl)
    if cookie is not None and not (done and done.refreshDeletes):
        raise _present()
    yield from map(Deleted, sorted(gone))
    if done and _leads_on(done.cookie):
        yield Cookie(done.cookie)


def _present() -> ExpiredCursor:
    """In its present phase a server names who is left, not who has gone; only who remembers them all could tell."""
    return ExpiredCursor("The directory remembers what changed since the cookie, but not what was deleted.")


def _leads_on(cookie: str | None) -> bool:
    """OpenLDAP takes a cookie without a change number for none at all, and then reports no deletion."""
    return bool(cookie) and ("csn=" in str(cookie) or not str(cookie).startswith("rid="))
