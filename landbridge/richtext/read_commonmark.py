"""Canonical body → document, by markdown-it-py without raw HTML."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.parser_block import ParserBlock
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from landbridge.richtext.build import Builder
from landbridge.richtext.tree import EMPH, ID_PATTERN, SIGILS, STRIKE, STRONG, Losses, Node, clean

_MENTION = re.compile(r"[@#]\{(" + "|".join(SIGILS) + rf"):({ID_PATTERN})\}}")
_NEEDS_PARSING = re.compile(r"[\\`*_\[!<&~]|[@#]\{| \n")
_DEPTH = 100


class _Markdown(MarkdownIt):
    """Leaves addresses as they are: spelling and verdict are ours, in `urls`, whichever markup they came from."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802 (theirs)
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 (theirs)
        return link

    def validateLink(self, url: str) -> bool:  # noqa: N802 (theirs)
        return True


class _Blocks(ParserBlock):
    """markdown-it leaves out what lies below its deepest nesting; this keeps it as text."""

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:  # noqa: N803 (theirs)
        if state.level < _DEPTH - 2:
            super().tokenize(state, startLine, endLine)
            return
        line = startLine
        while line < endLine and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
            line += 1
        token = state.push("inline", "", 0)
        token.content = state.getLines(startLine, line, state.blkIndent, False).strip()
        state.env["deep"] = True
        state.line = line


def _mention(state: StateInline, silent: bool) -> bool:
    match = _MENTION.match(state.src, state.pos) if state.src[state.pos] in "@#" else None
    if not match or SIGILS[match.group(1)] != state.src[state.pos]:
        return False
    if not silent:
        token = state.push("mention", "", 0)
        token.content = match.group()  # what it is in the name of a picture
        token.meta = {"kind": match.group(1), "id": match.group(2)}
    state.pos = match.end()
    return True


def _make_parser(nesting: int) -> MarkdownIt:
    parser = _Markdown()
    parser.block = _Blocks()
    parser.configure("commonmark", {"html": False, "maxNesting": nesting})
    parser.enable(["table", "strikethrough"])
    parser.inline.ruler.before("link", "mention", _mention)
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


# Each bracket costs as many attempts as brackets may nest, and links in links mean nothing: hence two.
_BLOCK_PARSER, _INLINE_PARSER = _make_parser(_DEPTH), _make_parser(10)
_MARKS = {"strong": STRONG, "em": EMPH, "s": STRIKE}
_ALIGNED = {"text-align:left": "left", "text-align:center": "center", "text-align:right": "right"}


def inline_parser(*, mentions: bool = True) -> MarkdownIt:
    """One for markups that are Markdown too, and write mentions otherwise."""
    parser = _make_parser(10)
    if not mentions:
        parser.inline.ruler.disable("mention")
    return parser


def read_commonmark(body: str, losses: Losses, env: dict[str, Any] | None = None) -> Node:
    """The document that a canonical body describes.

    `env` is what inline rules see; `inline` in it is the parser to use instead, `breaks` makes line ends hard ones.
    """
    env = {} if env is None else env
    tokens = _BLOCK_PARSER.parse(clean(body), env)
    if env.get("deep"):
        losses.add("deep nesting shown flat")
    builder = Builder(losses, len(body))
    tokens.reverse()
    while tokens:  # let go of each: a million tokens kept would cost the collector more than the parser
        token = tokens.pop()
        if token.type == "inline":
            _runs(builder, token.content, env)
        else:
            _BLOCKS.get(token.type, _skip)(builder, token)
    return builder.root()


def _skip(builder: Builder, token: Token) -> None:
    return None


def _flush(builder: Builder, token: Token) -> None:
    builder.flush()


def _close(builder: Builder, token: Token) -> None:
    builder.close()


def _open(kind: str) -> Callable[[Builder, Token], None]:
    def opened(builder: Builder, token: Token) -> None:
        node = Node(kind)
        if kind == "heading":
            node.number = int(token.tag[1])
        elif token.type == "ordered_list_open":
            # markdown-it leaves the number out where it is 1; a list that starts at 0 starts at 1 here.
            node.number = int(token.attrGet("start") or 1) or 1
        elif kind == "cell":
            aligned = _ALIGNED.get(str(token.attrGet("style") or ""))
            node.align = (aligned,) if aligned else ()
        builder.open(node)

    return opened


def _code(builder: Builder, token: Token) -> None:
    words = token.info.split()
    builder.block(Node("code", text=token.content, lang=words[0] if words else ""))


def _rule(builder: Builder, token: Token) -> None:
    builder.block(Node("rule"))


def _runs(builder: Builder, content: str, env: dict[str, Any]) -> None:
    """Inline markup, parsed one block at a time; plain prose, which most text is, needs no parser at all."""
    parser: MarkdownIt = env.get("inline", _INLINE_PARSER)
    if parser is _INLINE_PARSER and not _NEEDS_PARSING.search(content):
        builder.text(content)
        return
    children: list[Token] = []
    parser.inline.parse(content, parser, env, children)
    for child in children:
        mark = _MARKS.get(child.tag)
        if mark:
            (builder.mark if child.nesting == 1 else builder.unmark)(mark)
        elif child.type == "softbreak" and env.get("breaks"):
            builder.line_break()
        else:
            _INLINE.get(child.type, _text)(builder, child)


def _text(builder: Builder, token: Token) -> None:
    builder.text(token.content)


def _link(builder: Builder, token: Token) -> None:
    href = str(token.attrGet("href") or "")
    if token.attrGet("title"):
        builder.losses.add("link title dropped")
    builder.link(href)


def _image(builder: Builder, token: Token) -> None:
    alt = "".join(child.content or " " * (child.type in ("softbreak", "hardbreak")) for child in token.children or ())
    if token.attrGet("title"):
        builder.losses.add("link title dropped")
    builder.leaf("image", alt, str(token.attrGet("src") or ""))


_INLINE: dict[str, Callable[[Builder, Token], None]] = {
    "code_inline": lambda builder, token: builder.leaf("code", token.content),
    "softbreak": lambda builder, token: builder.text("\n"),
    "hardbreak": lambda builder, token: builder.line_break(),
    "mention": lambda builder, token: builder.leaf("mention", token.meta["kind"], token.meta["id"]),
    "link_open": _link,
    "link_close": lambda builder, token: builder.unlink(),
    "emoji": lambda builder, token: builder.text(token.meta["emoji"]),
    "image": _image,
}

_BLOCKS: dict[str, Callable[[Builder, Token], None]] = {
    "paragraph_open": _flush,
    "paragraph_close": _flush,
    "fence": _code,
    "code_block": _code,
    "hr": _rule,
    "heading_open": _open("heading"),
    "blockquote_open": _open("quote"),
    "bullet_list_open": _open("list"),
    "ordered_list_open": _open("list"),
    "list_item_open": _open("item"),
    "table_open": _open("table"),
    "tr_open": _open("row"),
    "th_open": _open("cell"),
    "td_open": _open("cell"),
} | {
    name + "_close": _close
    for name in ("heading", "blockquote", "bullet_list", "ordered_list", "list_item", "table", "tr", "th", "td")
}
