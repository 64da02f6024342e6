"""Exit codes: what a script, a scheduler or a person should do next."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

from landbridge.errors import (
    AuthError,
    Braked,
    ConfigError,
    ExpiredCursor,
    Fenced,
    IncompleteRead,
    LandbridgeError,
    ScopeError,
    TransientError,
)


class Exit(IntEnum):
    """The code of a command."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    CREDENTIALS = 3
    UNREACHABLE = 4
    DECISION = 5
    MISTAKE = 70


# Ctrl-C, as every shell has it.
INTERRUPTED = 130

MEANING: dict[Exit, str] = {
    Exit.OK: "all is well",
    Exit.FINDINGS: "done, but something is set aside, blocked, undecided or found wrong",
    Exit.USAGE: "wrong usage or configuration: change it first",
    Exit.CREDENTIALS: "a system refuses the credentials or a permission: ask a person",
    Exit.UNREACHABLE: "a system or the hub does not answer: try again later",
    Exit.DECISION: "a brake holds something back until a person decides",
    Exit.MISTAKE: "a mistake in Landbridge itself: please report it",
}

_BY_ERROR: tuple[tuple[type[LandbridgeError], Exit], ...] = (
    (ConfigError, Exit.USAGE),
    (AuthError, Exit.CREDENTIALS),
    (ScopeError, Exit.CREDENTIALS),
    (Braked, Exit.DECISION),
    (TransientError, Exit.UNREACHABLE),
    (IncompleteRead, Exit.UNREACHABLE),
    (ExpiredCursor, Exit.UNREACHABLE),
    (Fenced, Exit.UNREACHABLE),
)
# Of several outcomes the one that a person has to look at first.
_GRAVEST = (
    Exit.MISTAKE, Exit.USAGE, Exit.CREDENTIALS, Exit.UNREACHABLE, Exit.DECISION, Exit.FINDINGS, Exit.OK,
)  # fmt: skip
_DISK = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.EISDIR,
})  # fmt: skip
_FINDINGS = ("set_aside", "blocked", "undecided", "uncertain")


def of_disk(error: Exception) -> bool:
    """A file cannot be written or read here: of its text, only a path and the system's words for it."""
    return isinstance(error, OSError) and error.errno in _DISK


def code_of(error: Exception) -> Exit:
    """The code of a command that ends with this error."""
    if of_disk(error):
        return Exit.USAGE
    if not isinstance(error, LandbridgeError):
        return Exit.MISTAKE
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.FINDINGS)


def gravest(codes: Iterable[Exit]) -> Exit:
    found = set(codes)
    return next((code for code in _GRAVEST if code in found), Exit.OK)


def code_of_counts(counts: Mapping[str, Any]) -> Exit:
    """Of what a step or a flow has left open."""
    if counts.get("held"):
        return Exit.DECISION
    return Exit.FINDINGS if any(counts.get(name) for name in _FINDINGS) else Exit.OK
