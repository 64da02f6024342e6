"""The e-mail connector without a server: mail of any kind as natives, reports, seals, and what is sent."""

from __future__ import annotations

import hashlib
import mailbox
import random
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imapclient.exceptions import IMAPClientError, LoginError

from connectors.email import natives, posting
from connectors.email.bounces import bounced
from connectors.email.config import EmailConfig
from connectors.email.connector import Email
from connectors.email.reading import positions
from landbridge.connector import Connection, Finds, HasFiles
from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    FileError,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.http import LocalThrottle
from landbridge.mail.encoding import decoded
from landbridge.mail.errors import Refused, TooLargeError, errors_named, smtp_errors
from landbridge.mail.imap import CHUNK, Session
from landbridge.mail.mime import content, header, parse, sender
from landbridge.mail.reports import bounce_of, is_automatic, is_verified
from landbridge.mapping import load_mapping
from landbridge.model import validate
from landbridge.richtext.flowed import WIDTH, flow, unflow
from tests.shared import SHARED

ROOT = Path(__file__).parents[2]
ARCHIVES = SHARED / "samples" / "mail" / "ponymail"
LIST = {"mailbox": "Lists/it-help", "address": "it-help@lists.example.org", "name": "IT-Hilfe"}
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MAPPINGS = {
    name: load_mapping(ROOT / "mappings" / "email" / f"{name}.yaml") for name in ("lists", "messages", "people")
}


def connection(**extra: Any) -> Connection:
    given = {"lists": [LIST], "sender": "landbridge@example.org", "smtp": "smtps://mail.example.org"} | extra
    host = str(given.pop("host", "imaps://mail.example.org"))
    return Connection("mail", "landbridge_email", host, "landbridge", "pssst", extra=given)


def config(**extra: Any) -> EmailConfig:
    return Email.Config.of(connection(**extra))


CONFIG = config(authserv="mail.example.org")


def mail(text: str = "Hello", **headers: str) -> bytes:
    made = EmailMessage(policy=default)
    usual = {"From": "René Weiß <Rene.Weiss@example.org>", "Message_ID": "<m@x>"}
    for name, value in (usual | headers).items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made.as_bytes()


def native(data: bytes, thread: str | None = None, settings: EmailConfig = CONFIG) -> dict[str, Any]:
    return natives.mail(data, LIST["mailbox"], thread, NOW, settings)


def test_every_mapping_example_holds_both_ways() -> None:
    assert {name: mapping.run_examples() for name, mapping in MAPPINGS.items()} == {name: [] for name in MAPPINGS}


# --- natives ----------------------------------------------------------------------------------------------------------


def test_a_mail_that_begins_a_thread_says_what_it_is_about() -> None:
    found = native(mail("It is on fire.\n", Subject="[it-help] Printer", Date="Mon, 2 Mar 2026 10:05:00 +0100"))
    assert found["id"] == "Lists/it-help/<m@x>"
    assert (found["subject"], found["text"].strip()) == ("Printer", "Printer\n\nIt is on fire.")
    assert found["sent_at"] == "2026-03-02T09:05:00Z"
    assert found["thread"] is None
    assert found["guest"] == "René Weiß (rene.weiss@example.org), not verified"
    assert found["author"] is None


def test_an_answer_stands_in_its_thread_and_tells_whom_it_answers() -> None:
    data = mail("Yes.", Subject="Re: Printer", References="<root@x> <a@x>", In_Reply_To="<a@x>")
    assert natives.ancestors(parse(data)) == ["<root@x>", "<a@x>"]
    found = native(data, "<root@x>")
    assert (found["thread"], found["reply_to"]) == ("Lists/it-help/<root@x>", "Lists/it-help/<a@x>")
    assert found["text"].strip() == "Yes."
    assert native(mail(In_Reply_To="<root@x>"), "<root@x>")["reply_to"] is None


def test_other_tags_before_a_subject_are_not_the_lists() -> None:
    assert native(mail(Subject="[urgent] Printer"))["subject"] == "[urgent] Printer"


@pytest.mark.parametrize(
    ("date", "sent_at"),
    [
        ("Mon, 2 Mar 2026 10:05:00 +0100", "2026-03-02T09:05:00Z"),
        ("Mon, 2 Mar 2026 10:05:00 -0000", "2026-03-02T10:05:00Z"),
        ("Fri, 1 Jan 2100 00:00:00 +0000", "2026-03-02T12:00:00Z"),
        ("yesterday", "2026-03-02T12:00:00Z"),
        ("", "2026-03-02T12:00:00Z"),
    ],
)
def test_a_clock_that_tells_nonsense_counts_for_nothing(date: str, sent_at: str) -> None:
    assert native(b"From: a@x\r\nDate: " + date.encode() + b"\r\n\r\nHello")["sent_at"] == sent_at


