"""What nobody wrote, what did not arrive, and who may speak as a colleague."""

from __future__ import annotations

import pytest

from connectors.email.bounces import bounced
from landbridge.mail.mime import parse
from landbridge.mail.reports import bounce_of, is_automatic, is_verified
from tests.connectors.email.mails import CONFIG, MAPPINGS, config, mail, native


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; vacation"},
        {"X_Autoreply": "yes"},
        {"Precedence": "auto_reply"},
        {"Return_Path": "<>"},
        {"From": "MAILER-DAEMON@mail.example.org"},
        {"From": "no-reply@shop.example"},
        {"X_Landbridge": "1"},
    ],
)
def test_what_no_person_wrote_is_filtered(headers: dict[str, str]) -> None:
    found = native(mail(**headers))
    assert found["automatic"] is True
    assert MAPPINGS["messages"].accepts(found) is False


@pytest.mark.parametrize("headers", [{"Auto_Submitted": "no"}, {"Precedence": "list"}, {"Precedence": "bulk"}])
def test_what_a_person_wrote_to_a_list_is_not(headers: dict[str, str]) -> None:
    assert not is_automatic(parse(mail(**headers)), "a@x")


def bounce(action: str = "failed", status: str = "5.1.1", original: str = "<lb0f.landbridge@example.org>") -> bytes:
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mail.example.org\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; It-Help@lists.example.org\r\nAction: {action}\r\n"
        f"Status: {status}\r\nDiagnostic-Code: smtp; 550 {status} Anna Mueller is not here\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {original}\r\nSubject: s\r\n\r\nx\r\n--b--\r\n"
    ).encode()


def test_a_bounce_tells_what_was_not_delivered_and_why_and_names_nobody() -> None:
    found = bounce_of(parse(bounce()))
    assert found is not None
    assert (found.message_id, found.recipients) == ("<lb0f.landbridge@example.org>", ("it-help@lists.example.org",))
    assert found.reason == "5.1.1, no such mailbox"
    failure = bounced(found, parse(bounce()), CONFIG)
    assert failure.key == "bounce of Lists/it-help/<lb0f.landbridge@example.org>"
    assert failure.again is False
    assert "Anna" not in str(failure.error)
    assert "the list Lists/it-help came back: 5.1.1" in str(failure.error)


def test_a_bounce_from_a_subscriber_names_the_domain_only() -> None:
    found = bounce_of(parse(bounce().replace(b"It-Help@lists.example.org", b"anna@elsewhere.example")))
    assert found is not None
    said = str(bounced(found, parse(bounce()), CONFIG).error)
    assert "an address at elsewhere.example" in said
    assert "anna" not in said


def test_a_mail_that_is_only_late_has_not_failed() -> None:
    assert bounce_of(parse(bounce("delayed", "4.4.1"))) is None
    assert native(bounce("delayed"))["automatic"] is True


def test_a_bounce_of_no_standard_form_is_one() -> None:
    found = bounce_of(parse(mail("Hi. This is the qmail-send program.", From="MAILER-DAEMON@x", Return_Path="<>")))
    assert found is not None
    assert "no standard form" in found.reason
    assert bounce_of(parse(mail())) is None


@pytest.mark.parametrize(
    ("seal", "verified"),
    [
        ("mail.example.org; dmarc=pass header.from=example.org", True),
        ("mail.example.org 1; spf=pass smtp.mailfrom=rene.weiss@example.org", True),
        ("mail.example.org; dkim=pass (2048-bit key) header.d=example.org header.i=@example.org", True),
        ("mail.example.org; auth=pass smtp.auth=rene.weiss@example.org", True),
        ("mail.example.org; auth=pass smtp.auth=anna@example.org", False),
        ("mail.example.org; dmarc=fail header.from=example.org", False),
        ("mail.example.org; dkim=pass header.d=evil.example", False),
        ("mail.example.org; dkim=pass header.d=notexample.org", False),
        ("mail.example.org; spf=pass smtp.mailfrom=org", False),
        ("mail.example.org; none (dmarc=pass)", False),
        ("evil.example; dmarc=pass header.from=example.org", False),
        ("mail.example.org.evil.example; dmarc=pass", False),
    ],
)
def test_only_a_sender_whom_the_own_server_has_verified_is_a_colleague(seal: str, verified: bool) -> None:
    data = mail(Authentication_Results=seal)
    assert is_verified(parse(data), "rene.weiss@example.org", "mail.example.org") is verified
    assert native(data)["author"] == ("rene.weiss@example.org" if verified else None)


def test_the_newest_seal_counts() -> None:
    forged = mail(Authentication_Results="mail.example.org; dmarc=pass header.from=example.org")
    data = b"Authentication-Results: mail.example.org; dmarc=fail header.from=example.org\r\n" + forged
    assert native(data)["author"] is None


def test_without_a_word_about_it_nobody_is_taken_for_a_colleague() -> None:
    sealed = mail(Authentication_Results="mail.example.org; dmarc=pass header.from=example.org")
    assert native(sealed, settings=config())["author"] is None
    assert native(mail(), settings=config(trust_from=True))["author"] == "rene.weiss@example.org"
