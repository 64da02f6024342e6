"""Document → MediaWiki wikitext; what wikitext cannot say in a line (a code block in a list) it says in its HTML."""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import unquote

from landbridge.richtext.tree import EMPH, STRIKE, STRONG, Losses, Names, Node, Run, clean, show_mention
from landbridge.richtext.urls import BARE_URL, scheme_of

LINKS = frozenset({"http", "https", "ftp", "mailto", "tel", "xmpp"})

_PROTOCOLS = (
    "https?|ftps?|git|gopher|ircs?|mms|nntp|redis|sftp|ssh|svn|telnet|worldwind|bitcoin|geo|magnet|mailto|matrix|news|"
    "sips?|sms|tel|urn|xmpp"
)
# Always special, special in numbers, and what MediaWiki links by itself: addresses and RFC, PMID and ISBN numbers.
_SPECIAL = re.compile(
    rf"[&<>\[\]{{|}}]|''+|^'|'$|__+|~~~+|!!+|\b(?:{_PROTOCOLS}):|\b(?:RFC|PMID|ISBN)(?=\s)", re.IGNORECASE
)
_LINE_START = re.compile(r"^(?:[*#:;=! ]|----)")
_TITLE = re.compile(r"[^\[\]{}|<>\n\x00-\x1f]+")
_CLEAR = re.compile(r"[.,;:!?)]{0,3} ")  # MediaWiki leaves punctuation at the end out of an address
_MENTION_TITLES = {"person": "User:{}", "space": ":Category:{}"}


def write_wikitext(document: Node, names: Names, losses: Losses) -> str:
    """The document as wikitext in which plain text means itself."""
    return _Writer(names, losses).blocks(document.children)


def escape(text: str) -> str:
    """Plain text that means itself anywhere but at the start of a line."""
    return _SPECIAL.sub(_as_entities, text)


