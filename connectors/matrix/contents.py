"""The contents of events that Landbridge sends."""

from __future__ import annotations

import hashlib
import html
import re
from typing import Any
from urllib.parse import unquote

import orjson

from connectors.matrix.natives import AUTHOR, FILES, HTML, MARKER, PART, SOURCE, Json, parts
from landbridge.errors import RecordError

# Synapse takes events of 64 KiB in all; the rest is for what it adds itself.
MAX_BYTES = 62_500
# Where the text stands twice, the plain one is only for clients that cannot show the other.
FALLBACK = 200
# What clients show of a file, and what says which it is.
SHOWN = ("image", "video", "audio")
OF_FILE = ("msgtype", "url", "filename", "info", SOURCE)
PILL = re.compile(r"https://matrix\.to/#/(@[^\"?/]+|%40[^\"?/]+)\"")


def message(native: Json) -> Json:
    """A new message; in a thread it also answers something, for clients that know no threads."""
    content = _text(native)
    thread, answered = _event(native.get("thread")), _event(native.get("reply_to"))
    about: Json = {"m.in_reply_to": {"event_id": answered or thread}} if answered or thread else {}
    if thread:
        about |= {"rel_type": "m.thread", "event_id": thread, "is_falling_back": not answered}
    return content | ({"m.relates_to": about} if about else {})


def with_files(content: Json, files: list[Json]) -> Json:
    """The text as the caption of the first file; the others, which need events of their own, are only named."""
    if not files:
        return content
    first, *rest = files
    return content | first | {"body": content["body"] or first["filename"]} | ({FILES: rest} if rest else {})


def file(attachment: Json, uri: str) -> Json:
    """What an event says of a file that was uploaded."""
    kind = str(attachment.get("media_type") or "application/octet-stream")
    shown = kind.partition("/")[0]
    info = {"mimetype": kind, **({"size": attachment["size"]} if attachment.get("size") else {})}
    name = str(attachment.get("name") or "file")
    kept = {"msgtype": f"m.{shown if shown in SHOWN else 'file'}", "url": uri, "filename": name, "info": info}
    return kept | {SOURCE: source(attachment)}


def source(attachment: Json) -> str:
    """Tells one file from another, and its next version; nothing can be read from it."""
    said = "\n".join(str(attachment.get(name) or "") for name in ("url", "sha256", "size"))
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def files_of(content: Json) -> list[Json]:
    """The files that a message shows, the first being its own."""
    first = [{name: value for name, value in content.items() if name in OF_FILE}] if "url" in content else []
    more = content.get(FILES)
    return [*first, *(more if isinstance(more, list) else ())]


def part(main: str, named: Json, thread: str | None) -> Json:
    """The event of a further file; in a thread it stands in it."""
    about = {"rel_type": "m.thread", "event_id": thread, "is_falling_back": True, "m.in_reply_to": {"event_id": main}}
    return named | {
        "body": named["filename"],
        "m.mentions": {},
        PART: main,
        "m.relates_to": about if thread else {"rel_type": PART, "event_id": main},
    }


def reaction(event_id: str, emoji: str, marker: str) -> Json:
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": emoji}, MARKER: marker}


def edit(event_id: str, native: Json, files: list[Json] | None = None, *, had: bool = False) -> Json:
    """Nobody is notified again of being mentioned; `files` as they are shown from now on, `had`: there were some before."""
    content = with_files(_text(native | {"attachments": files}), files or [])
    content |= {FILES: (files or [])[1:]} if files or had else {}
    return {
        "msgtype": content["msgtype"],
        "body": f"* {_shortened(content['body'])}",
        "m.mentions": {},
        "m.new_content": content,
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }


def text_of(content: Json) -> Json:
    """What was said with the files, as a native; the name of the first stands there where nothing was."""
    body = content.get("body")
    said = None if "url" in content and body == content.get("filename") else body
    return {"body": said, "formatted_body": content.get("formatted_body") if content.get("format") == HTML else None}


def in_name_of(native: Json, name: str) -> Json:
    """The text with its author's name before it, for rooms in which the author may not speak."""
    found = dict(native)
    if native.get("body") or native.get("attachments"):
        found["body"] = f"{name}: {native.get('body') or ''}".rstrip()
    if native.get("formatted_body"):
        found["formatted_body"] = f"<strong>{html.escape(name)}:</strong> {native['formatted_body']}"
    return found


def author_of(content: Json) -> str | None:
    """In whose name the bot has said this."""
    author = content.get(AUTHOR)
    return author if isinstance(author, str) else None


def fitted(content: Json) -> Json:
    """The content as far as an event can hold it. Raises RecordError."""
    if len(orjson.dumps(content)) <= MAX_BYTES:
        return content
    inner = content.get("m.new_content")
    shorter = content | ({"m.new_content": _fallback(inner)} if inner else _fallback(content))
    if (size := len(orjson.dumps(shorter))) > MAX_BYTES:
        raise RecordError(f"The message has {size} bytes; at most {MAX_BYTES} fit into a Matrix event.")
    return shorter


def _fallback(content: Json) -> Json:
    return content | ({"body": _shortened(content["body"])} if "formatted_body" in content else {})


def _text(native: Json) -> Json:
    body, formatted = str(native.get("body") or ""), str(native.get("formatted_body") or "")
    if not body and not formatted and not native.get("attachments"):
        raise RecordError("A message needs a text.")
    people = sorted({unquote(found) for found in PILL.findall(formatted)})
    content: dict[str, Any] = {"msgtype": "m.text", "body": body, "m.mentions": {"user_ids": people} if people else {}}
    return content | ({"format": HTML, "formatted_body": formatted} if formatted not in ("", body) else {})


def _event(key: str | None) -> str | None:
    return parts(key)[1] if key else None


def _shortened(text: str) -> str:
    return text if len(text) <= FALLBACK else f"{text[:FALLBACK]}…"
