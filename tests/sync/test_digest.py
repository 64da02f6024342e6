"""Digests: the news of rooms over a period, as one message to a list or to a person, once, and to nobody who may not see it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from landbridge_airflow import describe

from landbridge.connector import Failure, Item
from landbridge.errors import ConfigError, Declined, TransientError
from landbridge.store import again, deliveries, setaside, unit
from landbridge.store.entities import new_id
from landbridge.store.hub import Hub
from landbridge.store.setaside import FAILED, Bad
from landbridge.sync import load_company, merge, periods, preview, read, run_flow
from landbridge.sync.config import DigestConfig
from tests.sync.conftest import HOME, World, make_world

MESSAGES = """\
system: mail_app
stream: messages
kind: message
fields:
  space: room | ref("rooms")
  thread: thread | ref("messages")
  body: text
  sent_at: at
"""
LETTERS = "system: mail_app\nstream: notes\nkind: message\nfields: {to: to, body: text, sent_at: at}\n"
LISTS = "system: mail_app\nstream: rooms\nkind: space\nmatch: [alias]\nfields: {name: name, alias: alias, visibility: visibility}\n"
DIGEST = """\
flow: digest
purpose: Who reads mail only knows what was said.
kind: message
from: {chat/messages: {only: 'not body == "secret"'}}
as: digest
to:
  mail/messages: {}
  mail/notes: {only: 'title == "Fitter"'}
digest: {every: 1 day, at: "07:00", zone: Europe/Berlin}
"""
PEOPLE = (
    "flow: people\npurpose: Colleagues are known.\nkind: person\nfrom: {hr/people: {}}\n"
    "match: [employee_number, emails]\nto: {chat/people: {}}\n"
)
TALK = (
    "flow: talk\npurpose: A room and its list are one conversation.\nkind: message\n"
    "from: {mail/messages: {}, chat/messages: {creates: true}}\nto: {chat/messages: {only: 'body != \"\"'}}\nreplies: both\n"
)
STAFF = {"anna": "Clerk", "bert": "Fitter", "cleo": "Fitter"}


@dataclass
class Digests:
    """The company, and what time it is there."""

    world: World
    moment: datetime

    def run(self, days: int = 0) -> None:
        self.moment += timedelta(days=days)
        for flow in self.world.bridge.company.flows:
            run_flow(self.world.bridge, flow)

    def next_day(self) -> None:
        """What was said today is known by then."""
        self.run()
        self.run(days=1)

    def new_id(self) -> str:
        """As it would be made at that time."""
        told = f"{int(self.moment.timestamp() * 1000):012x}"
        return f"{told[:8]}-{told[8:]}{new_id()[13:]}"

    def say(self, room: str, login: str, text: str, **more: Any) -> str:
        at = (self.moment + timedelta(seconds=len(self.world.chat.all("messages")))).isoformat()
        return self.world.chat.put("messages", room=room, author=self.account(login), text=text, at=at, **more)

    def account(self, login: str) -> str:
        return next(str(one["id"]) for one in self.world.chat.all("people") if one["login"] == login)

    def mails(self) -> list[str]:
        return [str(one["text"]) for one in self.world.mail.all("messages")]

    def letters(self) -> dict[str, str]:
        """By address; nobody has two."""
        found = {str(one["to"]): str(one["text"]) for one in self.world.mail.all("notes")}
        assert len(found) == len(self.world.mail.all("notes"))
        return found


def company(home: Path, **files: str) -> Path:
    systems = "systems:\n  hr: {connector: hr_app}\n  chat: {connector: chat_app}\n  mail: {connector: mail_app}\n"
    flows = {"people": PEOPLE, "digest": DIGEST, **files}
    texts = {"config/systems.yaml": systems, **{f"config/flows/{name}.yaml": text for name, text in flows.items()}}
    texts |= {f"mappings/mail_app/{name}.yaml": text for name, text in
              {"messages": MESSAGES, "notes": LETTERS, "rooms": LISTS}.items()}  # fmt: skip
    for name, text in texts.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    for name in ("chat_app", "hr_app"):
        shutil.copytree(HOME / "mappings" / name, home / "mappings" / name)
    return home


def begin(home: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Digests:
    """Two rooms with lists of their names, the first digest's period under way."""
    world = make_world(load_company(home), hub)
    found = Digests(world, datetime(2026, 3, 2, 12, tzinfo=UTC))
    monkeypatch.setattr(periods, "_moment", lambda: found.moment)
    monkeypatch.setattr(unit, "new_id", found.new_id)
    for number, (login, title) in enumerate(STAFF.items(), 1):
        told = {"number": str(number), "login": login, "given": login.title(), "family": "Müller", "title": title}
        world.hr.put("people", id=str(number), mail=f"{login}@example.org", active=True, **told)
    for alias, visibility in (("help", "public"), ("works", "public"), ("board", "members"), ("cellar", "hidden")):
        for system in (world.chat, world.mail):
            system.put("rooms", id=f"!{alias}", name=alias.title(), alias=alias, visibility=visibility)
    found.run()
    return found


