"""The day: each event is done in one product and looked for in another, always through the product's own API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from sandbox.company import Person, halbrueck
from sandbox.matrix_client import MatrixDesk
from sandbox.registry import load
from sandbox.tryton_desk import HRDesk, SalesDesk

Found = str | None
# Given names of those who join on the day of a demo; each demo hires the next one.
JOINERS = (("Zoë", "Łukasiewicz"), ("Jörg", "O'Malley"), ("Aylin", "Güneş"), ("Søren", "Weiß"), ("Inès", "Brüggemann"))


@dataclass
class Event:
    """`act` does it and may return where; `look` says what was found there, None while there is nothing yet."""

    title: str
    where: str
    expected: str
    act: Callable[[], None]
    look: Callable[[], Found]
    reads: tuple[str, ...]
    needs: tuple[str, ...] = ()
    done_at: float = 0.0
    seconds: float | None = None
    found: str = ""
    error: str = ""

    def check(self) -> bool:
        """Look once; a product that does not answer yet has not shown it yet."""
        if self.seconds is None:
            with suppress(requests.RequestException, LookupError, KeyError, IndexError, StopIteration):
                if found := self.look():
                    self.found, self.seconds = found, time.monotonic() - self.done_at
        return self.seconds is not None


@dataclass
class Day:
    """The products as their people use them; what one event leaves for the next is kept in `kept`."""

    root: Path
    kept: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tryton = load("tryton", self.root)
        self.wordpress: Any = load("wordpress", self.root)
        self.mediawiki: Any = load("mediawiki", self.root)
        chat = load("synapse", self.root).connections()["chat"]
        self.chat = MatrixDesk(chat["host"], chat["extra"]["server_name"], chat["extra"]["admin_token"])
        self.stamp = time.strftime("%d.%m. %H:%M:%S")

    @cached_property
    def hr(self) -> HRDesk:
        return HRDesk(self.tryton.client("admin"))  # type: ignore[attr-defined]

    @cached_property
    def sales(self) -> SalesDesk:
        return SalesDesk(self.tryton.client("admin"))  # type: ignore[attr-defined]

    # --- who is there ------------------------------------------------------------------------------------------

    @cached_property
    def employees(self) -> dict[str, dict[str, Any]]:
        rows = self.hr.client.find("company.employee", [], ["party.code", "party.name", "end_date", "department.code"])
        return {row["party."]["code"]: row for row in rows}

    @cached_property
    def joiner(self) -> Person:
        """The next new colleague; everyone hired by an earlier demo has a number already."""
        number = max(int(code[1:]) for code in self.employees) + 1
        given, family = JOINERS[number % len(JOINERS)]
        user_name = f"{given}.{family}.{number}".lower().translate(_PLAIN)
        return Person(
            number=f"E{number:04}", given=given, family=f"{family}", user_name=user_name,
            email=f"{user_name}@{halbrueck().domain}", phone="+49 30 23125 999", mobile="+49 171 39200 99", title="Engineer",
            department="ITS", manager=None, starts=date.today() - timedelta(days=1), ends=None,
        )  # fmt: skip

    @cached_property
    def leaver(self) -> Person:
        """Someone of the company's original people who is still there and writes nothing in this story."""
        people = [
            person for person in halbrueck().people if person.department in ("LOG", "FIN") and person.ends is None
        ]
        there = [person for person in people if self.employees[person.number]["end_date"] is None]
        return there[-1]

    @cached_property
    def seller(self) -> Person:
        owner = halbrueck().opportunities[0].owner
        return halbrueck().by_number[owner]

    @cached_property
    def writer(self) -> Person:
        """Writes news; has an account in both."""
        return halbrueck().by_user_name[next(post.author for post in halbrueck().posts if post.category == "it")]

    @cached_property
    def reader(self) -> Person:
        """Answers and comments; someone of both products, not the writer."""
        both = [
            p for p in halbrueck().in_chat() if p in halbrueck().in_intranet() and p not in (self.writer, self.seller)
        ]
        return next(person for person in both if self.employees[person.number]["end_date"] is None)

    @property
    def there(self) -> tuple[Person, ...]:
        """Those who have a part in the story."""
        return (self.leaver, self.seller, self.writer, self.reader)

    def room(self, alias: str) -> str:
        return self.chat.rooms()[alias]

    def said(self, room_id: str, as_whom: str) -> list[dict[str, Any]]:
        return self.chat.acting_as(as_whom).messages(room_id)

    # --- what happens ------------------------------------------------------------------------------------------

    def morning(self) -> Iterator[Event]:
        joiner, writer, seller = self.joiner, self.writer, self.seller
        title = f"Printers & phones: what changes ({self.stamp})"

        def hire() -> None:
            self.hr.hire(joiner)

        def account() -> Found:
            found = self.chat.account(joiner.user_name)
            return f"{found['name']}, {found['displayname']}" if found and not found["locked"] else None

        def department_room() -> Found:
            return (
                f"#{alias} has {joiner.user_name}"
                if joiner.user_name in self.chat.members(self.room(alias := "its"))
                else None
            )

        def intranet_account() -> Found:
            found = self.wordpress.admin().user(joiner.user_name)
            return f"user {found['id']}, {found['name']}" if found else None

        yield Event(f"HR hires {joiner.full_name}", "chat", "an account", hire, account, ("hr",))
        yield Event("", "chat", "member of the department's room", nothing, department_room, ("hr",))
        yield Event("", "intranet", "an account", nothing, intranet_account, ("hr",), ("wordpress",))

        def open_case() -> None:
            row = self.sales.open(
                f"Gantry crane ({self.stamp})", customer="Zweig & Sohn GmbH", contact="Ada Zweig",
                contact_email="ada.zweig@zweig.example", owner=seller.number, amount=Decimal("48000"),
            )  # fmt: skip
            self.kept["case"] = row["number"]

        def case_room() -> Found:
            alias = f"case-{self.kept['case']}"
            members = self.chat.members(self.room(alias))
            return f"#{alias} with {len(members) - 1} people" if seller.user_name in members else None

        yield Event(
            f"{seller.full_name} opens an opportunity", "chat", "a room for its team", open_case, case_room, ("crm",)
        )

        def publish() -> None:
            author = self.wordpress.acting_as(writer.user_name)
            text = "<p>From Monday on, <strong>all</strong> printers ask for your badge. 🖨️</p>"
            self.kept["post"] = author.write_post(title, text, "it")["id"]

        def announced() -> Found:
            room = self.room("news-it")
            self.chat.acting_as(self.reader.user_name).join("news-it")
            found = next(one for one in self.said(room, self.reader.user_name) if self.stamp in one["content"]["body"])
            self.kept["announcement"] = found["event_id"]
            return f"#news-it, by {found['sender']}"

        yield Event(
            f"{writer.full_name} publishes a post",
            "chat",
            "an announcement",
            publish,
            announced,
            ("intranet",),
            ("wordpress",),
        )

    def noon(self) -> Iterator[Event]:
        reader, seller, needs = self.reader, self.seller, ("wordpress",)
        answer, comment = f"Does it work with the old badge? ({self.stamp})", f"Thank you, at last! ({self.stamp})"
        pinned, question = (
            f"They need it before Easter ({self.stamp})",
            f"How do I reset my voicemail PIN ({self.stamp})?",
        )

        def reply() -> None:
            self.chat.acting_as(reader.user_name).say(self.room("news-it"), answer, thread=self.kept["announcement"])

        def commented() -> Found:
            found = self.comment(answer)
            author = self.wordpress.admin().user(reader.user_name)
            return (
                f"comment {found['id']} by {found['author_name']}"
                if author and found["author"] == author["id"]
                else None
            )

        yield Event(
            f"{reader.full_name} replies in chat",
            "intranet",
            "a comment by its author",
            reply,
            commented,
            ("chat",),
            needs,
        )

        def write_comment() -> None:
            self.wordpress.acting_as(reader.user_name).comment(self.kept["post"], comment)

        def replied() -> Found:
            found = next(
                one for one in self.said(self.room("news-it"), reader.user_name) if comment in one["content"]["body"]
            )
            in_thread = found["content"].get("m.relates_to", {}).get("event_id") == self.kept["announcement"]
            return f"in the thread, by {found['sender']}" if in_thread else None

        yield Event(
            f"{reader.full_name} comments on the post",
            "chat",
            "a reply in the thread",
            write_comment,
            replied,
            ("intranet",),
            needs,
        )

        def pin() -> None:
            chat, room = self.chat.acting_as(seller.user_name), self.room(f"case-{self.kept['case']}")
            chat.say(room, "Lunch, anyone?")
            chat.react(room, chat.say(room, pinned), "📌")

        def noted() -> Found:
            notes = self.sales.notes(self.kept["case"])
            found = [row["message"] for row in notes if pinned in row["message"]]
            return found[0][:60] if len(found) == 1 and len(notes) == 1 else None

        yield Event(f"{seller.full_name} pins a message 📌", "CRM", "a note, and only that", pin, noted, ("chat",))

        def advance() -> None:
            self.sales.set_state(self.kept["case"], "opportunity")

        def told() -> Found:
            room = self.room(f"case-{self.kept['case']}")
            found = next(one for one in self.said(room, seller.user_name) if "Status:" in one["content"]["body"])
            return str(found["content"]["body"])

        yield Event("Sales moves the deal on", "chat", "said in its room", advance, told, ("crm",))

        def ask_and_mark() -> None:
            asker, helper = self.chat.acting_as(reader.user_name), self.chat.acting_as(self.writer.user_name)
            room = asker.join("it-help")
            helper.join("it-help")
            thread = asker.say(room, question)
            given = helper.say(room, "Dial *86, then 9, then the old PIN twice.", thread=thread)
            asker.react(room, given, "✅")

        def archived() -> Found:
            wiki = self.mediawiki.admin()
            title = next(title for title in wiki.titles("Answers/") if self.stamp in title)
            page = wiki.page(title)
            parts = ("voicemail", "Dial", reader.full_name, self.writer.full_name)
            return title if page and all(part in page.text for part in parts) else None

        yield Event(
            "A marked answer ✅ in #it-help",
            "wiki",
            "a page with all of it",
            ask_and_mark,
            archived,
            ("chat",),
            ("mediawiki",),
        )

    def evening(self) -> Iterator[Event]:
        leaver, needs = self.leaver, ("wordpress",)

        def edit() -> None:
            text = "<p>From <em>Tuesday</em> on, <strong>all</strong> printers ask for your badge. 🖨️</p>"
            self.wordpress.acting_as(self.writer.user_name).edit_post(self.kept["post"], content=text)

        def edited() -> Found:
            said = self.said(self.room("news-it"), self.reader.user_name)
            found = next(one for one in said if one["event_id"] == self.kept["announcement"])
            return "the announcement says Tuesday" if "Tuesday" in found["content"]["body"] else None

        yield Event("The post is corrected", "chat", "the announcement follows", edit, edited, ("intranet",), needs)

        def leave() -> None:
            self.chat.acting_as(leaver.user_name)  # a session that has to end
            self.hr.leave(leaver.number, date.today() - timedelta(days=1))

        def locked() -> Found:
            found = self.chat.account(leaver.user_name)
            ended = self.chat.devices(leaver.user_name) == 0
            return (
                "locked, no session left, name kept"
                if found and found["locked"] and ended and found["displayname"]
                else None
            )

        def no_role() -> Found:
            found = self.wordpress.admin().user(leaver.user_name)
            return "no role left, account kept" if found and found["roles"] == [] else None

        yield Event(f"{leaver.full_name} leaves", "chat", "the account is disabled", leave, locked, ("hr",))
        yield Event("", "intranet", "the account is disabled", nothing, no_role, ("hr",), needs)

    def comment(self, text: str) -> dict[str, Any]:
        """Of the day's post."""
        found = self.wordpress.admin().comments(self.kept["post"], context="edit")
        return next(one for one in found if text in one["content"]["raw"])


def nothing() -> None:
    """The second thing to look for after one event."""


_PLAIN = str.maketrans({
    "ł": "l", "ö": "oe", "ü": "ue", "ä": "ae", "ß": "ss", "ø": "o", "ë": "e", "è": "e", "ş": "s", "'": "", " ": "",
})  # fmt: skip
