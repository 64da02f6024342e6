"""richtext(markup): bodies, with the people and spaces mentioned in them.

A mention in a claim names the record, not the entity: `@{person:~<quoted key>}`. The engine resolves these tokens
through links, and hands back bodies whose tokens are those of the target.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from landbridge.mapping.pairs import MisuseError, Pair, expect_text
from landbridge.mapping.runtime import MISSING, Notes
from landbridge.mapping.syntax import ExpressionError, parse
from landbridge.mapping.tree import Path

MARK = "~"


class RecordNames:
    """Names for richtext by the keys of the streams that hold people and spaces; a kind without a stream is unknown."""

    def __init__(self, streams: dict[str, str], notes: Notes) -> None:
        self.streams, self.notes = streams, notes

    def to_id(self, kind: str, key: str) -> str | None:
        return MARK + quote(key, safe="") if kind in self.streams else None

    def to_native(self, kind: str, id: str) -> tuple[str, str] | None:
        if kind not in self.streams or not id.startswith(MARK):
            return None
        key = unquote(id[len(MARK) :])
        return key, self.notes.labels(kind, key) or key


def richtext(markup: str, limit: int | None = None, people: str = "", spaces: str = "", plain: str = "") -> Pair:
    """`people` and `spaces` name the streams whose keys mentions hold; `plain` a path for the text without marks."""
    from landbridge.richtext import from_markup, to_markup

    streams = {kind: stream for kind, stream in (("person", people), ("space", spaces)) if stream}

    def read(value: Any, notes: Notes, form: str = markup) -> str:
        body = from_markup(expect_text(value), form, RecordNames(streams, notes))
        notes.lossy.extend(body.lossy)
        return body.text

    def read_either(value: Any, beside: Any, notes: Notes) -> Any:
        if value:
            return read(value, notes)
        return read(beside, notes, "plain") if beside else beside if value is MISSING else value

    def write(value: Any, notes: Notes) -> tuple[str, str]:
        rendered = to_markup(expect_text(value), markup, RecordNames(streams, notes), limit)
        notes.lossy.extend(rendered.lossy)
        return rendered.text, rendered.plain

    if plain:
        return Pair(read_either, write, into_notes=True, out_notes=True, beside=_path(plain))
    return Pair(read, lambda value, notes: write(value, notes)[0], into_notes=True, out_notes=True)


def _path(text: str) -> Path:
    try:
        node = parse(text)
    except ExpressionError as error:
        raise MisuseError(f"plain: {error}") from None
    if not isinstance(node, Path):
        raise MisuseError("plain must be a path")
    return node
