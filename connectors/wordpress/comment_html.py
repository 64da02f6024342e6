"""HTML as comments keep it: WordPress drops paragraphs, lists, tables and pictures there, line ends carry structure."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

KEPT = frozenset({"a", "b", "blockquote", "code", "del", "em", "i", "s", "strike", "strong"})
HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
LISTS = frozenset({"ul", "ol"})
BLOCKS = frozenset({"p", "pre", "table", "blockquote", *HEADINGS, *LISTS})


def for_comment(html: str) -> str:
    """Of well-formed HTML, everything that a comment may hold; the rest as text that says the same."""
    writer = _Writer()
    writer.feed(html)
    writer.close()
    return writer.text()


def _escaped(text: str) -> str:
    """Brackets too: some plugins run shortcodes in comments."""
    return escape(text, quote=False).replace("[", "&#091;").replace("]", "&#093;")


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._ends = 2  # line ends at the end of what is written; the beginning counts as a blank line
        self._joined = False  # just behind a bullet or the start of a quote, where a block begins in the same line
        self._lists: list[int | None] = []  # the next number of each open list, None for bullets
        self._code = 0

    def text(self) -> str:
        return "".join(self._parts).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag in BLOCKS:
            self._break()
        if tag in LISTS:
            self._lists.append(int(said.get("start") or 1) if tag == "ol" else None)
        elif tag == "a":
            self._put(f'<a href="{escape(said.get("href") or "")}">')
        elif tag in HEADINGS:
            self._put("<strong>")
        elif tag in KEPT:
            self._put(f"<{tag}>")
            self._code += tag == "code"
            self._joined = tag == "blockquote"
        else:
            self._other(tag, said)

    def handle_endtag(self, tag: str) -> None:
        if tag in LISTS:
            self._lists.pop()
        elif tag in HEADINGS:
            self._put("</strong>")
        elif tag in KEPT:
            if tag == "blockquote":
                self._trim()
            self._put(f"</{tag}>")
            self._code -= tag == "code"
        if tag in BLOCKS:
            self._break()

    def handle_data(self, data: str) -> None:
        # Line ends of the source are mere space in HTML, but would be line ends in a comment.
        text = data if self._code else re.sub(r"\s+", " ", data)
        if text.strip() or (text and not self._ends):
            self._put(_escaped(text))

    def _other(self, tag: str, said: dict[str, str | None]) -> None:
        if tag == "br":
            self._put("\n")
        elif tag == "hr":
            self._break()
            self._put("⁂")
            self._break()
        elif tag == "li":
            self._break(1)
            self._put(f"{'  ' * (len(self._lists) - 1)}{self._bullet()} ")
            self._joined = True
        elif tag == "tr":
            self._break(1)
        elif tag in ("td", "th") and not self._ends:
            self._put(" | ")
        elif tag == "img":
            address = said.get("src") or ""
            self._put(f'<a href="{escape(address)}">{_escaped(said.get("alt") or address)}</a>')

    def _bullet(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "•"
        self._lists[-1] = number + 1
        return f"{number}."

    def _put(self, text: str) -> None:
        self._parts.append(text)
        self._ends = len(text) - len(text.rstrip("\n"))
        self._joined = False

    def _break(self, lines: int = 2) -> None:
        """End the line, and leave one blank where no list is open."""
        wanted = 1 if self._lists else lines
        if self._ends < wanted and not self._joined:
            self._parts.append("\n" * (wanted - self._ends))
            self._ends = wanted

    def _trim(self) -> None:
        while self._parts and not self._parts[-1].strip("\n"):
            self._parts.pop()
        self._ends = 0
