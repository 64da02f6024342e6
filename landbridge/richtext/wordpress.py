"""WordPress: what editors store (with block comments or with bare line ends) and what the site may show."""

from __future__ import annotations

import re
from html import escape

from landbridge.richtext.read_html import Reading, read_html
from landbridge.richtext.tree import Losses, Names, Node, Run, show_mention
from landbridge.richtext.write_html import Writing, write_html

_HAS_PARAGRAPHS = re.compile(r"<!--\s*wp:|<p[\s>]", re.IGNORECASE)
_DYNAMIC_BLOCK = re.compile(r"\s*wp:(\S+).*/\s*", re.DOTALL)
_SHORTCODE = re.compile(r"\[/?[A-Za-z][\w-]*(?:\s[^\[\]<>]*)?/?\]")
# WordPress itself turns these two into the pretty address of the page.
_MENTION = re.compile(r"(?:https?://[^/?#]+)?/?\?(author|cat)=([0-9]+)", re.ASCII)
_KINDS = {"author": "person", "cat": "space"}
_PARAMETERS = {kind: parameter for parameter, kind in _KINDS.items()}


def read_mention(href: str, names: Names) -> tuple[str, str] | None:
    """A link to an author's or a category's page is a mention, if the directory knows it."""
    match = _MENTION.fullmatch(href)
    if not match:
        return None
    kind = _KINDS[match.group(1)]
    found = names.to_id(kind, match.group(2))
    return (kind, found) if found else None


def write_mention(run: Run, names: Names, losses: Losses) -> str:
    """A mention as a link to the author's page, a space as one to the category's: plain enough for comments."""
    found = names.to_native(run.text, run.data)
    label = escape(show_mention(run, names))
    if found and found[0].isascii() and found[0].isdigit():
        return f'<a href="/?{_PARAMETERS[run.text]}={found[0]}">{label}</a>'
    losses.add("mention shown as name")
    return label


def _notice(comment: str) -> str:
    if _DYNAMIC_BLOCK.fullmatch(comment):
        return "dynamic block dropped"
    return "read-more mark dropped" if comment.strip() == "more" else ""


_BLOCKS = Reading(mention=read_mention, notice=_notice)
_CLASSIC = Reading(mention=read_mention, notice=_notice, newlines_break=True)
_WRITING = Writing(
    links=frozenset({"", "http", "https", "ftp", "mailto", "tel", "xmpp"}),
    images=frozenset({"", "http", "https"}),
    mention=write_mention,
)


def read_wordpress(text: str, names: Names, losses: Losses) -> Node:
    """The document in a post, page or comment: the raw text with context=edit, or the rendered one."""
    for _ in _SHORTCODE.finditer(text):
        losses.add("shortcode shown as text")
    return read_html(text, names, losses, _BLOCKS if _HAS_PARAGRAPHS.search(text) else _CLASSIC)


def write_wordpress(document: Node, names: Names, losses: Losses) -> str:
    """HTML for a post or comment; brackets are spelt as entities, or a chat message could call a shortcode."""
    html = write_html(document, names, losses, _WRITING)
    # WordPress's own sanitiser takes &amp;#42; for &#42;, so the sign after the ampersand is spelt as well.
    return html.replace("&amp;#", "&amp;&#35;").replace("[", "&#91;").replace("]", "&#93;")
