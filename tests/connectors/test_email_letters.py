"""Mails to single people on a real Dovecot and SMTP server: sent once, known as sent, and told of when they come back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

import pytest

from connectors.email import bounces
from connectors.email.connector import Email
from landbridge.connector import Failure
from landbridge.errors import Declined, RecordError, ScopeError, TransientError
from landbridge.mail.mime import content, header, parse
from sandbox.dovecot import DOMAIN, Dovecot
from tests.connectors.email.server.conftest import _desks
from tests.connectors.email.server.desk import ANNA, OTHER, Desk, connector, hanging_up
from tests.connectors.reading import natives_of, read
from tests.servers import brought_up

pytestmark = pytest.mark.server
__all__ = ["_desks"]

TO = f"{ANNA}@{DOMAIN}"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with brought_up(Dovecot) as system:
        yield system


def letter(email: Email, marker: str, to: str = TO, **native: Any) -> dict[str, Any]:
    told = {"to": to, "text": "What was said\n\nA lot.", "html": "<p>What was said</p><p>A <b>lot</b>.</p>"} | native
    return email.create_letter(told, marker)


def arrived(dovecot: Dovecot, marker: str) -> list[str]:
    return Desk(dovecot, "INBOX", ANNA).uids("HEADER", "Message-ID", marker)


def test_a_letter_comes_to_the_one_whom_it_is_for_and_is_read_back_as_it_was_made(dovecot: Dovecot) -> None:
    email = connector(dovecot)
    cursor = read(email, "letters")[2]
    made = letter(email, "lb01", sent_at="2026-03-09T07:00:00Z")
    assert made == {"id": f"<lb01.landbridge-letter@{DOMAIN}>", "to": TO, "sent_at": "2026-03-09T07:00:00Z"}
    assert natives_of(connector(dovecot), "letters", cursor) == {made["id"]: made}
    assert made["id"] in natives_of(connector(dovecot), "letters")
    [uid] = arrived(dovecot, "lb01")
    mail = parse(Desk(dovecot, "INBOX", ANNA).imap.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1])
    assert header(mail, "Subject") == "What was said"
    assert str(content(mail).text).startswith("What was said\n\nA lot.\n\nTo get no more of these mails")
    assert header(mail, "Auto-Submitted") == "auto-generated"
    assert not [one for one in natives_of(email, "messages") if "lb01" in one]


def test_a_letter_whose_answer_was_lost_is_not_sent_twice(dovecot: Dovecot) -> None:
    with hanging_up(dovecot.facts()["smtp_port"]) as port, pytest.raises(TransientError) as caught:
        letter(connector(dovecot, smtp=f"smtp://127.0.0.1:{port}"), "lb02")
    assert caught.value.uncertain
    email = connector(dovecot)
    assert len(arrived(dovecot, "lb02")) == 1
    assert not [one for one in natives_of(email, "letters") if "lb02" in one], "it may not have been sent"
    found = email.find("letters", {"to": TO}, "lb02")
    assert found is not None
    assert natives_of(email, "letters")[found["id"]] == found
    assert email.find("letters", {"to": TO}, "lb04") is None


def test_a_letter_that_the_server_was_never_given_is_sent_later(dovecot: Dovecot) -> None:
    """It is kept when all is agreed, not before."""
    with pytest.raises(RecordError, match="550"):
        letter(connector(dovecot), "lb08", f"nobody@{DOMAIN}")
    with pytest.raises(TransientError) as caught:
        letter(connector(dovecot, smtp="smtp://127.0.0.1:9"), "lb08")
    assert not caught.value.uncertain
    email = connector(dovecot)
    assert email.find("letters", {"to": TO}, "lb08") is None
    made = letter(email, "lb08")
    assert email.find("letters", {"to": TO}, "lb08") == made
    assert len(arrived(dovecot, "lb08")) == 1


def test_a_letter_that_comes_back_is_told_once_under_its_own_key_and_names_nobody(dovecot: Dovecot) -> None:
    email = connector(dovecot)
    _, _, cursor = read(email, "letters")
    of_lists = read(email, "messages")[2]
    made = letter(email, "lb05", "rene.weiss@elsewhere.example")
    [failure] = [one for one in email.read("letters", cursor) if isinstance(one, Failure)]
    assert (failure.key, failure.again) == (made["id"], False)
    assert str(failure.error).startswith("A mail to an address at elsewhere.example came back: 5.1.2, no such host.")
    assert "rene" not in str(failure.error)
    after = read(email, "letters", cursor)[2]
    assert not [one for one in email.read("letters", after) if isinstance(one, Failure)]
    assert not [one for one in email.read("messages", of_lists) if isinstance(one, Failure)]


def test_a_full_read_does_not_tell_again_what_came_back_long_ago(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = letter(connector(dovecot), "lb09", "rene.weiss@elsewhere.example")
    validity = read(connector(dovecot), "letters")[2]["mailboxes"]["bounces:INBOX"][0]
    cursor, anew = ({"mailboxes": {"bounces:INBOX": [one, 1, None, 0, []]}} for one in (validity, validity + 1))

    def told(cursor: Any) -> list[str | None]:
        return [one.key for one in connector(dovecot).read("letters", cursor) if isinstance(one, Failure)]

    assert made["id"] in told(None)
    monkeypatch.setattr(bounces, "FRESH", timedelta(0))
    assert told(None) == told(anew) == []
    assert made["id"] in told(cursor)


def test_who_wants_no_more_is_told_once_under_the_letters_key(dovecot: Dovecot) -> None:
    """By the letter's link, or by an answer; a forged mail, and a note of absence, say nothing."""
    email = connector(dovecot)
    cursor = read(email, "letters")[2]
    by_link, by_answer, forged, away = (letter(email, f"lb2{number}")["id"] for number in range(4))
    way = link_of(Desk(dovecot, "INBOX", ANNA), "lb20")
    dovecot.send(ANNA, way.path, parse_qs(way.query)["subject"][0], "")
    dovecot.send(ANNA, way.path, "Re: What was said", "Unsubscribe.\n\n> What was said", answers=by_answer)
    dovecot.send(ANNA, way.path, f"unsubscribe {away}", "Away.", Auto_Submitted="auto-replied")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = TO, way.path, f"unsubscribe {forged}"
    dovecot.submit(OTHER, mail)
    found = [one for one in connector(dovecot).read("letters", cursor) if isinstance(one, Failure)]
    assert [one.key for one in found] == [by_link, by_answer]
    assert {(one.again, type(one.error)) for one in found} == {(False, Declined)}
    after = read(email, "letters", cursor)[2]
    assert not [one for one in email.read("letters", after) if isinstance(one, Failure)]


def link_of(desk: Desk, marker: str) -> SplitResult:
    """By which who got this letter stops the next."""
    [uid] = desk.uids("HEADER", "Message-ID", marker)
    head = parse(desk.imap.uid("FETCH", uid, "(BODY.PEEK[HEADER])")[1][0][1])
    return urlsplit(header(head, "List-Unsubscribe")[1:-1])


@pytest.mark.parametrize("to", ["", "nobody", f"{TO}, {TO}", f"Anna <{TO}>", f"{TO}\r\nBcc: {TO}"])
def test_a_letter_is_for_one_person(dovecot: Dovecot, to: str) -> None:
    with pytest.raises(RecordError, match="address of one person"):
        letter(connector(dovecot), "lb06", to)


@pytest.mark.parametrize("lacking", ["smtp", "sent"])
def test_without_a_place_to_keep_what_is_sent_no_letter_is_sent(dovecot: Dovecot, lacking: str) -> None:
    with pytest.raises(ScopeError, match="Letters are not sent"):
        letter(connector(dovecot, **{lacking: None}), "lb07")
