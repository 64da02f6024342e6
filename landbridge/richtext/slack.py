"""Slack: a message as its blocks (JSON text) or, where it has none, as mrkdwn; written as blocks only.

People write `rich_text` blocks, and those are what we write: they hold text as text, while mrkdwn has no way to say that
an asterisk is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson

from landbridge.richtext.build import Builder
from landbridge.richtext.emoji import emoji_of, with_emoji
from landbridge.richtext.mrkdwn import mention, read_mrkdwn
from landbridge.richtext.read_commonmark import read_commonmark
from landbridge.richtext.tree import EMPH, SIGILS, STRIKE, STRONG, Losses, Names, Node, clean

Json = dict[str, Any]
STYLES = {"bold": STRONG, "italic": EMPH, "strike": STRIKE}
# What people press, fill in or play has no text of its own.
SILENT = frozenset({"actions", "context_actions", "input", "file", "video", "call", "share_shortcut"})


def blocks_of(text: str) -> list[Json] | None:
    """The blocks that the text spells, None where it is mrkdwn."""
    if not text.startswith("["):
        return None
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in found) else None


def read_slack(text: str, names: Names, losses: Losses) -> Node:
    """The document in a message."""
    blocks = blocks_of(text)
    builder = Builder(losses, len(text))
    if blocks is None:
        read_mrkdwn(builder, clean(text), names)
    for block in blocks or ():
        _Reader(builder, names).block(block)
        builder.flush()
    return builder.root()


class _Reader:
    def __init__(self, builder: Builder, names: Names) -> None:
        self._builder, self._names = builder, names
        self._lists = _Lists(builder)

    def block(self, block: Json) -> None:
        kind = block["type"]
        readers: dict[str, Callable[[Json], None]] = {
            "rich_text": self._rich_text, "section": self._section, "context": self._context, "header": self._header,
            "table": self._table, "markdown": self._markdown, "image": self._image,
        }  # fmt: skip
        if kind in readers:
            readers[kind](block)
        elif kind == "divider":
            self._builder.block(Node("rule"))
        else:
            self._builder.losses.add("interactive block dropped" if kind in SILENT else "unknown block dropped")

    # blocks of apps

    def _section(self, block: Json) -> None:
        for text in (block.get("text"), *_objects(block.get("fields"))):
            if isinstance(text, dict):
                self._text(text)
                self._builder.flush()

    def _context(self, block: Json) -> None:
        for element in _objects(block.get("elements")):
            if element.get("type") == "image":
                self._image(element)
            else:
                self._text(element)
            self._builder.text(" ")

    def _header(self, block: Json) -> None:
        self._builder.open(Node("heading", number=1))
        self._text(block.get("text") or {})
        self._builder.close()

    def _text(self, text: Json) -> None:
        said = clean(_string(text, "text"))
        if text.get("type") == "mrkdwn":
            read_mrkdwn(self._builder, said, self._names)
        else:
            self._lines(with_emoji(said) if text.get("emoji", True) else said)

    def _markdown(self, block: Json) -> None:
        """Its text is CommonMark already."""
        for node in read_commonmark(_string(block, "text"), self._builder.losses).children:
            self._builder.place(_without_mentions(node))

    def _image(self, block: Json) -> None:
        self._builder.leaf("image", _string(block, "alt_text"), _string(block, "image_url"))

    def _table(self, block: Json) -> None:
        aligned = [_string(one, "align") if isinstance(one, dict) else "" for one in block.get("column_settings") or ()]
        self._builder.open(Node("table"))
        for row in block.get("rows") or ():
            self._builder.open(Node("row"))
            for at, cell in enumerate(_objects(row)):
                way = aligned[at] if at < len(aligned) else ""
                self._builder.open(Node("cell", align=(way,) if way in ("left", "center", "right") else ()))
                if cell.get("type") == "rich_text":
                    for part in _objects(cell.get("elements")):
                        self._inline(_objects(part.get("elements")))
                else:
                    self._builder.text(_string(cell, "text"))
                self._builder.close()
            self._builder.close()
        self._builder.close()

    # what people write

    def _rich_text(self, block: Json) -> None:
        for part in _objects(block.get("elements")):
            kind, elements = part.get("type"), part.get("elements")
            if kind == "rich_text_list":
                self._lists.enter(part)
                for item in _objects(elements):
                    self._lists.item()
                    self._inline(_objects(item.get("elements")))
                    self._builder.flush()
                continue
            self._lists.leave()
            if kind == "rich_text_preformatted":
                told = "".join(_string(one, "text") or _string(one, "url") for one in _objects(elements))
                self._builder.block(Node("code", text=told))
            elif kind == "rich_text_quote":
                self._builder.open(Node("quote"))
                self._inline(_objects(elements))
                self._builder.close()
            else:
                self._inline(_objects(elements))
                self._builder.flush()
        self._lists.leave()

    def _inline(self, elements: Iterator[Json]) -> None:
        for element in elements:
            style = element.get("style")
            style = style if isinstance(style, dict) else {}
            marks = [mark for name, mark in STYLES.items() if style.get(name)]
            for mark in marks:
                self._builder.mark(mark)
            self._element(element, code=bool(style.get("code")))
            for mark in marks:
                self._builder.unmark(mark)

    def _element(self, element: Json, *, code: bool) -> None:
        kind = element.get("type")
        if kind in ("text", "link"):
            url = _string(element, "url")
            text = _string(element, "text") or url
            if url:
                self._builder.link(url)
            if code:
                self._builder.leaf("code", text)
            else:
                self._lines(text)
            if url:
                self._builder.unlink()
        elif kind in ("user", "channel"):
            key = _string(element, f"{kind}_id")
            mention(self._builder, self._names, "person" if kind == "user" else "space", key)
        elif kind == "emoji":
            self._builder.text(_emoji(element))
        elif kind == "broadcast":
            self._builder.losses.add("call to all shown as text")
            self._builder.text(f"@{_string(element, 'range')}")
        else:
            self._builder.losses.add("unknown element shown as text")
            self._lines(next((found for name in ("text", "fallback", "value", "usergroup_id", "url")
                              if (found := _string(element, name))), ""))  # fmt: skip

    def _lines(self, text: str) -> None:
        for at, line in enumerate(clean(text).split("\n")):
            if at:
                self._builder.line_break()
            self._builder.text(line)


class _Lists:
    """Slack says how deep each list is indented; here they become lists in items of lists."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._open: list[_List] = []

    def enter(self, part: Json) -> None:
        """Goes on with the list that the deeper ones have interrupted, or begins one."""
        indent, first = _number(part, "indent"), _number(part, "offset") + 1 if part.get("style") == "ordered" else 0
        came_back = False
        while self._open and self._open[-1].indent > indent:
            self._close()
            came_back = True
        if self._open and self._open[-1].indent == indent:
            if came_back and self._open[-1].goes_on_at(first):
                return
            self._close()
        self._builder.open(Node("list", number=first))
        self._open.append(_List(indent, first))

    def item(self) -> None:
        top = self._open[-1]
        if top.items:
            self._builder.close()
        self._builder.open(Node("item"))
        top.items += 1

    def leave(self) -> None:
        while self._open:
            self._close()

    def _close(self) -> None:
        if self._open.pop().items:
            self._builder.close()
        self._builder.close()


class _List:
    def __init__(self, indent: int, first: int) -> None:
        self.indent, self.first, self.items = indent, first, 0

    def goes_on_at(self, number: int) -> bool:
        return number == (self.first and self.first + self.items)


def _without_mentions(node: Node) -> Node:
    """Our own mentions are none of Slack's: whoever spells one there must not reach the person."""
    runs = [
        run._replace(kind="text", text=f"{SIGILS[run.text]}{{{run.text}:{run.data}}}", data="")
        if run.kind == "mention" else run
        for run in node.runs
    ]  # fmt: skip
    return replace(node, runs=runs, children=[_without_mentions(child) for child in node.children])


def _emoji(element: Json) -> str:
    name, points = _string(element, "name"), _string(element, "unicode")
    try:
        return "".join(chr(int(point, 16)) for point in points.split("-")) if points else emoji_of(name) or f":{name}:"
    except (ValueError, OverflowError):
        return f":{name}:"


def _objects(found: Any) -> Iterator[Json]:
    return (one for one in found if isinstance(one, dict)) if isinstance(found, list) else iter(())


def _string(found: Json, name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""


def _number(found: Json, name: str) -> int:
    value = found.get(name)
    return value if isinstance(value, int) and 0 <= value < 10**6 else 0
