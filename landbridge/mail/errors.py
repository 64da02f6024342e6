"""Refusals of mail servers by what happens next. What servers say is left out: it may hold names or addresses of people."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from imaplib import IMAP4

from imapclient.exceptions import LoginError

from landbridge.errors import AuthError, LandbridgeError, RateLimited, RecordError, ScopeError, TransientError
from landbridge.http import Throttle

# Response codes (RFC 5530) and words of large providers, in what a server says when it refuses.
_BUSY = ("THROTTLED", "LIMIT", "TOO MANY", "EXCEEDED")
_LATER = ("UNAVAILABLE", "INUSE", "SERVERBUG", "TRY AGAIN", "TIMEOUT")
_ACCOUNT = ("AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN")
# What SMTP refuses about one mail, not about us; and what large providers call it where we have sent as much as we may.
_THIS_MAIL = (550, 551, 552, 553, 554)
_TOO_LARGE = ("5.3.4", "5.2.3", "MESSAGE SIZE", "MESSAGE TOO")
_ENOUGH = ("5.4.5", "SUBMISSIONQUOTA", "SENDING LIMIT", "SENDING QUOTA")


class TooLargeError(RecordError):
    """The server takes no mail of this size."""


class Refused(Exception):
    """An answer of an SMTP server that is no yes."""

    def __init__(self, code: int, said: bytes) -> None:
        super().__init__(code)
        self.code, self.said = code, said.decode("utf-8", "replace").upper()


@contextmanager
def errors_named(at: str, refused: type[LandbridgeError] = TransientError) -> Iterator[None]:
    """`refused` is what a refusal means that has no words of its own for it."""
    try:
        yield
    except LoginError as error:
        found = temporary(error, at)
        refused_login = AuthError(f"{at} failed: the server refuses login or password.")
        raise (found if isinstance(found, TransientError) else refused_login) from None
    except ssl.SSLError as error:
        raise TransientError(
            f"{at} failed: {_tls(error)}.",
            remedy="Check host, port and ca_file; without TLS nothing is sent to another machine.",
        ) from None
    except IMAP4.abort:
        raise TransientError(f"{at} failed: the connection was lost.") from None
    except IMAP4.error as error:
        raise (temporary(error, at) or refused(f"{at} failed: the server refuses it.")) from None
    except OSError as error:
        raise TransientError(f"{at} failed ({type(error).__name__}).", remedy="Check host and port.") from None


def temporary(error: Exception, at: str) -> LandbridgeError | None:
    """What an IMAP server's words say is not about what was asked; None where they say nothing of the kind."""
    said = str(error).upper()
    if "QUOTA" in said:  # which is exceeded as well, but does not pass by waiting
        return None
    if any(f"[{word}" in said for word in _ACCOUNT):
        return AuthError(f"{at} failed: the account may not sign in.")
    if any(word in said for word in _BUSY):
        return RateLimited(f"{at} failed: too much was asked.")
    return TransientError(f"{at} failed: the server is not ready.") if any(word in said for word in _LATER) else None


@contextmanager
def smtp_errors(throttle: Throttle) -> Iterator[None]:
    """All who share the throttle wait where the server asks to come later."""
    with errors_named("Sending"):
        try:
            yield
        except (Refused, smtplib.SMTPException) as error:
            raise _of_smtp(error, throttle) from None


def _of_smtp(error: Refused | smtplib.SMTPException, throttle: Throttle) -> LandbridgeError:
    code = error.code if isinstance(error, Refused) else int(getattr(error, "smtp_code", 0))
    if isinstance(error, smtplib.SMTPAuthenticationError) and code >= 500:
        return AuthError("Sending failed: the SMTP server refuses login or password.")
    if isinstance(error, smtplib.SMTPConnectError):
        return TransientError(f"The SMTP server takes no connection ({code}).")
    if isinstance(error, Refused) and any(word in error.said for word in _ENOUGH):
        throttle.limited(None)
        return RateLimited(f"Sending failed: the account has sent as much as it may for now ({code}).")
    if 400 <= code < 500:
        throttle.limited(None)
        return TransientError(f"Sending failed: the SMTP server asks to try later ({code}).")
    if code == 552 and isinstance(error, Refused) and any(word in error.said for word in _TOO_LARGE):
        return TooLargeError(f"The SMTP server takes no mail of this size ({code}).", remedy="Lower max_size.")
    if code in _THIS_MAIL:
        remedy = "Check sender, the list's address and the size."
        return RecordError(f"The SMTP server refuses this mail ({code}).", remedy=remedy)
    if code >= 500:
        return ScopeError(f"The SMTP server refuses the command ({code}).", remedy="Check sender and smtp.")
    return TransientError(f"Sending failed ({type(error).__name__}).")


def _tls(error: ssl.SSLError) -> str:
    """OpenSSL's own words name at most the host that was asked for."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate cannot be verified ({str(error.verify_message).rstrip('.')})"
    return "no TLS"
