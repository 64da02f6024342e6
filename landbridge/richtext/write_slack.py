"""Document → Slack's blocks: what people's own messages are made of, with headings, rules and one table beside."""

from __future__ import annotations

import re
from typing import Any

import orjson

from landbridge.richtext.build import row_as_runs
from landbridge.richtext.plain import write_plain
from landbridge.richtext.tree import EMPH, STRIKE, STRONG, Losses, Names, Node, Run, show_mention
from landbridge.richtext.urls import scheme_of

Json = dict[str, Any]
MAX_BLOCKS, MAX_HEADER, MAX_ROWS, MAX_COLUMNS, MAX_INDENT = 50, 150, 100, 20, 8
LINKS = frozenset({"http", "https", "mailto", "tel", "ftp"})
STYLES = {STRONG: "bold", EMPH: "italic", STRIKE: "strike"}
KEYS = {"person": re.compile(r"[UW][A-Z0-9]{1,20}"), "space": re.compile(r"[CGD][A-Z0-9]{1,20}")}
BREAK = Run("text", "\n\n")


def write_slack(document: Node, names: Names, losses: Losses) -> str:
    """A JSON list of blocks, empty where there is nothing to show."""
    trial = Losses()
    blocks = _Writer(names, trial).blocks(document)
    if len(blocks) > MAX_BLOCKS:
        losses.add("headings and rules shown as text")
        blocks = _Writer(names, losses, flat=True).blocks(document)
    else:
        losses.take(trial)
    return orjson.dumps(blocks).decode() if blocks else ""


