"""Optional abilities, found by type: a connector has one by having its methods, never by a flag."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

from landbridge.connector.items import Native


@runtime_checkable
class Finds(Protocol):
    """Can look up what an earlier write with an uncertain outcome has left."""

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """The record that a create of `native` with `marker` made, as the system has it now, or None."""
        ...


@runtime_checkable
class FindsAlike(Protocol):
    """Cannot mark what it writes, and looks for what reads like it: the engine takes what shows nothing else already.

    Whose streams differ in that has both abilities, each for its own streams.
    """

    def alike(self, stream: str, native: Native) -> Iterator[Native]:
        """What a create of `native` may have made, as the system has it now, the newest first."""
        ...


@runtime_checkable
class HasFiles(Protocol):
    """Can stream the bytes of an attachment whose url is `<system>:<locator>`."""

    def open(self, locator: str) -> Iterator[bytes]: ...


@runtime_checkable
class Impersonates(Protocol):
    """Can write as the true author; says which stream's keys authors are."""

    authors: str


@runtime_checkable
class SignsIn(Protocol):
    """Of a Config: a person can sign in to it, and that is kept where every run finds it."""

    def sign_in(self, show: Callable[[str], None]) -> str:
        """Shows what the person has to do, waits until it is done, and returns the file in which it is kept."""
        ...