def test_a_mail_without_an_id_gets_the_same_one_each_time_and_no_others() -> None:
    data = b"Received: by x; Mon, 2 Mar 2026 10:05:00 +0100\r\nFrom: a@x\r\nSubject: s\r\n\r\nHello"
    head = data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert native(data)["id"] == native(head)["id"]
    for one, other in ((b"Subject: s", b"Subject: t"), (b"10:05:00", b"10:05:01"), (b"a@x", b"b@x")):
        assert native(data)["id"] != native(data.replace(one, other))["id"]


def test_a_mail_of_which_nothing_can_be_shown_names_its_files() -> None:
    made = EmailMessage()
    made["From"] = "a@example.org"
    made.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="../../etc/hall.png")
    found = native(made.as_bytes())
    assert found["text"] == "hall.png"
    digest = hashlib.sha256(b"\x89PNG").hexdigest()
    assert [(one["name"], one["size"], one["sha256"]) for one in found["attachments"]] == [("hall.png", 4, digest)]


def test_what_landbridge_has_sent_tells_its_place_and_its_marker_and_nothing_else() -> None:
    data = mail(From="Landbridge <landbridge@example.org>", Message_ID="<lb0f.landbridge@example.org>")
    assert natives.marker_of(parse(data), LIST["mailbox"], CONFIG) == "lb0f"
    assert "text" not in native(data)
    assert "guest" not in native(data)
    by_the_list = mail(From="it-help@lists.example.org", Message_ID="<lb0f.landbridge@example.org>")
    assert natives.marker_of(parse(by_the_list), LIST["mailbox"], CONFIG) == "lb0f"


def test_a_stranger_with_an_id_like_ours_is_a_stranger() -> None:
    data = mail(Message_ID="<lb0f.landbridge@example.org>")
    assert natives.marker_of(parse(data), LIST["mailbox"], CONFIG) is None
    assert native(mail(From="landbridge@example.org"))["automatic"] is True


# --- any mail ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        b'To: "\r\nFrom: "\r\n\r\nx',
        b"From: (c):\r\nTo: (x): a@b.com;\r\n\r\nx",
        b"From: <[abc@microsoft.com]>\r\nMessage-ID: <[b378dfc@microsoft.com]>\r\nReferences: [\r\n\r\nx",
        b"From: a@x, \r\nCc: b@x,\r\nContent-Type: text/plain; name*\r\n\r\nx",
        b"From: =?utf-8?q?=FF=FE?= <a@x>\r\nSubject: =?nonsense?q?x?= =?utf-8?b?@@@?=\r\n\r\nx",
        b"Content-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe",
        b"Content-Type: multipart/mixed; boundary=\r\n\r\nx",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"Content-Type: message/rfc822\r\n\r\n",
        b"\x00\xff\r\n\r\n\x00",
        b"",
    ],
)
def test_broken_mail_is_shown_as_far_as_it_goes(broken: bytes) -> None:
    assert validate("message", MAPPINGS["messages"].into(native(broken)).claim)["sent_at"]
    bounce_of(parse(broken))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_mail_broken_anywhere_is_read(seed: int, count: int) -> None:
    chance, data = random.Random(seed), bytearray(PICTURE_MAIL)
    for _ in range(count):
        at = chance.randrange(len(data))
        data[at : at + chance.randrange(4)] = bytes(
            chance.choice(b'\x00\n\r <>@"=?:;-a\xff\xc3') for _ in range(chance.randrange(4))
        )
    found = native(bytes(data))
    validate("message", MAPPINGS["messages"].into(found).claim)
    bounce_of(parse(bytes(data)))


def _picture_mail() -> bytes:
    made = EmailMessage()
    made["From"], made["To"] = "Łucja <lucja@example.org>", "it-help@lists.example.org"
    made["Subject"], made["Message-ID"] = "Bild 🖼", "<p@x>"
    made["References"] = "<a@x> <b@x>"
    made.set_content("Schau: äöü\n\n> quoted\n")
    made.add_alternative("<p>Schau: <b>äöü</b></p>", subtype="html")
    made.add_attachment(b"\x89PNG" * 50, maintype="image", subtype="png", filename="Halle 3 – übersicht.png")
    made.add_attachment(message_from_bytes(b"Subject: inner\r\n\r\nx", policy=default))
    return made.as_bytes()


PICTURE_MAIL = _picture_mail()


