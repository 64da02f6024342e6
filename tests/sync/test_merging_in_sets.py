"""What merging many at once must not do: hold up others, grow with what exists, or fan out in one go."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from landbridge.store import agenda, decisions, deliveries, records, sets
from landbridge.store.hub import Hub
from landbridge.store.unit import Unit
from landbridge.sync import load_company, merge, plan, read
from tests.sync.conftest import HOME, World, account, make_world, room_of, staff

merging = importlib.import_module("landbridge.sync.merge")


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each look-up has brought."""
    counts: list[int] = []
    before = sets.look_up

    def counted(*args: Any, **options: Any) -> list[Any]:
        found = before(*args, **options)
        counts.append(len(found))
        return found

    monkeypatch.setattr(sets, "look_up", counted)
    return counts


def test_what_waits_for_a_write_holds_up_nobody(world: World, post: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages that may be our own wait; the comment read after them is merged all the same."""
    monkeypatch.setattr(merging, "BATCH", 2)
    room, root = room_of(world, "news-it"), world.chat.all("messages")[0]["id"]
    for number in range(5):
        world.chat.put("messages", room=room, thread=root, author="@bert", text=f"{number}", at="2026-01-02T10:00:00Z")
    read(world.bridge, "chat", "messages")
    author = account(world, "intranet", "anna")
    comment = world.intranet.put("comments", post=post, author=author, text="Mine", at="2026-01-02T10:00:00Z")
    read(world.bridge, "intranet", "comments")
    with world.bridge.hub.begin() as conn:
        deliveries.put(conn, flow="news", target="chat/messages", entity="x", op="create", state="sending", run="other")
    report = merge(world.bridge, "news")
    assert report.counts["postponed"] == 5
    with world.bridge.hub.read() as conn:
        found = records.get(conn, "intranet", "comments", comment)
        assert found and found.entity
        assert len(records.pending_ids(conn, [("chat", "messages")], 10)) == 5


def test_who_sees_a_room_is_carried_to_its_messages_in_parts(
    world: World, post: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, root = room_of(world, "news-it"), world.chat.all("messages")[0]["id"]
    for number in range(5):
        world.chat.put("messages", room=room, thread=root, author="@bert", text=f"{number}", at="2026-01-02T10:00:00Z")
    world.run()
    help_room = world.chat.put("rooms", id="!help", topic="x")
    for number in range(5):
        world.chat.put("messages", room=help_room, author="@bert", text=f"h{number}", at="2026-01-02T10:00:00Z")
    world.run()
    monkeypatch.setattr(merging, "BATCH", 2)
    world.chat.put("rooms", id="!help", visibility="members")
    read(world.bridge, "chat", "rooms")
    merge(world.bridge, "news")
    with world.bridge.hub.read() as conn:
        planned = agenda.take(conn, "news", 100)
        said = [records.get(conn, "chat", "messages", one["id"]) for one in world.chat.all("messages")]
    there = {row.entity for row in said if row and (row.claim or {})["body"].startswith("h")}
    assert len(there) == 5
    assert there <= set(planned)
    plan(world.bridge, "news")


def test_a_fan_out_goes_on_where_a_dead_run_has_left_it(hub: Hub) -> None:
    with hub.begin() as conn:
        unit = Unit(conn)
        for number in range(5):
            unit.refer(f"m{number}", {"space": ["room"], "thread": ["room"] if number == 3 else []})
        unit.refer("other", {"space": ["elsewhere"]})
        unit.plan_referrers_again("room")
        unit.flush()
    told = []
    while True:
        with pytest.raises(RuntimeError), hub.begin() as conn:
            lost = agenda.next_of_fan_out(conn, ("space", "thread"), 2)
            raise RuntimeError
        with hub.begin() as conn:
            part = agenda.next_of_fan_out(conn, ("space", "thread"), 2)
        assert part == lost
        if part is None:
            break
        told.append(part)
    assert told == [["m0", "m1"], ["m2", "m3"], ["m4"]]


@pytest.mark.parametrize(
    ("match", "asked"), [("{employee_number: 1, emails: 0.8}", 1), ("[employee_number, emails]", 0)]
)
def test_a_flow_says_how_sure_an_identifier_makes_us(hub: Hub, tmp_path: Path, match: str, asked: int) -> None:
    home = tmp_path / "company"
    shutil.copytree(HOME, home)
    file = home / "config" / "flows" / "people.yaml"
    file.write_text(file.read_text().replace("match: [employee_number, emails]", f"match: {match}"))
    world = staff(make_world(load_company(home), hub))
    world.run("people")
    with hub.read() as conn:
        found = [one for one in decisions.open_decisions(conn) if one.kind == "match"]
    assert [one.details["confidence"] for one in found] == [0.8] * asked


def join(world: World, login: str, size: int, looked_up: list[int]) -> int:
    """A team of this size has two cases; how many rows are looked up when one more joins?"""
    team = world.crm.put("groups", id=f"team{size}", name=f"T{size}", code=f"t{size}")
    dept = world.hr.put("groups", id=f"dept{size}", name=f"T{size}", code=f"t{size}")
    for number in range(size):
        one = f"{login}{number}"
        world.hr.put(
            "people", id=one, number=one, login=one, given=one, family="X", mail=f"{one}@x", dept=dept, active=True
        )
    world.hr.put("people", id=login, number=login, login=login, given=login, family="X", mail=f"{login}@x", active=True)
    for number in range(2):
        world.crm.put("cases", id=f"{login}-{number}", number=f"{login}{number}", subject="S", status="open", team=team)
    world.run("people", "cases")
    world.hr.put("people", id=login, dept=dept)
    read(world.bridge, "hr", "people")
    looked_up.clear()
    merge(world.bridge, "people")
    return sum(looked_up)


def test_who_joins_a_team_costs_the_same_however_large_it_is(world: World, looked_up: list[int]) -> None:
    assert join(world, "s", 3, looked_up) == join(world, "l", 30, looked_up)
    world.run("people", "cases")
    joined = account(world, "chat", "l")
    rooms = [one["room"] for one in world.chat.all("memberships") if one["user"] == joined]
    assert len(rooms) == 3  # the department's and those of its two cases


@pytest.mark.parametrize("people", [2, 9])
def test_however_many_are_asked_about_it_is_asked_in_a_few_statements(hub: Hub, people: int) -> None:
    world = make_world(load_company(Path(__file__).parent.parent / "model" / "company"), hub)
    for number in range(people):
        mail = f"p{number}@example.org"
        world.hr.put(
            "people", id=f"{number}", number=f"{number}", login=f"p{number}", mail=mail, title="Clerk", active=True
        )
    world.run("people")
    for system, title in ((world.hr, "Manager"), (world.chat, "Seller")):
        for one in system.all("people"):
            system.put("people", id=one["id"], title=title)
        read(world.bridge, system.name, "people")
    said: list[str] = []

    def listen(conn: Any, cursor: Any, statement: str, *more: Any) -> None:
        said.extend([statement] if "decision" in statement else [])

    event.listen(hub._engine, "before_cursor_execute", listen)
    merge(world.bridge, "people")
    with hub.read() as conn:
        assert len(decisions.open_decisions(conn)) == people
    assert len(said) <= 8
