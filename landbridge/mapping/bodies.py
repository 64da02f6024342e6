"""richtext(markup): bodies, with the people and spaces mentioned in them.

A mention in a claim names the record, not the entity: `@{person:~<quoted key>}`. The engine resolves these tokens
through links, and hands back bodies whose tokens are those of the target.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from landbridge import richtext as texts
from landbridge.errors import did_you_mean
from landbridge.mapping.pairs import MisuseError, Pair, expect_text
from landbridge.mapping.runtime import MISSING, Notes, UnfitError
from landbridge.mapping.syntax import ExpressionError, parse
from landbridge.mapping.tree import Path

MARK = "~"
# The content of a Matrix event: several keys say one body.
MATRIX = "matrix-content"
MATRIX_KEYS = ("body", "format", "formatted_body", "m.mentions")


class RecordNames:
    """By the keys of the streams that hold people and spaces; a kind without a stream is unknown."""

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
    if markup not in (*texts.NAMES, MATRIX):
        raise MisuseError(f"unknown markup {markup!r}", did_you_mean(markup, (*texts.NAMES, MATRIX), "Markups"))
    streams = {kind: stream for kind, stream in (("person", people), ("space", spaces)) if stream}
    if markup == MATRIX:
        return _matrix_content(streams, limit)
    if plain:
        return _with_plain(markup, streams, limit, _path(plain))

    def into(value: Any, notes: Notes) -> str:
        return _noted(texts.from_markup(expect_text(value), markup, RecordNames(streams, notes)), notes)

    def out(value: Any, notes: Notes) -> str:
        return _write(value, markup, streams, limit, notes)[0]

    return Pair(into, out, into_notes=True, out_notes=True)


def _with_plain(markup: str, streams: dict[str, str], limit: int | None, beside: Path) -> Pair:
    def into(value: Any, other: Any, notes: Notes) -> Any:
        if not value and not other:
            return other if value is MISSING else value
        found, form = (value, markup) if value else (other, texts.PLAIN.get(markup, "plain"))
        return _noted(texts.from_markup(expect_text(found), form, RecordNames(streams, notes)), notes)

    def out(value: Any, notes: Notes) -> tuple[str, str]:
        return _write(value, markup, streams, limit, notes)

    return Pair(into, out, into_notes=True, out_notes=True, beside=beside)


def _matrix_content(streams: dict[str, str], limit: int | None) -> Pair:
    def into(value: Any, notes: Notes) -> Any:
        if not isinstance(value, dict):
            raise UnfitError("the content of an event", value)
        # A redacted event has none.
        return _noted(texts.from_matrix(value, RecordNames(streams, notes)), notes) if "body" in value else MISSING

    def out(value: Any, notes: Notes) -> dict[str, Any]:
        content, lossy = texts.to_matrix(expect_text(value), RecordNames(streams, notes), limit)
        notes.lossy.extend(lossy)
        return content

    return Pair(into, out, into_notes=True, out_notes=True, keys=MATRIX_KEYS)


def _noted(body: texts.Body, notes: Notes) -> str:
    notes.lossy.extend(body.lossy)
    return body.text


def _write(value: Any, markup: str, streams: dict[str, str], limit: int | None, notes: Notes) -> tuple[str, str]:
    rendered = texts.to_markup(expect_text(value), markup, RecordNames(streams, notes), limit)
    notes.lossy.extend(rendered.lossy)
    return rendered.text, rendered.plain


def _path(text: str) -> Path:
    try:
        node = parse(text)
    except ExpressionError as error:
        raise MisuseError(f"plain: {error}") from None
    if not isinstance(node, Path):
        raise MisuseError("plain must be a path")
    return node
