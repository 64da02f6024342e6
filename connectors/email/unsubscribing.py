"""Who got a letter and wants no other: by the letter's link (RFC 2369), or by an answer of one word."""

from __future__ import annotations

import re
from email.message import Message
from html import escape
from urllib.parse import quote

from connectors.email import natives
from connectors.email.config import EmailConfig
from landbridge import richtext
from landbridge.connector import Failure
from landbridge.errors import Declined
from landbridge.mail.ids import answered
from landbridge.mail.mime import Content, content, header, sender
from landbridge.mail.reports import is_automatic, is_verified

WORD = "unsubscribe"
# What `may_be` decides by.
HEADS = ("subject", "in-reply-to")
# Letters of an answer in HTML, the style sheet that some begin with included.
LOOKED_AT = 200_000
# Subjects of answers in several languages; a mail that is forwarded answers nobody.
_SUBJECT = re.compile(rf"(?:(?:re|aw|sv|antw)\s*:\s*)*{WORD}(?:\s+<?([^<>\s]+)>?)?", re.IGNORECASE)
_FIRST_LINE = re.compile(rf"\W*{WORD}\W*", re.IGNORECASE)


def link(letter: str, config: EmailConfig) -> str | None:
    """Where to write to get no more letters than this one (its Message-ID); None where nobody would read that."""
    if config.bounces is None:
        return None
    return f"mailto:{quote(config.sender, safe='@')}?subject={quote(f'{WORD} {letter}', safe='')}"


def last_line(link: str) -> tuple[str, str]:
    """As text and as HTML."""
    text = f"\n\nTo get no more of these mails, answer with the word {WORD}."
    html = f'<hr><p>To get no more of these mails, <a href="{escape(link)}">{WORD}</a>, or answer with that word.</p>'
    return text, html


def may_be(head: Message, config: EmailConfig) -> bool:
    """Is the rest of the mail worth reading?"""
    return WORD in header(head, "Subject").lower() or _answered(head, config) is not None


def declined(mail: Message, config: EmailConfig) -> Failure | None:
    """Under the key of the letter; None where nobody says so, or the own server cannot say who does. It names nobody."""
    address = sender(mail)[1]
    letter = _letter(mail, config)
    if letter is None or is_automatic(mail, address) or not _may_be_theirs(mail, address, config):
        return None
    error = Declined(
        "Who got this letter wants no more of them.",
        remedy=f"The mail that says so is in the mailbox {config.bounces}; drop this when they want letters again.",
    )
    return Failure(letter, error, again=False)


def _may_be_theirs(mail: Message, address: str, config: EmailConfig) -> bool:
    """Only who has the letter knows its Message-ID; where the own server seals mail, nobody else's name may stand there."""
    return config.trust_from or config.authserv is None or is_verified(mail, address, config.authserv)


def _letter(mail: Message, config: EmailConfig) -> str | None:
    """The Message-ID of the letter that the mail declines."""
    subject = _SUBJECT.fullmatch(header(mail, "Subject"))
    if subject and subject[1]:
        named = f"<{subject[1]}>"
        return named if natives.is_letter(named, config) else None
    answered = _answered(mail, config)
    return answered if answered and (subject or _FIRST_LINE.fullmatch(_first_line(content(mail)))) else None


def _answered(head: Message, config: EmailConfig) -> str | None:
    found = answered(head)
    return found if found and natives.is_letter(found, config) else None


def _first_line(said: Content) -> str:
    text = said.text or ""
    if not text.strip():
        text = richtext.from_markup((said.html or "")[:LOOKED_AT], "mail-html").text
    return next((line for line in text.splitlines() if line.strip()), "")
