"""A mail server's address, and who signs in there."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from landbridge.errors import ConfigError
from landbridge.http import BearerToken
from landbridge.http.hosts import is_here

PORTS = {"imaps": 993, "imap": 143, "smtps": 465, "smtp": 587}


@dataclass(frozen=True)
class Server:
    """`url`: imaps:// and smtps:// are encrypted from the start, imap:// and smtp:// turn to TLS (STARTTLS).

    `secret` is a password, or a token (OAuth 2) with which XOAUTH2 signs in.
    """

    url: str
    login: str
    secret: str | BearerToken = field(repr=False)
    ca_file: str | None = None
    timeout: float = 60

    @property
    def address(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        parts = urlsplit(self.url)
        return parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme]

    @property
    def is_here(self) -> bool:
        """On this machine nobody listens in between."""
        return is_here(self.address[1])

    def may_encrypt(self, offered: bool) -> bool:
        """Does it turn to TLS? Raises ConfigError where it does not, and somebody could listen."""
        if not offered and not self.is_here:
            scheme, host, _ = self.address
            raise ConfigError(
                f"{host} offers no TLS (STARTTLS); nothing was sent to it.",
                remedy=f"Use {scheme}s://, or another server.",
            )
        return offered

    def tls(self) -> ssl.SSLContext:
        """Certificates are verified, whatever else is configured."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def with_token(server: Server, token: BearerToken, ask: Callable[[str], None], refused: type[Exception]) -> None:
    """`ask` signs in with what XOAUTH2 says; a token that is `refused` is replaced once, should there be a newer one."""
    said = token.secret()
    try:
        ask(xoauth2(server.login, said))
    except refused:
        if not token.renew(said):
            raise
        ask(xoauth2(server.login, token.secret()))


def xoauth2(login: str, token: str) -> str:
    """What both large providers ask for; see https://developers.google.com/gmail/imap/xoauth2-protocol."""
    return f"user={login}\1auth=Bearer {token}\1\1"
