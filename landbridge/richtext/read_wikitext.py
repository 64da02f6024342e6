"""MediaWiki wikitext → document, in one pass that never goes back.

mwparserfromhell would build the better tree but tries again wherever a construct stays open: 100 kB of unclosed
tags take it minutes. Here what stays open is text, or ends with its line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from landbridge.richtext.tree import EMPH, STRONG, Losses, Names, Node, clean
from landbridge.richtext.wikitext_blocks import TAGS
from landbridge.richtext.wikitext_lines import Lines
from landbridge.richtext.wikitext_tokens import (
    DIVIDING,
    FILE_OPTION,
    GIVEN,
    IGNORED,
    LANGUAGE,
    MARKS,
    MENTION,
    NOWIKI,
    PAGE,
    TOKEN,
    WORDS,
    decoded,
)


def read_wikitext(text: str, names: Names, losses: Losses) -> Node:
    """The document that a wiki page's source describes."""
    return _Reader(clean(text), names, losses).read()


class _Reader(Lines):
    def read(self) -> Node:
        self._line_start()
        while self._at < len(self._text):
            limit = self._limit()
            match = TOKEN.search(self._text, self._at, limit)
            self._builder.text(self._text[self._at : match.start() if match else limit])
            if match:
                self._at = match.end()
                _INLINE[match.lastgroup or ""](self, match)
            else:
                self._reach(limit)
        return self._builder.root()

    def _newline(self, match: re.Match[str]) -> None:
        if self._until:
            self._builder.text(" ")
            return
        self._quote(self._quoted)
        if self._blocks.in_list():
            self._builder.flush()
        else:
            self._builder.text("\n")
        self._line_start()

    def _quotes(self, match: re.Match[str]) -> None:
        size = len(match.group())
        if size == 4 or size > 5:
            self._builder.text("'" * (1 if size == 4 else size - 5))
            size = 3 if size == 4 else 5
        self._quote({2: EMPH, 3: STRONG, 5: STRONG | EMPH}[size])

    def _comment(self, match: re.Match[str]) -> None:
        found = self._find("-->")
        self._losses.add("comment dropped")
        self._at = found[1] if found else self._limit()

    def _entity(self, match: re.Match[str]) -> None:
        self._builder.text(decoded(match.group()))

    def _word(self, match: re.Match[str]) -> None:
        if match.group().strip("_").upper() in WORDS:
            self._losses.add("magic word dropped")
        else:
            self._builder.text(match.group())

    def _cells(self, match: re.Match[str]) -> None:
        begins = self._blocks.in_cell() and not self._until and (match.group() == "||" or self._in_header)
        if not begins:
            self._builder.text(match.group())
            return
        given = GIVEN.match(self._text, self._at)
        self._at = given.end() if given else self._at
        self._quote(self._quoted)
        self._blocks.cell(given.group(1) if given else "")

    def _template(self, match: re.Match[str]) -> None:
        end = self._templates.get(match.start())
        if not end or end > self._limit():
            self._literal(match)
            return
        self._losses.add("template shown as text")
        self._builder.text(self._text[match.start() : end])
        self._at = end

    def _literal(self, match: re.Match[str]) -> None:
        """The first character is text, what follows is looked at again."""
        self._at = match.start() + 1
        self._builder.text(match.group()[0])

    def _page(self, match: re.Match[str]) -> None:
        end = self._pages.get(match.start(), 0)
        page = PAGE.match(self._text, self._at)
        if not page or not page.end() <= end <= self._limit():
            self._literal(match)
            return
        title = " ".join(decoded(page.group(1)).replace("_", " ").split())
        mention = self._mention(title)
        if mention or not title:
            self._at = end
            self._builder.leaf("mention", *mention) if mention else self._builder.text(page.group(1))
            return
        self._at = page.end()
        if page.group(2) == "|" and re.match(r"\s*(?:file|image|datei|bild)\s*:", title, re.IGNORECASE):
            self._skip_file_options()
        self._builder.link("wiki:" + quote(title.replace(" ", "_"), safe=":/(),.!"))
        if page.group(2) == "]]" or self._at >= end - 2:
            self._builder.text(title.removeprefix(":"))
            self._builder.unlink()
            self._at = end
        else:
            self._until.append((end - 2, end, self._builder.unlink))

    def _skip_file_options(self) -> None:
        self._losses.add("image options dropped")
        while match := FILE_OPTION.match(self._text, self._at):
            self._at = match.end()

    def _mention(self, title: str) -> tuple[str, str] | None:
        match = MENTION.fullmatch(title)
        if not match:
            return None
        kind = "person" if match.group(1) else "space"
        found = self._names.to_id(kind, match.group(1) or match.group(2))
        return (kind, found) if found else None

    def _url(self, match: re.Match[str]) -> None:
        close, line_end = self._find(r"\]"), self._find(r"\n")
        if not close or (line_end and line_end[0] < close[0]):
            self._literal(match)
            return
        address = decoded(match.group("url"))
        self._builder.link("https:" + address if address.startswith("//") else address)
        if self._at == close[0]:
            self._builder.text(address)
        self._until.append((close[0], close[1], self._builder.unlink))

    def _tag(self, match: re.Match[str]) -> None:
        tag, ends = match.group("tag").lower(), bool(match.group("end"))
        if tag in MARKS:
            (self._builder.unmark if ends else self._builder.mark)(MARKS[tag])
        elif tag == "br":
            self._builder.line_break()
        elif self._until and (tag in TAGS or tag in DIVIDING or tag == "hr"):
            self._builder.text(" ")
        elif tag in TAGS:
            self._blocks.end(tag) if ends else self._blocks.begin(tag, match.group("given"))
        elif tag == "hr":
            self._builder.block(Node("rule"))
        elif tag in DIVIDING:
            self._builder.text(" ")
            self._builder.flush()
        elif tag not in IGNORED:
            self._literal(match)
        elif IGNORED[tag] and not ends:
            self._losses.add(IGNORED[tag])

    def _opaque(self, match: re.Match[str]) -> None:
        tag, given = match.group("opaque").lower(), match.group("attributes")
        if given.endswith("/"):
            if tag == "ref":
                self._losses.add("footnote dropped")
            return
        found = self._find(rf"</{tag}\s*>")
        if not found or found[1] > self._limit():
            self._literal(match)
            return
        content = self._text[self._at : found[0]]
        if tag == "ref":
            self._losses.add("footnote shown inline")
            self._builder.text(" (")
            self._until.append((*found, lambda: self._builder.text(")")))
            return
        self._at = found[1]
        self._show_opaque(tag, given, content)

    def _show_opaque(self, tag: str, given: str, content: str) -> None:
        if tag in ("nowiki", "gallery"):
            if tag == "gallery":
                self._losses.add("gallery shown as text")
            self._builder.text(decoded(content))
            return
        coloured = tag in ("syntaxhighlight", "source")
        source = content if coloured else decoded(NOWIKI.sub("", content))
        if tag == "pre" or (coloured and "inline" not in given):
            language = LANGUAGE.search(given)
            self._builder.block(Node("code", text=source, lang=language.group(1) if language else ""))
            return
        if tag == "math":
            self._losses.add("formula shown as source")
        self._builder.leaf("code", source)


# By the last group that a token's pattern fills.
_INLINE: dict[str, Callable[[_Reader, re.Match[str]], None]] = {
    "newline": _Reader._newline,
    "comment": _Reader._comment,
    "attributes": _Reader._opaque,
    "given": _Reader._tag,
    "template": _Reader._template,
    "page": _Reader._page,
    "url": _Reader._url,
    "quotes": _Reader._quotes,
    "entity": _Reader._entity,
    "word": _Reader._word,
    "cells": _Reader._cells,
}
