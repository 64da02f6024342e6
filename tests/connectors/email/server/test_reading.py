"""Reading lists from a real Dovecot: whole, what is new, marked and removed."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest

from landbridge.connector import Checkpoint, Complete, Failure, Record
from landbridge.errors import (
    ExpiredCursor,
    ScopeError,
)
from landbridge.mail import mailbox
from landbridge.mail.imap import Session
from landbridge.model import validate
from sandbox.company import halbrueck
from sandbox.dovecot import DOMAIN, LISTS, Dovecot
from tests.connectors.email.server.desk import (
    ANNA,
    IT,
    MAPPING,
    WORKS,
    Desk,
    connector,
    key,
    news,
    now,
)
from tests.connectors.reading import read

pytestmark = pytest.mark.server


def test_check_names_the_account_and_what_it_lacks(dovecot: Dovecot) -> None:
    found = connector(dovecot).check()
    assert (found.name, found.missing) == ("landbridge", ())
    assert found.detail == "2 lists; the server counts changes."
    lost = connector(dovecot, lists=[{"mailbox": "Lists/gone"}], authserv=None, bounces="Bounced").check()
    assert lost.missing == ("the mailbox Lists/gone", "the mailbox Bounced")
    assert "No sender is taken for a colleague" in lost.detail


def test_two_mails_without_number_or_date_are_two(dovecot: Dovecot) -> None:
    """Sent by a program, in one second: the server's own number tells them apart."""
    before = now(dovecot)
    for text in ("The first alarm", "The second alarm"):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = ANNA, f"it-help@{DOMAIN}", "Alarm"
        mail.set_content(text)
        dovecot.submit(halbrueck().people[0].user_name, mail)
    found, _, _ = news(dovecot, before)
    assert [one.native["text"].partition("\n")[2].strip() for one in found.values()] == [
        "The first alarm",
        "The second alarm",
    ]


def test_the_lists_and_their_conversations(dovecot: Dovecot) -> None:
    *items, checkpoint, last = connector(dovecot).read("messages")
    assert isinstance(last, Complete)
    assert isinstance(checkpoint, Checkpoint)
    records = {item.key: item.native for item in items if isinstance(item, Record)}
    roots = [one for one in records.values() if one["subject"] in ("Welcome to it-help", "Welcome to works")]
    assert sorted(one["mailbox"] for one in roots) == [IT, WORKS]
    for root in roots:
        assert root["thread"] is None
        [answer] = [
            one for one in records.values() if one["thread"] == root["id"] and one["text"].startswith("Whatever")
        ]
        claim = validate("message", MAPPING.into(answer).claim)
        assert claim["body"] == "Whatever matters. 👍"
        assert claim["thread"] == {"stream": "messages", "key": root["id"]}
        assert claim["author"] == {"stream": "people", "key": answer["author"]}
        assert claim["author"]["key"].endswith(f"@{DOMAIN}")
    lists = [item.native for item in connector(dovecot).read("lists") if isinstance(item, Record)]
    assert [(one["mailbox"], one["alias"], one["name"]) for one in lists] == [
        (f"Lists/{name}", name, shown) for name, shown in LISTS.items()
    ]


def test_who_wrote_to_the_lists(dovecot: Dovecot) -> None:
    records, _, cursor = read(connector(dovecot), "people")
    assert f"{ANNA}@{DOMAIN}" in records
    assert not any(key.startswith(("landbridge@", "it-help@")) for key in records)
    assert read(connector(dovecot), "people", cursor)[0] == {}
    dovecot.send(halbrueck().people[40].user_name, "it-help", "New here", "Hello")
    assert list(read(connector(dovecot), "people", cursor)[0]) == [f"{halbrueck().people[40].user_name}@{DOMAIN}"]


def test_nothing_new(dovecot: Dovecot) -> None:
    cursor = now(dovecot)
    records, gone, after = news(dovecot, cursor)
    assert (records, gone, after) == ({}, [], cursor)


