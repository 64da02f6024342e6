"""Signing in, and servers that do not answer."""

from __future__ import annotations

import imaplib
import logging
import socket
from typing import Any

import pytest

from landbridge.errors import (
    AuthError,
    ConfigError,
    RateLimited,
    TransientError,
)
from landbridge.http import LocalThrottle
from landbridge.mail.imap import Session
from landbridge.mail.server import Server
from landbridge.mail.smtp import signed_in
from sandbox.dovecot import Dovecot
from tests.connectors.email.server.desk import (
    connector,
    now,
    post,
)

pytestmark = pytest.mark.server


def test_nothing_is_sent_without_the_right_password(dovecot: Dovecot, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = dovecot.connections()["mail"]["password"]
    with pytest.raises(AuthError, match="login or password"):
        connector(dovecot, password="wrong").check()
    connector(dovecot).check()
    now(dovecot)
    assert secret not in caplog.text
    assert "wrong" not in caplog.text


def test_a_server_that_does_not_encrypt_is_told_nothing(dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it stood elsewhere, where somebody in between could have taken the offer of TLS out of its answer."""
    email = connector(dovecot)
    monkeypatch.setattr(Server, "is_here", False)
    for sign_in in (email._session, lambda: signed_in(email._submission(), email.throttle)):
        with pytest.raises(ConfigError, match=r"offers no TLS \(STARTTLS\); nothing was sent"), sign_in():
            raise AssertionError("signed in")


def test_nothing_listens(dovecot: Dovecot) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    with pytest.raises(TransientError, match="Check host and port"):
        list(connector(dovecot, host=f"imap://127.0.0.1:{port}").read("messages"))
    with pytest.raises(TransientError, match="Check host and port") as caught:
        post(connector(dovecot, smtp=f"smtp://127.0.0.1:{port}", sent=None))
    assert not caught.value.uncertain


def test_a_rate_limit_is_waited_for(dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has had enough says so in words; all who share the limit then wait."""
    waited: list[float] = []
    email = connector(dovecot)
    email.throttle = LocalThrottle(sleep=waited.append)

    def refuse(self: Session, *given: Any, **named: Any) -> Any:
        with self._asking("Listing mails"):
            raise imaplib.IMAP4.error("[LIMIT] Too many commands")

    monkeypatch.setattr(Session, "uids", refuse)
    with pytest.raises(RateLimited):
        list(email.read("messages"))
    monkeypatch.undo()
    list(email.read("messages"))
    assert waited
