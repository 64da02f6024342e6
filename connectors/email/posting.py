"""A message as mail."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from html import escape
from typing import Any

from connectors.email import natives, unsubscribing
from connectors.email.config import EmailConfig, MailList
from landbridge.connector.files import OpenFile, capped, left_behind
from landbridge.errors import FileError, RecordError, ScopeError
from landbridge.mail.errors import TooLargeError
from landbridge.richtext.flowed import flow

# What programs read, and nobody decodes.
WHOLE = frozenset({"in-reply-to", "references", "list-unsubscribe"})
SUBJECT_LENGTH = 78
FILES = ("image", "audio", "video", "application", "text")
Native = dict[str, Any]


class _Readable(EmailPolicy):
    """The library encodes a word that is longer than a line (RFC 2047), also an id, which is none to anybody then."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        said = str(value)
        if name.lower() not in WHOLE or not said.isascii():
            return super().fold_binary(name, value)
        return f"{name}: {f'{self.linesep} '.join(said.split())}{self.linesep}".encode()


POLICY = _Readable(linesep=SMTP.linesep, cte_type="7bit")


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
    name = natives.letter_id(marker, config.sender)
    link = unsubscribing.link(name, config)
    mail = _mail(native, address, name, config, no_files, unsubscribing.last_line(link) if link else ("", ""))
    mail["Auto-Submitted"], mail["X-Landbridge"] = "auto-generated", "letter"
    if link:
        mail["List-Unsubscribe"] = f"<{link}>"
    return mail


def subject_of(text: str) -> str:
    """The first line of what is said, cut at a word."""
    line = next((line for line in text.splitlines() if line.strip()), "Message")
    line = " ".join(line.lstrip("> #*-").split()) or "Message"
    if len(line) <= SUBJECT_LENGTH:
        return line
    cut = line[: SUBJECT_LENGTH - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut else cut}…"


@contextmanager
def fitting(native: Native) -> Iterator[None]:
    """Where the server finds the whole mail too large, its largest file is what has to stay. Raises FileError."""
    try:
        yield
    except TooLargeError as error:
        files = native.get("attachments") or []
        if not files:
            raise
        largest = max(files, key=lambda one: one.get("size") or 0)
        raise FileError("it is too large for the mail server", largest, error) from error


def no_files(attachment: Mapping[str, Any]) -> Iterator[bytes]:
    raise RecordError("A letter carries no files.")


def _mail(
    native: Native, to: str, message_id: str, config: EmailConfig, open_file: OpenFile, last: tuple[str, str] = ("", "")
) -> EmailMessage:
    """`last`: what follows the text, as text and as HTML."""
    files = list(_files(native.get("attachments") or [], config.max_size, open_file))
    text = str(native.get("text") or "")
    html = str(native.get("html") or "") or f"<p>{escape(text)}</p>"
    if not text.strip() and not files:
        raise RecordError("A message needs a text.")
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(config.sender_name, addr_spec=config.sender)
    mail["To"], mail["Subject"], mail["Message-ID"] = to, subject_of(text), message_id
    mail["Date"] = format_datetime(_moment(native.get("sent_at")))
    # Nobody's absence note is wanted in answer (RFC 3834, 2), and another Landbridge on the list leaves it alone.
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(flow(text + last[0]), params={"format": "flowed"})
    mail.add_alternative(f"<!DOCTYPE html>\n<html><body>\n{html}{last[1]}\n</body></html>\n", subtype="html")
    for attachment, data in files:
        main, _, sub = str(attachment.get("media_type") or "").partition("/")
        main, sub = (main, sub) if main in FILES and sub and sub.isprintable() else ("application", "octet-stream")
        name = " ".join(str(attachment.get("name") or "file").split())
        mail.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return mail


def _files(attachments: list[Native], most: int, open_file: OpenFile) -> Iterator[tuple[Native, bytes]]:
    """With their bytes, `most` of them in all. Raises FileError for the first that is beyond, or not what it should be."""
    taken = 0
    for one in attachments:
        with left_behind(one, "it could not be fetched"):
            data = b"".join(capped(open_file, one, most - taken, most))
            if one.get("sha256") and hashlib.sha256(data).hexdigest() != one["sha256"]:
                raise RecordError("A file changed on its way: its checksum is another.")
        taken += len(data)
        yield one, data


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text)) if text else datetime.now().astimezone()
