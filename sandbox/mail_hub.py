"""The company's mail transport: takes mail by SMTP (aiosmtpd) and puts it into Dovecot's mailboxes, lists included.

Run by the sandbox under an environment of its own, with the path of its settings (JSON) as argument.
"""

from __future__ import annotations

import asyncio
import base64
import email
import imaplib
import json
import signal
import ssl
import sys
import uuid
from email.utils import formatdate
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Hub:
    """`settings`: domain, its own name, imap port, passwords by login, lists by address (mailbox, members).

    Where it shall speak TLS: `tls` (paths of certificate and key) and `smtps`, a second port that is encrypted from the
    start; and `tokens`, a file with the tokens (OAuth 2) that are good now, as JSON: token → login.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.host = settings["host"]

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        login = given.login.decode() if isinstance(given, LoginPassword) else ""
        right = self.settings["passwords"].get(login)
        if right is None or given.password.decode() != right:
            return AuthResult(success=False, handled=False)
        return AuthResult(success=True, auth_data=login)

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 (theirs)
        """As both large providers do; a refusal is explained in a challenge, which has to be answered with nothing."""
        said = base64.b64decode(args[1]).decode() if len(args) > 1 else ""
        user, _, rest = said.removeprefix("user=").partition("\1auth=Bearer ")
        token, end, after = rest.partition("\1\1")
        tokens = json.loads(Path(self.settings["tokens"]).read_text()) if "tokens" in self.settings else {}
        if end and not after and tokens.get(token) == user:
            return AuthResult(success=True, auth_data=user)
        answer = await server.challenge_auth('{"status":"401","schemes":"bearer"}')
        return AuthResult(success=False, handled=False, message=None if answer == b"" else "501 5.5.2 no answer wanted")

    async def handle_RCPT(  # noqa: N802 (theirs)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """What is not of this company is taken as well, and comes back: there is no world outside."""
        if self._is_ours(address) and not self._boxes(address):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (theirs)
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        await asyncio.get_running_loop().run_in_executor(None, self._deliver, session, envelope, content)
        return "250 OK"

    def _deliver(self, session: Session, envelope: Envelope, content: bytes) -> None:
        login = session.auth_data if session.authenticated else None
        seal = f"auth=pass smtp.auth={login}@{self.settings['domain']}" if login else "spf=none"
        # With a number of its own, as servers give one: mails of one second are two.
        received = f"from {session.host_name} by {self.host} with ESMTP id {uuid.uuid4().hex}; {formatdate()}"
        head = (
            f"Return-Path: <{envelope.mail_from or ''}>\r\nReceived: {received}\r\n"
            f"Authentication-Results: {self.host}; {seal}\r\n"
        ).encode()
        for address in envelope.rcpt_tos:
            if not self._is_ours(address):
                self._bounce(envelope, address, content)
            for login, mailbox in self._boxes(address):
                shown = self._of_list(address, content) if address in self.settings["lists"] else content
                self._append(login, mailbox, head + shown)

    def _is_ours(self, address: str) -> bool:
        return address.endswith(f"@{self.settings['domain']}")

    def _boxes(self, address: str) -> list[tuple[str, str]]:
        """Login and mailbox of everybody who gets what is sent there."""
        if place := self.settings["lists"].get(address):
            return [("landbridge", place["mailbox"]), *((member, "INBOX") for member in place["members"])]
        login = address.partition("@")[0]
        return [(login, "INBOX")] if login in self.settings["passwords"] else []

    def _of_list(self, address: str, content: bytes) -> bytes:
        """As list servers do: a tag before the subject and the list's own headers; the text stays."""
        mail = email.message_from_bytes(content)
        name = address.partition("@")[0]
        subject = str(mail.get("Subject") or "")
        if f"[{name}]" not in subject:
            del mail["Subject"]
            mail["Subject"] = f"[{name}] {subject}"
        mail["List-Id"] = f"<{address.replace('@', '.')}>"
        mail["List-Post"] = f"<mailto:{address}>"
        return mail.as_bytes()

    def _bounce(self, envelope: Envelope, address: str, content: bytes) -> None:
        """A delivery status notification (RFC 3464), to whom the envelope names."""
        if not envelope.mail_from:
            return
        boundary = uuid.uuid4().hex
        original = content.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        report = (
            f"Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@{self.host}>\r\nTo: {envelope.mail_from}\r\n"
            f"Subject: Undelivered Mail Returned to Sender\r\nDate: {formatdate()}\r\nAuto-Submitted: auto-replied\r\n"
            f"Message-ID: <{boundary}@{self.host}>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report;"
            f' report-type=delivery-status; boundary="{boundary}"\r\n\r\n--{boundary}\r\nContent-Type: text/plain\r\n\r\n'
            f"This is the mail system. Your message could not be delivered.\r\n--{boundary}\r\n"
            f"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; {self.host}\r\n\r\n"
            f"Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 5.1.2\r\n"
            f"Diagnostic-Code: smtp; 550 5.1.2 no such host\r\n\r\n--{boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n"
            f"{original}\r\n--{boundary}--\r\n"
        )
        for login, mailbox in self._boxes(envelope.mail_from):
            self._append(login, mailbox, report.encode())

    def _append(self, login: str, mailbox: str, data: bytes) -> None:
        with imaplib.IMAP4("127.0.0.1", self.settings["imap"]) as imap:
            if "tls" in self.settings:
                imap.starttls(ssl._create_unverified_context())
            imap.login(login, self.settings["passwords"][login])
            kind, said = imap.append(f'"{mailbox}"', "", "", data)
            if kind != "OK":
                raise RuntimeError(f"Dovecot refuses a mail: {said!r}")


def main(path: Path) -> None:
    settings = json.loads(path.read_text())
    hub = Hub(settings)
    context = _tls(*settings["tls"]) if "tls" in settings else None
    usual = {
        "hostname": "127.0.0.1",
        "authenticator": hub.authenticate,
        "decode_data": False,
        "data_size_limit": 50 * 2**20,
    }
    controllers = [Controller(hub, port=settings["smtp"], tls_context=context, auth_require_tls=bool(context), **usual)]
    if "smtps" in settings:
        controllers.append(
            Controller(hub, port=settings["smtps"], ssl_context=context, auth_require_tls=False, **usual)
        )
    for controller in controllers:
        controller.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    for controller in controllers:
        controller.stop()


def _tls(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main(Path(sys.argv[1]))
