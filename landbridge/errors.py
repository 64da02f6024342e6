"""Errors, named by what happens next.

LandbridgeError
├── ConfigError        stop: a file is wrong; the message names file, line, what was expected and the remedy
│   └── MappingError   the same, in a mapping
├── AuthError          ask a person: the credentials are refused
├── ScopeError         set this space or stream aside: the account may not see it
├── TransientError     try again later: network, 5xx, a half answer, HTML instead of JSON
│   └── RateLimited    wait `after` seconds, then try again
├── RecordError        set this one record aside, go on with the others
│   ├── NotFound       the record is not there (any more)
│   ├── Declined       send no other to whom it was sent, until a person says so
│   └── FileError      leave this one of its files at its source, send the record without it
├── ExpiredCursor      forget the cursor, read in full
├── IncompleteRead     an enumeration that cannot be trusted (empty success): no absence is concluded from it
├── Fenced             a later run of the same stream has taken over: this one ends without committing
└── Braked             a plan is larger than its brake allows: a person decides
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


class LandbridgeError(Exception):
    """Base of all errors; `remedy` says what to do, in one sentence, `code` the system's own word where it has said one."""

    remedy: str = ""
    code: str = ""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        if remedy:
            self.remedy = remedy

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text} {self.remedy}" if self.remedy else text


class ConfigError(LandbridgeError):
    """A configuration file is wrong; `file` and `line` (1-based) say where."""

    def __init__(self, message: str, *, file: str = "", line: int | None = None, remedy: str = "") -> None:
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(where + message, remedy=remedy)
        self.file, self.line = file, line


class MappingError(ConfigError):
    """A mapping file is wrong."""


class AuthError(LandbridgeError):
    """The credentials are refused; no retry helps."""

    remedy = "Check the connection's login and secret."


class ScopeError(LandbridgeError):
    """The account may not read or write this space or stream."""


class TransientError(LandbridgeError):
    """Worth another try. `uncertain` is true when a write may have been applied although it failed here."""

    def __init__(self, message: str, *, uncertain: bool = False, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.uncertain = uncertain


class RateLimited(TransientError):
    """The system asks to wait; `after` is in seconds, None where it did not say."""

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class RecordError(LandbridgeError):
    """This one record cannot be read, mapped or written; the others can."""


class NotFound(RecordError):
    """The record is not there (any more)."""


class Declined(RecordError):
    """Nothing is wrong with what was sent: who got it wants no other."""


class FileError(RecordError):
    """One `file` of a record cannot go along. Raised before anything of the record is written, which is then sent without it.

    `reason` is what people read in its place; `cause` says more to those who run Landbridge.
    """

    def __init__(self, reason: str, file: Mapping[str, Any] | None = None, cause: object = "") -> None:
        self.why = f"{reason} ({str(cause).rstrip('.')})" if cause else reason
        super().__init__(f"A file cannot go along: {self.why}.")
        self.file, self.reason = file or {}, reason


class ExpiredCursor(LandbridgeError):
    """The system no longer knows the cursor; read in full."""


class IncompleteRead(LandbridgeError):
    """An enumeration that cannot be trusted, so nothing may be called gone."""

    remedy = "Check the account's permissions and the system's filters."


class Fenced(LandbridgeError):
    """A later run of the same stream or target has taken over."""


class Braked(LandbridgeError):
    """A plan exceeds its brake and waits for a person."""


def did_you_mean(word: object, known: Iterable[str], label: str = "Known") -> str:
    """A remedy: the nearest known word, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(str(word), names, 1)
    return f"Did you mean {near[0]}?" if near else f"{label}: {', '.join(names) or 'none'}."
