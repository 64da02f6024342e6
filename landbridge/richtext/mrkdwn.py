"""Slack's mrkdwn, which apps and old messages are written in: only read, since it cannot spell every text."""

from __future__ import annotations

import re
from html import unescape

from landbridge.richtext.build import Builder
from landbridge.richtext.emoji import NAME, emoji_of
from landbridge.richtext.tree import EMPH, STRIKE, STRONG, Names, Node

_FENCE = re.compile(r"```(.*?)```", re.DOTALL)
_QUOTED = re.compile(r"(?:&gt;|>) ?")
_QUOTED_REST = re.compile(r"(?:&gt;|>){3} ?")
_BULLET = re.compile(r"[\u2022\u25e6] +")
# No span holds its own sign, so that a line full of unpaired signs costs no more than any other.
_SIGNS = {"*": STRONG, "_": EMPH, "~": STRIKE}
_SPAN = r"(?<![\w{0}]){0}(?![\s{0}])([^\n{0}]*[^\s{0}]){0}(?![\w{0}])"
_INLINE = re.compile(
    r"`([^`\n]+)`|<([^<>\n]+)>|" + NAME + "|" + "|".join(_SPAN.format(re.escape(sign)) for sign in _SIGNS)
)
_MARKS = dict(enumerate(_SIGNS.values(), 4))  # by the number of the group in the pattern
_PLACED = re.compile(r"([@#!])([A-Za-z0-9^]+)(?:\^[^|]*)?(?:\|(.*))?")


def read_mrkdwn(builder: Builder, text: str, names: Names) -> None:
    """Adds what the text says; the builder may be inside a block or not."""
    reader = _Reader(builder, names)
    at = 0
    for fence in _FENCE.finditer(text):
        if not fence.group(1).strip():
            continue  # six backticks and nothing to show between them
        reader.lines(text[at : fence.start()])
        builder.block(Node("code", text=unescape(fence.group(1))))
        at = fence.end()
    reader.lines(text[at:])


def mention(builder: Builder, names: Names, kind: str, key: str, label: str = "") -> None:
    """A person or channel, as text where nobody knows the key."""
    found = names.to_id(kind, key) if key else None
    if found:
        builder.leaf("mention", kind, found)
    else:
        builder.text(("@" if kind == "person" else "#") + (label or key))


class _Reader:
    def __init__(self, builder: Builder, names: Names) -> None:
        self._builder, self._names = builder, names

    def lines(self, text: str) -> None:
        lines, at = text.strip("\n").split("\n"), 0
        while at < len(lines):
            if rest := _QUOTED_REST.match(lines[at]):
                lines[at] = lines[at][rest.end() :]
                self._quote(lines[at:])
                return
            step = self._run_of(_QUOTED, lines, at)
            if step:
                self._quote([_QUOTED.sub("", line, count=1) for line in lines[at : at + step]])
            elif step := self._run_of(_BULLET, lines, at):
                self._bullets([_BULLET.sub("", line, count=1) for line in lines[at : at + step]])
            else:
                self._inline(lines[at])
                step = 1
                if at + 1 < len(lines):
                    self._builder.line_break()
            at += step

    def _run_of(self, sign: re.Pattern[str], lines: list[str], at: int) -> int:
        end = at
        while end < len(lines) and sign.match(lines[end]):
            end += 1
        return end - at

    def _quote(self, lines: list[str]) -> None:
        self._builder.open(Node("quote"))
        for at, line in enumerate(lines):
            if at:
                self._builder.line_break()
            self._inline(line)
        self._builder.close()

    def _bullets(self, lines: list[str]) -> None:
        self._builder.open(Node("list"))
        for line in lines:
            self._builder.open(Node("item"))
            self._inline(line)
            self._builder.close()
        self._builder.close()

    def _inline(self, text: str) -> None:
        at = 0
        for match in _INLINE.finditer(text):
            self._builder.text(unescape(text[at : match.start()]))
            at = match.end()
            self._span(match)
        self._builder.text(unescape(text[at:]))

    def _span(self, match: re.Match[str]) -> None:
        code, token, name = match.group(1, 2, 3)
        if code:
            self._builder.leaf("code", unescape(code))
        elif token:
            self._token(unescape(token))
        elif name:
            self._builder.text(emoji_of(name) or match.group())
        else:
            group = int(match.lastindex or 0)
            self._builder.mark(_MARKS[group])
            self._inline(match.group(group))
            self._builder.unmark(_MARKS[group])

    def _token(self, token: str) -> None:
        placed = _PLACED.fullmatch(token)
        if not placed:
            url, _, label = token.partition("|")
            self._builder.link(url)
            self._builder.text(label or url.removeprefix("mailto:"))
            self._builder.unlink()
            return
        sign, key, label = placed.groups()
        if sign == "!":
            self._builder.losses.add("call to all shown as text" if "^" not in key else "group or date shown as text")
            self._builder.text(label or f"@{key}")
        else:
            mention(self._builder, self._names, "person" if sign == "@" else "space", key, label or "")
