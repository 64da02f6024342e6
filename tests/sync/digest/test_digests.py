"""Digests: the news of rooms over a period, as one message to a list or to a person, once, and to nobody who may not see it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from landbridge_airflow import describe

from landbridge.errors import ConfigError, TransientError
from landbridge.store import deliveries, setaside
from landbridge.store.hub import Hub
from landbridge.store.setaside import Bad
from landbridge.sync import load_company, merge, periods, preview, read
from landbridge.sync.config import DigestConfig
from tests.sync.digest.conftest import DIGEST, TALK, Digests, begin, company


def test_who_has_news_gets_one_mail_with_all_of_it_and_the_way_back(digests: Digests) -> None:
    root = digests.say("!help", "anna", "It is **on fire**.", url="https://chat.test/1")
    digests.say("!help", "bert", f"Use @{{person:~{digests.account('anna')}}}'s water.", thread=root)
    digests.say("!help", "cleo", "[Other](https://x.test) matter")
    digests.run()
    assert (digests.mails(), digests.letters()) == ([], {}), "the day is not over"
    digests.next_day()
    [mail] = digests.mails()
    assert mail.startswith("**Help: 3 new messages, ")
    assert (
        "**Anna Müller:** It is on fire. [↗](<https://chat.test/1>)\n\n- **Bert Müller:** Use Anna Müller's water."
        in mail
    )
    assert r"**Cleo Müller:** Other \<https://x.test> matter" in mail
    assert sorted(digests.letters()) == ["bert@example.org", "cleo@example.org"]
    assert digests.letters()["bert@example.org"].startswith("**Help: 2 new messages, ")
    for days in (0, 1, 1):
        digests.run(days=days)
    assert (len(digests.mails()), len(digests.letters())) == (1, 2), "there was nothing new"


def test_several_rooms_are_one_letter_and_one_mail_to_each_list(digests: Digests) -> None:
    digests.say("!help", "anna", "Printer")
    digests.say("!works", "anna", "Crane")
    digests.next_day()
    assert sorted(mail.split(":")[0] for mail in digests.mails()) == ["**Help", "**Works"]
    letter = digests.letters()["bert@example.org"]
    assert letter.startswith("**2 rooms: 2 new messages, ")
    assert letter.index("## Help") < letter.index("Printer") < letter.index("## Works") < letter.index("Crane")


def test_one_list_gets_the_news_of_all_rooms(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = DIGEST.replace("mail/messages: {}", "mail/messages: {space: news, only: 'alias != \"cellar\"'}")
    digests = begin(company(tmp_path, digest=flow), hub, monkeypatch)
    digests.world.mail.put("rooms", id="!news", name="News", alias="news", visibility="public")
    digests.say("!help", "anna", "Printer")
    digests.say("!works", "anna", "Crane")
    digests.next_day()
    sent = {str(one["text"]).split(":")[0]: one["room"] for one in digests.world.mail.all("messages")}
    assert sent == {"**Help": "!news", "**Works": "!news"}


def test_what_not_everybody_may_see_is_in_none(digests: Digests) -> None:
    for room in ("!board", "!cellar"):
        digests.say(room, "anna", f"Confidential {room}")
    digests.say("!help", "anna", "secret")
    digests.next_day()
    assert (digests.mails(), digests.letters()) == ([], {})
    digests.say("!help", "anna", "Public")
    digests.run()
    digests.world.chat.put("rooms", id="!help", visibility="members")
    digests.next_day()
    assert (digests.mails(), digests.letters()) == ([], {}), "the room was closed before the digest was made"


def test_nobody_is_told_what_they_said_themselves_or_what_was_taken_back(digests: Digests) -> None:
    key = digests.say("!help", "bert", "Mine")
    gone = digests.say("!works", "anna", "Wrong")
    digests.run()
    digests.world.chat.drop("messages", gone)
    digests.next_day()
    assert list(digests.letters()) == ["cleo@example.org"]
    assert [mail.split(":")[0] for mail in digests.mails()] == ["**Help"]
    digests.world.chat.put("messages", id=key, text="Changed")
    digests.run()
    assert [mail.count("Changed") for mail in digests.mails()] == [0], "what is sent is sent"


def test_a_leaver_gets_none(digests: Digests) -> None:
    digests.say("!help", "anna", "News")
    digests.world.hr.put("people", id="2", active=False)
    digests.next_day()
    assert list(digests.letters()) == ["cleo@example.org"]


def test_6_a_lost_answer_makes_no_second_digest(digests: Digests) -> None:
    digests.say("!help", "anna", "News")
    digests.run()

    def lose(op: str, stream: str, native: Any) -> None:
        raise TransientError("The answer was lost.", uncertain=True)

    digests.world.mail.after = lose
    digests.next_day()
    digests.world.mail.after = lambda *call: None
    for _ in range(3):
        digests.run()
    assert (len(digests.mails()), len(digests.letters())) == (1, 2)


def test_1_a_run_that_dies_while_digests_are_made_loses_none_and_makes_none_twice(
    digests: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a period that has ended meanwhile begins where the interrupted one ended."""
    digests.say("!help", "anna", "News")
    digests.run()
    monkeypatch.setattr(periods, "PAGE", 1)
    made, pages = periods._Making.page, iter(range(3))

    def dies(self: Any, after: str) -> str | None:
        if next(pages, None) is None:
            raise KeyboardInterrupt
        return made(self, after)

    monkeypatch.setattr(periods._Making, "page", dies)
    with pytest.raises(KeyboardInterrupt):
        digests.run(days=1)
    monkeypatch.setattr(periods._Making, "page", made)
    digests.say("!help", "anna", "More")
    read(digests.world.bridge, "chat", "messages")
    merge(digests.world.bridge, "digest")
    digests.run(days=1)
    digests.run()
    sent = [str(one["text"]) for one in (*digests.world.mail.all("messages"), *digests.world.mail.all("notes"))]
    assert (len(sent), sum("News" in text for text in sent), sum("More" in text for text in sent)) == (6, 3, 3)


