"""What a connection says, and what servers refuse."""

from __future__ import annotations

from typing import Any

import pytest
from imapclient.exceptions import IMAPClientError, LoginError

from connectors.email.connector import Email
from connectors.email.cursor import positions
from landbridge.connector import Finds, HasFiles
from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.http import LocalThrottle
from landbridge.mail.errors import Refused, TooLargeError, errors_named, smtp_errors
from tests.connectors.email.mails import CONFIG, LIST, config


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"host": "http://mail.example.org"}, "host"),
        ({"smtp": "mail.example.org"}, "smtp"),
        ({"lists": []}, "lists"),
        ({"lists": [LIST, LIST]}, "lists"),
        ({"lists": [{"mailbox": "a", "adress": "x@y"}]}, "lists.0.adress"),
        ({"sender": "no address"}, "sender"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_config_refuses_unknown_keys(extra: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=rf"{said}") as caught:
        config(**extra)
    assert "pssst" not in str(caught.value)


def test_what_it_can_do() -> None:
    email = Email(CONFIG)
    assert isinstance(email, Finds)
    assert isinstance(email, HasFiles)
    assert Email.can_write("messages", "create")
    assert not any(Email.can_write("messages", op) for op in ("update", "delete"))


@pytest.mark.parametrize("cursor", [{}, {"mailboxes": {"a": [1]}}, {"mailboxes": []}, {"since": "x"}, "x"])
def test_a_cursor_of_another_kind_means_to_read_in_full(cursor: Any) -> None:
    with pytest.raises(ExpiredCursor):
        positions(cursor)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (LoginError("b'[AUTHENTICATIONFAILED] anna@example.org'"), AuthError),
        (LoginError("b'[UNAVAILABLE] try again'"), TransientError),
        (IMAPClientError("select failed: [THROTTLED] slow down"), RateLimited),
        (IMAPClientError("[INUSE] locked"), TransientError),
        (IMAPClientError("anna@example.org: no such mailbox"), ScopeError),
        (ConnectionRefusedError("x"), TransientError),
    ],
)
def test_refusals_by_what_happens_next_without_names(raised: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected) as caught, errors_named("Opening", ScopeError):
        raise raised
    assert "anna" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "said", "expected", "limited"),
    [
        (550, "5.1.1 anna@example.org: no such user", RecordError, False),
        (552, "5.2.2 anna@example.org is over quota", RecordError, False),
        (552, "5.3.4 Message size exceeds fixed limit", TooLargeError, False),
        (552, "5.2.3 anna@example.org: your message exceeded the size limits", TooLargeError, False),
        (550, "5.4.5 Daily user sending limit exceeded", RateLimited, True),
        (554, "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException", RateLimited, True),
        (450, "4.7.1 Greylisted", TransientError, True),
        (503, "5.5.1 Bad sequence of commands", ScopeError, False),
    ],
)
def test_what_smtp_refuses_is_about_one_mail_or_about_all(
    code: int, said: str, expected: type[Exception], limited: bool
) -> None:
    told: list[float | None] = []
    throttle = LocalThrottle()
    throttle.limited = told.append  # type: ignore[method-assign]
    with pytest.raises(expected) as caught, smtp_errors(throttle):
        raise Refused(code, said.encode())
    assert type(caught.value) is expected
    assert bool(told) is limited
    assert "anna" not in str(caught.value)
