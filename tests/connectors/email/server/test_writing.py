"""Writing to lists by a real SMTP server, once, and files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from connectors.email import connector as module
from landbridge.errors import (
    NotFound,
    RecordError,
    TransientError,
)
from landbridge.mail import outbox
from landbridge.mail.mime import content, parse
from sandbox.dovecot import DOMAIN, Dovecot
from tests.connectors.email.server.desk import (
    ANNA,
    IT,
    MAPPING,
    WORKS,
    Desk,
    connector,
    hanging_up,
    key,
    news,
    now,
    post,
)

pytestmark = pytest.mark.server


def test_a_thread_there_and_back(dovecot: Dovecot, marker: str) -> None:
    root = dovecot.send(ANNA, "it-help", "Ärger mit dem Drucker", "Er brennt.")
    cursor, email = now(dovecot), connector(dovecot)
    made = post(email, marker, thread=key(root), sent_at="2026-03-02T09:05:00Z")
    assert made["thread"] == key(root)
    records, _, cursor = news(dovecot, cursor)
    [record] = records.values()
    assert (record.key, record.marker) == (made["id"], marker)
    assert {**record.native, "sent_at": ""} == {**made, "sent_at": ""}
    [uid] = Desk(dovecot, "INBOX", ANNA).uids("HEADER", "Message-ID", made["message_id"])
    raw = Desk(dovecot, "INBOX", ANNA).imap.uid("FETCH", uid, "(BODY.PEEK[HEADER])")[1][0][1].decode()
    assert f"References: {root}" in raw
    answer = dovecot.send(ANNA, "it-help", "Re: Drucker", "Danke!", In_Reply_To=made["message_id"])
    record = news(dovecot, cursor)[0][key(answer)]
    assert (record.native["thread"], record.native["reply_to"]) == (key(root), made["id"])


def test_what_is_sent_reads_as_it_was_meant(dovecot: Dovecot, marker: str) -> None:
    body = "**Łucja:** Look at _this_ 🙂\n\n- one\n- two\n\n```py\nif x < 1:\n    pass\n```\n\n<https://a.test/c>"
    out = MAPPING.out({"space": {"stream": "lists", "key": IT}, "body": body, "sent_at": "2026-03-02T09:05:00Z"})
    made = connector(dovecot).create_message(out.native, marker)
    with connector(dovecot)._session() as session:
        session.open("Sent")
        [raw] = session.mails(session.having(made["message_id"]))
    text = raw.data.replace(b"landbridge@", b"anna@").replace(b"X-Landbridge: 1", b"X-A: 1").replace(b"<lb", b"<xx")
    found = module.natives.mail(text, IT, "<root@x>", datetime.now(UTC), connector(dovecot).config)
    assert MAPPING.into(found).claim["body"] == body


def test_a_message_whose_answer_was_lost_is_found_and_not_sent_twice(dovecot: Dovecot, marker: str) -> None:
    """The server has taken the mail, and Landbridge died before it heard so."""
    with hanging_up(dovecot.facts()["smtp_port"]) as port:
        email = connector(dovecot, smtp=f"smtp://127.0.0.1:{port}")
        with pytest.raises(TransientError) as caught:
            post(email, marker)
    assert caught.value.uncertain
    again = connector(dovecot)
    native = {"mailbox": IT, "text": "From the chat. 🙂"}
    found = again.find("messages", native, marker)
    assert found is not None
    assert found["id"] == key(f"<{marker}.landbridge@{DOMAIN}>")
    assert len(Desk(dovecot, IT).uids("HEADER", "Message-ID", found["message_id"])) == 1


def test_a_mail_that_is_still_on_its_way_to_a_slow_list_is_waited_for(
    dovecot: Dovecot, marker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = [{"mailbox": WORKS, "address": f"it-help@{DOMAIN}"}]  # where nothing of it ever comes
    native = {"mailbox": WORKS, "text": "Slow."}
    with hanging_up(dovecot.facts()["smtp_port"]) as port, pytest.raises(TransientError):
        post(connector(dovecot, lists=lists, smtp=f"smtp://127.0.0.1:{port}"), marker, **native)
    email = connector(dovecot, lists=lists)
    with pytest.raises(TransientError, match="on its way") as caught:
        email.find("messages", native, marker)
    assert caught.value.uncertain
    monkeypatch.setattr(outbox, "ON_ITS_WAY", timedelta(0).total_seconds())
    assert email.find("messages", native, marker) is None


def test_after_an_answer_the_copy_among_the_sent_tells(dovecot: Dovecot, marker: str) -> None:
    lists = [{"mailbox": WORKS, "address": f"it-help@{DOMAIN}"}]
    native = {"mailbox": WORKS, "text": "Slow."}
    email = connector(dovecot, lists=lists)
    made = post(email, marker, **native)
    found = email.find("messages", native, marker)
    assert found is not None
    assert {**found, "sent_at": ""} == {**made, "sent_at": ""}


def test_what_was_never_sent_is_not_found(dovecot: Dovecot, marker: str) -> None:
    assert connector(dovecot).find("messages", {"mailbox": IT}, marker) is None


def test_a_refused_mail_leaves_nothing_behind(dovecot: Dovecot, marker: str) -> None:
    email = connector(dovecot, lists=[{"mailbox": IT, "address": f"nobody@{DOMAIN}"}])
    with pytest.raises(RecordError, match=r"refuses this mail \(550\)"):
        post(email, marker)
    assert Desk(dovecot, "Sent").uids("HEADER", "Message-ID", marker) == []


def test_files_there_and_back(dovecot: Dovecot, marker: str) -> None:
    data = os.urandom(300_000)
    picture = {"name": "Übersicht.png", "media_type": "image/png", "size": len(data), "url": "chat:x",
               "sha256": hashlib.sha256(data).hexdigest()}  # fmt: skip
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = f"{ANNA}@{DOMAIN}", f"it-help@{DOMAIN}", "Picture"
    made["Message-ID"] = f"<{marker}@{DOMAIN}>"
    made.set_content("See.")
    made.add_attachment(data, maintype="image", subtype="png", filename="Übersicht.png")
    cursor = now(dovecot)
    dovecot.submit(ANNA, made)
    [record] = news(dovecot, cursor)[0].values()
    [told] = record.native["attachments"]
    assert (told["name"], told["size"], told["sha256"]) == (picture["name"], len(data), picture["sha256"])
    email = connector(dovecot)
    pieces = list(email.open(told["url"]))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) < 100_000
    with pytest.raises(RecordError, match="at most"):
        list(connector(dovecot, max_size=2**16).open(told["url"]))
    for missing in ("INBOX/<x@y>#1", f"{IT}/<never@x>#2", "nonsense"):
        with pytest.raises(NotFound):
            list(email.open(missing))

    def open_file(attachment: Mapping[str, Any]) -> Iterator[bytes]:
        return email.open(told["url"])

    sender = connector(dovecot)
    sender.open_file = open_file
    sent = post(sender, marker, attachments=[picture])
    with email._session() as session:
        session.open(IT)
        [raw] = session.mails(session.having(sent["message_id"]))
    [file] = content(parse(raw.data)).files
    assert (file["name"], file["sha256"]) == (picture["name"], picture["sha256"])


def test_of_a_mail_that_is_too_large_only_the_beginning_is_read(dovecot: Dovecot, marker: str) -> None:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = f"{ANNA}@{DOMAIN}", f"it-help@{DOMAIN}", "Film"
    made["Message-ID"] = f"<{marker}@{DOMAIN}>"
    made.set_content("See.")
    made.add_attachment(os.urandom(400_000), maintype="video", subtype="mp4", filename="film.mp4")
    cursor = now(dovecot)
    dovecot.submit(ANNA, made)
    [record] = news(dovecot, cursor, max_size=2**16)[0].values()
    assert record.native["text"].strip() == "Film\n\nSee."
    assert record.native["attachments"] == []