def test_a_letter_that_cannot_be_mapped_keeps_nobody_from_the_next(digests: Digests) -> None:
    digests.say("!help", "anna", "One")
    digests.next_day()
    digests.run()
    letter = next(str(one["id"]) for one in digests.world.mail.all("notes") if one["to"] == "bert@example.org")
    with digests.world.bridge.hub.begin() as conn:
        setaside.put(conn, "mail", "notes", [Bad(letter, {"id": letter}, "It has another shape.")])
    digests.clear()
    digests.say("!help", "anna", "Two")
    digests.next_day()
    assert sorted(digests.letters()) == ["bert@example.org", "cleo@example.org"]


def test_5_a_digest_on_a_list_is_no_message_of_the_conversation(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is what the list has already said told to it again."""
    digests = begin(company(tmp_path, talk=TALK), hub, monkeypatch)
    digests.world.mail.put("messages", room="!help", text="By mail", at=digests.moment.isoformat())
    digests.say("!works", "anna", "By chat")
    digests.run()
    before = len(digests.world.chat.all("messages"))
    digests.next_day()
    digests.run()
    assert [mail.split(":")[0] for mail in digests.mails()] == ["By mail", "**Works"]
    assert len(digests.world.chat.all("messages")) == before
    assert digests.letters()["bert@example.org"].startswith("**2 rooms: 2 new messages")
    mail = next(str(one["id"]) for one in digests.world.mail.all("messages") if "**Works" in one["text"])
    digests.world.mail.put("messages", room="!works", thread=mail, text="Thanks", at=digests.moment.isoformat())
    digests.run()
    assert len(digests.world.chat.all("messages")) == before, "an answer to a digest stays where it was given"
    with digests.world.bridge.hub.read() as conn:
        assert deliveries.ops(conn, "talk", ("waiting", "blocked", "set_aside", "planned")) == []


def test_14_a_dry_run_shows_what_would_be_sent_and_sends_nothing(digests: Digests) -> None:
    digests.say("!help", "anna", "News")
    digests.run()
    digests.moment += timedelta(days=1)
    for _ in range(2):
        shown = preview(digests.world.bridge, "digest")
        assert sorted(one.target for one in shown) == ["mail/messages", "mail/notes", "mail/notes"]
    assert (digests.mails(), digests.letters()) == ([], {})
    digests.run()
    assert (len(digests.mails()), len(digests.letters())) == (1, 2)


def test_what_people_read_about_the_flow_says_when(tmp_path: Path) -> None:
    found = load_company(company(tmp_path))
    assert "A digest covers 1 day, up to 07:00 (Europe/Berlin), and is sent soon after." in describe.flow(
        found, found.flow("digest")
    )


@pytest.mark.parametrize(
    ("flow", "said"),
    [
        (DIGEST.replace("{only: 'title == \"Fitter\"'}", "{}"), r"digest.yaml:8: mail/notes writes to single people"),
        (DIGEST.replace("as: digest\n", "").replace("  mail/notes: {only: 'title == \"Fitter\"'}\n", ""), "sends none"),
        (DIGEST.replace("every: 1 day", "every: 3 hours"), "whole days"),
        (DIGEST.replace("Europe/Berlin", "Berlin"), "time zone"),
        (DIGEST.replace('"07:00"', '"7"'), "digest.at"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, flow: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_company(company(tmp_path, digest=flow))


@pytest.mark.parametrize(
    ("moment", "every", "zone", "end"),
    [
        ("2026-03-04T06:59:00+00:00", 1, "UTC", "2026-03-03T07:00:00+00:00"),
        ("2026-03-04T07:00:00+00:00", 1, "UTC", "2026-03-04T07:00:00+00:00"),
        ("2026-03-04T12:00:00+00:00", 7, "UTC", "2026-03-02T07:00:00+00:00"),
        ("2026-03-02T06:00:00+00:00", 7, "UTC", "2026-02-23T07:00:00+00:00"),
        ("2026-03-29T12:00:00+00:00", 1, "Europe/Berlin", "2026-03-29T05:00:00+00:00"),  # the clock was put forward
        ("2026-03-28T12:00:00+00:00", 1, "Europe/Berlin", "2026-03-28T06:00:00+00:00"),
    ],
)
def test_a_period_ends_at_the_same_hour_of_the_day(moment: str, every: int, zone: str, end: str) -> None:
    config = DigestConfig(every=timedelta(days=every), at="07:00", zone=zone)
    assert periods.last_end(datetime.fromisoformat(moment), config) == datetime.fromisoformat(end)
