"""The content of a Matrix message event: plain body, formatted body and who is mentioned."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from landbridge.richtext.markups import Body, from_markup, mentioned, to_markup
from landbridge.richtext.tree import NO_NAMES, Names

HTML_FORMAT = "org.matrix.custom.html"

_QUOTED_REPLY = re.compile(r"(?:>[^\n]*\n)+\n?")


def to_matrix(body: str, names: Names = NO_NAMES, limit: int | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body's part of an event's content, and what was lost; msgtype and relations are the connector's."""
    shown = to_markup(body, "matrix-html", names, limit)
    content: dict[str, Any] = {"body": shown.plain}
    if shown.text != shown.plain:
        content |= {"format": HTML_FORMAT, "formatted_body": shown.text}
    found = [names.to_native(kind, name) for kind, name in mentioned(body) if kind == "person"]
    # An empty m.mentions says that nobody is: without it, clients guess from the text.
    content["m.mentions"] = {"user_ids": keys} if (keys := [key for key, _ in filter(None, found)]) else {}
    return content, shown.lossy


def from_matrix(content: Mapping[str, Any], names: Names = NO_NAMES) -> Body:
    """The body that an event's content shows; of an edit, the new one."""
    if isinstance(content.get("m.new_content"), Mapping):
        content = content["m.new_content"]
    formatted, plain = content.get("formatted_body"), content.get("body")
    if content.get("format") == HTML_FORMAT and isinstance(formatted, str):
        return from_markup(formatted, "matrix-html", names)
    plain = plain if isinstance(plain, str) else ""
    relates = content.get("m.relates_to")
    if isinstance(relates, Mapping) and "m.in_reply_to" in relates:
        plain = _QUOTED_REPLY.sub("", plain, count=1) if plain.startswith("> <") else plain
    return from_markup(plain, "plain", names)
