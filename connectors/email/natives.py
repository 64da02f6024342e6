"""Mail as complete, steady natives: the same mail always reads the same, whichever server holds it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from html import escape
from typing import Any

from connectors.email.config import EmailConfig
from landbridge.mail.ids import ancestors, message_id
from landbridge.mail.mime import FAULTS, content, header, parse, raw, sender
from landbridge.mail.reports import is_automatic, is_verified

Native = dict[str, Any]

# Landbridge's own mail. Nobody can pass off another as ours: it would have to repeat an id, and the first of those counts.
_OURS = re.compile(r"<([A-Za-z0-9_-]{1,64})\.landbridge@([^>]+)>")
_LETTER = re.compile(r"<[A-Za-z0-9_-]{1,64}\.landbridge-letter@([^>]+)>")
_ADDRESS = re.compile(r"[^@\s<>,;]+@[A-Za-z0-9.-]+")
_TAG = re.compile(r"\s*\[([^\]]{1,80})\]\s*")
_ANSWER = re.compile(r"(?:re|aw|sv|fwd?|wg|antw)\s*:\s*", re.IGNORECASE)
LETTER = ("message-id", "to", "date")


def key(mailbox: str, message_id: str) -> str:
    """A mail in two mailboxes was said in two places."""
    return f"{mailbox}/{message_id}"


def parts(key: str) -> tuple[str, str]:
    """Mailbox and Message-ID; no mailbox of ours has a `<` in its name."""
    mailbox, _, message_id = key.partition("/<")
    return mailbox, f"<{message_id}"


def own_id(marker: str, sender_address: str) -> str:
    """The Message-ID of what is sent under a marker: the same at every try."""
    return f"<{marker}.landbridge@{sender_address.rpartition('@')[2]}>"


def letter_id(marker: str, sender_address: str) -> str:
    """Likewise of a mail to one person."""
    return f"<{marker}.landbridge-letter@{sender_address.rpartition('@')[2]}>"


def is_letter(message_id: str, config: EmailConfig) -> bool:
    found = _LETTER.fullmatch(message_id)
    return found is not None and found[1] == config.sender.rpartition("@")[2]


def is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None


def letter(head: Message) -> Native:
    """A mail to one person, of which only the head is looked at."""
    sent_at = _sent_at(head, datetime.now(UTC))
    return {"id": message_id(head), "to": header(head, "To"), "sent_at": sent_at}


def is_own(message_id: str, config: EmailConfig) -> bool:
    """Is it a Message-ID that Landbridge gives? Its mail may come to others of the list, and not to ourselves."""
    found = _OURS.fullmatch(message_id)
    return found is not None and found[2] == config.sender.rpartition("@")[2]


def marker_of(message: Message, mailbox: str, config: EmailConfig) -> str | None:
    """Our marker, where Landbridge has sent this mail; some lists put their own address into From."""
    found, place = _OURS.fullmatch(message_id(message)), config.list_of(mailbox)
    known = {config.sender.lower(), str(place.address if place else None).lower()}
    return found[1] if found and is_own(found[0], config) and sender(message)[1] in known else None


def mail(
    data: bytes, mailbox: str, thread: str | None, arrived: datetime, config: EmailConfig, *, cut: bool = False
) -> Native:
    """`thread`: Message-ID of the first mail of its thread, None where this is the first.

    Of what Landbridge has sent itself only the place is told: lists change what they pass on, and nobody has edited it.
    """
    message = parse(data)
    own, above = message_id(message), ancestors(message)
    reply_to = above[-1] if above and above[-1] != thread and thread else None
    native: Native = {
        "id": key(mailbox, own),
        "message_id": own,
        "mailbox": mailbox,
        "thread": key(mailbox, thread) if thread else None,
        "reply_to": key(mailbox, reply_to) if reply_to else None,
        "sent_at": _sent_at(message, arrived),
        "automatic": False,
    }
    if marker_of(message, mailbox, config):
        return native
    return native | _said(message, mailbox, thread, config, cut)


def _said(message: Message, mailbox: str, thread: str | None, config: EmailConfig, cut: bool) -> Native:
    name, address = sender(message)
    found = content(message, cut=cut)
    subject = _subject(message, mailbox, config)
    verified = bool(address) and (
        config.trust_from or bool(config.authserv and is_verified(message, address, config.authserv))
    )
    text, html = found.text, found.html if found.html and found.html.strip() else None
    if not html and not (text or "").strip():
        text = ", ".join(str(file["name"]) for file in found.files) or "(no text)"
    if not thread and subject:
        html = html and f"<p><strong>{escape(subject)}</strong></p>{html}"
        text = f"{subject}\n\n{text or ''}".rstrip()
    own = key(mailbox, message_id(message))
    return {
        "author": address if verified else None,
        "guest": _guest(name, address, verified),
        "subject": subject,
        "text": text,
        "html": html,
        "attachments": [file | {"url": f"{own}#{file['url']}"} for file in found.files],
        # From our own address and yet not sent by Landbridge: forged, or sent by somebody who can answer for it elsewhere.
        "automatic": is_automatic(message, address) or address == config.sender.lower(),
    }


def _guest(name: str, address: str, verified: bool) -> str:
    """Shown for who is no colleague. A name alone anybody can write."""
    shown = f"{name} ({address})" if name and name.lower() != address else address or name or "unknown sender"
    return shown if verified else f"{shown}, not verified"


def _subject(message: Message, mailbox: str, config: EmailConfig) -> str:
    """Without the tag that the list puts before it."""
    subject, place = header(message, "Subject"), config.list_of(mailbox)
    tag = _TAG.match(subject)
    names = {
        place.address.partition("@")[0].lower() if place and place.address else "",
        list_name(mailbox, config).lower(),
    }
    return subject[tag.end() :] if tag and tag[1].lower() in names else subject


def list_name(mailbox: str, config: EmailConfig) -> str:
    place = config.list_of(mailbox)
    return (place.name if place else None) or re.split(r"[/.]", mailbox)[-1]


def answer_to(subject: str) -> str:
    """The subject of an answer."""
    return subject if _ANSWER.match(subject) else f"Re: {subject}".strip()


def _sent_at(message: Message, arrived: datetime) -> str:
    """As its author's clock says, unless that is nonsense: nothing arrives before it was sent."""
    try:
        told = parsedate_to_datetime(raw(message, "Date"))
        told = told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (*FAULTS, OverflowError):
        told = arrived
    sane = datetime(1971, 1, 1, tzinfo=UTC) < told < arrived + timedelta(days=1)
    return (told if sane else arrived).isoformat().replace("+00:00", "Z")
