"""Document → HTML; nh3 then sanitises it once more, so that a slip here is not a hole there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape

import nh3

from landbridge.richtext.tree import Losses, Names, Node, Run, walk
from landbridge.richtext.urls import scheme_of

_TAGS = {"strong": "strong", "emph": "em"}
_ALLOWED_TAGS = {
    "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "pre", "code", "strong", "em",
    "del", "a", "img", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ALLOWED_ATTRIBUTES = {
    "a": {"href"},
    "img": {"src", "alt"},
    "ol": {"start"},
    "code": {"class"},
    "th": {"align"},
    "td": {"align"},
}


@dataclass(frozen=True)
class Writing:
    """What differs between the tools that show HTML."""

    links: frozenset[str]  # schemes of links it shows; empty string: relative addresses
    images: frozenset[str]
    mention: Callable[[Run, Names, Losses], str]  # → HTML
    alignment: bool = True
    bare_paragraph: bool = False  # a single paragraph goes without <p>, as chats write it
    strike: str = "del"
    code: Callable[[Node], str] | None = None  # a code block as the tool's own element
    elements: Mapping[str, frozenset[str]] = field(default_factory=dict)  # the tool's own, with their attributes


def write_html(document: Node, names: Names, losses: Losses, writing: Writing) -> str:
    """The document as HTML that holds nothing but the tags named here."""
    writer = _Writer(names, losses, writing)
    blocks = document.children
    if writing.bare_paragraph and len(blocks) == 1 and blocks[0].kind == "paragraph":
        html = writer.inline(blocks[0].runs)
    else:
        html = "\n".join(map(writer.block, blocks))
    return nh3.clean(
        html,
        tags=_ALLOWED_TAGS | {writing.strike} | writing.elements.keys(),
        attributes=_ALLOWED_ATTRIBUTES | {tag: set(names) for tag, names in writing.elements.items()},
        url_schemes=set(writing.links | writing.images) - {""},
        link_rel=None,
    )


class _Writer:
    def __init__(self, names: Names, losses: Losses, writing: Writing) -> None:
        self._names, self._losses, self._writing = names, losses, writing

    def block(self, node: Node) -> str:
        if node.kind == "paragraph":
            return f"<p>{self.inline(node.runs)}</p>"
        if node.kind == "heading":
            return f"<h{node.number}>{self.inline(node.runs)}</h{node.number}>"
        if node.kind == "quote":
            return f"<blockquote>{''.join(map(self.block, node.children))}</blockquote>"
        if node.kind == "list":
            return self._list(node)
        if node.kind == "table":
            return self._table(node)
        if node.kind == "rule":
            return "<hr>"
        if self._writing.code:
            return self._writing.code(node)
        language = f' class="language-{escape(node.lang)}"' if node.lang else ""
        return f"<pre><code{language}>{escape(node.text, quote=False)}</code></pre>"

    def _list(self, node: Node) -> str:
        tag = "ol" if node.number else "ul"
        start = f' start="{node.number}"' if node.number > 1 else ""
        return f"<{tag}{start}>{''.join(map(self._item, node.children))}</{tag}>"

    def _item(self, item: Node) -> str:
        first, rest = item.children[0], item.children[1:]
        # The usual item is a line with at most a list under it, and is written as everyone writes it.
        if first.kind == "paragraph" and all(child.kind == "list" for child in rest):
            return f"<li>{self.inline(first.runs)}{''.join(map(self.block, rest))}</li>"
        return f"<li>{''.join(map(self.block, item.children))}</li>"

    def _table(self, node: Node) -> str:
        if any(node.align) and not self._writing.alignment:
            self._losses.add("column alignment dropped")
        header, *rows = node.children
        padded = header.children + [Node("cell") for _ in range(len(node.align) - len(header.children))]
        head = f"<thead>{self._row(padded, 'th', node.align)}</thead>"
        body = "".join(self._row(row.children, "td", node.align) for row in rows)
        return f"<table>{head}{f'<tbody>{body}</tbody>' if body else ''}</table>"

    def _row(self, cells: list[Node], tag: str, align: tuple[str, ...]) -> str:
        parts = []
        for cell, way in zip(cells, align, strict=False):
            aligned = f' align="{way}"' if way and self._writing.alignment else ""
            parts.append(f"<{tag}{aligned}>{self.inline(cell.runs)}</{tag}>")
        return f"<tr>{''.join(parts)}</tr>"

    def inline(self, runs: list[Run]) -> str:
        parts: list[str] = []
        for op, mark, run in walk(runs):
            if op == "leaf":
                parts.append(self._leaf(run))
            elif mark != "link":
                tag = self._writing.strike if mark == "strike" else _TAGS[mark]
                parts.append(f"<{tag}>" if op == "open" else f"</{tag}>")
            elif scheme_of(run.href) in self._writing.links:
                parts.append(f'<a href="{escape(run.href)}">' if op == "open" else "</a>")
            elif op == "open":
                self._losses.add("link shown as text")
        return "".join(parts)

    def _leaf(self, run: Run) -> str:
        if run.kind == "text":
            return escape(run.text, quote=False)
        if run.kind == "code":
            return f"<code>{escape(run.text, quote=False)}</code>"
        if run.kind == "mention":
            return self._writing.mention(run, self._names, self._losses)
        return "<br>" if run.kind == "break" else self._image(run)

    def _image(self, run: Run) -> str:
        scheme = scheme_of(run.data)
        if scheme in self._writing.images:
            return f'<img src="{escape(run.data)}" alt="{escape(run.text)}">'
        if scheme in self._writing.links and not run.href:
            self._losses.add("image shown as link")
            return f'<a href="{escape(run.data)}">{escape(run.text or run.data, quote=False)}</a>'
        self._losses.add("image shown as text")
        return escape(run.text, quote=False)
