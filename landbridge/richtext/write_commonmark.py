"""Document → canonical body in its one normal form.

Emphasis is the hard part: CommonMark opens and closes it by the characters on both sides. Where those would not
do, the neighbouring character is written as an entity, whose & and ; are punctuation to the rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from landbridge.richtext.tree import SIGILS, Node, Run, walk
from landbridge.richtext.urls import scheme_of

_SPECIAL = re.compile(r"[\\`*_\[\]<~]|&(?=[#A-Za-z0-9])|!$|(?<=[@#])\{")
_FIRST_LINE = re.compile(r"^(?:[#>+\-]|[0-9]{1,9}(?=[.)]))")
_LATER_LINE = re.compile(r"^(?:[#>+\-=:|]|[0-9]{1,9}(?=[.)]))")  # under a line, = and | begin headings and tables
_BREAK = "\\\n"
_CLOSING_SIGN = re.compile(r"(?<!\\)((?:\\\\)*)#$")
_TICKS = re.compile(r"`+")
_BARE_TARGET = re.compile(r"[A-Za-z0-9:/?=%._~#@!$,;+\-]+", re.ASCII)
_AMPERSAND = r"\\&"
_ENTITY_LIKE = re.compile(r"&(?=[#A-Za-z0-9])")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \n")
_DELIMITERS = {"strong": "**", "strike": "~~", "emph": "_"}


@dataclass(slots=True)
class _Piece:
    kind: str  # text, raw, open, close
    text: str


def write_commonmark(document: Node) -> str:
    """The canonical body."""
    return "\n".join(_blocks(document.children, tight=False))


# blocks


def _blocks(nodes: list[Node], tight: bool) -> list[str]:
    lines: list[str] = []
    before: Node | None = None
    other = False
    for node in nodes:
        if before and not tight:
            lines.append("")
        # Two lists in a row stay two by the other marker.
        alike = before is not None and before.kind == node.kind == "list" and bool(before.number) == bool(node.number)
        other = alike and not other
        lines += _list(node, other) if node.kind == "list" else _BLOCKS[node.kind](node)
        before = node
    return lines


def _paragraph(node: Node) -> list[str]:
    return _inline(node.runs).split("\n")


def _heading(node: Node) -> list[str]:
    text = _CLOSING_SIGN.sub(r"\1\\#", _inline(node.runs))
    return ["#" * node.number + " " + text]


def _quote(node: Node) -> list[str]:
    return [f"> {line}" if line else ">" for line in _blocks(node.children, tight=False)]


def _list(node: Node, other: bool) -> list[str]:
    tight = all(_is_tight(item) for item in node.children)
    lines: list[str] = []
    for at, item in enumerate(node.children):
        if at and not tight:
            lines.append("")
        marker = f"{node.number + at}{')' if other else '.'} " if node.number else "* " if other else "- "
        inside = _blocks(item.children, tight)
        lines.append(marker + inside[0])
        lines += [" " * len(marker) + line if line else "" for line in inside[1:]]
    return lines


def _is_tight(item: Node) -> bool:
    """At most a paragraph and one list under it; a list that starts at 3 cannot follow a paragraph closely."""
    kinds = [child.kind for child in item.children]
    if kinds == ["paragraph", "list"]:
        return item.children[1].number <= 1
    return kinds in (["paragraph"], ["list"])


def _code(node: Node) -> list[str]:
    fence = "`" * max(3, 1 + max((len(ticks) for ticks in _TICKS.findall(node.text)), default=0))
    return [fence + node.lang, *node.text.split("\n"), fence]


def _rule(node: Node) -> list[str]:
    return ["___"]  # unlike --- and *** it cannot be taken for a list marker


def _table(node: Node) -> list[str]:
    dashes = {"left": ":--", "center": ":-:", "right": "--:"}
    header, *rows = node.children
    cells = _cells(header) + [""] * (len(node.align) - len(header.children))
    lines = [_row(cells), _row([dashes.get(way, "---") for way in node.align])]
    return lines + [_row(_cells(row)) for row in rows]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cells(row: Node) -> list[str]:
    return [_inline(cell.runs).replace("|", "\\|") for cell in row.children]


_BLOCKS: dict[str, Callable[[Node], list[str]]] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "quote": _quote,
    "code": _code,
    "rule": _rule,
    "table": _table,
}


# inside a paragraph


def _inline(runs: list[Run]) -> str:
    pieces: list[_Piece] = []
    opened: list[int] = []
    pairs: list[tuple[int, int]] = []
    for event in walk(runs):
        if event.op == "leaf":
            pieces.append(_leaf(event.run, pieces))
        elif event.op == "open":
            opened.append(len(pieces))
            pieces.append(_Piece("raw", "[") if event.mark == "link" else _Piece("open", _DELIMITERS[event.mark]))
        elif event.mark == "link":
            _close_link(pieces, opened.pop(), event.run.href)
        else:
            pairs.append((opened.pop(), len(pieces)))
            pieces.append(_Piece("close", _DELIMITERS[event.mark]))
    for start, end in pairs:
        _choose_emphasis(pieces, start, end)
    for start, end in pairs:
        _flank(pieces, start, -1)
        _flank(pieces, end, 1)
    return "".join(piece.text for piece in pieces)


def _leaf(run: Run, before: list[_Piece]) -> _Piece:
    if run.kind == "text":
        text = escape(run.text)
        if not before:
            text = _FIRST_LINE.sub(_escape_start, text, count=1)
        elif before[-1].text == _BREAK:
            text = _LATER_LINE.sub(_escape_start, text, count=1)
        return _Piece("text", text)
    if run.kind == "verbatim":  # of a writer for another kind of Markdown, which spells some things its own way
        return _Piece("raw", run.text)
    if run.kind == "code":
        return _Piece("raw", _code_span(run.text))
    if run.kind == "image":
        return _Piece("raw", f"![{escape(run.text)}]({_target(run.data)})")
    if run.kind == "mention":
        return _Piece("raw", f"{SIGILS[run.text]}{{{run.text}:{run.data}}}")
    return _Piece("raw", _BREAK)


def escape(text: str) -> str:
    """Plain text that means itself inside a paragraph."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def _escape_start(match: re.Match[str]) -> str:
    found = match.group()
    return found + "\\" if found[0].isdigit() else "\\" + found


