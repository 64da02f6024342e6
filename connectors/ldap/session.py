"""One signed-in connection, and LDAP's result codes as errors named by what happens next."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socket import SO_RCVTIMEO, SOL_SOCKET, socket
from types import TracebackType
from typing import Any, Self

import ldap
from connectors.ldap.config import LdapConfig
from connectors.ldap.dialect import Change
from landbridge.errors import AuthError, ConfigError, LandbridgeError, NotFound, RecordError, ScopeError, TransientError

REFUSED = (
    ldap.INVALID_CREDENTIALS, ldap.INAPPROPRIATE_AUTH, ldap.STRONG_AUTH_REQUIRED, ldap.CONFIDENTIALITY_REQUIRED,
    ldap.AUTH_METHOD_NOT_SUPPORTED,
)  # fmt: skip
UNSEEN = (ldap.NO_SUCH_OBJECT, ldap.INSUFFICIENT_ACCESS, ldap.INVALID_DN_SYNTAX)
UNFIT = (
    ldap.ALREADY_EXISTS, ldap.CONSTRAINT_VIOLATION, ldap.INVALID_SYNTAX, ldap.INVALID_DN_SYNTAX, ldap.NAMING_VIOLATION,
    ldap.NOT_ALLOWED_ON_NONLEAF, ldap.NOT_ALLOWED_ON_RDN, ldap.OBJECT_CLASS_VIOLATION, ldap.NO_OBJECT_CLASS_MODS,
    ldap.NO_SUCH_ATTRIBUTE, ldap.TYPE_OR_VALUE_EXISTS, ldap.UNDEFINED_TYPE, ldap.UNWILLING_TO_PERFORM,
)  # fmt: skip
LIMITED = (ldap.SIZELIMIT_EXCEEDED, ldap.ADMINLIMIT_EXCEEDED)
Control = Any
Attributes = dict[str, list[bytes]]


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


class Session:
    """Lasts for one read: nothing is kept that could have gone stale."""

    def __init__(self, config: LdapConfig) -> None:
        self._timeout, self._dialect = config.timeout, config.dialect
        with errors_named("Signing in"):
            self._ldap = ldap.initialize(config.host)
            self._ldap.protocol_version = ldap.VERSION3
            # Another server may be another company's: a referral would carry the password there.
            self._ldap.set_option(ldap.OPT_REFERRALS, 0)
            self._ldap.set_option(ldap.OPT_NETWORK_TIMEOUT, config.timeout)
            self._ldap.set_option(ldap.OPT_TIMEOUT, config.timeout)
            self._secure(config)
            number = self._ldap.simple_bind(config.login, config.password.get_secret_value())
            self._never_wait_for_the_rest()
            self._ldap.result4(number, timeout=config.timeout)

    def _secure(self, config: LdapConfig) -> None:
        if not config.encrypted:
            return
        demand = ldap.OPT_X_TLS_DEMAND if config.verify_certificate else ldap.OPT_X_TLS_NEVER
        self._ldap.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, demand)
        self._ldap.set_option(ldap.OPT_X_TLS_PROTOCOL_MIN, ldap.OPT_X_TLS_PROTOCOL_TLS1_2)
        if config.ca_file:
            self._ldap.set_option(ldap.OPT_X_TLS_CACERTFILE, config.ca_file)
        # Without it the options above are not looked at.
        self._ldap.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        if config.start_tls:
            self._greet()
            self._ldap.start_tls_s()

    def _greet(self) -> None:
        """There is no socket before the first question; whatever the answer to this one is, it will do."""
        number = self._ldap.search_ext("", ldap.SCOPE_BASE, attrlist=["1.1"])
        self._never_wait_for_the_rest()
        try:
            self._ldap.result4(number, timeout=self._timeout)
        except ldap.LDAPError as error:
            if code(error) <= 0:
                raise

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


@contextmanager
def errors_named(at: str) -> Iterator[None]:
    """The server's own words are left out: they may hold names of people."""
    try:
        yield
    except ldap.LDAPError as error:
        raise named(error, at) from None


def named(error: Any, at: str) -> LandbridgeError:
    """What is not known is worth another try: it must never pass for an empty directory."""
    said = f"{at} failed: {_description(error)}."
    if isinstance(error, REFUSED):
        return AuthError(said)
    if isinstance(error, UNSEEN):
        return ScopeError(said, remedy="Check the distinguished name, and what the account may read.")
    if isinstance(error, LIMITED):
        return ScopeError(said, remedy="Lift the account's limits: what comes cut short cannot be used.")
    if isinstance(error, ldap.FILTER_ERROR):
        return ConfigError(said, remedy="Correct people_filter or groups_filter in the connection (RFC 4515).")
    if isinstance(error, ldap.SERVER_DOWN | ldap.CONNECT_ERROR):
        return TransientError(said, remedy="Check host and port and, where encrypted, the certificate and ca_file.")
    return TransientError(said)


@contextmanager
def write_errors_named(at: str) -> Iterator[None]:
    """As above; what is wrong with one entry sets that one aside, and what got no answer may have been done."""
    try:
        yield
    except ldap.LDAPError as error:
        said = f"{at} failed: {_description(error)}."
        if isinstance(error, ldap.NO_SUCH_OBJECT):
            raise NotFound(said) from None
        if isinstance(error, UNFIT):
            raise RecordError(
                said, remedy="Look at the entry, its object classes and the directory's own rules."
            ) from None
        found = named(error, at)
        if isinstance(found, TransientError):
            found.uncertain = code(error) <= 0  # the server's own refusals have numbers above
        raise found from None


def code(error: Any) -> int:
    """The result code of the LDAPError."""
    return int(_details(error).get("result", 0))


def _description(error: Any) -> str:
    return f"{_details(error).get('desc') or type(error).__name__} ({code(error)})"


def _details(error: Any) -> dict[str, Any]:
    return error.args[0] if error.args and isinstance(error.args[0], dict) else {}
