"""What a system tells by itself, sooner than the next read. It is a hint: what is true is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, runtime_checkable

import orjson
from requests.structures import CaseInsensitiveDict

from landbridge.connector.items import Item
from landbridge.errors import RecordError
from landbridge.http import get_path
from landbridge.http.shapes import mismatch

T = TypeVar("T")


def _nobody() -> None:
    """Of those systems that need not hear what became of their news."""


@dataclass(frozen=True, slots=True)
class News:
    """Something has changed in `stream`: `again` says what to read again, in the connector's own words, and `gone` which
    records were removed. Where it names none of them, the stream is to be read from where reading stands.

    `kept` is called once all of it is in the hub, and never before: the system may be told so.
    """

    stream: str
    again: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    kept: Callable[[], None] = field(default=_nobody, compare=False)

    @property
    def whole(self) -> bool:
        return not self.again and not self.gone


@dataclass(frozen=True)
class Pushed:
    """One HTTP request by which a system tells something. Whoever knows the address can send one."""

    params: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", CaseInsensitiveDict(self.headers))

    def part(self, path: str, kind: type[T]) -> T:
        """What stands at `path` of its JSON (`a.b.0.c`; empty: all of it). Raises RecordError if it is no `kind`."""
        try:
            found = get_path(orjson.loads(self.body), path)
        except orjson.JSONDecodeError:
            found = None
        if type(found) is kind:
            return found
        expected, got = mismatch(kind, path, found)
        raise RecordError(f"What a system told is not of its form: expected {expected}, got {got}.")


@dataclass(frozen=True)
class Heard:
    """What was told, and the text to answer with, once the news are kept."""

    news: tuple[News, ...] = ()
    answer: str = ""


@runtime_checkable
class Watches(Protocol):
    """Can listen to its system over a connection that it opens itself."""

    def listen(self, seconds: float) -> Sequence[News]:
        """Wait for news, at most about so long; several at once where several are there.

        Whenever nobody was listening before (the first time, and after a gap) it names the stream as a whole.
        """
        ...


@runtime_checkable
class Receives(Protocol):
    """Can be told by its system, which sends HTTP requests to us."""

    def receive(self, pushed: Pushed) -> Heard:
        """Raises AuthError where the system has not sent this, or not lately, RecordError where it means nothing."""
        ...


@runtime_checkable
class Subscribes(Receives, Protocol):
    """Is told of what it has asked for, and only for a while."""

    @property
    def address(self) -> str | None:
        """Where its system reaches us; None where the connection does not say that, so that nothing can be asked for."""
        ...

    def subscribe(self) -> Sequence[News]:
        """Ask for what nobody tells yet, and again for what ends soon: called every few seconds while others listen.

        Whenever nobody was told before (the first time, and after a gap) it names the stream as a whole.
        """
        ...


@runtime_checkable
class ReadsAgain(Protocol):
    """Can read single records again."""

    def again(self, stream: str, told: Collection[str]) -> Iterator[Item]:
        """What its news have named (`News.again`), each as reading yields it; nothing of what is not there."""
        ...
