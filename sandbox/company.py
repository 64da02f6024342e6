"""One invented company: its people, news, deals and conversations, the same at every call.

The data lies in `sandbox/data/`; nothing here is random. No person, company or number in it is real: telephone
numbers are from the range that the German regulator keeps free for fiction, addresses end in `.example`.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parent / "data"
# A line of messages.txt
SAID = re.compile(
    r"(?P<answer>> )?(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d) (?P<author>[a-z.]+): (?P<text>.+?)(?: \{(?P<reactions>.+)\})?"
)
SPELT_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ł": "l", "ø": "o", "å": "a", "æ": "ae", "ı": "i"}
)


@dataclass(frozen=True)
class Person:
    """`department` is a Department's code, `manager` another Person's number; `ends` in the past has left."""

    number: str
    given: str
    family: str
    user_name: str
    email: str
    phone: str
    mobile: str
    title: str
    department: str
    manager: str | None
    starts: date
    ends: date | None

    @property
    def full_name(self) -> str:
        return f"{self.given} {self.family}"


@dataclass(frozen=True)
class Department:
    """`head` is a Person's number."""

    code: str
    name: str
    head: str


@dataclass(frozen=True)
class Comment:
    """`author` is a user name."""

    author: str
    text: str
    written: datetime


@dataclass(frozen=True)
class Post:
    """`category` is one of company, it, sales, people; `author` a user name."""

    number: int
    title: str
    html: str
    author: str
    category: str
    published: datetime
    tags: tuple[str, ...]
    comments: tuple[Comment, ...]


@dataclass(frozen=True)
class Opportunity:
    """`owner` is the number of a Person of sales; `status` one of lead, opportunity, converted, lost."""

    number: int
    subject: str
    customer: str
    contact: str
    contact_email: str
    owner: str
    status: str
    amount: Decimal
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Room:
    """`visibility`: public (any colleague may join), members (by invitation) or direct (two people, no alias)."""

    alias: str
    name: str
    topic: str
    visibility: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Message:
    """`thread` is the key of the root message; reactions are (emoji, user name)."""

    room: str
    author: str
    text: str
    sent: datetime
    key: str
    thread: str | None
    reactions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Company:
    name: str
    domain: str
    people: tuple[Person, ...]
    departments: tuple[Department, ...]
    posts: tuple[Post, ...]
    opportunities: tuple[Opportunity, ...]
    rooms: tuple[Room, ...]
    messages: tuple[Message, ...]

    @cached_property
    def by_number(self) -> dict[str, Person]:
        return {person.number: person for person in self.people}

    @cached_property
    def by_user_name(self) -> dict[str, Person]:
        return {person.user_name: person for person in self.people}

    def department(self, code: str) -> Department:
        return next(department for department in self.departments if department.code == code)

    def room(self, alias: str) -> Room:
        return next(room for room in self.rooms if room.alias == alias)

    def in_chat(self) -> tuple[Person, ...]:
        """Those who had a chat account before Landbridge came: all room members."""
        return tuple(self.by_user_name[name] for name in sorted({name for room in self.rooms for name in room.members}))

    def in_intranet(self) -> tuple[Person, ...]:
        """Those who had an intranet account before Landbridge came: all authors and commenters."""
        names = {post.author for post in self.posts} | {note.author for post in self.posts for note in post.comments}
        return tuple(self.by_user_name[name] for name in sorted(names))

    @staticmethod
    def has_left(person: Person, today: date) -> bool:
        return person.ends is not None and person.ends < today


def ascii_name(text: str) -> str:
    """A name as it stands in logins and addresses: `Käßner` is `kaessner`, `O'Brien` is `obrien`."""
    spelt = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).lower().translate(SPELT_OUT))
    return "".join(letter for letter in spelt if letter.isascii() and letter.isalnum())


@cache
def halbrueck() -> Company:
    domain = "halbrueck.example"
    return Company(
        name="Halbrück & Söhne",
        domain=domain,
        people=tuple(_people(domain)),
        departments=tuple(Department(**row) for row in _table("departments")),
        posts=tuple(_post(row) for row in _list("posts")),
        opportunities=tuple(_opportunity(row) for row in _list("opportunities")),
        rooms=tuple(Room(**{**row, "members": tuple(row["members"])}) for row in _list("rooms")),
        messages=tuple(sorted(_messages(), key=lambda message: message.sent)),
    )


def _people(domain: str) -> Iterator[Person]:
    for place, row in enumerate(_table("people"), start=1):
        user_name = f"{ascii_name(row['given'])}.{ascii_name(row['family'])}"
        yield Person(
            number=row["number"],
            given=row["given"],
            family=row["family"],
            user_name=user_name,
            email=f"{user_name}@{domain}",
            phone=f"+49 30 23125 {place:03}",
            mobile=f"+49 171 39200{place:02}",
            title=row["title"],
            department=row["department"],
            manager=row["manager"] or None,
            starts=date.fromisoformat(row["starts"]),
            ends=date.fromisoformat(row["ends"]) if row["ends"] else None,
        )


def _post(row: dict[str, Any]) -> Post:
    comments = tuple(Comment(note["by"], note["text"], _moment(note["at"])) for note in row.get("comments", ()))
    return Post(
        number=row["number"],
        title=row["title"],
        html=row["html"].strip(),
        author=row["author"],
        category=row["category"],
        published=_moment(row["at"]),
        tags=tuple(row["tags"]),
        comments=comments,
    )


def _opportunity(row: dict[str, Any]) -> Opportunity:
    return Opportunity(**{**row, "amount": Decimal(row["amount"]), "notes": tuple(row["notes"])})


def _messages() -> Iterator[Message]:
    """Keys count per room in the order of the file, so that a text may be mended without breaking a thread."""
    room, root, place = "", "", 0
    for line in (DATA / "messages.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            room, place = line.removeprefix("# "), 0
        elif said := SAID.fullmatch(line):
            place += 1
            key = f"{room}-{place}"
            root = root if said["answer"] else key
            reactions = tuple(_reactions(said["reactions"] or ""))
            thread = root if said["answer"] else None
            yield Message(room, said["author"], said["text"], _moment(said["at"]), key, thread, reactions)


def _reactions(text: str) -> Iterator[tuple[str, str]]:
    words = iter(text.split())
    for emoji, names in zip(words, words, strict=True):
        for name in names.split(","):
            yield emoji, name


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def _table(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _list(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8")) or [])
