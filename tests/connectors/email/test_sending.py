"""What is sent, and files on their way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.email import natives, posting
from landbridge.errors import (
    FileError,
    RecordError,
    ScopeError,
)
from landbridge.http import LocalThrottle
from landbridge.mail.encoding import decoded
from landbridge.mail.errors import TooLargeError
from landbridge.mail.imap import CHUNK, Session
from landbridge.mail.mime import content, header, parse
from landbridge.mail.reports import is_automatic
from tests.connectors.email.mails import CONFIG, LIST, config


def no_files(attachment: Mapping[str, Any]) -> Iterator[bytes]:
    raise AssertionError("nothing is to be opened")


def composed(
    given: dict[str, Any], subject: str = "", open_file: posting.OpenFile = no_files, **extra: Any
) -> EmailMessage:
    told = {"mailbox": LIST["mailbox"], "text": "Yes.", "html": "<p>Yes.</p>"} | given
    return posting.to_list(told, "lb0f", subject, config(**extra), open_file)


def test_a_new_mail_is_complete_and_is_recognised_when_it_comes_back() -> None:
    made = composed({"text": "**Anna:** Is it *on fire*? 🔥\n\nI ask you.", "sent_at": "2026-03-02T09:05:00Z"})
    data = made.as_bytes()
    back = parse(data)
    assert (header(back, "From"), header(back, "To")) == ("Landbridge <landbridge@example.org>", LIST["address"])
    assert header(back, "Subject") == "Anna:** Is it *on fire*? 🔥"
    assert header(back, "Date") == "Mon, 02 Mar 2026 09:05:00 +0000"
    assert natives.marker_of(back, LIST["mailbox"], CONFIG) == "lb0f"
    assert content(back).text == "**Anna:** Is it *on fire*? 🔥\n\nI ask you."
    assert all(byte < 128 for byte in data)
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert not is_automatic(parse(data.replace(b"X-Landbridge: 1\r\n", b"")), "a@x")


def test_an_answer_is_threaded_for_every_mail_program() -> None:
    made = composed({"thread": "Lists/it-help/<q1@x>", "reply_to": "Lists/it-help/<a1@x>"}, "[it-help] Printer")
    assert (made["Subject"], made["In-Reply-To"], made["References"]) == (
        "Re: [it-help] Printer",
        "<a1@x>",
        "<q1@x> <a1@x>",
    )
    made = composed({"thread": "Lists/it-help/<q1@x>"}, "Re: Printer")
    assert (made["Subject"], made["In-Reply-To"], made["References"]) == ("Re: Printer", "<q1@x>", "<q1@x>")


@pytest.mark.parametrize("name", ["In-Reply-To", "References", "List-Unsubscribe"])
def test_an_id_longer_than_a_line_stays_readable(name: str) -> None:
    """As Exchange makes them; the library would encode it, and no program would know it again."""
    long = f"<{'A1' * 40}@DB7PR04MB4764.eurprd04.prod.outlook.com>"
    if name == "List-Unsubscribe":
        made, value = letter(sender="landbridge@mail.a-long-name.example.org"), None
    else:
        made, value = composed({"thread": f"Lists/it-help/{long}"}), long
    back = parse(made.as_bytes())
    assert header(back, name) == (value or made[name])
    assert b"=?utf-8?" not in made.as_bytes()


def letter(marker: str = "lb0f", **extra: Any) -> EmailMessage:
    told = {"to": "anna@example.org", "text": "News", "html": "<p>News</p>"}
    return posting.to_person(told, marker, config(**extra))


def test_nobody_writes_headers_by_what_they_say() -> None:
    made = composed({"text": "a\r\nBcc: everybody@example.org\r\n\r\nb"}, "x\r\nBcc: y@x")
    assert parse(made.as_bytes())["Bcc"] is None
    evil = {"name": 'a"\r\nBcc: x@y', "media_type": "image/png\r\nBcc: x@y", "url": "chat:1"}
    made = composed({"attachments": [evil]}, open_file=lambda one: iter([b"x"]))
    assert b"\r\nBcc" not in made.as_bytes()


def test_files_go_along_as_far_as_they_fit_and_the_others_stay() -> None:
    digest = hashlib.sha256(b"x" * 10).hexdigest()
    fits = {"name": "a.png", "media_type": "image/png", "size": 10, "sha256": digest, "url": "chat:1"}
    large = {"name": "film.mp4", "media_type": "video/mp4", "size": 10**9, "url": "chat:2"}
    liar = {"name": "small.bin", "media_type": None, "size": 3, "url": "chat:3"}
    sizes = {"chat:1": [b"x" * 10], "chat:3": [b"y" * 2**16] * 3}

    def carrying(*files: dict[str, Any]) -> EmailMessage:
        return composed({"attachments": list(files)}, open_file=lambda one: iter(sizes[one["url"]]), max_size=2**16)

    for wrong in (large, liar):
        with pytest.raises(FileError, match="too large, at most 64 kB are taken here") as caught:
            carrying(fits, wrong)
        assert caught.value.file == wrong
    found = content(parse(carrying(fits).as_bytes()))
    assert [(one["name"], one["sha256"]) for one in found.files] == [("a.png", digest)]


def test_all_files_of_a_mail_together_have_to_fit() -> None:
    files = [{"name": f"{number}.bin", "size": 2**15 + number, "url": f"chat:{number}"} for number in range(2)]
    with pytest.raises(FileError) as caught:
        composed({"attachments": files}, open_file=lambda one: iter([b"x" * one["size"]]), max_size=2**16)
    assert caught.value.file == files[1]


def test_a_mail_that_the_server_finds_too_large_goes_without_its_largest_file() -> None:
    files = [
        {"name": "a", "size": 1, "url": "chat:1"},
        {"name": "b", "size": 9, "url": "chat:2"},
        {"name": "c", "url": "chat:3"},
    ]
    with pytest.raises(FileError) as caught, posting.fitting({"attachments": files}):
        raise TooLargeError("The SMTP server takes no mail of this size (552).")
    assert caught.value.file == files[1]
    with pytest.raises(TooLargeError), posting.fitting({"attachments": []}):
        raise TooLargeError("The SMTP server takes no mail of this size (552).")


def test_a_file_that_is_not_what_it_should_be_is_not_sent() -> None:
    wrong = {"name": "a.png", "media_type": "image/png", "sha256": "0" * 64, "url": "chat:1"}
    with pytest.raises(RecordError, match="checksum"):
        composed({"attachments": [wrong]}, open_file=lambda one: iter([b"x"]))


def test_what_cannot_be_sent_says_why() -> None:
    with pytest.raises(RecordError, match="needs a text"):
        composed({"text": " ", "html": ""})
    with pytest.raises(RecordError, match="needs a list"):
        composed({"mailbox": "INBOX"})
    with pytest.raises(ScopeError, match="only read"):
        composed({}, smtp=None)
    with pytest.raises(ScopeError, match="only read"):
        composed({}, lists=[LIST | {"address": None}])


def test_a_subject_is_the_first_line_cut_at_a_word() -> None:
    assert posting.subject_of("\n## Heading\n\ntext") == "Heading"
    assert posting.subject_of("") == "Message"
    long = posting.subject_of("word " * 40)
    assert len(long) <= posting.SUBJECT_LENGTH
    assert long.endswith("word…")


@settings(deadline=None)
@given(st.binary(max_size=3000), st.sampled_from(["base64", "quoted-printable"]), st.integers(1, 100))
def test_a_file_is_decoded_while_it_comes(data: bytes, encoding: str, size: int) -> None:
    made = EmailMessage()
    made.set_content(data, maintype="application", subtype="octet-stream", cte=encoding)
    head, _, body = made.as_bytes().partition(b"\n\n")
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    assert b"".join(decoded(pieces, head + b"\r\n\r\n", 10**6)) == made.get_payload(decode=True)


class Endless:
    """A server that answers every request for a piece of a file with the same."""

    def __init__(self, piece: bytes) -> None:
        self.piece, self.asked = piece, 0

    def fetch(self, uids: list[int], wanted: list[str]) -> dict[int, dict[bytes, bytes]]:
        self.asked += 1
        return {uids[0]: {b"BODY[2]<0>": self.piece}}


@pytest.mark.parametrize(
    ("piece", "said", "asked"), [(b"!" * CHUNK, "does not end", 16), (b"!" * CHUNK * 2, "piece by piece", 1)]
)
def test_a_server_that_does_not_end_a_file_is_not_listened_to_for_ever(piece: bytes, said: str, asked: int) -> None:
    session = Session.__new__(Session)
    session._imap, session._throttle, session._largest = Endless(piece), LocalThrottle(), 4 * CHUNK
    with pytest.raises(RecordError, match=said):
        list(decoded(session.part(7, "2"), b"Content-Transfer-Encoding: base64\r\n\r\n", 4 * CHUNK))
    assert session._imap.asked == asked


def test_a_file_that_is_larger_than_allowed_ends() -> None:
    with pytest.raises(RecordError, match="at most 5 bytes"):
        list(decoded(iter([b"abc", b"def"]), b"", 5))
