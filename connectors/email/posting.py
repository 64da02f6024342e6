"""A message as mail, and handing it to the server that sends it."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Any

from connectors.email import natives
from connectors.email.config import EmailConfig, MailList, endpoint, is_loopback
from connectors.email.flowed import flow
from connectors.email.session import errors_named, tls
from landbridge.errors import AuthError, ConfigError, RecordError, ScopeError, TransientError
from landbridge.http import Throttle

POLICY = SMTP.clone(cte_type="7bit")
SUBJECT_LENGTH = 78
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


def compose(native: Native, marker: str, subject: str, config: EmailConfig, open_file: OpenFile) -> EmailMessage:
    """The mail; `subject` is that of the thread it answers, empty where it begins one. Raises RecordError."""
    place = place_of(native, config)
    files, left_out = _files(native.get("attachments") or [], config.max_size, open_file)
    text = str(native.get("text") or "")
    html = str(native.get("html") or "") or f"<p>{escape(text)}</p>"
    if not text.strip() and not files:
        raise RecordError("A message needs a text.")
    if left_out:
        note = f"Not sent along: {', '.join(left_out)}"
        text, html = f"{text}\n\n{note}", f"{html}\n<p>{escape(note)}</p>"
    thread, answered = native.get("thread"), native.get("reply_to")
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(config.sender_name, addr_spec=config.sender)
    mail["To"] = place.address
    mail["Reply-To"] = place.address
    mail["Subject"] = natives.answer_to(subject) if thread else subject_of(text)
    mail["Date"] = format_datetime(_moment(native.get("sent_at")))
    mail["Message-ID"] = natives.own_id(marker, config.sender)
    above = [natives.parts(one)[1] for one in dict.fromkeys((thread, answered or thread)) if one]
    if above:
        mail["In-Reply-To"], mail["References"] = above[-1], " ".join(above)
    # Nobody's absence note is wanted in answer (RFC 3834, 2), and another Landbridge on the list leaves it alone.
    mail["Precedence"], mail["X-Auto-Response-Suppress"], mail["X-Landbridge"] = "list", "All", "1"
    mail.set_content(flow(text), params={"format": "flowed"})
    mail.add_alternative(f"<!DOCTYPE html>\n<html><body>\n{html}\n</body></html>\n", subtype="html")
    for attachment, data in files:
        main, _, sub = str(attachment.get("media_type") or "").partition("/")
        if main not in ("image", "audio", "video", "application", "text") or not sub.isprintable() or not sub:
            main, sub = "application", "octet-stream"
        name = " ".join(str(attachment.get("name") or "file").split())
        mail.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return mail


def subject_of(text: str) -> str:
    """The first line of what is said, cut at a word."""
    line = next((line for line in text.splitlines() if line.strip()), "Message")
    line = " ".join(line.lstrip("> #*-").split()) or "Message"
    if len(line) <= SUBJECT_LENGTH:
        return line
    cut = line[: SUBJECT_LENGTH - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut else cut}…"


def submit(mail: EmailMessage, place: MailList, config: EmailConfig, throttle: Throttle) -> None:
    """Hands it over. Raises TransientError, uncertain from where on the server may have taken it."""
    assert config.smtp is not None
    assert place.address is not None
    scheme, host, port = endpoint(config.smtp)
    throttle.acquire()
    data, context = mail.as_bytes(), tls(config)
    with errors_named("Sending"), _smtp_errors(throttle):
        if scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=config.timeout, context=context)
        else:
            smtp = smtplib.SMTP(host, port, timeout=config.timeout)
    try:
        with errors_named("Sending"), _smtp_errors(throttle):
            _sign_in(smtp, scheme, host, config, context)
            smtp.ehlo_or_helo_if_needed()
            _expect(smtp.mail(config.sender, [f"size={len(data)}"] if smtp.has_extn("size") else []))
            _expect(smtp.rcpt(place.address))
        try:
            code, _ = smtp.data(data)
        except smtplib.SMTPDataError as error:
            code = error.smtp_code
        except (smtplib.SMTPException, OSError) as error:
            raise TransientError(f"Sending failed ({type(error).__name__}) on the way.", uncertain=True) from None
        with _smtp_errors(throttle):
            _expect((code, b""))
    finally:
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
        smtp.close()


def _sign_in(smtp: smtplib.SMTP, scheme: str, host: str, config: EmailConfig, context: ssl.SSLContext) -> None:
    """Nothing secret leaves for another machine before the connection is encrypted."""
    smtp.ehlo()
    if scheme == "smtp":
        if smtp.has_extn("starttls"):
            smtp.starttls(context=context)
            smtp.ehlo()
        elif not is_loopback(host):
            raise ConfigError(
                "The SMTP server offers no TLS.", remedy="Use smtps://, or a server that offers STARTTLS."
            )
    if smtp.has_extn("auth"):
        smtp.login(config.login, config.password.get_secret_value())


def probe(config: EmailConfig, throttle: Throttle) -> None:
    """Signs in and says good-bye. Raises AuthError, TransientError."""
    assert config.smtp is not None
    scheme, host, port = endpoint(config.smtp)
    throttle.acquire()
    context = tls(config)
    with errors_named("Signing in to send"), _smtp_errors(throttle):
        kind = smtplib.SMTP_SSL(host, port, timeout=config.timeout, context=context) if scheme == "smtps" else None
        with kind or smtplib.SMTP(host, port, timeout=config.timeout) as smtp:
            _sign_in(smtp, scheme, host, config, context)


class _Refused(Exception):
    """An answer of the server that is no yes."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _expect(answer: tuple[int, bytes]) -> None:
    if answer[0] not in (250, 251):
        raise _Refused(answer[0])


class _smtp_errors:  # noqa: N801 (used like a function)
    """Refusals by what happens next; the server's words may hold addresses of people and are left out."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, at: Any) -> None:
        if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
            raise AuthError("Sending failed: the SMTP server refuses login or password.") from None
        code = error.code if isinstance(error, _Refused) else getattr(error, "smtp_code", 0)
        if not isinstance(error, _Refused | smtplib.SMTPException):
            return
        if isinstance(error, smtplib.SMTPConnectError):
            raise TransientError(f"The SMTP server takes no connection ({code}).") from None
        if 400 <= code < 500:
            self._throttle.limited(None)
            raise TransientError(f"Sending failed: the SMTP server asks to try later ({code}).") from None
        if code in (550, 551, 552, 553, 554):
            raise RecordError(
                f"The SMTP server refuses this mail ({code}).", remedy="Check sender, the list's address and the size."
            ) from None
        if code >= 500:
            raise ScopeError(
                f"The SMTP server refuses the command ({code}).", remedy="Check sender and smtp."
            ) from None
        raise TransientError(f"Sending failed ({type(error).__name__}).") from None


def _files(attachments: list[Native], budget: int, open_file: OpenFile) -> tuple[list[tuple[Native, bytes]], list[str]]:
    """The bytes that fit, and the names of what does not. Raises RecordError where a file is not what it should be."""
    files: list[tuple[Native, bytes]] = []
    left_out: list[str] = []
    for one in attachments:
        data = _read(one, budget, open_file)
        if data is None:
            left_out.append(str(one.get("name") or "a file"))
            continue
        if one.get("sha256") and hashlib.sha256(data).hexdigest() != one["sha256"]:
            raise RecordError("A file changed on its way: its checksum is another.")
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
