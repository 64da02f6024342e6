"""Builds the document from a reader's open, close and text events; whatever they are, the result is well formed."""

from __future__ import annotations

import re

from landbridge.richtext.runs import line, paragraphs
from landbridge.richtext.tree import LINK, Losses, Node, Run, clean
from landbridge.richtext.urls import safe_url

MAX_DEPTH = 20  # quotes and lists within each other; renderers recurse this deep and no deeper
MAX_COLUMNS = 200
MAX_PADDING = 50_000  # empty cells a ragged table may cost; markdown-it stops at 65,536

_LANGUAGE = re.compile(r"[A-Za-z0-9+#._\-]{1,40}")
_FLOW = ("document", "quote", "item")  # hold paragraphs
_LEAVES = ("heading", "cell")  # hold runs only


class Builder:
    """Takes events in any order; every `open` needs its `close`, which is all a reader has to see to."""

    def __init__(self, losses: Losses, size: int) -> None:
        self.losses = losses
        self._root = Node("document")
        self._open: list[Node | None] = [self._root]
        self._real: list[Node] = [self._root]
        self._depth = 0
        self._runs: list[Run] = []
        self._marks: dict[int, int] = {}
        self._links: list[str] = []
        # One address may be referred to a million times; written out each time it must not outgrow the source.
        self._link_budget = 4 * size + 100_000

    # blocks

    def open(self, node: Node) -> None:
        """Begin a heading, quote, list, item, table, row or cell; it is left out where it cannot stand."""
        if not self._allowed(node.kind):
            if self._in_leaf():
                self.text(" ")
            else:
                self.flush()
            self._open.append(None)
            return
        self.flush()
        self._open.append(node)
        self._real.append(node)
        self._depth += node.kind in ("quote", "list")

    def close(self) -> None:
        """End what was opened last."""
        node = self._open.pop()
        if node is None:
            if self._in_leaf():
                self.text(" ")
            else:
                self.flush()
            return
        if node.kind in _LEAVES:
            node.runs, self._runs = line(self._runs), []
            self._check_links(node.runs)
        else:
            self.flush()
        self._real.pop()
        self._depth -= node.kind in ("quote", "list")
        self._finish(node)

    def block(self, node: Node) -> None:
        """A block without inside: code or rule."""
        if node.kind == "code":
            node.text = clean(node.text).strip("\n")
            if not node.text.strip():
                return
            node.lang = node.lang if _LANGUAGE.fullmatch(node.lang) else ""
        if not self._in_leaf():
            self.flush()
            self._append(node)
            return
        self.losses.add("block shown in one line")
        self.leaf("code", node.text)

    def place(self, node: Node) -> None:
        """A finished block that a reader of another markup has built."""
        self.flush()
        self._append(node)

    def flush(self) -> None:
        """End the paragraph under way, if any."""
        if not self._runs or self._in_leaf():
            return
        runs, self._runs = self._runs, []
        for one in paragraphs(runs):
            self._check_links(one)
            self._append(Node("paragraph", runs=one))

    def root(self) -> Node:
        """The finished document."""
        while len(self._open) > 1:
            self.close()
        self.flush()
        return self._root

    # inside a paragraph

    def mark(self, bit: int) -> None:
        self._marks[bit] = self._marks.get(bit, 0) + 1

    def unmark(self, bit: int) -> None:
        self._marks[bit] = max(0, self._marks.get(bit, 0) - 1)

    def link(self, url: str) -> None:
        """Begin a link; an unsafe address makes it plain text. Every `link` needs its `unlink`."""
        href = safe_url(url)
        if url and not href:
            self.losses.add("unsafe link shown as text")
        self._links.append(href)

    def unlink(self) -> None:
        if self._links:
            self._links.pop()

    def text(self, text: str) -> None:
        if text:
            self._add(Run("text", clean(text)))

    def leaf(self, kind: str, text: str, data: str = "") -> None:
        """Inline code, an image or a mention."""
        text = clean(text).replace("\n", " ")
        if kind == "image":
            text, data = " ".join(text.split()), safe_url(data)
            if not data:
                self.losses.add("image without a usable address shown as text")
                self.text(text)
                return
        if kind != "code":
            self._add(Run(kind, text, data))
        elif text:
            self._add(Run(kind, text))

    def line_break(self) -> None:
        if self._in_leaf():
            self.losses.add("line break shown as space")
            self.text(" ")
        else:
            self._add(Run("break"))

    def _add(self, run: Run) -> None:
        marks = 0
        for bit, count in self._marks.items():
            if count:
                marks |= bit
        href = self._links[-1] if self._links and run.kind != "mention" else ""
        self._runs.append(Run(run.kind, run.text, run.data, marks & ~LINK, href))

    def _check_links(self, runs: list[Run]) -> None:
        last = ""
        for at, run in enumerate(runs):
            if run.href != last or run.kind == "image":
                self._link_budget -= len(run.href) + len(run.data)
            last = run.href
            if run.href and self._link_budget < 0:
                self.losses.add("too many links, shown as text")
                runs[at] = run._replace(href="")

    # where things may stand

    def _in_leaf(self) -> bool:
        return self._real[-1].kind in _LEAVES

    def _allowed(self, kind: str) -> bool:
        top = self._real[-1].kind
        if top in _LEAVES:
            self.losses.add("block shown in one line")
            return False
        needs = {"item": "list", "row": "table", "cell": "row"}.get(kind)
        if needs:
            # What lies between must be real: the rows of a table that is left out do not belong to the one around.
            return top == needs and self._open[-1] is self._real[-1]
        if top in ("table", "row"):
            return False
        if self._depth >= MAX_DEPTH and kind in ("quote", "list"):
            self.losses.add("deep nesting shown flat")
            return False
        return True

    def _append(self, node: Node) -> None:
        for parent in reversed(self._real):
            if parent.kind == "list":
                if not parent.children:
                    parent.children.append(Node("item"))
                parent = parent.children[-1]
            if parent.kind in _FLOW:
                parent.children.append(node)
                return

    def _finish(self, node: Node) -> None:
        parent = self._real[-1]
        if node.kind == "cell":
            self._finish_cell(node, parent)
        elif node.kind in ("row", "item"):
            if node.kind == "row" and len(node.children) == MAX_COLUMNS:
                node.children[-1].runs = line(node.children[-1].runs)
            if node.children:
                parent.children.append(node)
        elif node.kind == "heading":
            if node.runs:
                node.number = min(max(node.number, 1), 6)
                self._append(node)
        elif node.kind == "table":
            self._finish_table(node)
        elif node.children:
            if node.kind == "list":
                node.number = node.number if 0 <= node.number < 10**6 else 1
            self._append(node)

    def _finish_cell(self, cell: Node, row: Node) -> None:
        if len(row.children) < MAX_COLUMNS:
            row.children.append(cell)
            return
        self.losses.add("wide table narrowed")
        row.children[-1].runs += [Run("text", " "), *cell.runs]

    def _finish_table(self, table: Node) -> None:
        table.align = _alignment(table)
        for row in table.children:
            while row.children and not row.children[-1].runs:
                row.children.pop()
        table.children[1:] = [row for row in table.children[1:] if row.children]
        width = max((len(row.children) for row in table.children), default=0)
        if not width:
            return
        table.align = (table.align + ("",) * width)[:width]
        if sum(width - len(row.children) for row in table.children) <= MAX_PADDING:
            self._append(table)
            return
        self.losses.add("table shown as text")
        for row in table.children:
            self._append(Node("paragraph", runs=line(row_as_runs(row))))


def row_as_runs(row: Node) -> list[Run]:
    """The cells of a row in one line of text, for where there are no tables."""
    runs: list[Run] = []
    for cell in row.children:
        runs += [Run("text", " | ")] if runs else []
        runs += cell.runs
    return runs


def _alignment(table: Node) -> tuple[str, ...]:
    """Per column what the first cell that says anything says."""
    found: list[str] = []
    for row in table.children:
        for at, cell in enumerate(row.children):
            if at == len(found):
                found.append("")
            if not found[at] and cell.align:
                found[at] = cell.align[0]
    return tuple(found)