def test_what_is_new_comes_in_order_and_whole_also_over_several_fetches(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("landbridge.mail.imap.TOGETHER", 2)
    monkeypatch.setattr("landbridge.mail.imap.BYTES_TOGETHER", 2000)
    cursor = now(dovecot)
    sent = [dovecot.send(ANNA, "it-help", f"Number {n}", f"{n}: äöü €" + "x" * 900) for n in range(5)]
    records, _, after = news(dovecot, cursor)
    assert list(records) == [key(one) for one in sent]
    for number, record in enumerate(records.values()):
        assert record.native["text"].startswith(f"Number {number}\n\n{number}: äöü €xxx")
    assert news(dovecot, after)[0] == {}


def test_what_is_removed_is_gone_and_only_that(dovecot: Dovecot) -> None:
    stays, goes = (dovecot.send(ANNA, "it-help", name, name) for name in ("stays", "goes"))
    cursor = now(dovecot)
    Desk(dovecot, IT).remove(goes)
    new = dovecot.send(ANNA, "it-help", "new", "new")
    records, gone, after = news(dovecot, cursor)
    assert (list(records), gone) == ([key(new)], [key(goes)])
    assert key(stays) not in gone
    assert news(dovecot, after)[:2] == ({}, [])


def test_what_is_too_old_to_know_which_it_was_is_found_by_reading_in_full(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "RECENT", 2)
    old = dovecot.send(ANNA, "it-help", "old", "old")
    for number in range(3):
        dovecot.send(ANNA, "it-help", f"newer {number}", "x")
    cursor = now(dovecot)
    Desk(dovecot, IT).remove(old)
    with pytest.raises(ExpiredCursor, match="too old"):
        news(dovecot, cursor)
    assert key(old) not in read(connector(dovecot), "messages")[0]


def test_marked_as_deleted_or_unwanted_is_gone_and_back_when_it_is_not(dovecot: Dovecot) -> None:
    name = dovecot.send(ANNA, "it-help", "flags", "flags")
    cursor, desk = now(dovecot), Desk(dovecot, IT)
    desk.mark(name, r"(\Deleted)")
    records, gone, cursor = news(dovecot, cursor)
    assert (records, gone) == ({}, [key(name)])
    assert key(name) not in read(connector(dovecot), "messages")[0]
    desk.mark(name, r"(\Deleted)", on=False)
    records, gone, cursor = news(dovecot, cursor)
    assert (list(records), gone) == ([key(name)], [])
    desk.mark(name, r"($Junk)")
    assert news(dovecot, cursor)[1] == [key(name)]


def test_reading_a_mail_in_a_mail_program_changes_nothing(dovecot: Dovecot) -> None:
    name = dovecot.send(ANNA, "it-help", "seen", "seen")
    before, _, cursor = read(connector(dovecot), "messages")
    Desk(dovecot, IT).mark(name, r"(\Seen)")
    after = news(dovecot, cursor)[0]
    assert all(record.native == before[one].native for one, record in after.items())


def test_a_mailbox_that_was_numbered_anew_is_read_in_full_under_the_same_keys(dovecot: Dovecot) -> None:
    before, _, cursor = read(connector(dovecot), "messages")
    cursor["mailboxes"][IT][0] += 1
    with pytest.raises(ExpiredCursor, match="numbered anew"):
        news(dovecot, cursor)
    assert set(read(connector(dovecot), "messages")[0]) == set(before)


def test_a_server_that_does_not_count_changes(dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    """New and removed mails are seen all the same."""
    opened = Session.open

    def without(self: Session, mailbox: str, *, write: bool = False) -> Any:
        state = opened(self, mailbox, write=write)
        return type(state)(state.uidvalidity, state.uidnext, state.count, None)

    monkeypatch.setattr(Session, "open", without)
    goes = dovecot.send(ANNA, "it-help", "goes", "goes")
    cursor = now(dovecot)
    Desk(dovecot, IT).remove(goes)
    comes = dovecot.send(ANNA, "it-help", "comes", "comes")
    records, gone, _ = news(dovecot, cursor)
    assert (list(records), gone) == ([key(comes)], [key(goes)])


def test_one_mailbox_that_cannot_be_read_keeps_nobody_from_the_others(dovecot: Dovecot) -> None:
    lists = [{"mailbox": "Lists/gone"}, {"mailbox": WORKS}]
    items = list(connector(dovecot, lists=lists).read("messages"))
    [failure] = [item for item in items if isinstance(item, Failure)]
    assert failure.key is None
    assert isinstance(failure.error, ScopeError)
    assert any(isinstance(item, Record) and item.key.startswith(WORKS) for item in items)
