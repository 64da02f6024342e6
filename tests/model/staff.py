"""Who works in the company: people come, leave, come back, move and rename; and keys go to others."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.model import clock
from tests.model.systems import Simulated
from tests.model.words import Versions

DEPARTMENTS = ("sales", "it")


def pick(among: list[Any], number: int) -> Any:
    return among[number % len(among)] if among else None


class Staff:
    """The acts that concern people, and what must not be forgotten of them."""

    def __init__(self, systems: dict[str, Simulated]) -> None:
        self.hr, self.chat, self.cms = systems["hr"], systems["chat"], systems["cms"]
        self.systems = systems
        self.titles: dict[str, Versions] = {}
        self.left: dict[str, list[datetime]] = {}
        # When somebody left or came back last.
        self.turned: dict[str, datetime] = {}
        self.free_keys: set[str] = set()
        self._count = 0
        for code in DEPARTMENTS:
            self.hr.put("groups", id=code, name=code.title(), code=code)
        for _ in range(2):
            self.hire(self._next(), 0)

    def _next(self) -> int:
        self._count += 1
        return self._count

    def hire(self, a: int, b: int) -> None:
        self._hire(f"h{self._count + 1}", b)

    def give_key_away(self, a: int, b: int) -> None:
        """To somebody new, once its owner is struck off; perhaps before anybody has read that."""
        if key := pick(sorted(self.free_keys), a):
            self.free_keys.remove(key)
            self._hire(key, b)

    def _hire(self, key: str, b: int) -> None:
        number = str(self._next())
        title = f"t{number}v0"
        self.hr.put(
            "people", id=key, number=number, login=f"p{number}", given=f"P{number}", family="O'Brien",
            mail=f"p{number}@example.org", title=title, dept=DEPARTMENTS[b % 2], active=True,
        )  # fmt: skip
        self.titles[number] = Versions({title: None})

    def rename(self, a: int, b: int) -> None:
        if native := pick(self.hr.all("people"), a):
            self.hr.put("people", id=native["id"], family=f"F{self._next()}")

    def retitle(self, a: int, b: int) -> None:
        """In the HR system, or by the colleague in chat."""
        system = (self.hr, self.chat)[b % 2]
        if native := pick(system.all("people"), a):
            title, seen = f"t{native['number']}v{self._next()}", native.get("title")
            self.titles[native["number"]].write(title, seen)
            system.put("people", id=native["id"], title=title)

    def move(self, a: int, b: int) -> None:
        if native := pick(self.hr.all("people"), a):
            self.hr.put("people", id=native["id"], dept=DEPARTMENTS[b % 2])

    def leave(self, a: int, b: int) -> None:
        if native := pick([one for one in self.hr.all("people") if one["active"]], a):
            self._leaves(native["number"])
            self.hr.put("people", id=native["id"], active=False)

    def come_back(self, a: int, b: int) -> None:
        if native := pick([one for one in self.hr.all("people") if not one["active"]], a):
            self.turned[native["number"]] = clock.now()
            self.hr.put("people", id=native["id"], active=True)

    def _leaves(self, number: str) -> None:
        self.turned[number] = clock.now()
        self.left.setdefault(number, []).append(clock.now())

    def strike_off(self, a: int, b: int) -> None:
        """Deleted in HR, which the law asks for some day, and somebody does too early."""
        if len(self.hr.all("people")) > 1 and (native := pick(self.hr.all("people"), a)):
            self._leaves(native["number"])
            self.hr.drop("people", native["id"])
            self.free_keys.add(native["id"])

    def throw_out(self, a: int, b: int) -> None:
        """A computed membership is removed by hand, and has to come back."""
        if native := pick(self.chat.all("memberships"), a):
            self.chat.drop("memberships", self.chat.streams()["memberships"].key_of(native))
