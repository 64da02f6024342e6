"""The normal form of the runs of one leaf block: where spaces, breaks and links stand."""

from __future__ import annotations

import re

from landbridge.richtext.tree import Run
from landbridge.richtext.urls import BARE_URL, safe_url

_BLANK = re.compile(r"[ \t\n]+")


def paragraphs(runs: list[Run]) -> list[list[Run]]:
    """The runs as paragraphs in normal form; two breaks in a row divide paragraphs."""
    if len(runs) == 1 and runs[0].kind == "text":  # most paragraphs
        _, text, data, marks, href = runs[0]
        text = _BLANK.sub(" ", text).strip()
        return [_linked(Run("text", text, data, marks, href))] if text else []
    found: list[list[Run]] = [[]]
    gap = _Gap()
    for run in _joined(runs):
        for piece in _pieces(run):
            if piece.kind == "break" or (piece.kind == "text" and piece.text == " "):
                gap.widen(piece)
                continue
            if gap.breaks > 1:
                found.append([])
            elif found[-1]:
                found[-1] += gap.between(found[-1][-1], piece)
            found[-1].append(piece)
            gap = _Gap()
    return [tidied for one in found if (tidied := _finished(one))]


def line(runs: list[Run]) -> list[Run]:
    """The runs as one line in normal form; a heading or a table cell has no breaks."""
    spaced = [run._replace(kind="text", text=" ") if run.kind == "break" else run for run in runs]
    return next(iter(paragraphs(spaced)), [])


class _Gap:
    """What stands between two pieces: it carries only the marks that both sides and all of it share."""

    def __init__(self) -> None:
        self.breaks = 0
        self._shared: Run | None = None

    def widen(self, part: Run) -> None:
        self.breaks += part.kind == "break"
        self._shared = _shared(self._shared, part) if self._shared else part

    def between(self, before: Run, after: Run) -> list[Run]:
        if not self._shared:
            return []
        shared = _shared(_shared(before, self._shared), after)
        return [Run("break" if self.breaks else "text", "" if self.breaks else " ", "", shared.marks, shared.href)]


def _shared(one: Run, other: Run) -> Run:
    """A run with the marks that both have."""
    return Run("", "", "", one.marks & other.marks, one.href if one.href == other.href else "")


def _pieces(run: Run) -> list[Run]:
    """A text run as its words with inner spaces, and single spaces at its ends."""
    if run.kind != "text":
        return [run]
    kind, text, data, marks, href = run
    text = _BLANK.sub(" ", text)
    core = text.strip(" ")
    if core == text:
        return [run if text == run.text else Run(kind, text, data, marks, href)] if text else []
    space = Run(kind, " ", data, marks, href)
    if not core:
        return [space]
    middle = [Run(kind, core, data, marks, href)]
    return [space] * text.startswith(" ") + middle + [space] * text.endswith(" ")


def _joined(runs: list[Run]) -> list[Run]:
    """Neighbours of the same kind and marks as one."""
    found: list[Run] = []
    parts: list[str] = []
    for run in runs:
        if found and run.kind in ("text", "code") and run.kind == found[-1].kind and run[2:] == found[-1][2:]:
            parts.append(run.text)
            continue
        if len(parts) > 1:
            found[-1] = found[-1]._replace(text="".join(parts))
        found.append(run)
        parts = [run.text]
    if len(parts) > 1:
        found[-1] = found[-1]._replace(text="".join(parts))
    return found


def _finished(runs: list[Run]) -> list[Run]:
    return [part for run in _trimmed(_joined(runs)) for part in _linked(run)]


def _trimmed(runs: list[Run]) -> list[Run]:
    """Without spaces of any script and without breaks at either edge: CommonMark cannot show them there."""
    start, end = 0, len(runs)
    while start < end and _is_blank(runs[start]):
        start += 1
    while end > start and _is_blank(runs[end - 1]):
        end -= 1
    kept = runs[start:end]
    if kept and kept[0].kind == "text":
        kept[0] = kept[0]._replace(text=kept[0].text.lstrip())
    if kept and kept[-1].kind == "text":
        kept[-1] = kept[-1]._replace(text=kept[-1].text.rstrip())
    return kept


def _is_blank(run: Run) -> bool:
    return run.kind == "break" or (run.kind == "text" and not run.text.strip())


def _linked(run: Run) -> list[Run]:
    """Bare web addresses become links here, so that every tool agrees on what is one."""
    if run.kind != "text" or run.href or "://" not in run.text:
        return [run]
    found, at = [], 0
    for match in BARE_URL.finditer(run.text):
        href = safe_url(match.group())
        if not href:
            continue
        if match.start() > at:
            found.append(run._replace(text=run.text[at : match.start()]))
        found.append(run._replace(text=match.group(), href=href))
        at = match.end()
    if at < len(run.text):
        found.append(run._replace(text=run.text[at:]))
    return found
