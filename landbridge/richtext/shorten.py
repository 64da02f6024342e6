"""Cuts a document, not its markup, so that no tag is ever cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace

from landbridge.richtext.tree import Node, Run

ELLIPSIS = "…"
_JOINER = "\u200d"


def fit(document: Node, write: Callable[[Node], tuple[str, ...]], limit: int) -> tuple[tuple[str, ...], bool]:
    """What `write` makes of as much of the document as keeps each of its texts within the limit; whether it was cut."""
    texts = write(document)
    if max(map(len, texts)) <= limit:
        return texts, False
    budget = limit
    while budget > 0:
        texts = write(shorten(document, budget))
        longest = max(map(len, texts))
        if longest <= limit:
            return texts, True
        budget = min(budget - 1, budget * limit // longest)
    return tuple(ELLIPSIS[:limit] for _ in texts), True


def shorten(document: Node, budget: int) -> Node:
    """The document's first `budget` characters and an ellipsis."""
    return _Cut(budget).node(document)


class _Cut:
    def __init__(self, budget: int) -> None:
        self._left = budget
        self._done = False

    def node(self, node: Node) -> Node:
        short = replace(node, children=[], runs=self._runs(node.runs) if node.runs else [])
        if node.kind == "code":
            short.text = self._text(node.text)
        for child in node.children:
            if self._done:
                break
            short.children.append(self.node(child))
        return short

    def _runs(self, runs: list[Run]) -> list[Run]:
        kept: list[Run] = []
        for run in runs:
            if run.kind in ("text", "code"):
                text = self._text(run.text)
                kept.append(run._replace(text=text))
            elif self._left > len(run.text):
                self._left -= max(1, len(run.text))
                kept.append(run)
            else:
                self._done = True
                kept.append(Run("text", ELLIPSIS))
            if self._done:
                break
        return kept

    def _text(self, text: str) -> str:
        if len(text) <= self._left:
            self._left -= len(text)
            return text
        self._done = True
        end = max(self._left, 0)
        while end and _joins(text, end):
            end -= 1
        return text[:end].rstrip() + ELLIPSIS


def _joins(text: str, at: int) -> bool:
    """Whether a cut here would part a character from what belongs to it."""
    char = text[at]
    return (
        unicodedata.category(char).startswith("M")
        or char == _JOINER
        or text[at - 1] == _JOINER
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or ("\U0001f1e6" <= char <= "\U0001f1ff" and "\U0001f1e6" <= text[at - 1] <= "\U0001f1ff")
    )
