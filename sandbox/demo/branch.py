"""The branch, an agency that the company has bought: its people are in HR, and talk in a Slack of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from sandbox.company import Company, Message, Room
from sandbox.emulators.slack import Slack, SlackSystem
from sandbox.emulators.slack_workspace import BOT_USER
from sandbox.matrix_client import MatrixDesk

DEPARTMENT = "MKT"
# The open channel and its room in chat are one; the closed one has a namesake in chat that is open to all.
JOINED, CLOSED, NEWS = "trade-fair", "trade-fair-offers", "news-it"
# Works in chat only; answers the branch.
HOST = "lukasz.wisniewski"
ROOMS = {
    JOINED: ("Trade fair", "What we bring to the fair, with the branch in Slack"),
    CLOSED: ("Trade fair: offers", "Open to everybody here; in Slack it is not"),
}


def branch(company: Company) -> Company:
    """Its people and channels; not much was said yet."""
    people = tuple(person for person in company.people if person.department == DEPARTMENT)
    names = tuple(person.user_name for person in people)
    rooms = (
        Room(JOINED, "", "What we bring to the fair", "public", names),
        Room(CLOSED, "", "What it may cost: not for everybody", "members", names),
        Room(NEWS, "", "What IT publishes in the intranet", "public", names),
    )
    said = datetime(2026, 11, 2, 9, tzinfo=UTC)
    hello = Message(JOINED, names[0], "The fair has hall 4 for us, stand B12.", said, "hello", None, ())
    return replace(company, people=people, rooms=rooms, messages=(hello,))


class Workspace(Slack):
    """Somebody has invited the app into the closed channel as well: that it does not pass on is not because it cannot."""

    def seed(self, company: Company) -> None:
        self.space.fill(branch(company))
        closed = next(one for one in self.space.channels.values() if one["name"] == CLOSED)
        closed["_members"].append(BOT_USER)


class Branch(SlackSystem):
    name: ClassVar[str] = "branch"
    emulator: ClassVar[str] = "sandbox.demo.branch:Workspace"
    connection: ClassVar[str] = "branch"
    connector: ClassVar[str] = "slack"


def open_rooms(chat: MatrixDesk) -> None:
    """In chat both rooms are open to every colleague; made once, by one of them."""
    there = chat.rooms()
    for alias, (name, topic) in ROOMS.items():
        if alias not in there:
            chat.acting_as(HOST).open_room(alias, name, topic)
