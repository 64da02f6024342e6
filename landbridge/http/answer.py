"""What came back, and what its status means."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
from requests.structures import CaseInsensitiveDict

from landbridge.errors import (
    AuthError,
    ExpiredCursor,
    LandbridgeError,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.http.pages import get_path
from landbridge.http.redaction import error_code, media_type
from landbridge.http.retry import retry_after
from landbridge.http.shapes import NOT_THE_SYSTEM, mismatch

READS = frozenset({"GET", "HEAD"})
MAX_CELL = 2**22  # characters of one CSV field; Python takes a 32nd of that
BODILESS = frozenset({204, 205, 304})
# Everything else of the 4xx is a RecordError, everything of the 5xx a TransientError.
REFUSALS: dict[int, type[LandbridgeError]] = {
    401: AuthError, 402: ScopeError, 403: ScopeError, 404: NotFound, 451: ScopeError,
}  # fmt: skip
PASSING = frozenset({408, 421, 423, 425})
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """A whole answer. Its repr shows status and length only, since all else may hold persons."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(default="", repr=False)
    elapsed: float = 0.0
    method: str = "GET"
    where: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.headers, CaseInsensitiveDict):
            object.__setattr__(self, "headers", CaseInsensitiveDict(self.headers))

    @cached_property
    def _parsed(self) -> Any:
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            pass
        # Raised outside the except block: the decoder's error carries the document, and a chain would keep it.
        raise self.unlike("JSON", f"{media_type(self.headers)} of {len(self.body)} bytes")

    def json(self) -> Any:
        """The parsed body, None where the status allows none; parsed once, so do not change it in place."""
        return None if self.status in BODILESS and not self.body else self._parsed

    def part(self, path: str, kind: type[T]) -> T:
        """What stands at `path` of the JSON (`a.b.0.c`; empty: all of it). Raises TransientError if it is no `kind`."""
        found = get_path(self.json(), path)
        if type(found) is kind:
            return found
        raise self.unlike(*mismatch(kind, path, found))

    def unlike(self, expected: str, got: str) -> TransientError:
        """The error of an answer that is not what was `expected`; `got` says its shape, never what is in it."""
        return TransientError(
            f"{self.where}: expected {expected}, got {got} (status {self.status}).",
            uncertain=self.method not in READS,
            remedy=NOT_THE_SYSTEM,
        )

    @cached_property
    def code(self) -> str:
        """The system's own word for what it refuses, as far as it is one for machines; empty where it says none."""
        return error_code(self.body)

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        """The body as CSV, whose first line names the fields; parsed once."""
        csv.field_size_limit(MAX_CELL)
        return list(csv.DictReader(io.StringIO(self.text, newline="")))

    @property
    def text(self) -> str:
        declared = self.headers.get("Content-Type", "").lower().partition("charset=")[2].split(";")[0].strip(" \"'")
        try:
            return self.body.decode(declared or "utf-8", errors="replace")
        except LookupError:
            return self.body.decode("utf-8", errors="replace")


def error_of(answer: Answer) -> LandbridgeError | None:
    """The error that a status stands for, None for a success."""
    if answer.status < 300 or answer.status == HTTPStatus.NOT_MODIFIED:
        return None
    error = _by_status(answer)
    error.code = answer.code
    return error


def _by_status(answer: Answer) -> LandbridgeError:
    status, message = answer.status, _message(answer)
    after = retry_after(answer.headers)
    if status == 429 or (status == 503 and after is not None):
        return RateLimited(message, after=after)
    if status >= 500 or status in PASSING:
        return TransientError(message, uncertain=answer.method not in READS)
    if status == 410:
        # A write that answers "gone" speaks of its record; a read speaks of the place it was to go on from.
        return ExpiredCursor(message) if answer.method in READS else NotFound(message)
    return REFUSALS.get(status, RecordError)(message)


def _message(answer: Answer) -> str:
    try:
        reason = HTTPStatus(answer.status).phrase
    except ValueError:
        reason = "unknown status"
    return f"{answer.where}: {answer.status} {reason}{f' ({answer.code})' if answer.code else ''}."


def page_for_people(answer: Answer) -> LandbridgeError | None:
    """The error of a write whose success is a web page: a sign-in or maintenance page stood before the system.

    Reads find it when they are parsed; of a write the status is often all that a caller needs.
    """
    if answer.method in READS or not answer.body or not media_type(answer.headers).endswith("html"):
        return None
    try:
        answer.json()  # some systems send their JSON under this name
    except TransientError as error:
        return error
    return None


def skew_of(headers: Mapping[str, str]) -> float | None:
    """Seconds by which the sender's clock is ahead of ours; None where it does not say, or says something else."""
    try:
        theirs = parsedate_to_datetime(headers.get("Date") or "")
    except ValueError:
        return None
    return theirs.timestamp() - time.time() if theirs.tzinfo else None
