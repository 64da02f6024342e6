"""Handing mail to the server that sends it."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from landbridge.errors import TransientError
from landbridge.http import BearerToken, Throttle
from landbridge.mail.errors import Refused, smtp_errors
from landbridge.mail.server import Server, with_token


@contextmanager
def signed_in(server: Server, throttle: Throttle) -> Iterator[smtplib.SMTP]:
    """Nothing secret leaves for another machine before the connection is encrypted. Raises AuthError, TransientError."""
    throttle.acquire()
    scheme, host, port = server.address
    with smtp_errors(throttle):
        if scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=server.timeout, context=server.tls())
        else:
            smtp = smtplib.SMTP(host, port, timeout=server.timeout)
    try:
        with smtp_errors(throttle):
            _sign_in(smtp, server)
        yield smtp
    finally:
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
        smtp.close()


def submit(
    server: Server, throttle: Throttle, mail: bytes, sender: str, recipient: str, before: Callable[[], object]
) -> None:
    """`before` is called when nothing is left but to send it. Raises TransientError, uncertain from there on."""
    with signed_in(server, throttle) as smtp:
        with smtp_errors(throttle):
            _expect(*smtp.mail(sender, [f"size={len(mail)}"] if smtp.has_extn("size") else []))
            _expect(*smtp.rcpt(recipient))
        before()
        try:
            answer: tuple[int, bytes | str] = smtp.data(mail)
        except smtplib.SMTPDataError as error:
            answer = error.smtp_code, error.smtp_error
        except (smtplib.SMTPException, OSError) as error:
            raise TransientError(f"Sending failed ({type(error).__name__}) on the way.", uncertain=True) from None
        with smtp_errors(throttle):
            _expect(*answer)


def _sign_in(smtp: smtplib.SMTP, server: Server) -> None:
    smtp.ehlo()
    if server.address[0] == "smtp" and server.may_encrypt(smtp.has_extn("starttls")):
        smtp.starttls(context=server.tls())
        smtp.ehlo()
    if not smtp.has_extn("auth"):
        return
    if isinstance(server.secret, BearerToken):

        def ask(said: str) -> None:
            # A refusal explains itself in a challenge, which is to be answered with nothing.
            smtp.auth("XOAUTH2", lambda challenge=None: "" if challenge else said)

        with_token(server, server.secret, ask, smtplib.SMTPAuthenticationError)
    else:
        smtp.login(server.login, server.secret)


def _expect(code: int, said: bytes | str) -> None:
    if code not in (250, 251):
        raise Refused(code, said if isinstance(said, bytes) else said.encode())