class _Writer:
    """`flat`: everything in one block."""

    def __init__(self, names: Names, losses: Losses, *, flat: bool = False) -> None:
        self._names, self._losses, self._flat = names, losses, flat
        self._blocks: list[Json] = []
        self._parts: list[Json] = []
        self._tables = 0
        self._before: Node | None = None

    def blocks(self, document: Node) -> list[Json]:
        for node in document.children:
            self._block(node)
            self._before = node
        self._end_text()
        return self._blocks

    def _block(self, node: Node) -> None:
        if node.kind == "paragraph":
            self._paragraph(node.runs)
        elif node.kind == "list":
            self._adjacent(node)
            self._list(node, 0)
        elif node.kind == "quote":
            self._add("rich_text_quote", self._elements(self._flow(node, "quote")))
        elif node.kind == "code":
            if node.lang:
                self._losses.add("code language dropped")
            self._add("rich_text_preformatted", [{"type": "text", "text": node.text}])
        elif node.kind == "rule":
            self._alone({"type": "divider"}, [Run("text", "-----")])
        elif node.kind == "heading":
            self._heading(node)
        else:
            self._table(node)

    # blocks of their own

    def _alone(self, block: Json, instead: list[Run]) -> None:
        if self._flat:
            self._paragraph(instead)
        else:
            self._end_text()
            self._blocks.append(block)

    def _heading(self, node: Node) -> None:
        text = "".join(show_mention(run, self._names) if run.kind == "mention" else run.text for run in node.runs)
        bold = [run._replace(marks=run.marks | STRONG) for run in node.runs]
        if len(text) > MAX_HEADER or not text.strip():
            self._losses.add("heading shown as bold text")
            self._paragraph(bold)
            return
        if node.number != 1:
            self._losses.add("level of a heading dropped")
        if any(run.kind != "text" or run.marks or run.href not in ("", run.text) for run in node.runs):
            self._losses.add("formatting in a heading dropped")
        self._alone({"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}, bold)

    def _table(self, node: Node) -> None:
        if self._flat or self._tables or len(node.children) > MAX_ROWS or len(node.align) > MAX_COLUMNS:
            self._losses.add("table shown as text")
            for row in node.children:
                self._paragraph(row_as_runs(row))
            return
        self._tables += 1
        table: Json = {"type": "table", "rows": [self._row(row, len(node.align)) for row in node.children]}
        if any(node.align):
            table["column_settings"] = [{"is_wrapped": True, **({"align": way} if way else {})} for way in node.align]
        self._alone(table, [])

    def _row(self, row: Node, width: int) -> list[Json]:
        cells = [self._cell(cell.runs) for cell in row.children]
        return cells + [_raw(" ")] * (width - len(cells))

    def _cell(self, runs: list[Run]) -> Json:
        if not runs or (len(runs) == 1 and runs[0].kind == "text" and not runs[0].marks and not runs[0].href):
            return _raw(runs[0].text if runs else " ")
        section = {"type": "rich_text_section", "elements": self._elements(runs)}
        return {"type": "rich_text", "elements": [section]}

    # parts of rich text

    def _paragraph(self, runs: list[Run]) -> None:
        """Paragraphs share a section, parted by an empty line: sections by themselves stand close to each other."""
        if not runs:
            return
        elements = self._elements(runs)
        last = self._parts[-1] if self._parts else {}
        if last.get("type") == "rich_text_section":
            last["elements"] = _joined([*last["elements"], *self._elements([BREAK]), *elements])
        else:
            self._add("rich_text_section", elements)

    def _add(self, kind: str, elements: list[Json], **more: Any) -> None:
        self._parts.append({"type": kind, **more, "elements": elements})

    def _end_text(self) -> None:
        if self._parts:
            self._blocks.append({"type": "rich_text", "elements": self._parts})
            self._parts = []

    def _adjacent(self, node: Node) -> None:
        """A list is taken for the one before where that has deeper ones at its end and the numbers fit."""
        before = self._before
        if (
            before is not None
            and before.kind == "list"
            and any(one.kind == "list" for one in before.children[-1].children)
        ):
            ends = before.number and before.number + len(before.children)
            if node.number == ends:
                self._losses.add("neighbouring lists joined")

    def _list(self, node: Node, indent: int) -> None:
        if indent > MAX_INDENT:
            self._losses.add("deep list shown flat")
        fresh = True
        for at, item in enumerate(node.children):
            if fresh:
                shift = {"offset": node.number - 1 + at} if node.number and node.number - 1 + at else {}
                style = "ordered" if node.number else "bullet"
                self._add("rich_text_list", [], style=style, indent=min(indent, MAX_INDENT), border=0, **shift)
            self._parts[-1]["elements"].append(self._item(item))
            inner = [child for child in item.children if child.kind == "list"]
            if len(inner) > 1:
                self._losses.add("neighbouring lists in an item may join")
            for child in inner:
                self._list(child, indent + 1)
            fresh = bool(inner)

    def _item(self, item: Node) -> Json:
        kinds = [child.kind for child in item.children]
        if "list" in kinds and (kinds[0] == "list" or any(kind != "list" for kind in kinds[kinds.index("list") :])):
            self._losses.add("list moved to the end of its item")
        rest = Node("item", children=[child for child in item.children if child.kind != "list"])
        return {"type": "rich_text_section", "elements": self._elements(self._flow(rest, "list"))}

    def _flow(self, node: Node, place: str) -> list[Run]:
        """The paragraphs as one run of text with empty lines between; other blocks as they look in plain text."""
        runs: list[Run] = []
        for child in node.children:
            runs += [BREAK] if runs else []
            if child.kind == "paragraph":
                runs += child.runs
            else:
                self._losses.add(f"{child.kind} in a {place} shown as text")
                runs.append(Run("text", write_plain(Node("document", children=[child]), self._names, Losses())))
        return runs

    # inside a part

    def _elements(self, runs: list[Run]) -> list[Json]:
        return _joined([self._element(run) for run in runs])

    def _element(self, run: Run) -> Json:
        style = {name: True for mark, name in STYLES.items() if run.marks & mark}
        if run.kind == "code":
            style["code"] = True
        told = {"style": style} if style else {}
        if run.kind == "mention":
            return self._mention(run) | told
        if run.kind == "image":
            return self._image(run) | told
        text = "\n" if run.kind == "break" else run.text
        return self._linked(run.href, text) | told

    def _linked(self, href: str, text: str) -> Json:
        if href and scheme_of(href) in LINKS:
            return {"type": "link", "url": href, "text": text}
        if href:
            self._losses.add("link shown as text")
        return {"type": "text", "text": text}

    def _mention(self, run: Run) -> Json:
        found = self._names.to_native(run.text, run.data)
        if found and KEYS[run.text].fullmatch(found[0]):
            kind = "user" if run.text == "person" else "channel"
            return {"type": kind, f"{kind}_id": found[0]}
        self._losses.add("mention shown as name")
        return {"type": "text", "text": show_mention(run, self._names)}

    def _image(self, run: Run) -> Json:
        """Slack refuses the whole message where it cannot fetch a picture, so none is shown by its address."""
        shown = scheme_of(run.data) in LINKS and not run.href
        self._losses.add("image shown as link" if shown else "image shown as text")
        return self._linked(run.data, run.text or run.data) if shown else {"type": "text", "text": run.text or run.data}


def _raw(text: str) -> Json:
    return {"type": "raw_text", "text": text}


def _joined(elements: list[Json]) -> list[Json]:
    """Neighbours that differ in nothing but their text as one; none is empty."""
    found: list[Json] = []
    for element in elements:
        if found and element["type"] in ("text", "link") and _alike(found[-1], element):
            found[-1] = {**found[-1], "text": found[-1]["text"] + element["text"]}
        elif element.get("text", "x"):
            found.append(element)
    return found


def _alike(one: Json, other: Json) -> bool:
    return {**one, "text": ""} == {**other, "text": ""}
