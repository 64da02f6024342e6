"""The e-mail connector against a real Dovecot and SMTP server, with the company's mailing lists."""

from __future__ import annotations

import hashlib
import imaplib
import logging
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.email import connector as module
from connectors.email import outbox, reading
from connectors.email.connector import Email
from landbridge.connector import Checkpoint, Complete, Failure, Record
from landbridge.connector.config import connection_from
from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.http import LocalThrottle
from landbridge.mail.imap import Session
from landbridge.mail.mime import content, parse
from landbridge.mail.server import Server
from landbridge.mail.smtp import signed_in
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.company import halbrueck
from sandbox.dovecot import DOMAIN, LISTS, Dovecot
from tests.connectors.reading import read
from tests.servers import brought_up

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
MAPPING = load_mapping(ROOT / "mappings" / "email" / "messages.yaml")
IT, WORKS = "Lists/it-help", "Lists/works"
ANNA, OTHER = (person.user_name for person in halbrueck().people[:2])
MARKER = "lb" + "0" * 31


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    with brought_up(Dovecot) as system:
        yield system


def connector(system: Dovecot, **changed: Any) -> Email:
    """Words change the connection: host, login, password, or its extra."""
    data = system.connections()["mail"]
    data = {name: changed.pop(name, value) for name, value in data.items()}
    return Email(Email.Config.of(connection_from("mail", data | {"extra": data["extra"] | changed})), LocalThrottle())


class Desk:
    """Somebody at Landbridge's own mailboxes."""

    opened: ClassVar[list[Desk]] = []

    def __init__(self, system: Dovecot, mailbox: str, login: str = "landbridge") -> None:
        self.opened.append(self)
        self.imap = imaplib.IMAP4("127.0.0.1", system.facts()["port"])
        self.imap.login(login, system._passwords()[login])
        self.imap.select(f'"{mailbox}"')

    def uids(self, *criteria: str) -> list[str]:
        return self.imap.uid("SEARCH", *(criteria or ("ALL",)))[1][0].decode().split()

    def mark(self, message_id: str, flag: str, *, on: bool = True) -> None:
        [uid] = self.uids("HEADER", "Message-ID", message_id)
        self.imap.uid("STORE", uid, "+FLAGS" if on else "-FLAGS", flag)

    def remove(self, message_id: str) -> None:
        self.mark(message_id, r"(\Deleted)")
        self.imap.expunge()


@pytest.fixture(autouse=True)
def _desks() -> Iterator[None]:
    yield
    while Desk.opened:
        Desk.opened.pop().imap.shutdown()


def key(message_id: str, mailbox: str = IT) -> str:
    return f"{mailbox}/{message_id}"


def now(system: Dovecot) -> Any:
    return read(connector(system), "messages")[2]


def news(system: Dovecot, cursor: Any, **changed: Any) -> tuple[dict[str, Record], list[str], Any]:
    return read(connector(system, **changed), "messages", cursor)


def post(email: Email, marker: str = MARKER, **native: Any) -> dict[str, Any]:
    told = {"mailbox": IT, "text": "From the chat. 🙂", "html": "<p>From the <b>chat</b>. 🙂</p>"} | native
    return email.create_message(told, marker)


_numbers = iter(range(1, 10_000))


@pytest.fixture
def marker() -> str:
    """Of a message that was never sent before."""
    return f"lb{next(_numbers):030x}"


# --- reading ----------------------------------------------------------------------------------------------------------


def test_check_names_the_account_and_what_it_lacks(dovecot: Dovecot) -> None:
    found = connector(dovecot).check()
    assert (found.name, found.missing) == ("landbridge", ())
    assert found.detail == "2 lists; the server counts changes."
    lost = connector(dovecot, lists=[{"mailbox": "Lists/gone"}], authserv=None, bounces="Bounced").check()
    assert lost.missing == ("the mailbox Lists/gone", "the mailbox Bounced")
    assert "No sender is taken for a colleague" in lost.detail


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
    monkeypatch.setattr(reading, "RECENT", 2)
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


# --- threads ----------------------------------------------------------------------------------------------------------


def test_an_answer_that_only_names_what_it_answers_finds_the_threads_beginning(dovecot: Dovecot) -> None:
    root = dovecot.send(ANNA, "it-help", "Question", "?")
    answer = dovecot.send(OTHER, "it-help", "Re: Question", "!", answers=root)
    cursor = now(dovecot)
    late = dovecot.send(ANNA, "it-help", "Re: Question", "!!", In_Reply_To=answer)
    record = news(dovecot, cursor)[0][key(late)]
    assert (record.native["thread"], record.native["reply_to"]) == (key(root), key(answer))


def test_a_thread_that_began_elsewhere_begins_with_what_came_first_here(dovecot: Dovecot) -> None:
    cursor = now(dovecot)
    first = dovecot.send(ANNA, "it-help", "Re: private", "now for all", answers="<private@elsewhere.example>")
    references = f"<private@elsewhere.example> {first}"
    second = dovecot.send(OTHER, "it-help", "Re: private", "ok", References=references, In_Reply_To=first)
    records = news(dovecot, cursor)[0]
    assert records[key(first)].native["thread"] is None
    assert records[key(second)].native["thread"] == key(first)
    assert read(connector(dovecot), "messages")[0][key(second)].native == records[key(second)].native


