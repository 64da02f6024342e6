"""Markdown as chats and forums have it (Mattermost, Discourse): people as @name, emoji by name, and line ends that count."""

from __future__ import annotations

import re
from dataclasses import replace

from markdown_it.rules_inline import StateInline

from landbridge.richtext.emoji import NAME, emoji_of
from landbridge.richtext.read_commonmark import inline_parser, read_commonmark
from landbridge.richtext.tree import Losses, Names, Node, Run, show_mention
from landbridge.richtext.write_commonmark import write_commonmark

# Whom these mean is nobody in particular.
_EVERYBODY = frozenset({"all", "channel", "everyone", "here"})
_PERSON = re.compile(r"@([A-Za-z0-9_](?:[\w.\-]{0,98}\w)?)", re.ASCII)
_EMOJI = re.compile(NAME)
# Where a text would be taken for a mention or an emoji.
_SPELT = re.compile(rf"@(?=[A-Za-z0-9_])|:(?={NAME[1:]})")


def read_markdown(text: str, names: Names, losses: Losses) -> Node:
    """The document; HTML and what one tool alone has stays the text that it is."""
    return read_commonmark(text, losses, {"inline": _PARSER, "breaks": True, "names": names})


def write_markdown(document: Node, names: Names, losses: Losses) -> str:
    """Mentions of people by their name; spaces, which these tools do not mention alike, are shown as text."""
    return write_commonmark(_spelt(document, names, losses))


def _mention(state: StateInline, silent: bool) -> bool:
    """A name that nobody has is text; so is what stands inside a word, as in an address."""
    if state.src[state.pos] != "@" or (state.pos and state.src[state.pos - 1].isalnum()):
        return False
    key, found = _known(state.src, state.pos, state.env["names"])
    if not found:
        return False
    if not silent:
        token = state.push("mention", "", 0)
        token.content = f"@{key}"
        token.meta = {"kind": "person", "id": found}
    state.pos += 1 + len(key)
    return True


def _known(text: str, at: int, names: Names) -> tuple[str, str | None]:
    """The longest name there that somebody has: a _ behind it may be emphasis."""
    match = _PERSON.match(text, at)
    key = match[1] if match and match[1] not in _EVERYBODY else ""
    while key:
        if found := names.to_id("person", key):
            return key, found
        if key[-1] not in "_.-":
            break
        key = key[:-1]
    return "", None


def _emoji(state: StateInline, silent: bool) -> bool:
    match = _EMOJI.match(state.src, state.pos) if state.src[state.pos] == ":" else None
    emoji = emoji_of(match[1]) if match else None
    if match is None or emoji is None:
        return False
    if not silent:
        token = state.push("emoji", "", 0)
        token.content, token.meta = match.group(), {"emoji": emoji}
    state.pos = match.end()
    return True


_PARSER = inline_parser(mentions=False)
_PARSER.inline.ruler.before("link", "person", _mention)
_PARSER.inline.ruler.before("link", "emoji", _emoji)


def _spelt(node: Node, names: Names, losses: Losses) -> Node:
    runs = [spelt for at in range(len(node.runs)) for spelt in _run(node.runs, at, names, losses)]
    return replace(node, runs=runs, children=[_spelt(child, names, losses) for child in node.children])


def _run(runs: list[Run], at: int, names: Names, losses: Losses) -> list[Run]:
    run = runs[at]
    if run.kind == "mention":
        found = names.to_native(run.text, run.data)
        if found and run.text == "person" and _stands_free(runs, at, found[0], names):
            return [run._replace(kind="verbatim", text=f"@{found[0]}", data="")]
        losses.add("mention shown as name")
        run = run._replace(kind="text", text=show_mention(run, names), data="")
    return _escaped(run) if run.kind == "text" else [run]


def _stands_free(runs: list[Run], at: int, key: str, names: Names) -> bool:
    """Would it be read as this name, between what stands beside it? Emphasis that begins or ends there might not be."""
    before, after = (runs[one] if 0 <= one < len(runs) else Run("break") for one in (at - 1, at + 1))
    if (before.marks | after.marks) & ~runs[at].marks or after.kind == "mention":
        return False
    if before.kind in ("text", "mention") and before.text[-1:].isalnum():
        return False
    following = after.text[:100] if after.kind == "text" else ""
    return _known(f"@{key}{following}", 0, names)[0] == key


def _escaped(run: Run) -> list[Run]:
    """The text in pieces, with a backslash before what would mean more than itself."""
    made: list[Run] = []
    at = 0
    for match in _SPELT.finditer(run.text):
        made += [run._replace(text=run.text[at : match.start()])] if match.start() > at else []
        made.append(run._replace(kind="verbatim", text=f"\\{match[0]}"))
        at = match.end()
    rest = run.text[at:]
    return [*made, run._replace(text=rest)] if rest or not made else made
