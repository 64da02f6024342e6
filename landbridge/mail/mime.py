"""Mail as it comes, however broken: headers, the text that people see, and files, by section number.

The standard library reads with its old policy here. The new one (`email.policy.default`) understands more, but on mail
that breaks the standards even reading, and asking for one header, may raise almost anything (Python issues 83281, 148518,
151857). Nothing here raises: what cannot be understood is shown as it stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from typing import Any, TypeVar

from landbridge.richtext.flowed import unflow

FAULTS = (MessageError, AttributeError, IndexError, LookupError, TypeError, ValueError, AssertionError, RecursionError)
# Signatures made by machines, forms of the text for other programs, and the machine's part of a report.
NO_FILES = frozenset({
    "application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature", "text/x-amp-html",
    "text/calendar", "message/delivery-status", "message/disposition-notification", "text/rfc822-headers",
})  # fmt: skip
MOST_PARTS, DEEPEST = 500, 20

T = TypeVar("T")


@dataclass
class Content:
    """`text` and `html` as people read them, `files` as attachments whose url is the section number."""

    text: str | None = None
    html: str | None = None
    files: list[dict[str, Any]] = field(default_factory=list)


def parse(data: bytes) -> Message:
    return message_from_bytes(data)


def header(message: Message, name: str) -> str:
    """A header in readable form, empty where there is none."""
    return _plain(_decoded(" ".join(raw(message, name).split())))


def raw(message: Message, name: str) -> str:
    """A header as it stands; the first of several. Bytes that should not be there are taken for UTF-8."""
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return ""


def sender(message: Message) -> tuple[str, str]:
    """Name and address (small letters, as addresses compare) of the first author, empty where nobody can be read off."""
    found: list[tuple[str, str]] = _tried(lambda: getaddresses([raw(message, "From")]), [])
    name, address = found[0] if found else ("", "")
    name, address = _plain(_decoded(name)), _plain(address).lower()
    return (name, address) if address.count("@") == 1 and " " not in address else (name, "")


def content(message: Message, *, cut: bool = False) -> Content:
    """`cut`: not all of the mail was read, so what stands last may not be whole and is no file."""
    found = Content()
    texts: list[str] = []
    parts = list(_leaves(message))
    for place, (section, part, alternative) in enumerate(parts):
        kind = part.get_content_type()
        name = _filename(part)
        inline = _tried(part.get_content_disposition, None) != "attachment" and not name
        if inline and kind == "text/plain":
            texts += [_text(part)] if not (alternative and found.text) else []
            found.text = "\n\n".join(filter(None, map(str.rstrip, texts)))
        elif inline and kind == "text/html":
            found.html = _text(part) if found.html is None else found.html
        elif kind not in NO_FILES and not (cut and place == len(parts) - 1):
            found.files.append(_file(section, part, name))
    return found


def _leaves(message: Message, number: str = "", depth: int = 0) -> Iterator[tuple[str, Message, bool]]:
    """Section number (RFC 3501, 6.4.5), part, and whether it is one of several forms of the same."""
    children = message.get_payload() if message.is_multipart() else None
    if message.get_content_maintype() != "multipart" or not isinstance(children, list) or depth > DEEPEST:
        yield number or "1", message, False
        return
    alternative = message.get_content_subtype() == "alternative"
    for at, child in enumerate(children[:MOST_PARTS], 1):
        for section, part, inner in _leaves(child, f"{number}.{at}" if number else str(at), depth + 1):
            yield section, part, inner or alternative


def _text(part: Message) -> str:
    """The text of a part, in the charset that it names, else in one that reads anything."""
    data = payload(part)
    charset = _tried(lambda: str(part.get_content_charset() or "utf-8"), "utf-8")
    found: str | None = _tried(lambda: data.decode(charset), None)
    if found is None:
        found = str(_tried(lambda: data.decode(), data.decode("cp1252", "replace")))
    if part.get_content_type() == "text/plain" and _parameter(part, "format").lower() == "flowed":
        return unflow(found, _parameter(part, "delsp").lower() == "yes")
    return found.replace("\r\n", "\n")


def payload(part: Message) -> bytes:
    """The decoded bytes of a part."""
    found = _tried(lambda: part.get_payload(decode=True), None)
    if isinstance(found, bytes):
        return found
    said = _tried(part.get_payload, "")
    return str(said).encode("utf-8", "replace") if isinstance(said, str) else b""


def _file(section: str, part: Message, name: str) -> dict[str, Any]:
    kind = part.get_content_type()
    if part.get_content_maintype() == "message":  # its bytes are only the server's to tell
        return {"name": name or _name_of_mail(part), "media_type": kind, "url": section}
    data = payload(part)
    digest = hashlib.sha256(data).hexdigest()
    return {"name": name or f"part-{section}", "media_type": kind, "size": len(data), "sha256": digest, "url": section}


def _name_of_mail(part: Message) -> str:
    """A mail inside a mail is called by what it is about."""
    inner = part.get_payload() if part.is_multipart() else None
    first = inner[0] if isinstance(inner, list) and inner else None
    subject = header(first, "Subject") if isinstance(first, Message) else ""
    return f"{subject or 'message'}.eml"


def _filename(part: Message) -> str:
    """Without a path: it is only shown, but nobody shall be tempted."""
    found = _plain(_decoded(str(_tried(part.get_filename, None) or "")))
    return found.replace("\\", "/").rpartition("/")[2][:200]


def _parameter(part: Message, name: str) -> str:
    return str(_tried(lambda: part.get_param(name), None) or "")


def _decoded(text: str) -> str:
    return _tried(lambda: str(make_header(decode_header(text))), text) if "=?" in text else text


def _plain(text: str) -> str:
    """One line, without what no database stores."""
    shown = "".join(one if one.isprintable() else " " for one in text.encode("utf-8", "replace").decode())
    return " ".join(shown.split()).strip('"')


def _tried(ask: Callable[[], Any], otherwise: T) -> Any | T:
    try:
        return ask()
    except FAULTS:
        return otherwise
