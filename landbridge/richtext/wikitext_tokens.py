"""What in wikitext means something: the patterns, and which brackets belong together."""

from __future__ import annotations

import re
from html import unescape

from landbridge.richtext.tree import EMPH, STRIKE, STRONG

_ENTITY = r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});"
TOKEN = re.compile(
    r"(?P<newline>\n)"
    r"|(?P<comment><!--)"
    r"|<(?P<opaque>nowiki|pre|syntaxhighlight|source|code|tt|kbd|samp|math|gallery|ref)(?P<attributes>(?:\s[^<>]*)?/?)>"
    r"|<(?P<end>/?)(?P<tag>[a-z][a-z0-9]*)(?P<given>(?:\s[^<>]*)?/?)>"
    r"|(?P<template>\{\{)"
    r"|(?P<page>\[\[)"
    r"|\[(?P<url>(?:[a-z]{3,10}:|//)[^\s\[\]<>\"]+)[ \t]*"
    r"|(?P<quotes>''+)"
    rf"|(?P<entity>{_ENTITY})"
    r"|(?P<word>__[a-z]{3,24}__)"
    r"|(?P<cells>\|\||!!)",
    re.IGNORECASE | re.ASCII,
)
LINE = re.compile(
    r"(?P<blank>[ \t]*)(?=\n|\Z)"
    r"|[ \t]*(?P<table>\{\|)[^\n]*"
    r"|(?P<prefix>[*#:;]+)[ \t]*"
    r"|(?P<rule>-{4,})"
    r"|(?P<heading>=)"
    r"|(?P<space> )"
)
TABLE_LINE = re.compile(
    r"[ \t]*(?:(?P<end>\|\})|(?P<row>\|-)[^\n]*|(?P<caption>\|\+)|(?P<cell>[|!]))(?P<given>[^|\[\]{}\n<>]*\|(?!\|))?"
)
GIVEN = re.compile(r"([^|\[\]{}\n<>]*)\|(?!\|)")
PAGE = re.compile(r"([^\[\]{}|\n<>]+)(\||\]\])")
FILE_OPTION = re.compile(
    r"(?:thumb|thumbnail|frame|frameless|border|left|right|center|none|upright[^|\]]*|\d*x?\d+px|"
    r"(?:alt|link|class|lang|page)=[^|\]]*)\s*(?:\||(?=\]\]))"
)
LANGUAGE = re.compile(r"\b(?:lang=[\"']?|language-)([A-Za-z0-9+#._-]+)")
MENTION = re.compile(r"user:\s*([^/#]+)|:category:\s*(.+)", re.IGNORECASE)
_ENTITIES = re.compile(_ENTITY, re.IGNORECASE | re.ASCII)
NOWIKI = re.compile(r"</?nowiki\s*/?>", re.IGNORECASE)

MARKS = {"b": STRONG, "strong": STRONG, "i": EMPH, "em": EMPH, "s": STRIKE, "del": STRIKE, "strike": STRIKE}
DIVIDING = {"p", "div", "center", "section", "dl", "dt", "dd", "caption", "thead", "tbody", "tfoot"}
IGNORED = {
    "u": "underline dropped",
    "ins": "underline dropped",
    "sup": "superscript shown as text",
    "sub": "subscript shown as text",
    "font": "colour dropped",
    "references": "footnote list dropped",
} | dict.fromkeys(
    ("span", "small", "big", "noinclude", "includeonly", "onlyinclude", "abbr", "cite", "q", "bdi", "var", "wbr"), ""
)
WORDS = {
    "TOC", "NOTOC", "FORCETOC", "NOEDITSECTION", "NEWSECTIONLINK", "NONEWSECTIONLINK", "NOGALLERY", "HIDDENCAT",
    "INDEX", "NOINDEX", "STATICREDIRECT", "NOTITLECONVERT", "NOCONTENTCONVERT", "DISAMBIG",
}  # fmt: skip


def decoded(text: str) -> str:
    """Text with its entities as characters; unlike HTML, wikitext has none without a semicolon."""
    return _ENTITIES.sub(lambda match: unescape(match.group()), text)


def pairs(text: str, opening: str, closing: str, most: int) -> dict[int, int]:
    """Where each doubled (or, if `most` is 3, tripled) bracket that is closed begins and ends."""
    found: dict[int, int] = {}
    stack: list[tuple[int, int]] = []
    for match in re.finditer(rf"{re.escape(opening)}{{2,}}|{re.escape(closing)}{{2,}}", text):
        at, left = match.start(), len(match.group())
        if text[at] == opening:
            stack.append((at, left))
            continue
        while left >= 2 and stack:
            start, count = stack.pop()
            used = min(left, count) if min(left, count) <= most else 2
            left, at, count = left - used, at + used, count - used
            found[start + count] = at
            if count >= 2:
                stack.append((start, count))
    return found
