"""What WordPress says, brought into a form that only changes when the record does, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape, unescape
from typing import Any

from landbridge.connector.items import Native
from landbridge.errors import RecordError

# An HTML comment survives WordPress's filter, is shown to nobody, and is found by its search.
MARKER = re.compile(r"\s*<!-- landbridge:(\w+) -->\s*$")
TAG = re.compile(r"<[^<>]+>")
NOBODY = {"scope": "nobody"}


def post(raw: Mapping[str, Any]) -> tuple[Native, str | None]:
    """A post without its password; the terms by name, since their ids mean nothing elsewhere."""
    body, marker = unmarked(raw["content"]["raw"])
    closed = bool(raw["password"]) or raw["status"] == "private"
    native: Native = {
        "id": raw["id"],
        # Whoever knows a password is not known, so a protected post is no more public than a private one.
        "status": "private" if closed and raw["status"] == "publish" else raw["status"],
        "audience": NOBODY if closed else None,
        "title": plain(raw["title"]["raw"]),
        "content": body,
        "excerpt": raw["excerpt"]["raw"],
        "author": raw["author"],
        "date_gmt": raw["date_gmt"],
        "link": raw["link"],
        **_terms(raw),
    }
    if raw.get("lang"):  # of the plugins Polylang and WPML
        native["lang"] = raw["lang"]
    return native, marker


def comment(raw: Mapping[str, Any]) -> tuple[Native, str | None]:
    """A comment without address and browser of who wrote it."""
    body, marker = unmarked(raw["content"]["raw"])
    native = {
        "id": raw["id"],
        "post": raw["post"],
        "post_type": next((link.get("post_type") for link in raw.get("_links", {}).get("up", [])), None),
        "parent": raw["parent"],
        "author": raw["author"],
        "guest": None if raw["author"] else plain(raw["author_name"]),
        "content": body,
        "date_gmt": raw["date_gmt"],
        "link": raw["link"],
    }
    return native, marker


def user(raw: Mapping[str, Any]) -> tuple[Native, None]:
    """An account; without any role nobody can do anything with it, so that is how one is disabled."""
    native = {
        "id": raw["id"],
        "username": raw["username"],
        "name": plain(raw["name"]),
        "first_name": plain(raw["first_name"]),
        "last_name": plain(raw["last_name"]),
        "email": raw["email"],
        "roles": sorted(raw["roles"]),
    }
    return native, None


NATIVES: dict[str, Callable[[Mapping[str, Any]], tuple[Native, str | None]]] = {
    "posts": post, "comments": comment, "users": user,
}  # fmt: skip


def plain(text: str) -> str:
    """WordPress stores titles and names as HTML: `R&amp;D`."""
    return unescape(TAG.sub("", text)).strip()


def unmarked(content: str) -> tuple[str, str | None]:
    """The content as people see it, and our marker if it ends with one."""
    found = MARKER.search(content)
    return (content[: found.start()], found[1]) if found else (content, None)


def marked(content: Any, marker: str) -> str:
    """The content with the marker at its end. Raises RecordError for an empty one, which WordPress would take."""
    text = str(content or "").strip()
    if not TAG.sub("", text).strip():
        raise RecordError("A text was expected, the body is empty.")
    return f"{text}<!-- landbridge:{marker} -->"


def post_fields(native: Mapping[str, Any]) -> Native:
    """A mapped post as the API takes it."""
    data = {name: native[name] for name in ("excerpt", "status", "author", "date_gmt") if name in native}
    if "title" in native:
        data["title"] = escape(str(native["title"] or ""), quote=False)
    return data


def comment_fields(native: Mapping[str, Any]) -> Native:
    """Null is refused where nothing is meant, so it is left out."""
    names = ("post", "parent", "author", "date_gmt")
    return {name: native[name] for name in names if native.get(name) is not None}


def user_fields(native: Mapping[str, Any]) -> Native:
    """Names as text: WordPress would take `<` for the beginning of a tag, and drop it."""
    names = ("name", "first_name", "last_name")
    data = {name: escape(str(native[name] or ""), quote=False) for name in names if name in native}
    return data | ({"email": native["email"]} if "email" in native else {})


def _terms(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The category that comes first by name, and all tags."""
    groups = (raw.get("_embedded") or {}).get("wp:term") or []
    terms = [term for group in groups for term in group if "taxonomy" in term]
    categories = [term for term in terms if term["taxonomy"] == "category"]
    tags = sorted(plain(term["name"]) for term in terms if term["taxonomy"] == "post_tag")
    return {"category": categories[0]["slug"] if categories else None, "tags": tags}
