"""What belongs together, who wrote it, and what no person wrote."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from landbridge.connector import Checkpoint, Failure, Record
from sandbox.dovecot import DOMAIN, Dovecot
from tests.connectors.email.server.desk import (
    ANNA,
    IT,
    MAPPING,
    OTHER,
    connector,
    key,
    news,
    now,
    post,
)
from tests.connectors.reading import read

pytestmark = pytest.mark.server


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
