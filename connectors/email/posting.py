"""A message as mail."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Any

from connectors.email import natives
from connectors.email.config import EmailConfig, MailList
from landbridge.errors import RecordError, ScopeError
from landbridge.richtext.flowed import flow

POLICY = SMTP.clone(cte_type="7bit")
SUBJECT_LENGTH = 78
FILES = ("image", "audio", "video", "application", "text")
Native = dict[str, Any]
OpenFile = Callable[[Mapping[str, Any]], Iterator[bytes]]


def place_of(native: Native, config: EmailConfig) -> MailList:
    """The list that a new message is for. Raises RecordError, ScopeError."""
    place = config.list_of(str(native.get("mailbox") or ""))
    if place is None:
        raise RecordError("A new mail needs a list that the connection names.")
    if place.address is None or config.smtp is None:
        raise ScopeError(
            f"The list {place.mailbox} is only read.", remedy="Give the list its address, and the connection smtp."
        )
    return place


def to_list(native: Native, marker: str, subject: str, config: EmailConfig, open_file: OpenFile) -> EmailMessage:
    """A mail to a list; `subject` is that of the thread it answers, empty where it begins one. Raises RecordError."""
    address = str(place_of(native, config).address)
    thread, answered = native.get("thread"), native.get("reply_to")
    mail = _mail(native, address, natives.own_id(marker, config.sender), config, open_file)
    if thread:
        mail.replace_header("Subject", natives.answer_to(subject))
    above = [natives.parts(one)[1] for one in dict.fromkeys((thread, answered or thread)) if one]
    if above:
        mail["In-Reply-To"], mail["References"] = above[-1], " ".join(above)
    mail["Reply-To"], mail["Precedence"], mail["X-Landbridge"] = address, "list", "1"
    return mail


def to_person(native: Native, marker: str, config: EmailConfig) -> EmailMessage:
    """A mail to one person, whom no answer is expected of (RFC 3834, 5). Raises RecordError, ScopeError."""
    if config.smtp is None or config.sent is None:
        raise ScopeError("Letters are not sent.", remedy="Give the connection smtp, and the mailbox `sent`.")
    address = str(native.get("to") or "")
    if not natives.is_address(address):
        raise RecordError("A letter needs the address of one person.")
    mail = _mail(native, address, natives.letter_id(marker, config.sender), config, no_files)
    mail["Auto-Submitted"], mail["X-Landbridge"] = "auto-generated", "letter"
    return mail


def subject_of(text: str) -> str:
    """The first line of what is said, cut at a word."""
    line = next((line for line in text.splitlines() if line.strip()), "Message")
    line = " ".join(line.lstrip("> #*-").split()) or "Message"
    if len(line) <= SUBJECT_LENGTH:
        return line
    cut = line[: SUBJECT_LENGTH - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut else cut}…"


def no_files(attachment: Mapping[str, Any]) -> Iterator[bytes]:
    raise RecordError("A letter carries no files.")


def _mail(native: Native, to: str, message_id: str, config: EmailConfig, open_file: OpenFile) -> EmailMessage:
    files, left_out = _files(native.get("attachments") or [], config.max_size, open_file)
    text = str(native.get("text") or "")
    html = str(native.get("html") or "") or f"<p>{escape(text)}</p>"
    if not text.strip() and not files:
        raise RecordError("A message needs a text.")
    if left_out:
        note = f"Not sent along: {', '.join(left_out)}"
        text, html = f"{text}\n\n{note}", f"{html}\n<p>{escape(note)}</p>"
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(config.sender_name, addr_spec=config.sender)
    mail["To"], mail["Subject"], mail["Message-ID"] = to, subject_of(text), message_id
    mail["Date"] = format_datetime(_moment(native.get("sent_at")))
    # Nobody's absence note is wanted in answer (RFC 3834, 2), and another Landbridge on the list leaves it alone.
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(flow(text), params={"format": "flowed"})
    mail.add_alternative(f"<!DOCTYPE html>\n<html><body>\n{html}\n</body></html>\n", subtype="html")
    for attachment, data in files:
        main, _, sub = str(attachment.get("media_type") or "").partition("/")
        main, sub = (main, sub) if main in FILES and sub and sub.isprintable() else ("application", "octet-stream")
        name = " ".join(str(attachment.get("name") or "file").split())
        mail.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return mail


def _files(attachments: list[Native], budget: int, open_file: OpenFile) -> tuple[list[tuple[Native, bytes]], list[str]]:
    """The bytes that fit, and the names of what does not. Raises RecordError where a file is not what it should be."""
    files: list[tuple[Native, bytes]] = []
    left_out: list[str] = []
    for one in attachments:
        data = _read(one, budget, open_file)
        if data is None:
            left_out.append(str(one.get("name") or "a file"))
        elif one.get("sha256") and hashlib.sha256(data).hexdigest() != one["sha256"]:
            raise RecordError("A file changed on its way: its checksum is another.")
        else:
            files.append((one, data))
            budget -= len(data)
    return files, left_out


def _read(attachment: Native, budget: int, open_file: OpenFile) -> bytes | None:
    """None for what is larger than the budget, which is found out without holding it."""
    if (attachment.get("size") or 0) > budget:
        return None
    pieces: list[bytes] = []
    for piece in open_file(attachment):
        budget -= len(piece)
        if budget < 0:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text)) if text else datetime.now().astimezone()
