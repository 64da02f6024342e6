"""What changed in an Active Directory since a cookie: its DirSync control (MS-ADTS 3.1.1.3.4.1.3)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace

import ldap
from ldap.controls import KNOWN_RESPONSE_CONTROLS, RequestControl, ResponseControl
from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import namedtype, univ

from landbridge.chunks import chunks
from landbridge.directory.changes import COOKIE_REFUSED, Cookie, Deleted
from landbridge.directory.listing import control_of, looked_up, uuid_of
from landbridge.directory.session import Attributes, Entry, Search, Session
from landbridge.errors import ExpiredCursor, IncompleteRead
from landbridge.http import Once

OID = "1.2.840.113556.1.4.841"
MAX_BYTES = 2**20
AT_ONCE = 100  # entries looked up by one search
# Renaming and moving change these; deletion the last.
TRACES = ("name", "parentGUID", "isDeleted")


class Value(univ.Sequence):  # type: ignore[misc]
    """Asked: flags, bytes at most, cookie. Answered: is there more, nothing, cookie."""

    componentType = namedtype.NamedTypes(  # noqa: N815 (pyasn1 reads it)
        namedtype.NamedType("flags", univ.Integer()),
        namedtype.NamedType("size", univ.Integer()),
        namedtype.NamedType("cookie", univ.OctetString()),
    )


class DirSync(RequestControl, ResponseControl):  # type: ignore[misc]
    controlType = OID  # noqa: N815 (python-ldap reads it)

    def __init__(self, cookie: bytes = b"") -> None:
        super().__init__(OID, True)
        self.cookie, self.more = cookie, False

    def encodeControlValue(self) -> bytes:  # noqa: N802 (python-ldap calls it)
        value = Value()
        # No flags: with "object security" an account without rights to deleted objects would never hear of them.
        for name, part in (("flags", 0), ("size", MAX_BYTES), ("cookie", self.cookie)):
            value[name] = part
        return bytes(encoder.encode(value))

    def decodeControlValue(self, encodedControlValue: bytes) -> None:  # noqa: N802, N803
        value, _ = decoder.decode(encodedControlValue, asn1Spec=Value())
        self.more, self.cookie = bool(int(value["flags"])), bytes(value["cookie"])


KNOWN_RESPONSE_CONTROLS[OID] = DirSync


def followed(
    session: Session, search: Search, root: str, cookie: str | None, by_key: Callable[[str], str]
) -> Iterator[Entry | Deleted | Cookie]:
    """What changed since the cookie, all there is without one. Raises ExpiredCursor, LDAPError.

    The control tells of the whole domain, and of each entry only what changed. So what is (still) meant is looked up,
    on the same connection: another server of the domain may not have heard of it yet.
    """
    control = DirSync(base64.b64decode(cookie) if cookie else b"")
    whole = Search(root, "(objectClass=*)", tuple(dict.fromkeys((*search.attributes, *TRACES))))
    cookies = Once("The directory's changes turn in a circle: it announces more, but a cookie came twice.")
    cookies.meet(control.cookie)
    while True:
        changed, deleted, control = _page(session, whole, control, first=cookie is None and not control.cookie)
        for some in chunks(changed, AT_ONCE):
            meant = f"(&{search.filter}(|{''.join(map(by_key, some))}))"
            there = {entry.key: entry for entry in looked_up(session, replace(search, filter=meant))}
            yield from there.values()
            deleted += [key for key in some if key not in there]
        if cookie is not None:
            yield from map(Deleted, deleted)
        if not control.more:
            yield Cookie(base64.b64encode(control.cookie).decode())
            return
        cookies.meet(control.cookie)


def _page(session: Session, whole: Search, asked: DirSync, *, first: bool) -> tuple[list[str], list[str], DirSync]:
    """Keys of what changed and of what was deleted, and the control of the answer."""
    states: dict[str, bool] = {}
    answer: DirSync | None = None
    try:
        for message in session.messages(whole, asked):
            if message.type == ldap.RES_SEARCH_ENTRY:
                states |= {uuid_of(attributes): _deleted(attributes) for _, attributes, _ in message.parts}
            answer = control_of(message.controls, DirSync)
    except COOKIE_REFUSED:
        if first:
            raise
        raise ExpiredCursor("The directory no longer knows the cookie.") from None
    if answer is None:
        raise IncompleteRead("The directory answered without the control that says whether there is more.")
    return [key for key, gone in states.items() if not gone], [key for key, gone in states.items() if gone], answer


def _deleted(attributes: Attributes) -> bool:
    return any(values[:1] == [b"TRUE"] for name, values in attributes.items() if name.lower() == "isdeleted")