@pytest.fixture
def digests(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Digests:
    return begin(company(tmp_path), hub, monkeypatch)


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


def test_whose_letter_came_back_gets_no_other_until_a_person_has_looked(digests: Digests) -> None:
    digests.say("!help", "anna", "One")
    digests.next_day()
    digests.run()
    hub = digests.world.bridge.hub
    lost = next(str(one["id"]) for one in digests.world.mail.all("notes") if one["to"] == "bert@example.org")
    with hub.begin() as conn:
        setaside.put(conn, "mail", "notes", [Bad(lost, None, "It came back.", FAILED)])
    for name in list(digests.world.mail.state["notes"]):
        del digests.world.mail.state["notes"][name]
    digests.say("!help", "anna", "Two")
    digests.next_day()
    assert list(digests.letters()) == ["cleo@example.org"]
    with hub.begin() as conn:
        setaside.remove(conn, "mail", "notes", lost)
    digests.say("!help", "anna", "Three")
    digests.run()
    for name in list(digests.world.mail.state["notes"]):
        del digests.world.mail.state["notes"][name]
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


def clear(digests: Digests) -> None:
    """Whoever keeps the mailbox removes all letters."""
    digests.world.mail.state["notes"].clear()


def test_8_who_has_unsubscribed_gets_no_letter_whatever_becomes_of_the_mails(
    digests: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but a person's word brings them back: no full read, no other address, nor that letter and answer are gone."""
    digests.say("!help", "anna", "One")
    digests.next_day()
    letter = decline(digests, monkeypatch, "bert@example.org")
    hub, bridge = digests.world.bridge.hub, digests.world.bridge
    read(bridge, "mail", "notes", full=True)
    clear(digests)
    read(bridge, "mail", "notes", full=True)
    for text in ("Two", "Three"):
        digests.say("!help", "anna", text)
        digests.next_day()
        assert list(digests.letters()) == ["cleo@example.org"]
        clear(digests)
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
    clear(digests)
    digests.world.mail.before = lambda *call: None
    for _ in range(2):
        digests.run()
    assert list(digests.letters()) == ["cleo@example.org"]
    assert "Two" in digests.letters()["cleo@example.org"]


def test_a_letter_that_cannot_be_mapped_keeps_nobody_from_the_next(digests: Digests) -> None:
    digests.say("!help", "anna", "One")
    digests.next_day()
    digests.run()
    letter = next(str(one["id"]) for one in digests.world.mail.all("notes") if one["to"] == "bert@example.org")
    with digests.world.bridge.hub.begin() as conn:
        setaside.put(conn, "mail", "notes", [Bad(letter, {"id": letter}, "It has another shape.")])
    clear(digests)
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