def test_nobody_changes_what_was_said_by_sending_it_again(dovecot: Dovecot) -> None:
    name = dovecot.send(ANNA, "it-help", "Said", "I agree.")
    before, _, cursor = read(connector(dovecot), "messages")
    forged = EmailMessage()
    forged["From"], forged["To"], forged["Message-ID"] = f"{ANNA}@{DOMAIN}", f"it-help@{DOMAIN}", name
    forged.set_content("I do not agree.")
    dovecot.submit(OTHER, forged)
    assert news(dovecot, cursor)[0] == {}
    assert read(connector(dovecot), "messages")[0][key(name)].native == before[key(name)].native


def test_a_colleague_is_who_signed_in_as_such(dovecot: Dovecot) -> None:
    cursor = now(dovecot)
    forged = EmailMessage()
    forged["From"], forged["To"] = f"The Boss <{ANNA}@{DOMAIN}>", f"it-help@{DOMAIN}"
    forged.set_content("Pay at once.")
    dovecot.submit(OTHER, forged)
    [record] = news(dovecot, cursor)[0].values()
    assert record.native["author"] is None
    assert record.native["guest"] == f"The Boss ({ANNA}@{DOMAIN}), not verified"


# --- what no person wrote ---------------------------------------------------------------------------------------------


def test_an_absence_note_goes_no_further(dovecot: Dovecot) -> None:
    cursor = now(dovecot)
    dovecot.send(ANNA, "it-help", "Away", "I am away.", Auto_Submitted="auto-replied")
    [record] = news(dovecot, cursor)[0].values()
    assert MAPPING.accepts(record.native) is False


def test_a_mail_that_comes_back_is_told_once_and_is_nobodys_message(dovecot: Dovecot, marker: str) -> None:
    lists = [{"mailbox": IT, "address": "list@elsewhere.example"}]
    email = connector(dovecot, lists=lists)
    cursor = read(email, "messages")[2]
    post(email, marker)
    items = list(email.read("messages", cursor))
    [failure] = [item for item in items if isinstance(item, Failure)]
    assert failure.key == f"bounce of {IT}/<{marker}.landbridge@{DOMAIN}>"
    assert str(failure.error).startswith(f"A mail to the list {IT} came back: 5.1.2, no such host.")
    assert failure.again is False
    assert not [item for item in items if isinstance(item, Record)]
    after = next(item.cursor for item in items if isinstance(item, Checkpoint))
    assert not [item for item in email.read("messages", after) if isinstance(item, Failure)]


# --- writing ----------------------------------------------------------------------------------------------------------


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


# --- the connection ---------------------------------------------------------------------------------------------------


def test_nothing_is_sent_without_the_right_password(dovecot: Dovecot, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = dovecot.connections()["mail"]["password"]
    with pytest.raises(AuthError, match="login or password"):
        connector(dovecot, password="wrong").check()
    connector(dovecot).check()
    now(dovecot)
    assert secret not in caplog.text
    assert "wrong" not in caplog.text


def test_a_server_that_does_not_encrypt_is_told_nothing(dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it stood elsewhere, where somebody in between could have taken the offer of TLS out of its answer."""
    email = connector(dovecot)
    monkeypatch.setattr(Server, "is_here", False)
    for sign_in in (email._session, lambda: signed_in(email._submission(), email.throttle)):
        with pytest.raises(ConfigError, match=r"offers no TLS \(STARTTLS\); nothing was sent"), sign_in():
            raise AssertionError("signed in")


def test_nothing_listens(dovecot: Dovecot) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    with pytest.raises(TransientError, match="Check host and port"):
        list(connector(dovecot, host=f"imap://127.0.0.1:{port}").read("messages"))
    with pytest.raises(TransientError, match="Check host and port") as caught:
        post(connector(dovecot, smtp=f"smtp://127.0.0.1:{port}", sent=None))
    assert not caught.value.uncertain


def test_a_rate_limit_is_waited_for(dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has had enough says so in words; all who share the limit then wait."""
    waited: list[float] = []
    email = connector(dovecot)
    email.throttle = LocalThrottle(sleep=waited.append)

    def refuse(self: Session, *given: Any, **named: Any) -> Any:
        with self._asking("Listing mails"):
            raise imaplib.IMAP4.error("[LIMIT] Too many commands")

    monkeypatch.setattr(Session, "uids", refuse)
    with pytest.raises(RateLimited):
        list(email.read("messages"))
    monkeypatch.undo()
    list(email.read("messages"))
    assert waited


@contextmanager
def hanging_up(port: int) -> Iterator[int]:
    """A way to the SMTP server that breaks when the server has taken a mail, before it is heard to say so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        threading.Thread(target=_relay, args=(listener, port), daemon=True).start()
        yield listener.getsockname()[1]


def _relay(listener: socket.socket, port: int) -> None:
    client, _ = listener.accept()
    server = socket.create_connection(("127.0.0.1", port))
    taken = threading.Event()

    def forth() -> None:
        told = b""
        with suppress(OSError):
            while piece := client.recv(65536):
                told = (told + piece)[-5:]
                if told == b"\r\n.\r\n":
                    taken.set()
                server.sendall(piece)

    threading.Thread(target=forth, daemon=True).start()
    while piece := server.recv(65536):
        if taken.is_set():
            break
        client.sendall(piece)
    for end in (client, server):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
