"""Who got a letter can stop the next: by its link, or by an answer of one word, and nobody can for them."""

from __future__ import annotations

from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.email import posting
from connectors.email.bounces import told
from connectors.email.config import EmailConfig
from landbridge.connector import Failure
from landbridge.errors import Declined, RecordError
from landbridge.mail.mime import content, header, parse
from tests.connectors.email.mails import CONFIG, config, mail

LETTER = "<lb0f.landbridge-letter@example.org>"
SEAL = "mail.example.org; dmarc=pass header.from=example.org"


def letter(settings: EmailConfig = CONFIG, **native: str) -> EmailMessage:
    given = {"to": "anna@example.org", "text": "News\n\nA lot.", "html": "<p>News</p>"} | native
    return posting.to_person(given, "lb0f", settings)


def said(text: str = "Thanks.", settings: EmailConfig = CONFIG, **headers: str) -> Failure | None:
    data = mail(text, **{"Authentication_Results": SEAL} | headers)
    return told(parse(data), settings, of_letters=True)


def test_a_letter_says_how_to_stop_it_to_programs_and_to_people() -> None:
    back = parse(letter().as_bytes())
    way = header(back, "List-Unsubscribe")
    assert way == f"<mailto:landbridge@example.org?subject=unsubscribe%20%3C{LETTER[1:-1].replace('@', '%40')}%3E>"
    assert parse_qs(urlsplit(way[1:-1]).query) == {"subject": [f"unsubscribe {LETTER}"]}
    found = content(back)
    assert found.text == "News\n\nA lot.\n\nTo get no more of these mails, answer with the word unsubscribe."
    assert f'<a href="{way[1:-1]}">unsubscribe</a>' in str(found.html)
    assert header(back, "Subject") == "News"


def test_where_nobody_would_read_it_no_way_is_promised() -> None:
    back = parse(letter(config(bounces=None)).as_bytes())
    assert header(back, "List-Unsubscribe") == ""
    assert (content(back).text, "unsubscribe" in str(content(back).html)) == ("News\n\nA lot.", False)


def test_a_letter_without_a_word_is_still_none() -> None:
    with pytest.raises(RecordError, match="needs a text"):
        letter(text=" ", html="")


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("", {"Subject": f"unsubscribe {LETTER}"}),
        ("Sent by a program.", {"Subject": f"Re: Unsubscribe {LETTER[1:-1]}"}),
        ("", {"Subject": "=?utf-8?q?unsubscribe_=3Clb0f=2Elandbridge-letter=40example=2Eorg=3E?="}),
        ("Thanks.", {"Subject": "UNSUBSCRIBE", "In_Reply_To": LETTER}),
        ("Thanks.", {"Subject": "Re: AW: unsubscribe", "In_Reply_To": LETTER}),
        (
            "\n  Unsubscribe!\n\nAnna\n\nOn Monday Landbridge wrote:\n> News",
            {"Subject": "Re: News", "In_Reply_To": LETTER},
        ),
    ],
)
def test_who_wants_no_more_is_understood(text: str, headers: dict[str, str]) -> None:
    found = said(text, **headers)
    assert found is not None
    assert (found.key, found.again, type(found.error)) == (LETTER, False, Declined)
    assert "the mailbox INBOX" in str(found.error)
    assert "weiss" not in str(found.error).lower()


def test_an_answer_in_html_alone_is_understood() -> None:
    answer = EmailMessage()
    answer["From"], answer["Subject"], answer["In-Reply-To"] = "anna@example.org", "Re: News", LETTER
    answer["Authentication-Results"] = SEAL
    quoted = "<blockquote type='cite'><p>News</p></blockquote>"
    answer.set_content(f"<html><body><div>unsubscribe</div><br>{quoted}</body></html>", subtype="html")
    found = told(parse(answer.as_bytes()), CONFIG, of_letters=True)
    assert found is not None
    assert found.key == LETTER


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("Thanks.", {"Subject": "Re: News", "In_Reply_To": LETTER}),
        ("How do I unsubscribe?", {"Subject": "Re: News", "In_Reply_To": LETTER}),
        ("Thanks.\nunsubscribe", {"Subject": "Re: News", "In_Reply_To": LETTER}),
        ("Thanks.\n\n> To get no more, answer with the word\n> unsubscribe", {"In_Reply_To": LETTER}),
        ("unsubscribe", {"Subject": "unsubscribe"}),
        ("unsubscribe", {"Subject": "unsubscribe", "In_Reply_To": "<m@example.org>"}),
        ("", {"Subject": "unsubscribe <lb0f.landbridge-letter@elsewhere.example>"}),
        ("", {"Subject": "unsubscribe <lb0f.landbridge@example.org>"}),
        ("", {"Subject": f"Fwd: unsubscribe {LETTER}"}),
        ("", {"Subject": f"unsubscribe {LETTER} and more"}),
    ],
)
def test_who_has_not_said_so_is_left_alone(text: str, headers: dict[str, str]) -> None:
    assert said(text, **headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"X_Autoreply": "yes"},
        {"Precedence": "auto_reply"},
        {"Return_Path": "<>"},
        {"From": "no-reply@example.org"},
    ],
)
def test_an_absence_note_declines_nothing(headers: dict[str, str]) -> None:
    for asked in ({"Subject": f"unsubscribe {LETTER}"}, {"Subject": "Re: unsubscribe", "In_Reply_To": LETTER}):
        assert said("", **asked) is not None
        assert said("", **asked, **headers) is None


@pytest.mark.parametrize(
    ("settings", "seal", "counts"),
    [
        (CONFIG, SEAL, True),
        (CONFIG, "mail.example.org; dmarc=fail header.from=example.org", False),
        (CONFIG, "evil.example; dmarc=pass header.from=example.org", False),
        (CONFIG, "mail.example.org; dkim=pass header.d=evil.example", False),
        (config(authserv="mail.example.org", trust_from=True), "none", True),
        (config(), "none", True),
    ],
)
def test_whose_name_the_own_server_does_not_vouch_for_declines_nothing(
    settings: EmailConfig, seal: str, counts: bool
) -> None:
    found = said("", settings, Subject=f"unsubscribe {LETTER}", Authentication_Results=seal)
    assert (found is not None) is counts


def test_mails_to_lists_are_not_declined() -> None:
    data = mail("", Subject=f"unsubscribe {LETTER}", Authentication_Results=SEAL)
    assert told(parse(data), CONFIG, of_letters=False) is None
