"""richtext(markup): bodies, with the people and spaces mentioned in them.

A mention in a claim names the record, not the entity: `@{person:~<quoted key>}`. The engine resolves these tokens
through links, and hands back bodies whose tokens are those of the target.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from landbridge.mapping.pairs import Pair, expect_text
from landbridge.mapping.runtime import Notes

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


def richtext(markup: str, limit: int | None = None, people: str = "", spaces: str = "") -> Pair:
    """`people` and `spaces` name the streams whose keys the markup's mentions and links hold."""
    from landbridge.richtext import from_markup, to_markup

    streams = {kind: stream for kind, stream in (("person", people), ("space", spaces)) if stream}

    def into(value: Any, notes: Notes) -> str:
        body = from_markup(expect_text(value), markup, RecordNames(streams, notes))
        notes.lossy.extend(body.lossy)
        return body.text

    def out(value: Any, notes: Notes) -> str:
        rendered = to_markup(expect_text(value), markup, RecordNames(streams, notes), limit)
        notes.lossy.extend(rendered.lossy)
        return rendered.text

    return Pair(into, out, into_notes=True, out_notes=True)
