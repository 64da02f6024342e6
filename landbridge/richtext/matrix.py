"""Matrix: org.matrix.custom.html, its pills, and the pair of plain and formatted body that an event carries."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import quote, unquote

from landbridge.richtext.read_html import Reading, read_html
from landbridge.richtext.tree import Losses, Names, Node, Run, clean, show_mention
from landbridge.richtext.write_html import Writing, write_html

_PILL = re.compile(r"https?://matrix\.to/#/([^/?]+)(?:\?.*)?", re.ASCII)
_URI = re.compile(r"matrix:(u|r|roomid)/([^/?]+)(?:\?.*)?", re.ASCII)
_URI_SIGILS = {"u": "@", "r": "#", "roomid": "!"}
_KINDS = {"@": "person", "#": "space", "!": "space"}


def read_pill(href: str, names: Names) -> tuple[str, str] | None:
    """The person or space that an address points to; a permalink to an event is no mention."""
    key = ""
    if match := _PILL.fullmatch(href):
        key = unquote(match.group(1))
    elif match := _URI.fullmatch(href):
        key = _URI_SIGILS[match.group(1)] + unquote(match.group(2))
    kind = _KINDS.get(key[:1])
    found = names.to_id(kind, key) if kind else None
    return (kind, found) if kind and found else None


def write_pill(run: Run, names: Names, losses: Losses) -> str:
    """A mention as a pill; as its name where the person has no account here."""
    found = names.to_native(run.text, run.data)
    if found and _KINDS.get(found[0][:1]) == run.text:
        address = "https://matrix.to/#/" + quote(found[0], safe="@!:$")
        return f'<a href="{address}">{escape(clean(found[1] or found[0]))}</a>'
    losses.add("mention shown as name")
    return escape(show_mention(run, names))


_READING = Reading(mention=read_pill)
_WRITING = Writing(
    links=frozenset({"http", "https", "ftp", "mailto"}),
    images=frozenset({"mxc"}),
    mention=write_pill,
    alignment=False,
    bare_paragraph=True,
)


def read_matrix(text: str, names: Names, losses: Losses) -> Node:
    """The document in a formatted body."""
    return read_html(text, names, losses, _READING)


def write_matrix(document: Node, names: Names, losses: Losses) -> str:
    """The formatted body."""
    return write_html(document, names, losses, _WRITING)
