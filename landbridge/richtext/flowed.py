"""format=flowed (RFC 3676): paragraphs in plain text whose lines may be broken anywhere, and joined again."""

from __future__ import annotations

import re

WIDTH = 76
_QUOTES = re.compile(r">*")
_SIGNATURE = "-- "


def unflow(text: str, delsp: bool = False) -> str:
    """Broken lines joined to paragraphs again, quotation marks as `> `; `delsp`: the space at the break is not text."""
    found: list[str] = []
    joining: tuple[int, str] | None = None  # the depth and beginning of a paragraph under way
    for line in text.replace("\r\n", "\n").split("\n"):
        depth = len(_QUOTES.match(line)[0])  # type: ignore[index]  # it matches the empty text too
        line = line[depth:].removeprefix(" ")
        if joining and joining[0] == depth and line != _SIGNATURE:
            line, joining = joining[1] + line, None
        elif joining:
            found.append(_quoted(joining[0], joining[1].rstrip(" ")))
            joining = None
        if line.endswith(" ") and line != _SIGNATURE:
            joining = depth, line[:-1] if delsp else line
        else:
            found.append(_quoted(depth, line))
    return "\n".join([*found, *([_quoted(joining[0], joining[1].rstrip(" "))] if joining else [])])


def flow(text: str) -> str:
    """Lines of at most WIDTH characters (a longer word stays whole); `unflow` gives the text back, but for spaces at ends."""
    return "\n".join(_flowed(line.rstrip(" ")) for line in text.split("\n"))


def _quoted(depth: int, line: str) -> str:
    return f"{'>' * depth} {line}".rstrip(" ") if depth else line


def _flowed(line: str) -> str:
    depth = len(_QUOTES.match(line)[0])  # type: ignore[index]
    marks, rest = ">" * depth, line[depth:].removeprefix(" ") if depth else line
    pieces: list[str] = []
    room = WIDTH - depth - 2
    while len(rest) > room:
        at = rest.rfind(" ", 0, room)
        at = rest.find(" ", room) if at < 1 else at
        if at < 1 or not rest[at:].strip(" "):
            break
        pieces.append(rest[: at + 1])
        rest = rest[at + 1 :]
    return "\n".join(_stuffed(marks, piece) for piece in [*pieces, rest])


def _stuffed(marks: str, line: str) -> str:
    if marks:
        return f"{marks} {line}" if line else marks
    return f" {line}" if line.startswith((" ", ">", "From ")) else line
