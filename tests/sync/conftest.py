"""A small company of six systems in memory, on both databases."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from landbridge.connector import Connection
from landbridge.store import agenda, runs
from landbridge.store.hub import Hub
from landbridge.store.tables import entity
from landbridge.sync import Bridge, Company, Report, load_company, run_flow
from landbridge.testing.memory import Memory

HOME = Path(__file__).parent / "company"
ORDER = ("people", "news", "cases", "knowledge")


@dataclass
class World:
    """The systems, and the company that joins them."""

    bridge: Bridge
    systems: dict[str, Memory] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Memory:
        try:
            return self.systems[name]
        except KeyError:
            raise AttributeError(name) from None

    def run(self, *flows: str) -> dict[str, Report]:
        return {flow: run_flow(self.bridge, flow) for flow in flows or ORDER}

    def quiet(self) -> None:
        """After quiet, a run writes nothing, even where it looks at everything again."""
        self.run()
        with self.bridge.hub.begin() as conn:
            everything = list(conn.scalars(select(entity.c.id)))
            for flow in ORDER:
                agenda.add(conn, flow, everything)
        before = {name: len(system.calls) for name, system in self.systems.items()}
        reports = self.run()
        assert {name: len(system.calls) for name, system in self.systems.items()} == before, {
            n: r.as_dict() for n, r in reports.items()
        }


def make_world(company: Company, hub: Hub) -> World:
    bridge = Bridge(company, hub, lambda name: Connection(name, ""))
    world = World(bridge, {name: Memory(name) for name in company.systems})
    for name, system in world.systems.items():
        system.open_file = bridge.open_file
        bridge._connectors[name] = system
    return world


def staff(world: World) -> World:
    """Two departments, three people, one old chat account, a wiki, a deal and a post."""
    sales, it = (world.hr.put("groups", name=name, code=code) for name, code in (("Sales", "sales"), ("IT", "it")))
    for system, sales_key, it_key in ((world.hr, sales, it),):
        system.put(
            "people",
            id="1",
            number="1",
            login="anna",
            given="Anna",
            family="Müller",
            mail="anna@example.org",
            dept=sales_key,
            active=True,
        )
        system.put(
            "people",
            id="2",
            number="2",
            login="bert",
            given="Bert",
            family="O'Brien",
            mail="bert@example.org",
            dept=it_key,
            active=True,
        )
        system.put(
            "people",
            id="3",
            number="3",
            login="cleo",
            given="Cleo",
            family="Łuk",
            mail="cleo@example.org",
            dept=sales_key,
            active=True,
        )
    for number, login, phone in (("1", "anna", "111"), ("2", "bert", "222")):
        world.directory.put("people", number=number, login=login, mail=f"{login}@example.org", phone=phone)
    world.chat.put(
        "people", id="@bert", login="bert", mail="Bert@example.org", given="Bert", family="O'Brien", active=True
    )
    world.chat.put("rooms", id="!help", name="Help", alias="help", visibility="public")
    return world


@pytest.fixture
def world(hub: Hub) -> World:
    return staff(make_world(load_company(HOME), hub))


def room_of(world: World, alias: str) -> str:
    return str(next(one["id"] for one in world.chat.all("rooms") if one["alias"] == alias))


def account(world: World, system: str, login: str) -> str:
    return str(next(one["id"] for one in world.systems[system].all("people") if one["login"] == login))


def said(world: World, room: str) -> list[tuple[str, str]]:
    """(author's login or "", text) of a room's messages."""
    logins = {one["id"]: one["login"] for one in world.chat.all("people")}
    return [
        (logins.get(one.get("author"), ""), one["text"]) for one in world.chat.all("messages") if one["room"] == room
    ]


@pytest.fixture
def post(world: World) -> str:
    """A published post by Anna, announced in its room."""
    world.run("people")
    author = account(world, "intranet", "anna")
    key = world.intranet.put(
        "posts",
        title="New *printer*",
        body="It prints.",
        author=author,
        state="published",
        category="it",
        url="http://cms/1",
    )
    world.run()
    return key


@pytest.fixture
def case(world: World) -> str:
    """A deal of Anna's team in Sales."""
    team = world.crm.put("groups", name="Sales", code="sales")
    owner = world.crm.put("people", number="1", login="anna", mail="anna@example.org", active=True)
    world.crm.put("people", number="3", login="cleo", mail="cleo@example.org", active=True)
    key = world.crm.put("cases", number="7", subject="Big deal", status="open", owner=owner, team=team)
    world.run()
    return key


@pytest.fixture
def thread(world: World) -> tuple[str, str]:
    """A question in the open help room, and its answer, not marked yet."""
    world.run("people")
    question = world.chat.put(
        "messages",
        room="!help",
        author=account(world, "chat", "anna"),
        text="How do I print?",
        at="2026-01-02T10:00:00Z",
        url="http://chat/q",
    )
    answer = world.chat.put(
        "messages", room="!help", thread=question, author="@bert", text="Press **Ctrl-P**.", at="2026-01-02T10:05:00Z"
    )
    world.run()
    assert world.wiki.all("pages") == []
    return question, answer


@pytest.fixture
def no_run_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """In these tests the dead run and the next one are the same process."""
    monkeypatch.setattr(runs, "is_alive", lambda conn, id: False)
