"""LDAP's result codes as errors named by what happens next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ldap

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
        return ConfigError(said, remedy="Correct the filter in the connection (RFC 4515).")
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
