"""Posts as topics and messages, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from landbridge.connector.items import Native
from landbridge.errors import RecordError

# HTML comments are kept in the source of a post, and shown to nobody.
MARKER = re.compile(r"\s*<!-- landbridge:([\w.:-]+) -->\s*\Z")
NOBODY = {"scope": "nobody"}


def topic(raw: Native, restricted: frozenset[int], base: str) -> tuple[Native, str | None]:
    """The first post with its topic's title."""
    native, marker = post(raw, restricted, base)
    own = {name: native[name] for name in ("raw", "username", "created_at", "edited_at", "audience")}
    about = {
        "id": raw["topic_id"],
        "post_id": raw["id"],
        "title": raw["topic_title"],
        "category_id": raw["category_id"],
    }
    return about | own | {"url": f"{base}/t/{raw['topic_slug']}/{raw['topic_id']}"}, marker


def post(raw: Native, restricted: frozenset[int], base: str) -> tuple[Native, str | None]:
    """The text without our marker; what only some may read is for nobody elsewhere."""
    text, marker = unmarked(raw["raw"])
    native = {
        "id": raw["id"],
        "topic_id": raw["topic_id"],
        "raw": text,
        "username": raw["username"],
        "created_at": raw["created_at"],
        "edited_at": raw["updated_at"] if raw["version"] > 1 else None,
        "audience": NOBODY if raw.get("category_id") in restricted else None,
        "url": f"{base}/t/{raw['topic_slug']}/{raw['topic_id']}/{raw['post_number']}",
    }
    return native, marker


def categories(found: list[Native], base: str) -> Iterator[Native]:
    """With those inside them."""
    for raw in found:
        yield {
            "id": raw["id"],
            "name": raw["name"],
            "slug": raw["slug"],
            "description": raw.get("description_text"),
            "read_restricted": raw["read_restricted"],
            "url": f"{base}/c/{raw['slug']}/{raw['id']}",
        }
        yield from categories(raw.get("subcategory_list") or [], base)


def user(raw: Native) -> Native:
    names = ("id", "username", "name", "email", "title", "active", "staged", "suspended")
    return {name: raw.get(name) for name in names}


def unmarked(raw: Any) -> tuple[str, str | None]:
    found = MARKER.search(str(raw or ""))
    return (raw[: found.start()], found[1]) if found else (str(raw or ""), None)


def marked(raw: Any, marker: str) -> str:
    """Raises RecordError for an empty text, which Discourse would refuse."""
    text = str(raw or "").strip()
    if not text:
        raise RecordError("A text was expected, the body is empty.")
    return f"{text}\n\n<!-- landbridge:{marker} -->"
