"""What a directory says: the phases of a refresh as recorded messages, and its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import ldap
import pytest
from ldap.syncrepl import SyncDoneControl, SyncIdSet, SyncInfoMessage, SyncInfoValue, SyncStateControl
from pyasn1.codec.ber import encoder

from landbridge.directory import changes
from landbridge.directory.changes import Cookie, Deleted, refreshed
from landbridge.directory.errors import named
from landbridge.directory.session import Entry, Message, Search, Session
from landbridge.errors import AuthError, ConfigError, ExpiredCursor, LandbridgeError, ScopeError
from landbridge.errors import TransientError as Transient

A, B = "ae604ed2-7a41-1041-881f-815180ac78be", "ae6050ee-7a41-1041-8820-815180ac78be"
COOKIE = "rid=000,csn=20260101000000.000000Z#000000#000#000000"
SEARCH = Search("ou=people,dc=example", "(objectClass=*)", ("uid",))


class Recorded(Session):
    """Answers each search with these messages, or this error."""

    def __init__(self, *messages: Message | Exception) -> None:
        self.recorded = messages

    def messages(self, search: Search, control: Any = None) -> Iterator[Message]:
        for message in self.recorded:
            if isinstance(message, Exception):
                raise message
            yield message


def said(key: str, state: str) -> Message:
    control = SyncStateControl()
    control.state, control.entryUUID, control.cookie = state, key, None
    return Message(ldap.RES_SEARCH_ENTRY, [(f"uid={key},dc=example", {"uid": [key.encode()]}, [control])], [])


def ids(*keys: str, deletes: bool) -> Message:
    info = SyncInfoValue()
    found: SyncIdSet = info["syncIdSet"]
    found["refreshDeletes"] = deletes
    found["syncUUIDs"].extend(UUID(key).bytes for key in keys)
    return Message(ldap.RES_INTERMEDIATE, [(SyncInfoMessage.responseName, encoder.encode(info), [])], [])


def refresh_present() -> Message:
    info = SyncInfoValue()
    info["refreshPresent"]["refreshDone"] = False
    return Message(ldap.RES_INTERMEDIATE, [(SyncInfoMessage.responseName, encoder.encode(info), [])], [])


def done(cookie: str | None = COOKIE, deletes: bool = True) -> Message:
    control = SyncDoneControl()
    control.cookie, control.refreshDeletes = cookie, deletes
    return Message(ldap.RES_SEARCH_RESULT, [], [control])


def refresh(*messages: Message | Exception, cookie: str | None = COOKIE) -> list[Any]:
    found = refreshed(Recorded(*messages), SEARCH, cookie)
    return [item.key if isinstance(item, Entry) else item for item in found]


def test_changes_come_first_then_deletions_then_the_cookie() -> None:
    assert refresh(ids(B, deletes=True), said(A, "modify"), done()) == [A, Deleted(B), Cookie(COOKIE)]
    assert refresh(said(B, "delete"), said(A, "add"), done()) == [A, Deleted(B), Cookie(COOKIE)]


def test_an_entry_that_was_moved_out_and_in_again_is_there() -> None:
    assert refresh(ids(A, deletes=True), said(A, "add"), done()) == [A, Cookie(COOKIE)]


def test_nothing_new_keeps_the_old_cookie() -> None:
    assert refresh(done(None)) == []


@pytest.mark.parametrize(
    "message",
    [said(A, "present"), ids(A, deletes=False), refresh_present(), done(deletes=False), Message(ldap.RES_SEARCH_RESULT, [], [])],
)  # fmt: skip
def test_a_present_phase_is_no_statement_about_deletions(message: Message) -> None:
    with pytest.raises(ExpiredCursor, match="not what was deleted"):
        refresh(message, done())


@pytest.mark.parametrize("cookie", [None, "", "rid=000"])
def test_a_cookie_that_leads_nowhere_is_not_kept(cookie: str | None) -> None:
    """slapd answers such a cookie with everything that is there, and calls that a refresh with deletions."""
    assert refresh(said(A, "add"), done(cookie), cookie=None) == [A]


def test_cookies_of_other_directories_are_kept_as_they_are() -> None:
    assert refresh(done("host:389#cn=x#17"), cookie=None) == [Cookie("host:389#cn=x#17")]


@pytest.mark.parametrize(
    "error",
    [ldap.LDAPError({"result": changes.REFRESH_REQUIRED}), ldap.UNWILLING_TO_PERFORM({"result": 53}), ldap.PROTOCOL_ERROR({})],
)  # fmt: skip
def test_a_refused_cookie_has_expired(error: Exception) -> None:
    with pytest.raises(ExpiredCursor):
        refresh(error)
    with pytest.raises(type(error)):
        refresh(error, cookie=None)


def test_entries_without_a_state_are_not_taken_for_changes() -> None:
    with pytest.raises(ScopeError, match="Set syncrepl to false"):
        refresh(Message(ldap.RES_SEARCH_ENTRY, [("uid=x", {}, [])], []))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ldap.INVALID_CREDENTIALS, AuthError), (ldap.CONFIDENTIALITY_REQUIRED, AuthError),
        (ldap.NO_SUCH_OBJECT, ScopeError), (ldap.INSUFFICIENT_ACCESS, ScopeError),
        (ldap.SIZELIMIT_EXCEEDED, ScopeError), (ldap.ADMINLIMIT_EXCEEDED, ScopeError),
        (ldap.BUSY, Transient), (ldap.UNAVAILABLE, Transient), (ldap.SERVER_DOWN, Transient), (ldap.TIMEOUT, Transient),
        (ldap.TIMELIMIT_EXCEEDED, Transient), (ldap.OTHER, Transient), (ldap.LDAPError, Transient),
        (ldap.FILTER_ERROR, ConfigError),
    ],
)  # fmt: skip
def test_errors_by_what_happens_next(error: type[Exception], kind: type[LandbridgeError]) -> None:
    details = {"desc": "Busy", "result": 51, "info": "uid=anna", "matched": "ou=anna"}
    found = named(error(details), "Reading people")
    assert type(found) is kind
    assert str(found).startswith("Reading people failed: Busy (51).")
    assert "anna" not in str(found)
