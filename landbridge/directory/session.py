"""One signed-in connection to a directory."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from socket import IPPROTO_TCP, SO_RCVTIMEO, SOL_SOCKET, TCP_NODELAY, create_connection, socket
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import ldap

from landbridge.directory.dialect import STANDARD, Dialect
from landbridge.directory.errors import errors_named

Control = Any
Attributes = dict[str, list[bytes]]
# A kind (ldap.MOD_…), an attribute, and values; None: all that there are.
Change = tuple[int, str, list[bytes] | None]


@dataclass(frozen=True)
class Server:
    """`url`: ldaps://host is encrypted from the start, ldap://host by StartTLS where `start_tls` says so.

    `timeout`: seconds to wait for each answer. `ca_file` holds certificates to trust instead of the machine's own.
    """

    url: str
    login: str
    secret: str = field(repr=False)
    dialect: Dialect = STANDARD
    timeout: float = 60
    start_tls: bool = False
    ca_file: str | None = None
    verify: bool = True

    @property
    def encrypted(self) -> bool:
        return self.start_tls or self.url.startswith("ldaps://")


@dataclass(frozen=True)
class Search:
    """A subtree, the entries meant in it, and what of them is read."""

    base: str
    filter: str
    attributes: tuple[str, ...]
    scope: int = ldap.SCOPE_SUBTREE


@dataclass(frozen=True)
class Entry:
    """`key` is the entryUUID, which outlives every renaming."""

    key: str
    dn: str
    attributes: Attributes


@dataclass(frozen=True)
class Message:
    """One answer of a search: an entry, something in between, or its end."""

    type: int
    parts: list[tuple[Any, Any, list[Control]]]
    controls: list[Control]


def _wire(server: Server) -> int:
    """libldap has no socket before its first question, and with StartTLS none may go ahead: the server refuses it
    where it has not put another one away yet (RFC 4511, 4.14.1). Belongs to who is given it.
    """
    try:
        at = urlsplit(server.url)
        wire = create_connection((at.hostname or "", at.port or ldap.PORT), server.timeout)
    except (OSError, ValueError) as error:  # a name that cannot be one is a ValueError
        raise ldap.SERVER_DOWN({"result": -1, "desc": "Can't contact LDAP server"}) from error
    wire.settimeout(None)
    wire.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    return wire.detach()


class Session:
    """Lasts for one read: nothing is kept that could have gone stale."""

    def __init__(self, server: Server) -> None:
        self._timeout, self._dialect = server.timeout, server.dialect
        with errors_named("Signing in"):
            self._ldap = ldap.initialize(server.url, fileno=_wire(server) if server.start_tls else None)
            self._ldap.protocol_version = ldap.VERSION3
            # Another server may be another company's: a referral would carry the password there.
            self._ldap.set_option(ldap.OPT_REFERRALS, 0)
            self._ldap.set_option(ldap.OPT_NETWORK_TIMEOUT, server.timeout)
            self._ldap.set_option(ldap.OPT_TIMEOUT, server.timeout)
            self._secure(server)
            number = self._ldap.simple_bind(server.login, server.secret)
            self._never_wait_for_the_rest()
            self._ldap.result4(number, timeout=server.timeout)

    def _secure(self, server: Server) -> None:
        if not server.encrypted:
            return
        demand = ldap.OPT_X_TLS_DEMAND if server.verify else ldap.OPT_X_TLS_NEVER
        self._ldap.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, demand)
        self._ldap.set_option(ldap.OPT_X_TLS_PROTOCOL_MIN, ldap.OPT_X_TLS_PROTOCOL_TLS1_2)
        if server.ca_file:
            self._ldap.set_option(ldap.OPT_X_TLS_CACERTFILE, server.ca_file)
        # Without it the options above are not looked at.
        self._ldap.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        if server.start_tls:
            self._never_wait_for_the_rest()
            self._ldap.start_tls_s()

    def _never_wait_for_the_rest(self) -> None:
        """libldap's own timeouts end where an answer has begun: for the rest of it the socket would wait for ever."""
        with socket(fileno=os.dup(self._ldap.fileno())) as wire:
            wire.setsockopt(SOL_SOCKET, SO_RCVTIMEO, struct.pack("ll", 1, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._ldap.unbind_ext_s()
        except ldap.LDAPError:
            pass  # the server ended it first

    def who(self) -> str:
        """The distinguished name that the server knows the account by."""
        return str(self._ldap.whoami_s()).removeprefix("dn:")

    def messages(self, search: Search, control: Control | None = None) -> Iterator[Message]:
        """One by one, so that a directory of any size passes through; the last is the result. Raises LDAPError."""
        controls = [control] if control else []
        names = [self._dialect.outward(name) for name in search.attributes]
        number = self._ldap.search_ext(search.base, search.scope, search.filter, names, serverctrls=controls)
        while True:
            kind, parts, _, found, _, _ = self._ldap.result4(
                number, all=0, timeout=self._timeout, add_ctrls=1, add_intermediates=1
            )
            if kind == ldap.RES_SEARCH_ENTRY:
                parts = [(dn, self._dialect.inward(attributes), said) for dn, attributes, said in parts]
            yield Message(kind, parts, found)
            if kind == ldap.RES_SEARCH_RESULT:
                return

    def entries(self, search: Search) -> Iterator[tuple[str, Attributes]]:
        """Names and attributes, for searches that find few."""
        for message in self.messages(search):
            if message.type == ldap.RES_SEARCH_ENTRY:
                yield from ((dn, attributes) for dn, attributes, _ in message.parts)

    def add(self, dn: str, attributes: Attributes) -> None:
        """Raises LDAPError, like the others that write."""
        named = [(self._dialect.outward(name), values) for name, values in attributes.items()]
        self._written(self._ldap.add_ext(dn, named))

    def modify(self, dn: str, changes: list[Change]) -> None:
        """All of the changes, or none."""
        named = [(kind, self._dialect.outward(name), values) for kind, name, values in changes]
        self._written(self._ldap.modify_ext(dn, named))

    def rename(self, dn: str, rdn: str) -> None:
        self._written(self._ldap.rename(dn, rdn))

    def delete(self, dn: str) -> None:
        self._written(self._ldap.delete_ext(dn))

    def _written(self, number: int) -> None:
        self._ldap.result4(number, timeout=self._timeout)
