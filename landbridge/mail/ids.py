"""Which mail this is, and which it answers: Message-ID, References and In-Reply-To (RFC 5322, 3.6.4)."""

from __future__ import annotations

import hashlib
import re
from email.message import Message

from landbridge.mail.mime import raw

# What threads are told by, and what tells one mail from another where it has no Message-ID.
HEADS = ("message-id", "references", "in-reply-to", "from")
IDENTITY = ("message-id", "date", "from", "subject", "received")
_ID = re.compile(r"<[^<>\s]{1,400}>")


def message_id(message: Message) -> str:
    """The Message-ID; for a mail without a usable one, one made of what does not change on its way."""
    found = _ID.search(raw(message, "Message-ID"))
    if found:
        return found[0]
    said = "\n".join(raw(message, name) for name in IDENTITY)
    return f"<{hashlib.sha256(said.encode()).hexdigest()[:32]}@no-message-id>"


def ancestors(message: Message) -> list[str]:
    """The Message-IDs of what it answers, the first of the thread first."""
    found = _ID.findall(raw(message, "References"))
    last, own = answered(message), message_id(message)
    return [one for one in dict.fromkeys([*found, *([last] if last else [])]) if one != own]


def answered(message: Message) -> str | None:
    """The Message-ID of the one mail that it says it answers."""
    found = _ID.findall(raw(message, "In-Reply-To"))
    return str(found[0]) if found else None
