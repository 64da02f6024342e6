"""The start of each line of a wikitext page: headings, lists, tables, preformatted text."""

from __future__ import annotations

import re
from collections.abc import Callable

from landbridge.richtext.build import Builder
from landbridge.richtext.tree import EMPH, STRONG, Losses, Names, Node
from landbridge.richtext.wikitext_blocks import Blocks
from landbridge.richtext.wikitext_tokens import LINE, TABLE_LINE, decoded, pairs


class Lines:
    """Where reading stands, and what the start of a line opens and closes."""

    def __init__(self, text: str, names: Names, losses: Losses) -> None:
        self._text, self._names, self._losses = text, names, losses
        self._builder = Builder(losses, len(text))
        self._blocks = Blocks(self._builder)
        self._at = 0
        # Where a heading, a link's label or a footnote ends, where reading goes on, and what is to be done then.
        self._until: list[tuple[int, int, Callable[[], None]]] = []
        self._templates = pairs(text, "{", "}", 3)
        self._pages = pairs(text, "[", "]", 2)
        self._next: dict[str, tuple[int, int]] = {}
        self._quoted = 0
        self._in_header = False

    def _limit(self) -> int:
        return self._until[-1][0] if self._until else len(self._text)

    def _reach(self, limit: int) -> None:
        self._at = limit
        if self._until:
            _, self._at, done = self._until.pop()
            done()

    def _find(self, pattern: str) -> tuple[int, int] | None:
        """The next place of something, searched for only once however often it is asked for."""
        start, end = self._next.get(pattern, (-1, -1))
        if start < self._at:
            match = re.compile(pattern, re.IGNORECASE).search(self._text, self._at)
            start, end = match.span() if match else (len(self._text) + 1, 0)
            self._next[pattern] = (start, end)
        return (start, end) if start <= self._limit() and end <= len(self._text) and end else None

    # the start of a line

    def _line_start(self) -> None:
        if self._blocks.in_table() and self._table_line():
            return
        match = LINE.match(self._text, self._at)
        kind = match.lastgroup if match else None
        if not match or kind is None:
            self._blocks.lists("")
            return
        if kind == "prefix":
            self._list_line(match)
            return
        self._blocks.lists("")
        if kind == "blank":
            self._builder.flush()
            self._at = match.end()
        elif kind == "table":
            self._at = match.end()
            self._blocks.table()
        elif kind == "rule":
            self._at = match.end()
            self._builder.block(Node("rule"))
        elif kind == "heading":
            self._heading()
        elif self._blocks.is_plain():
            self._preformatted()

    def _list_line(self, match: re.Match[str]) -> None:
        self._at = match.end()
        prefix = match.group("prefix")
        if ";" in prefix:
            self._losses.add("definition list shown as paragraphs")
            self._builder.flush()
        self._blocks.lists(prefix.replace(";", ""))
        if ";" in prefix:
            self._quote(STRONG)

    def _heading(self) -> None:
        end = self._text.find("\n", self._at)
        line = self._text[self._at : end if end >= 0 else len(self._text)].rstrip()
        inner = line.strip("=")
        level = min(len(line) - len(line.lstrip("=")), len(line) - len(line.rstrip("=")), 6)
        if not inner:
            level = min((len(line) - 1) // 2, 6)
        if not level:
            return
        self._builder.flush()
        self._builder.open(Node("heading", number=level))
        stop = self._at + len(line)
        self._at += level
        self._until.append((stop - level, stop, self._builder.close))

    def _preformatted(self) -> None:
        end = self._at
        while self._text.startswith(" ", end):
            line_end = self._text.find("\n", end)
            end = line_end + 1 if line_end >= 0 else len(self._text)
        lines = self._text[self._at : end].rstrip("\n").split("\n")
        self._builder.block(Node("code", text=decoded("\n".join(line[1:] for line in lines))))
        self._at = end
        if end < len(self._text):
            self._line_start()

    def _table_line(self) -> bool:
        match = TABLE_LINE.match(self._text, self._at)
        if not match:
            return False
        self._in_header = False
        self._builder.flush()
        if match.group("end"):
            self._at = match.end("end")
            self._blocks.end_table()
            return True
        self._at = match.end()
        if match.group("cell"):
            self._in_header = match.group("cell") == "!"
            self._blocks.cell(match.group("given") or "")
        else:
            self._blocks.row()
        return True

    # bold and italic end with their line

    def _quote(self, bits: int) -> None:
        for bit in (STRONG, EMPH):
            if bits & bit:
                (self._builder.unmark if self._quoted & bit else self._builder.mark)(bit)
        self._quoted ^= bits & (STRONG | EMPH)
