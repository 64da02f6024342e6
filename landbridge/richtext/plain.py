"""Plain text, for mail, notes and the fallback that rich messages carry along."""

from __future__ import annotations

import re

from landbridge.richtext.build import Builder, row_as_runs
from landbridge.richtext.tree import Losses, Names, Node, Run, clean, show_mention

_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")


def read_plain(text: str, names: Names, losses: Losses) -> Node:
    """Every character means itself; blank lines divide paragraphs, other line ends are kept."""
    builder = Builder(losses, len(text))
    for paragraph in _BLANK_LINES.split(clean(text)):
        for at, line in enumerate(paragraph.split("\n")):
            if at:
                builder.line_break()
            builder.text(line)
        builder.flush()
    return builder.root()


def write_plain(document: Node, names: Names, losses: Losses) -> str:
    """The document as a person would type it; nothing here is meant to be read back by a program."""
    return "\n".join(_blocks(document.children, names, losses))


def _blocks(nodes: list[Node], names: Names, losses: Losses) -> list[str]:
    lines: list[str] = []
    for node in nodes:
        if lines:
            lines.append("")
        lines += _block(node, names, losses)
    return lines


def _block(node: Node, names: Names, losses: Losses) -> list[str]:
    if node.kind in ("quote", "code", "heading", "rule", "list", "table"):
        losses.add(f"{node.kind} shown as text")
    if node.kind == "quote":
        return [f"> {line}" if line else ">" for line in _blocks(node.children, names, losses)]
    if node.kind == "list":
        return _list(node, names, losses)
    if node.kind == "table":
        return [_inline(row_as_runs(row), names, losses) for row in node.children]
    if node.kind == "code":
        return node.text.split("\n")
    if node.kind == "rule":
        return ["-----"]
    return _inline(node.runs, names, losses).split("\n")


def _list(node: Node, names: Names, losses: Losses) -> list[str]:
    lines: list[str] = []
    for at, item in enumerate(node.children):
        marker = f"{node.number + at}. " if node.number else "- "
        inside: list[str] = []
        for before, child in zip([None, *item.children], item.children, strict=False):
            if before and child.kind != "list":
                inside.append("")
            inside += _block(child, names, losses)
        lines.append(marker + inside[0])
        lines += [" " * len(marker) + line if line else "" for line in inside[1:]]
    return lines


def _inline(runs: list[Run], names: Names, losses: Losses) -> str:
    parts: list[str] = []
    for at, run in enumerate(runs):
        parts.append(_leaf(run, names, losses))
        if run.marks and (at == 0 or runs[at - 1].marks != run.marks):
            losses.add("emphasis dropped")
        if run.href and (at + 1 == len(runs) or runs[at + 1].href != run.href):
            parts.append(_address(runs, at, losses))
    return "".join(parts)


def _address(runs: list[Run], last: int, losses: Losses) -> str:
    """What follows a link's label: its address, unless the label says it already."""
    href = runs[last].href
    if runs[last].text in (href, href.removeprefix("mailto:")):
        return ""
    losses.add("link shown as text")
    return f" <{href}>"


def _leaf(run: Run, names: Names, losses: Losses) -> str:
    if run.kind == "break":
        return "\n"
    if run.kind == "mention":
        losses.add("mention shown as name")
        return show_mention(run, names)
    if run.kind == "image":
        losses.add("image shown as text")
        return f"{run.text} <{run.data}>".strip()
    if run.kind == "code":
        losses.add("code shown as text")
    return run.text
