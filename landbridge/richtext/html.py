"""Plain HTML, as CRMs and forms keep it: no mentions of its own, so people and spaces are shown by name."""

from __future__ import annotations

from html import escape

from landbridge.richtext.read_html import Reading, read_html
from landbridge.richtext.tree import Losses, Names, Node, Run, show_mention
from landbridge.richtext.write_html import Writing, write_html


def _no_mention(href: str, names: Names) -> None:
    return None


def _named(run: Run, names: Names, losses: Losses) -> str:
    losses.add("mention shown as name")
    return escape(show_mention(run, names))


_READING = Reading(mention=_no_mention)
_WRITING = Writing(
    links=frozenset({"http", "https", "mailto", "tel"}), images=frozenset({"http", "https"}), mention=_named
)


def read_plain_html(text: str, names: Names, losses: Losses) -> Node:
    return read_html(text, names, losses, _READING)


def write_plain_html(document: Node, names: Names, losses: Losses) -> str:
    return write_html(document, names, losses, _WRITING)
