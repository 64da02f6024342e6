"""Promise 14: a dry run shows all and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from landbridge.errors import ConfigError
from landbridge.store import decisions, deliveries, entities, records
from landbridge.store.hub import is_snapshot
from landbridge.sync import Intended, guard, merge, plan, preview, read, write
from landbridge.sync.batch import Batch
from landbridge.sync.foresight import SHOWN
from landbridge.sync.planner import Planner
from landbridge.sync.preview import label
from landbridge.sync.refs import record_in
from tests.store.working import pending
from tests.sync.conftest import ORDER, World, account, room_of

SOURCES = (("hr", "groups"), ("hr", "people"), ("directory", "people"), ("chat", "people"), ("chat", "rooms"))


def test_14_a_preview_shows_all_and_changes_nothing(world: World) -> None:
    for system, stream in SOURCES:
        read(world.bridge, system, stream)
    shown = preview(world.bridge, "people")
    assert {(one.target, one.op, one.name) for one in shown if one.kind == "person" and one.target == "chat/people"} == {
        ("chat/people", "create", "Anna Müller"), ("chat/people", "create", "Cleo Łuk"), ("chat/people", "update", "Bert O'Brien"),
    }  # fmt: skip
    phone = next(one for one in shown if one.op == "update").fields["phones"]
    assert phone == (None, [{"value": "222", "type": "work"}])
    assert sum(len(system.calls) for system in world.systems.values()) == 0
    with world.bridge.hub.read() as conn:
        assert deliveries.of_flow(conn, "people", ("planned",)) == []
        assert all(row.entity is None for row in pending(conn, [("hr", "people")]))
    assert preview(world.bridge, "people") != []


@pytest.mark.parametrize(("owner", "name"), [(Batch, "merge"), (Planner, "decide_all")], ids=["merging", "planning"])
def test_14_nobody_waits_for_a_preview(world: World, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
    """While it is at it, others read and merge, which it does not see."""
    for system, stream in SOURCES:
        read(world.bridge, system, stream)
    before = [as_told(one) for one in preview(world.bridge, "people")]
    real, held = getattr(owner, name), []

    def meanwhile(*told: Any, **more: Any) -> Any:
        if not held:
            held.append(name)
            world.hr.put("people", number="9", login="dora", mail="dora@example.org", given="Dora", active=True)
            world.run("people")
        return real(*told, **more)

    monkeypatch.setattr(owner, name, meanwhile)
    assert [as_told(one) for one in preview(world.bridge, "people")] == before
    assert "dora" in {one["login"] for one in world.chat.all("people")}
    assert preview(world.bridge, "people") == []


def test_14_a_preview_cannot_write(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for system, stream in SOURCES:
        read(world.bridge, system, stream)
    real = Planner.decide_all
    refused = []

    def writing(self: Planner, decider: Any, *told: Any, **more: Any) -> Any:
        assert is_snapshot(decider.conn)
        with pytest.raises(Exception, match=r"read-?only"), decider.conn.begin_nested():
            deliveries.put(decider.conn, flow="people", target="x/y", entity="e", op="create", state="planned")
        refused.append(True)
        return real(self, decider, *told, **more)

    monkeypatch.setattr(Planner, "decide_all", writing)
    assert preview(world.bridge, "people")
    assert refused


def test_14_too_much_to_be_merged_in_memory_is_merged_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for system, stream in SOURCES:
        read(world.bridge, system, stream)
    before = [as_told(one) for one in preview(world.bridge, "people")]
    monkeypatch.setattr("landbridge.sync.foresight.MOST", 3)
    with pytest.raises(ConfigError, match="plan people --merge"):
        preview(world.bridge, "people")
    merge(world.bridge, "people")
    assert sorted(as_told(one) for one in preview(world.bridge, "people")) == sorted(before)


def test_14_a_preview_is_what_the_plan_then_is(world: World) -> None:
    """On each of some days on which much happens, with what is half done, waits, or is asked by then."""
    seen = set[tuple[str, str]]()
    for day in (first_day, a_dialogue, edits, leavers, moves):
        day(world)
        for flow in ORDER:
            told = [as_told(one) for one in preview(world.bridge, flow)]
            merge(world.bridge, flow)
            run = plan(world.bridge, flow).run
            assert sorted(told) == sorted(planned(world, flow)), (day.__name__, flow)
            seen |= {one[1:3] for one in told}
            for batch in guard(world.bridge, flow, run).free[: 0 if day is edits else None]:
                write(world.bridge, flow, batch)
    states = {state for _, state in seen}
    assert states == {"planned", "waiting", "blocked"}


def as_told(one: Intended) -> tuple[Any, ...]:
    """Without ids: what is new has another one in each run."""
    return one.target, one.op, one.state, one.kind, one.name, one.key or "", sorted(one.fields), one.reason


def planned(world: World, flow: str) -> list[tuple[Any, ...]]:
    with world.bridge.hub.read() as conn:
        found = []
        for one in deliveries.of_flow(conn, flow, SHOWN):
            entity = entities.get(conn, one.entity)
            row = record_in(records.of_entity(conn, one.entity), *one.target.split("/"))
            assert entity
            key, fields = row.key if row else "", sorted(one.fields or ())
            found.append(
                (one.target, one.op, one.state, entity.kind, label(entity.data), key, fields, one.reason or "")
            )
        return found


def read_all(world: World) -> None:
    for flow in ORDER:
        for stream in world.bridge.company.flow(flow).sources:
            system, _, name = stream.partition("/")
            read(world.bridge, system, name)


def first_day(world: World) -> None:
    author = world.intranet.put("people", number="1", login="anna", mail="anna@example.org", active=True)
    for category in ("it", "hr"):
        world.intranet.put(
            "posts", title=f"News {category}", body="It *prints*.", author=author, state="published", category=category
        )
    team = world.crm.put("groups", name="Sales", code="sales")
    owner = world.crm.put("people", number="1", login="anna", mail="anna@example.org", active=True)
    world.crm.put("cases", number="7", subject="Big deal", status="open", owner=owner, team=team)
    read_all(world)


def a_dialogue(world: World) -> None:
    root = world.chat.all("messages")[0]
    anna = account(world, "chat", "anna")
    for number, author in enumerate((anna, "@bert", anna)):
        at = f"2026-01-02T10:0{number}:00Z"
        world.chat.put("messages", room=root["room"], thread=root["id"], author=author, text=f"{number}", at=at)
    for one in world.intranet.all("posts"):
        world.intranet.put("comments", post=one["id"], guest="Vic", text="Hi", at="2026-01-02T10:00:00Z")
    world.chat.put("messages", room="!help", author=anna, text="How?", at="2026-01-02T10:00:00Z")
    read_all(world)


def edits(world: World) -> None:
    """Both sides change something, and nothing of it is written today."""
    for one in world.chat.all("messages"):
        world.chat.put("messages", id=one["id"], text=f"{one['text']}, I say")
    for one in world.intranet.all("posts"):
        world.intranet.put("posts", id=one["id"], title=f"{one['title']}!")
    for one in world.hr.all("people"):
        world.hr.put("people", id=one["id"], family="Neu")
    world.crm.put("cases", id=world.crm.all("cases")[0]["id"], status="won")
    read_all(world)


def leavers(world: World) -> None:
    world.hr.put("people", id="1", active=False)
    world.hr.put("people", id="4", number="2", login="bert2", given="Bert", mail="bert@example.org", active=True)
    world.chat.put("people", id="@who", login="who", mail="anna@example.org", given="Who", active=True)
    world.intranet.drop("comments", world.intranet.all("comments")[0]["id"])
    world.chat.put("rooms", id=room_of(world, "news-it"), guests=True)
    read_all(world)


def moves(world: World) -> None:
    for one in world.intranet.all("posts"):
        world.intranet.put("posts", id=one["id"], category="moved")
    world.hr.put("people", id="3", dept=world.hr.all("groups")[1]["id"])
    with world.bridge.hub.begin() as conn:
        for asked in decisions.open_decisions(conn):
            decisions.decide(conn, asked.id, asked.options[-1], "vera")
    read_all(world)
