"""The branch's part of the day: asked in its Slack, answered in chat; and what stays where it was said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import Any

from sandbox.company import Person, halbrueck
from sandbox.demo.branch import CLOSED, HOST, JOINED, NEWS
from sandbox.demo.day import Day, Event, Found, nothing
from sandbox.registry import load
from sandbox.slack_client import Message, SlackDesk

ASKER, TELLER = "esra.celik", "finn.odowd"
NEEDS, WITH_NEWS = ("branch",), ("branch", "wordpress")


def desk(root: Path) -> SlackDesk:
    connection = load("branch", root).connections()["branch"]
    return SlackDesk(connection["host"], connection["password"])


@dataclass
class BranchDay:
    """Beside `day`, whose post it reads; each look is by the eyes of somebody in that product."""

    day: Day

    @cached_property
    def slack(self) -> SlackDesk:
        return desk(self.day.root)

    @property
    def asker(self) -> Person:
        return halbrueck().by_user_name[ASKER]

    @property
    def teller(self) -> Person:
        return halbrueck().by_user_name[TELLER]

    def morning(self) -> Iterator[Event]:
        day, asker, teller = self.day, self.asker, self.teller
        question, secret = f"Which ladder do we bring? ({day.stamp})", f"We may go down to 2,900 euros ({day.stamp})"

        def announced() -> Found:
            found = self._in_slack(NEWS, day.stamp)
            day.kept["branch announcement"] = found["ts"]
            return f"#{NEWS}, “{unescape(found['text'])[:40]}…”"

        def ask() -> None:
            self._as(asker).say(JOINED, question)

        def asked() -> Found:
            found = self._in_chat(JOINED, question)
            if found is None:
                return None
            day.kept["question"] = found["event_id"]
            return f"#{JOINED}, by {found['sender']}"

        def tell() -> None:
            """In both channels at once: where the open one's has come, the closed one's has been looked at too."""
            self._as(teller).say(CLOSED, secret)
            self._as(teller).say(JOINED, f"Offers: see the closed channel ({day.stamp})")

        def kept_back() -> Found:
            come = self._in_chat(JOINED, f"closed channel ({day.stamp})")
            leaked = self._in_chat(CLOSED, secret) or self._in_chat(JOINED, secret)
            return "not a word of it, in no room" if come and not leaked else None

        # The first belongs to the post that the day has just published.
        yield Event("", "Slack", "an announcement", nothing, announced, ("intranet",), WITH_NEWS)
        yield Event(f"{asker.full_name} asks in Slack", "chat", "the question", ask, asked, NEEDS, NEEDS)
        yield Event(
            f"{teller.full_name} writes in a closed channel", "chat", "nothing", tell, kept_back, NEEDS, NEEDS
        )  # fmt: skip

    def noon(self) -> Iterator[Event]:
        day, asker = self.day, self.asker
        answer, reply = f"The rail with five rungs ({day.stamp})", f"Also the one in hall 4? ({day.stamp})"

        def say_in_chat() -> None:
            chat = day.chat.acting_as(HOST)
            chat.say(day.room(JOINED), answer, thread=day.kept["question"])

        def answered() -> Found:
            root = self._in_slack(JOINED, f"bring? ({day.stamp})")
            thread = self._as(asker).thread(JOINED, root["ts"])
            found = next(one for one in thread[1:] if answer in one["text"])
            return f"in the thread, “{unescape(found['text'])[:40]}…”"

        def say_in_slack() -> None:
            self._as(asker).say(NEWS, reply, thread=day.kept["branch announcement"])

        def commented() -> Found:
            found = day.comment(reply)
            return f"comment {found['id']} by {found['author_name']}" if found["author"] else None

        host = halbrueck().by_user_name[HOST].full_name
        yield Event(f"{host} answers in chat", "Slack", "in the thread", say_in_chat, answered, ("chat",), NEEDS)
        yield Event(
            f"{asker.full_name} replies in Slack", "intranet", "a comment by its author",
            say_in_slack, commented, NEEDS, WITH_NEWS,
        )  # fmt: skip

    def _as(self, person: Person) -> Any:
        return self.slack.acting_as(person.user_name)

    def _in_slack(self, channel: str, text: str) -> Message:
        return next(one for one in self._as(self.asker).messages(channel) if text in one["text"])

    def _in_chat(self, alias: str, text: str) -> dict[str, Any] | None:
        """As somebody sees it who may read every open room."""
        said = self.day.said(self.day.room(alias), HOST)
        return next((one for one in said if text in one["content"]["body"]), None)