def test_all_that_a_mail_holds() -> None:
    found = content(parse(PICTURE_MAIL))
    assert found.text is not None
    assert found.text.startswith("Schau: äöü")
    assert found.html == "<p>Schau: <b>äöü</b></p>\n"
    assert [(one["name"], one["url"]) for one in found.files] == [("Halle 3 – übersicht.png", "2"), ("inner.eml", "3")]
    cut = content(parse(PICTURE_MAIL), cut=True)
    assert [one["name"] for one in cut.files] == ["Halle 3 – übersicht.png"]


def test_who_wrote_it() -> None:
    for said, expected in {
        '"Weiß, René" <Rene@Example.ORG>': ("Weiß, René", "rene@example.org"),
        "=?utf-8?q?Ren=C3=A9?= <r@x.org>": ("René", "r@x.org"),
        "r@x.org (René)": ("", "r@x.org"),
        "a@b@c": ("", ""),
    }.items():
        found = sender(parse(f"From: {said}\r\n\r\n".encode()))
        assert found[1] == expected[1]
        assert not expected[0] or found[0] == expected[0]


def _archived() -> Iterator[bytes]:
    for path in sorted(ARCHIVES.glob("*.eml")):
        yield path.read_bytes()
    for path in sorted(ARCHIVES.glob("*.mbox")):
        with closing(mailbox.mbox(path)) as box:
            yield from (one.as_bytes() for one in box)


@pytest.mark.skipif(
    not ARCHIVES.is_dir(), reason="LANDBRIDGE_SHARED does not name the folder with the archives of real lists"
)
def test_real_archives_are_read_whole_and_make_sense() -> None:
    """Mails of four lists: every one becomes a valid claim, every answer finds its thread, nobody is taken for a robot."""
    users = config(lists=[{"mailbox": "users", "address": "users@ponymail.apache.org"}], trust_from=True)
    read: dict[str, dict[str, Any]] = {}
    for data in _archived():
        above = natives.ancestors(parse(data))
        found = natives.mail(data, "users", above[0] if above else None, NOW, users)
        claim = validate("message", MAPPINGS["messages"].into(found).claim)
        assert claim["body"].strip()
        assert claim["author"] is not None
        assert not found["automatic"]
        read[found["id"]] = found
    assert len(read) == 15
    roots = [one for one in read.values() if one["thread"] is None]
    answers = [one for one in read.values() if one["thread"] in read]
    assert (len(roots), len(answers)) == (5, 7)
    [first] = [one for one in roots if one["subject"] == "How do I search the Apache-wide announce mailing list?"]
    thread = [one for one in answers if one["thread"] == first["id"]]
    assert len(thread) == 3
    bodies = [MAPPINGS["messages"].into(one).claim["body"] for one in thread]
    assert bodies[0] == "<https://lists.apache.org/list.html?announce@apache.org>"
    assert not any("wrote:" in body or "> " in body for body in bodies)


# --- format=flowed ----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["word ", "a", "> ", ">", " ", "--", "From ", "Donaudampfschifffahrt", "ü"]), max_size=60),
    st.data(),
)
def test_what_is_flowed_comes_back(pieces: list[str], data: st.DataObject) -> None:
    breaks = data.draw(st.sets(st.integers(0, 60)))
    text = "".join(piece + ("\n" if at in breaks else "") for at, piece in enumerate(pieces))
    lines = [line.rstrip(" ") for line in text.split("\n")]
    flowed = flow(text)
    assert [one.rstrip(" ") for one in unflow(flowed).split("\n")] == [_marks_apart(line) for line in lines]


def _marks_apart(line: str) -> str:
    depth = len(line) - len(line.lstrip(">"))
    rest = line[depth:].removeprefix(" ") if depth else line
    return f"{'>' * depth} {rest}".rstrip(" ") if depth else line


def test_lines_are_as_long_as_mail_takes_them() -> None:
    flowed = flow("word " * 100 + "\n" + "> " + "word " * 100)
    assert max(map(len, flowed.split("\n"))) <= WIDTH
    assert all(line.endswith(" ") for line in flowed.split("\n")[:3])


def test_flowed_mail_of_others() -> None:
    assert unflow("a \nb\n>> c \n>> d\n> e\n-- \nf") == "a b\n>> c d\n> e\n-- \nf"
    assert unflow("中 \n文", delsp=True) == "中文"


# --- what nobody wrote ------------------------------------------------------------------------------------------------


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


# --- who may speak as a colleague -------------------------------------------------------------------------------------


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


# --- what is sent -----------------------------------------------------------------------------------------------------


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


# --- files ------------------------------------------------------------------------------------------------------------


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


# --- the connection ---------------------------------------------------------------------------------------------------


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
