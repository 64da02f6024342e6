"""Whose letters came back or were declined gets no other, until a person says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from landbridge.connector import Failure, Item
from landbridge.errors import ConfigError, Declined, TransientError
from landbridge.store import again, setaside
from landbridge.store.setaside import FAILED, Bad
from landbridge.sync import read
from tests.sync.digest.conftest import Digests


def test_whose_letter_came_back_gets_no_other_until_a_person_has_looked(digests: Digests) -> None:
    digests.say("!help", "anna", "One")
    digests.next_day()
    digests.run()
    hub = digests.world.bridge.hub
    lost = next(str(one["id"]) for one in digests.world.mail.all("notes") if one["to"] == "bert@example.org")
    with hub.begin() as conn:
        setaside.put(conn, "mail", "notes", [Bad(lost, None, "It came back.", FAILED)])
    digests.clear()
    digests.say("!help", "anna", "Two")
    digests.next_day()
    assert list(digests.letters()) == ["cleo@example.org"]
    with hub.begin() as conn:
        setaside.remove(conn, "mail", "notes", lost)
    digests.say("!help", "anna", "Three")
    digests.run()
    digests.clear()
    digests.next_day()
    assert sorted(digests.letters()) == ["bert@example.org", "cleo@example.org"]


def decline(digests: Digests, monkeypatch: pytest.MonkeyPatch, address: str) -> str:
    """With the next read, and only that, this person's letter is declined; its key."""
    mail = digests.world.mail
    letter = next(str(one["id"]) for one in mail.all("notes") if one["to"] == address)
    whole = mail.read

    def reading(stream: str, cursor: Any = None) -> Iterator[Item]:
        if stream == "notes":
            yield Failure(letter, Declined("No more of them."), again=False)
            yield Failure("made up", Declined("No more of them."), again=False)
        yield from whole(stream, cursor)

    with monkeypatch.context() as patched:
        patched.setattr(mail, "read", reading)
        report = read(digests.world.bridge, "mail", "notes")
    assert (report.counts["declined"], report.counts["set_aside"]) == (1, 0)
    return letter


def test_8_who_has_unsubscribed_gets_no_letter_whatever_becomes_of_the_mails(
    digests: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but a person's word brings them back: no full read, no other address, nor that letter and answer are gone."""
    digests.say("!help", "anna", "One")
    digests.next_day()
    letter = decline(digests, monkeypatch, "bert@example.org")
    hub, bridge = digests.world.bridge.hub, digests.world.bridge
    read(bridge, "mail", "notes", full=True)
    digests.clear()
    read(bridge, "mail", "notes", full=True)
    for text in ("Two", "Three"):
        digests.say("!help", "anna", text)
        digests.next_day()
        assert list(digests.letters()) == ["cleo@example.org"]
        digests.clear()
        digests.world.hr.put("people", id="2", mail="another@example.org")
    with hub.begin() as conn:
        with pytest.raises(ConfigError, match="can only be dropped"):
            again.retry_record(conn, "mail", "notes", letter, "vera")
        again.drop_record(conn, "mail", "notes", letter, "vera")
    digests.say("!help", "anna", "Four")
    digests.next_day()
    assert sorted(digests.letters()) == ["another@example.org", "cleo@example.org"]


def test_what_is_made_but_not_sent_is_not_sent_to_who_has_unsubscribed_meanwhile(
    digests: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests.say("!help", "anna", "One")
    digests.next_day()

    def down(op: str, stream: str, native: Any) -> None:
        raise TransientError("The mail server is down.")

    digests.say("!help", "anna", "Two")
    digests.run()
    digests.world.mail.before = down
    digests.run(days=1)
    decline(digests, monkeypatch, "bert@example.org")
    digests.clear()
    digests.world.mail.before = lambda *call: None
    for _ in range(2):
        digests.run()
    assert list(digests.letters()) == ["cleo@example.org"]
    assert "Two" in digests.letters()["cleo@example.org"]
