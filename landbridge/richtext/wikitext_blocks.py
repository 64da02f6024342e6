"""The blocks of a wikitext page as they open and close: lists by line prefix, tables by line start, HTML by tag."""

from __future__ import annotations

import re

from landbridge.richtext.build import Builder
from landbridge.richtext.tree import Node

MAX_OPEN = 200

TAGS = {
    "blockquote": "quote", "ul": "list", "ol": "list", "li": "item", "table": "table", "tr": "row", "td": "cell",
    "th": "cell",
}  # fmt: skip
# A start tag ends these, up to the given ones.
_IMPLIED = {
    "li": (("li",), ("ul", "ol")),
    "tr": (("tr", "td", "th"), ("table",)),
    "td": (("td", "th"), ("tr", "table")),
    "th": (("td", "th"), ("tr", "table")),
}
_PREFIXES = "*#:"
_ALIGN = re.compile(r"(?:text-align\s*:\s*|\balign\s*=\s*[\"']?)(left|center|right)", re.IGNORECASE)
_START = re.compile(r"\bstart\s*=\s*[\"']?([0-9]{1,6})\b", re.ASCII)
_SPAN = re.compile(r"\b(?:col|row)span\s*=", re.IGNORECASE)


class Blocks:
    """The stack of what is open; an entry is a list prefix, the word of a wiki table part, or a tag name."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._open: list[str] = []

    # lists by prefix

    def lists(self, prefix: str) -> None:
        """Continue, open and close lists so that the line with this prefix stands where it should."""
        prefix = prefix[:40]
        now = self._prefix()
        if not now and not prefix:
            return
        shared = 0
        while shared < min(len(now), len(prefix)) and now[shared] == prefix[shared]:
            shared += 1
        self._close_to(len(self._open) - len(now) + shared)
        self._builder.flush()
        if shared == len(prefix) and prefix and prefix[-1] != ":":
            self._builder.close()
            self._builder.open(Node("item"))
        for sign in prefix[shared:]:
            self._push(sign)

    def in_list(self) -> bool:
        return bool(self._open) and self._open[-1] in _PREFIXES

    def is_plain(self) -> bool:
        """Whether nothing is open, so that a space at the start of a line means preformatted."""
        return not self._open

    def _prefix(self) -> str:
        start = len(self._open)
        while start and self._open[start - 1] in _PREFIXES:
            start -= 1
        return "".join(self._open[start:])

    def _push(self, entry: str, node: Node | None = None) -> None:
        self._open.append(entry)
        if entry in ("*", "#"):
            self._builder.open(Node("list", number=1 if entry == "#" else 0))
            self._builder.open(Node("item"))
        elif entry == ":":
            self._builder.losses.add("indentation shown as quote")
            self._builder.open(Node("quote"))
        elif node:
            self._builder.open(node)

    def _close_to(self, size: int) -> None:
        while len(self._open) > size:
            entry = self._open.pop()
            self._builder.close()
            if entry in ("*", "#"):
                self._builder.close()

    # tables by line start

    def in_table(self) -> bool:
        return "{|" in self._open

    def in_cell(self) -> bool:
        return any(entry == "|" for entry in self._open)

    def table(self) -> None:
        self.lists("")
        if len(self._open) < MAX_OPEN:
            self._push("{|", Node("table"))

    def end_table(self) -> None:
        self._close_to(self._table_start())

    def row(self) -> None:
        self._close_to(self._table_start() + 1)
        self._builder.flush()

    def cell(self, attributes: str) -> None:
        """Begin a cell, and its row where that is implied."""
        start = self._table_start() + 1
        if len(self._open) > start and self._open[start] == "|-":
            self._close_to(start + 1)
        else:
            self.row()
            self._push("|-", Node("row"))
        self._push("|", self._cell(attributes))

    def _cell(self, attributes: str) -> Node:
        if _SPAN.search(attributes):
            self._builder.losses.add("merged cells shown apart")
        match = _ALIGN.search(attributes)
        return Node("cell", align=(match.group(1).lower(),) if match else ())

    def _table_start(self) -> int:
        return len(self._open) - 1 - self._open[::-1].index("{|")

    # HTML by tag

    def begin(self, tag: str, attributes: str) -> None:
        self.lists("")
        if tag in _IMPLIED:
            self._imply(*_IMPLIED[tag])
        if len(self._open) >= MAX_OPEN:
            self._builder.flush()
            return
        node = Node(TAGS[tag])
        if node.kind == "cell":
            node = self._cell(attributes)
        elif tag == "ol":
            start = _START.search(attributes)
            node.number = int(start.group(1)) or 1 if start else 1
        self._push(tag, node)

    def end(self, tag: str) -> None:
        at = len(self._open) - 1
        while at >= 0 and self._open[at] != tag:
            if self._open[at] == "|":  # a cell is a world of its own
                return
            at -= 1
        if at >= 0:
            self._close_to(at)

    def _imply(self, ended: tuple[str, ...], until: tuple[str, ...]) -> None:
        lowest = None
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at] in until or self._open[at] == "|":
                break
            if self._open[at] in ended:
                lowest = at
        if lowest is not None:
            self._close_to(lowest)
