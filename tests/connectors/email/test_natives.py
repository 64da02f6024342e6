"""Mail of any kind as natives, without a server."""

from __future__ import annotations

import hashlib
import mailbox
import random
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.email import natives
from landbridge.mail.ids import ancestors
from landbridge.mail.mime import content, parse, sender
from landbridge.mail.reports import bounce_of
from landbridge.model import validate
from landbridge.richtext.flowed import WIDTH, flow, unflow
from tests.connectors.email.mails import ARCHIVES, CONFIG, LIST, MAPPINGS, NOW, config, mail, native


def test_every_mapping_example_holds_both_ways() -> None:
    assert {name: mapping.run_examples() for name, mapping in MAPPINGS.items()} == {name: [] for name in MAPPINGS}


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
    assert ancestors(parse(data)) == ["<root@x>", "<a@x>"]
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
        above = ancestors(parse(data))
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