def _code_span(text: str) -> str:
    taken = {len(ticks) for ticks in _TICKS.findall(text)}
    size = next(size for size in range(1, len(taken) + 2) if size not in taken)
    edged = text[0] == "`" or text[-1] == "`" or (text[0] == text[-1] == " " and bool(text.strip(" ")))
    pad = " " if edged else ""
    return "`" * size + pad + text + pad + "`" * size


def _close_link(pieces: list[_Piece], start: int, href: str) -> None:
    inside = pieces[start + 1 :]
    if len(inside) == 1 and inside[0] == _Piece("text", escape(href)) and len(scheme_of(href)) > 1:
        pieces[start:] = [_Piece("raw", f"<{href}>")]
    else:
        pieces.append(_Piece("raw", f"]({_target(href)})"))


def _target(url: str) -> str:
    return url if _BARE_TARGET.fullmatch(url) else f"<{_ENTITY_LIKE.sub(_AMPERSAND, url)}>"


def _choose_emphasis(pieces: list[_Piece], start: int, end: int) -> None:
    """Inside a word _ does not open, so * it is, unless another delimiter stands beside it."""
    if pieces[start].text != "_":
        return
    sides = [pieces[at] for at in (start - 1, start + 1, end - 1, end + 1) if 0 <= at < len(pieces)]
    outer = [_edge(pieces, start, -1), _edge(pieces, end, 1)]
    inword = any(char and char not in _PUNCTUATION for char in outer)
    if inword and not any(piece.kind in ("open", "close") for piece in sides):
        pieces[start].text = pieces[end].text = "*"


def _edge(pieces: list[_Piece], at: int, step: int) -> str:
    """The character on that side of a delimiter; empty at the paragraph's edge."""
    at += step
    if not 0 <= at < len(pieces):
        return ""
    return pieces[at].text[-1 if step < 0 else 0]


def _flank(pieces: list[_Piece], at: int, outward: int) -> None:
    """Make the delimiter open or close here, by spelling its neighbours as entities where need be."""
    inner = _edge(pieces, at, -outward)
    if inner.isspace():
        _spell(pieces[at - outward], outward)
    outer = _edge(pieces, at, outward)
    firm = inner.isalnum() and pieces[at].text != "_"
    if outer and not firm and outer not in _PUNCTUATION:
        _spell(pieces[at + outward], -outward)


def _spell(piece: _Piece, side: int) -> None:
    """Write the first (-1) or last (1) character as an entity."""
    if side < 0:
        piece.text = f"&#{ord(piece.text[0])};{piece.text[1:]}"
    else:
        piece.text = f"{piece.text[:-1]}&#{ord(piece.text[-1])};"
