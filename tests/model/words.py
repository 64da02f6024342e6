"""What people said and what became of it: each text keeps which text it replaced, so that nothing is overwritten unseen."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_PREFIX = re.compile(r"\*\*[^*]*:\*\* ")
_WORD = re.compile(r"\bw(\d+)v\d+\b")
_TEXT = re.compile(r"\b[wn]\d+(?:v\d+)?\b")


@dataclass
class Versions:
    """The texts of one field that two systems may change; `parents` says which text people saw when they wrote another."""

    parents: dict[str, str | None] = field(default_factory=dict)
    # Those against which a person has decided.
    rejected: set[str] = field(default_factory=set)

    def write(self, text: str, over: str | None) -> None:
        self.parents[text] = over if over != text else None

    def heads(self) -> set[str]:
        """Those that nobody has knowingly replaced; two of them are a conflict."""
        return set(self.parents) - set(self.parents.values()) - self.rejected

    def decided(self, text: str) -> bool:
        """Of several this one holds; false where it is none of them."""
        heads = self.heads()
        self.rejected |= heads - {text} if text in heads else set()
        return text in heads


@dataclass
class Word:
    """A message of a person, under a `post` or, where that is empty, in the joined room; `home` is where it was said."""

    number: int
    home: str
    stream: str
    key: str
    post: str
    said_at: str
    # The number of who said it.
    author: str = ""
    versions: Versions = field(default_factory=Versions)
    # The number of the word that it answers in the joined room.
    root: int = 0
    taken_back: bool = False
    copy_removed: bool = False
    moved: bool = False
    # It may have had to wait for more than its turn: refused, or not to be shown for a while.
    held: bool = False
    # Texts typed where it was said: they must stand there as they were typed.
    typed: set[str] = field(default_factory=set)
    # The engine took a copy away, perhaps with an edit that nobody had read yet.
    retracted: bool = False


def number_of(text: str) -> int | None:
    """Whose text is this? Each text of a word holds its number."""
    found = _WORD.search(text)
    return int(found[1]) if found else None


def bare(text: str) -> str:
    """The word or title in it, without the author's name before it and what the system made of it."""
    found = _TEXT.search(_PREFIX.sub("", text, count=1))
    return found[0] if found else text


def is_signed(text: str) -> bool:
    """Does the author's name stand before it?"""
    return _PREFIX.match(text) is not None


def again(text: str, new: str) -> str:
    """As a person edits it: the name before it stays."""
    found = _PREFIX.match(text)
    return (found[0] if found else "") + new
