"""Posts as topics and messages, categories, people and groups, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from mimetypes import guess_type
from zlib import crc32

import orjson

from landbridge.connector.items import Native
from landbridge.errors import RecordError

# HTML comments are kept in the source of a post, and shown to nobody.
MARKER = re.compile(r"\s*<!-- landbridge:([\w.:-]+) -->\s*\Z")
# An upload as Discourse writes it: a picture with its size, or a file with its weight behind it.
UPLOAD = re.compile(r"!?\[([^\]\n|]*)(?:\|[^\]\n]*)?\]\(upload://(\w+(?:\.\w+)?)\)(?: \([\d.,]+ \w+\))?")
BLANK = re.compile(r"\n\s*\n\s*\n+")
NOBODY = {"scope": "nobody"}
# Other types are actions, and whispers among the staff.
REGULAR = 1


def topic(raw: Native, base: str) -> tuple[Native, str | None]:
    """The first post with its topic's title and, where the list of topics has it, tags. Raises KeyError."""
    native, marker = post(raw, base)
    own = {name: native[name] for name in ("raw", "attachments", "username", "created_at", "edited_at", "audience")}
    about = {
        "id": raw["id"],
        "post_id": raw["post_id"],
        "title": raw["topic_title"],
        "category_id": raw["category_id"],
    }
    told = {"tags": tags(raw["listed"])} if raw["listed"] and "tags" in raw["listed"] else {}
    return about | told | own | {"url": f"{base}/t/{raw['topic_slug']}/{raw['topic_id']}"}, marker


def post(raw: Native, base: str) -> tuple[Native, str | None]:
    """The text without our marker and without files; what only some may read is for nobody elsewhere. Raises KeyError."""
    text, marker = unmarked(raw["raw"])
    native = {
        "id": raw["id"],
        "topic_id": raw["topic_id"],
        "raw": without_files(text),
        "attachments": [upload(*found) for found in UPLOAD.findall(text)],
        "username": raw["username"],
        "accepted": bool(raw.get("accepted_answer")),
        "created_at": raw["created_at"],
        "edited_at": raw["updated_at"] if raw["version"] > 1 else None,
        "audience": NOBODY if raw["restricted"] else None,
        "url": f"{base}/t/{raw['topic_slug']}/{raw['topic_id']}/{raw['post_number']}",
    }
    return native, marker


def upload(name: str, locator: str) -> Native:
    """As an attachment; a picture is named without its ending, and no size is told."""
    ending = locator.rpartition(".")[2] if "." in locator else ""
    full = name if not ending or name.casefold().endswith(f".{ending.casefold()}") else f"{name}.{ending}"
    return {"name": full, "media_type": guess_type(full)[0], "url": locator}


def tags(listed: Native) -> list[str]:
    """Names; newer versions of Discourse tell more of each."""
    return [one if isinstance(one, str) else one["name"] for one in listed.get("tags") or ()]


def stamp(listed: Native) -> int:
    """Changes where what a list says of a topic does; it tells nothing of it."""
    about = (listed.get("title"), listed.get("category_id"), tags(listed))
    return crc32(orjson.dumps(about))


def categories(found: list[Native], base: str) -> Iterator[Native]:
    """With those inside them."""
    for raw in found:
        yield {
            "id": raw.get("id"),
            "name": raw.get("name"),
            "slug": raw.get("slug"),
            "description": raw.get("description_text"),
            "read_restricted": raw.get("read_restricted"),
            "url": f"{base}/c/{raw.get('slug')}/{raw.get('id')}",
        }
        yield from categories(raw.get("subcategory_list") or [], base)


def user(raw: Native) -> Native:
    names = ("id", "username", "name", "email", "title", "active", "staged", "suspended")
    return {name: raw.get(name) for name in names}


def group(raw: Native) -> Native:
    return {name: raw.get(name) for name in ("id", "name", "full_name", "bio_raw")}


def unmarked(raw: object) -> tuple[str, str | None]:
    text = str(raw or "")
    found = MARKER.search(text)
    return (text[: found.start()], found[1]) if found else (text, None)


def without_files(raw: object) -> str:
    text = unmarked(raw)[0]
    return BLANK.sub("\n\n", UPLOAD.sub("", text)).strip() if "upload://" in text else text


def shown(name: str, short_url: str, *, picture: bool) -> str:
    """An upload in the source of a post."""
    label = re.sub(r"[\[\]|\n]", " ", name)
    return f"![{label}]({short_url})" if picture else f"[{label}|attachment]({short_url})"


def files_in(raw: object) -> list[str]:
    """The uploads of a text as they stand there, without the weight behind them."""
    return [found[0] for found in UPLOAD.finditer(unmarked(raw)[0])]


def marked(text: object, files: Iterable[str], marker: str) -> str:
    """Raises RecordError where nothing is said, which Discourse would refuse."""
    parts = [str(text or "").strip(), *files]
    if not any(parts):
        raise RecordError("A text was expected, the body is empty.")
    return "\n\n".join((*filter(None, parts), f"<!-- landbridge:{marker} -->"))
