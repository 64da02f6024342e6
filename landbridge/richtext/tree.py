"""The document model in the middle: blocks hold blocks, leaf blocks hold flat runs of marked text.

Marks (strong, link …) are attributes of a run, not nodes: nothing can be nested wrongly or too deep, and two
ways of nesting the same marks are one and the same document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

STRONG, EMPH, STRIKE, LINK = 1, 2, 4, 8
MARKS = {LINK: "link", STRONG: "strong", EMPH: "emph", STRIKE: "strike"}
SIGILS = {"person": "@", "space": "#"}


class Run(NamedTuple):
    """A stretch of text, code, image, mention or break; the marks hold for all of it."""

    kind: str
    text: str = ""
    data: str = ""  # image: its source; mention: the id (text is the kind it points to)
    marks: int = 0
    href: str = ""


@dataclass(slots=True)
class Node:
    """A block: document, paragraph, heading, quote, list, item, code, rule, table, row or cell."""

    kind: str
    children: list[Node] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    text: str = ""  # code: the source
    lang: str = ""  # code: the language
    number: int = 0  # heading: level; list: first number, 0 for bullets
    align: tuple[str, ...] = ()  # table: per column; cell: its own, at most one


class Event(NamedTuple):
    """One step of a walk over nested runs: op is open, close or leaf."""

    op: str
    mark: str
    run: Run


class Losses:
    """Counts what could not be shown, in order of first appearance."""

    def __init__(self) -> None:
        self._count: dict[str, int] = {}

    def add(self, reason: str) -> None:
        self._count[reason] = self._count.get(reason, 0) + 1

    def take(self, other: Losses) -> None:
        """Counts those of another attempt too."""
        for reason, times in other._count.items():
            self._count[reason] = self._count.get(reason, 0) + times

    def told(self) -> tuple[str, ...]:
        return tuple(reason if n == 1 else f"{reason} ({n} times)" for reason, n in self._count.items())


class Names(Protocol):
    """Ids to a tool's own keys and back; called once per mention, so it must not do I/O."""

    def to_native(self, kind: str, id: str, /) -> tuple[str, str] | None:
        """Key and label; an empty key for who is known by name only; None for who is not known at all."""

    def to_id(self, kind: str, key: str, /) -> str | None:
        """The id, or None: then the mention stays the link or text that it was."""


@dataclass(frozen=True)
class NamesBy:
    """Names by two functions."""

    to_native: Callable[[str, str], tuple[str, str] | None]
    to_id: Callable[[str, str], str | None]


NO_NAMES: Names = NamesBy(lambda kind, id: None, lambda kind, key: None)

# What an id may be made of: opaque, but unable to end its token.
ID_PATTERN = r"[A-Za-z0-9._:~%\-]{1,1024}"

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_SPACES = "\x0b\x0c\x1c\x1d\x1e\x1f\x85"


def _replace_control(match: re.Match[str]) -> str:
    char = match.group()
    if char in _SPACES:
        return " "
    return "" if "\x00" < char < "\ud800" or char == "\ufeff" else "\ufffd"


def clean(text: str) -> str:
    """Text without NUL, controls, byte order marks and lone surrogates, which no tool stores and some choke on."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub(_replace_control, text)


def show_mention(run: Run, names: Names) -> str:
    """A mention as text, for tools and places that have no mentions."""
    found = names.to_native(run.text, run.data)
    sigil = SIGILS[run.text]
    label = clean(found[1] or found[0]) if found else "unknown"
    return label if label.startswith(sigil) else sigil + label


def walk(runs: list[Run], active: int = 0) -> Iterator[Event]:
    """The runs as properly nested marks, the farthest reaching outermost."""
    start = 0
    while start < len(runs):
        bit, end = _farthest(runs, start, active)
        if not bit:
            yield Event("leaf", "", runs[start])
            start += 1
            continue
        yield Event("open", MARKS[bit], runs[start])
        yield from walk(runs[start:end], active | bit)
        yield Event("close", MARKS[bit], runs[start])
        start = end


def _farthest(runs: list[Run], start: int, active: int) -> tuple[int, int]:
    best, reach, first = 0, start, runs[start]
    own = first.marks | (LINK if first.href else 0)
    for bit in MARKS:
        if not own & bit or active & bit:
            continue
        end = start + 1
        while end < len(runs) and (runs[end].href == first.href if bit == LINK else runs[end].marks & bit):
            end += 1
        if end > reach:
            best, reach = bit, end
    return best, reach
