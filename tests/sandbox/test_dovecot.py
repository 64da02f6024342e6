"""A real Dovecot and a mail transport with the company in it: everybody has a mailbox, and lists pass on what they get."""

from __future__ import annotations

import imaplib
import os
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from sandbox import supervisor
from sandbox.company import halbrueck
from sandbox.dovecot import DOMAIN, LISTS, MEMBERS, Dovecot
from tests.servers import running

# The second of its lists.
OTHER = f"Lists/{list(LISTS)[1]}"

pytestmark = pytest.mark.server
PEOPLE = [person.user_name for person in halbrueck().people]


@pytest.fixture(scope="module")
def dovecot(sandbox_home: Path) -> Iterator[Dovecot]:
    with running(Dovecot(sandbox_home / "dovecot")) as system:
        yield system


@contextmanager
def mailbox(dovecot: Dovecot, login: str, name: str = "INBOX") -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4("127.0.0.1", dovecot.facts()["port"]) as imap:
        imap.login(login, dovecot._passwords()[login])
        assert imap.select(f'"{name}"', readonly=True)[0] == "OK"
        yield imap


def mails(dovecot: Dovecot, login: str, name: str = "INBOX", *criteria: str) -> list[Message]:
    with mailbox(dovecot, login, name) as imap:
        uids = imap.uid("SEARCH", *(criteria or ("ALL",)))[1][0].split()
        return [message_from_bytes(imap.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1]) for uid in uids]


def test_everybody_has_a_mailbox_and_a_password_and_landbridge_one_for_each_list(dovecot: Dovecot) -> None:
    for login in (PEOPLE[0], PEOPLE[-1]):
        assert isinstance(mails(dovecot, login), list)
    for name in LISTS:
        assert len(mails(dovecot, "landbridge", f"Lists/{name}")) == 2
    with imaplib.IMAP4("127.0.0.1", dovecot.facts()["port"]) as imap, pytest.raises(imaplib.IMAP4.error):
        imap.login(PEOPLE[0], "wrong")


def test_changes_are_counted(dovecot: Dovecot) -> None:
    with mailbox(dovecot, "landbridge", "Lists/it-help") as imap:
        assert {"CONDSTORE", "UIDPLUS", "MOVE"} <= set(imap.capability()[1][0].decode().split())


def test_a_list_passes_on_what_it_gets_and_names_itself(dovecot: Dovecot) -> None:
    name = dovecot.send(PEOPLE[5], "works", "Crane", "It hangs.")
    for login, box in (("landbridge", OTHER), *((login, "INBOX") for login in PEOPLE[:MEMBERS])):
        [mail] = mails(dovecot, login, box, "HEADER", "Message-ID", name)
        assert (mail["Subject"], mail["List-Id"]) == ("[works] Crane", f"<works.{DOMAIN}>")
        assert mail["Authentication-Results"].endswith(f"auth=pass smtp.auth={PEOPLE[5]}@{DOMAIN}")
        assert mail.get_payload().strip() == "It hangs."
    assert mails(dovecot, PEOPLE[MEMBERS + 1], "INBOX", "HEADER", "Message-ID", name) == []


def test_what_nobody_takes_is_refused_or_comes_back(dovecot: Dovecot) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        dovecot.send(PEOPLE[0], f"nobody@{DOMAIN}", "Hello", "Hello")
    name = dovecot.send(PEOPLE[0], "somebody@elsewhere.example", "Hello", "Hello")
    [report] = [one for one in mails(dovecot, PEOPLE[0]) if one.get_content_type() == "multipart/report"]
    assert name in report.as_string()
    assert "Status: 5.1.2" in report.as_string()


def test_nobody_sends_in_another_s_name_unnoticed(dovecot: Dovecot) -> None:
    with smtplib.SMTP("127.0.0.1", dovecot.facts()["smtp_port"]) as smtp:
        smtp.sendmail(
            "boss@elsewhere.example", [f"works@{DOMAIN}"], f"From: {PEOPLE[0]}@{DOMAIN}\r\nSubject: forged\r\n\r\nx"
        )
    [mail] = mails(dovecot, "landbridge", OTHER, "SUBJECT", "forged")
    assert "auth=pass" not in mail["Authentication-Results"]


def test_it_comes_back_with_all_it_had_is_seeded_once_and_leaves_no_process(dovecot: Dovecot) -> None:
    before = len(mails(dovecot, "landbridge", "Lists/it-help"))
    pids = [process._recorded()[0] for process in (dovecot._imap(), dovecot._smtp())]
    servers = [each for pid in pids for each in (pid, *supervisor.descendants(pid))]
    dovecot.stop()
    assert dovecot.health().state == "down"
    assert not [each for each in servers if supervisor.started(each)]
    dovecot.start()
    dovecot.seed(halbrueck())
    assert dovecot.health().state == "up"
    assert len(mails(dovecot, "landbridge", "Lists/it-help")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: it runs as ourselves")
def test_mailboxes_do_not_belong_to_root(dovecot: Dovecot) -> None:
    assert (dovecot.home / "mail" / "landbridge").stat().st_uid == 65534
