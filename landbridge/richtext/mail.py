"""Mail: HTML as mail programs write it, and plain text in which `>` marks what is quoted."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from urllib.parse import quote

from landbridge.richtext.build import Builder
from landbridge.richtext.plain import write_plain
from landbridge.richtext.read_html import Reading, read_html
from landbridge.richtext.tree import Losses, Names, Node, Run, clean, show_mention
from landbridge.richtext.trim import SIGNATURE, trim
from landbridge.richtext.write_html import Writing, write_html

_MAX_QUOTES = 20
_HIDDEN = re.compile(r"(?:display\s*:\s*none|mso-hide\s*:\s*all)", re.IGNORECASE)
_SIGNATURES = frozenset({"gmail_signature", "gmail_signature_prefix", "moz-signature", "ms-outlook-mobile-signature"})
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")


def _skipped(tag: str, attributes: dict[str, str]) -> str | None:
    """Signatures, what a mail hides, and pictures: a remote one would tell its sender who reads, and where."""
    if tag == "img":
        return "picture dropped"
    if not _SIGNATURES.isdisjoint((attributes.get("class") or "").split()):
        return SIGNATURE
    return "hidden text dropped" if _HIDDEN.search(attributes.get("style") or "") else None


def write_mention(run: Run, names: Names, losses: Losses) -> str:
    """A person as a link to write to, where the address is known; mail itself knows no mentions."""
    found = names.to_native(run.text, run.data)
    label = escape(show_mention(run, names))
    losses.add("mention shown as name")
    if found and run.text == "person" and _ADDRESS.fullmatch(found[0]):
        return f'<a href="mailto:{quote(found[0], safe="@+")}">{label}</a>'
    return label


_READING = Reading(mention=lambda href, names: None, skip=_skipped)
_WRITING = Writing(
    links=frozenset({"http", "https", "ftp", "mailto", "tel", "xmpp"}), images=frozenset(), mention=write_mention
)


def read_mail_html(text: str, names: Names, losses: Losses) -> Node:
    """The document in the HTML part of a mail, without what it repeats and appends."""
    return trim(read_html(text, names, losses, _READING), losses)


def write_mail_html(document: Node, names: Names, losses: Losses) -> str:
    """HTML that mail programs show, without pictures."""
    _count_what_looks_trimmable(document, losses)
    return write_html(document, names, losses, _WRITING)


def write_mail_text(document: Node, names: Names, losses: Losses) -> str:
    """Plain text, to be flowed by whoever sends it."""
    _count_what_looks_trimmable(document, losses)
    return write_plain(_stuffed(document), names, losses)


def _stuffed(node: Node) -> Node:
    """With a space before a `>` that begins a line and quotes nothing, as RFC 3676 has it."""
    runs = [
        run._replace(text=f" {run.text}")
        if run.text.startswith(">") and (at == 0 or node.runs[at - 1].kind == "break")
        else run
        for at, run in enumerate(node.runs)
    ]
    text = "\n".join(f" {line}" if line.startswith(">") else line for line in node.text.split("\n"))
    return replace(node, children=[_stuffed(child) for child in node.children], runs=runs, text=text)


def _count_what_looks_trimmable(document: Node, losses: Losses) -> None:
    if trim(document, Losses()) is not document:
        losses.add("part that looks like a quoted mail or a signature, which mail programs may hide")


def read_mail_text(text: str, names: Names, losses: Losses) -> Node:
    """The document in a plain mail (format=flowed already joined): blank lines divide paragraphs, `>` quotes."""
    builder = Builder(losses, len(text))
    _read_lines(builder, clean(text).split("\n"), 0)
    return trim(builder.root(), losses)


def _read_lines(builder: Builder, lines: list[str], depth: int) -> None:
    """Paragraphs, and quotations with one `>` less."""
    quoted: list[str] = []
    begun = False
    for line in [*lines, ""]:
        if line.startswith(">") and depth < _MAX_QUOTES:
            quoted.append(line[2:] if line.startswith("> ") else line[1:])
            continue
        if quoted:
            builder.open(Node("quote"))
            _read_lines(builder, quoted, depth + 1)
            builder.close()
            quoted, begun = [], False
        if not line.strip():
            builder.flush()
            begun = False
            continue
        if begun:
            builder.line_break()
        builder.text(line)
        begun = True
    builder.flush()