def _as_entities(match: re.Match[str]) -> str:
    found = match.group()
    if found[0].isalpha():  # an address or a number: one character spelt otherwise is enough
        return f"{found[:-1]}&#{ord(found[-1])};"
    return {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(found) or "".join(f"&#{ord(char)};" for char in found)


class _Writer:
    def __init__(self, names: Names, losses: Losses) -> None:
        self._names, self._losses = names, losses
        self._in_item = 0

    def blocks(self, nodes: list[Node]) -> str:
        return "\n\n".join(map(self._block, nodes))

    def _block(self, node: Node) -> str:
        if node.kind == "paragraph":
            return f"<p>{self._inline(node.runs)}</p>" if self._in_item else self._line(node.runs)
        if node.kind == "heading":
            sign = "=" * node.number
            return f"{sign} {self._inline(node.runs)} {sign}"
        if node.kind == "quote":
            return f"<blockquote>\n{self.blocks(node.children)}\n</blockquote>"
        if node.kind == "list":
            return "\n".join(self._lines(node, "")) if _is_simple(node) else self._html_list(node)
        if node.kind == "table":
            return self._table(node)
        if node.kind == "rule":
            return "----"
        language = f' class="language-{node.lang}"' if node.lang else ""
        return f"<pre{language}>\n{_literal(node.text)}\n</pre>"

    def _lines(self, node: Node, prefix: str) -> list[str]:
        prefix += "#" if node.number else "*"
        lines: list[str] = []
        for item in node.children:
            lines.append(f"{prefix} {self._inline(item.children[0].runs)}")
            for child in item.children[1:]:
                lines += self._lines(child, prefix)
        return lines

    def _html_list(self, node: Node) -> str:
        tag = "ol" if node.number else "ul"
        start = f' start="{node.number}"' if node.number > 1 else ""
        self._in_item += 1  # where blank lines divide no paragraphs
        items = "\n".join(f"<li>\n{self.blocks(item.children)}\n</li>" for item in node.children)
        self._in_item -= 1
        return f"<{tag}{start}>\n{items}\n</{tag}>"

    def _table(self, node: Node) -> str:
        header, *rows = node.children
        padded = header.children + [Node("cell") for _ in range(len(node.align) - len(header.children))]
        lines = ['{| class="wikitable"', *self._cells(padded, "!", node.align)]
        for row in rows:
            lines += ["|-", *self._cells(row.children, "|", node.align)]
        return "\n".join([*lines, "|}"])

    def _cells(self, cells: list[Node], sign: str, align: tuple[str, ...]) -> list[str]:
        lines = []
        for cell, way in zip(cells, align, strict=False):
            given = f'style="text-align:{way}" | ' if way else ""
            lines.append(f"{sign} {given}{self._inline(cell.runs)}")
        return lines

    def _line(self, runs: list[Run]) -> str:
        text = self._inline(runs)
        plain = runs[0].kind == "text" and not runs[0].marks
        return f"&#{ord(text[0])};{text[1:]}" if plain and _LINE_START.match(text) else text

    def _inline(self, runs: list[Run]) -> str:
        parts: list[str] = []
        href, marks, ending = "", 0, ""
        for at, run in enumerate(runs):
            if run.href != href or (run.marks ^ marks) & STRIKE:
                before, (beginning, ending) = ending, self._around(runs, at)
                if before or beginning:
                    # Quotes do not reach across tags and links: closed before, opened again after.
                    parts += [_quotes(marks), before, beginning]
                    marks = run.marks & STRIKE
                href = run.href
            parts.append(_quotes(run.marks ^ marks))
            marks = run.marks
            parts.append(self._leaf(runs, at))
        return "".join([*parts, _quotes(marks), ending])

    def _around(self, runs: list[Run], at: int) -> tuple[str, str]:
        """What begins and ends the link and the strike of a run."""
        run = runs[at]
        begin, end = ("<s>", "</s>") if run.marks & STRIKE else ("", "")
        if not run.href or _is_bare(runs, at):
            return begin, end
        title = _wiki_title(run.href)
        if title:
            return f"{begin}[[" if _is_sole(runs, at, title) else f"{begin}[[{title}|", f"]]{end}"
        if scheme_of(run.href) in LINKS:
            return f"{begin}[{_address(run.href)} ", f"]{end}"
        self._losses.add("link shown as text")
        return begin, end

    def _leaf(self, runs: list[Run], at: int) -> str:
        run = runs[at]
        if run.kind == "text":
            if _is_bare(runs, at):
                return run.text
            text = escape(run.text)
            begins = run.href and (at == 0 or runs[at - 1].href != run.href)
            # Between an address and its text MediaWiki drops spaces of any script.
            return f"&#{ord(text[0])};{text[1:]}" if begins and text[:1].isspace() else text
        if run.kind == "code":
            return f"<code>{escape(run.text)}</code>"
        if run.kind == "break":
            return "<br>"
        return self._mention(run) if run.kind == "mention" else self._image(run)

    def _mention(self, run: Run) -> str:
        found = self._names.to_native(run.text, run.data)
        if found and _TITLE.fullmatch(found[0]):
            return f"[[{_MENTION_TITLES[run.text].format(found[0])}|{escape(clean(found[1] or found[0]))}]]"
        self._losses.add("mention shown as name")
        return escape(show_mention(run, self._names))

    def _image(self, run: Run) -> str:
        if scheme_of(run.data) in ("http", "https") and not run.href:
            self._losses.add("image shown as link")
            return f"[{_address(run.data)} {escape(run.text or run.data)}]"
        self._losses.add("image shown as text")
        return escape(run.text)


def _quotes(marks: int) -> str:
    """What turns these marks on or off; wikitext has one sign for both."""
    return "'" * ((3 if marks & STRONG else 0) + (2 if marks & EMPH else 0))


def _is_simple(node: Node) -> bool:
    """Whether every item is one line with at most lists under it, which is all that * and # can say."""
    if node.kind != "list" or node.number > 1:
        return False
    for item in node.children:
        first, *rest = item.children
        numbered = [bool(child.number) for child in rest]
        if first.kind != "paragraph" or not all(map(_is_simple, rest)):
            return False
        if any(one == other for one, other in pairwise(numbered)):
            return False
    return True


def _is_bare(runs: list[Run], at: int) -> bool:
    """Whether a link is an address that MediaWiki finds by itself, ending where it should."""
    run = runs[at]
    if run.kind != "text" or run.text != run.href or not BARE_URL.fullmatch(run.text) or "__" in run.text:
        return False
    before = runs[at - 1] if at else None
    after = runs[at + 1] if at + 1 < len(runs) else None
    clear_before = before is None or before.kind == "break" or (before.kind == "text" and before.text.endswith(" "))
    clear_after = (
        after is None or after.kind == "break" or (after.kind == "text" and _CLEAR.match(after.text) is not None)
    )
    return clear_before and clear_after and "~~~" not in run.text and "&" not in run.text


def _is_sole(runs: list[Run], at: int, title: str) -> bool:
    """Whether the link's label is the page's title, so that it need not be said twice."""
    run = runs[at]
    alone = at + 1 == len(runs) or runs[at + 1].href != run.href
    return alone and run.kind == "text" and not run.marks & ~STRIKE and escape(title) == title == run.text


def _wiki_title(href: str) -> str:
    """The page that a link inside the wiki points to; empty where it is another link."""
    if scheme_of(href) != "wiki":
        return ""
    title = clean(unquote(href.partition(":")[2])).replace("_", " ").strip()
    return title if _TITLE.fullmatch(title) and len(title) < 256 else ""


def _address(url: str) -> str:
    """An address inside brackets, where MediaWiki decodes entities and acts on __ and ~~~."""
    return re.sub(r"&(?=#?\w+;)|__+|~~~+", _as_entities, url)


def _literal(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
