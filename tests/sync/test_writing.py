"""Writing under attack: uncertain outcomes, mistakes of connectors, edits that race with plans."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from landbridge.errors import RecordError, TransientError
from landbridge.policy import AudienceException, PolicyConfig
from landbridge.store import again, deliveries, setaside
from landbridge.sync import merge, plan, read
from landbridge.testing.memory import Memory
from tests.sync.acting import logins, people, rooms
from tests.sync.conftest import World, account, room_of

plan_module = importlib.import_module("landbridge.sync.plan")


def test_an_answer_that_cannot_be_mapped_stops_nobody(world: World, post: str) -> None:
    orig = world.chat.create

    def create(stream, native, marker):
        kept = orig(stream, native, marker)
        if stream == "messages":
            kept["at"] = "yesterday"
        return kept

    world.chat.create = create
    world.intranet.put("posts", title="B", body="b", state="published", category="it")
    world.intranet.put("posts", title="C", body="b", state="published", category="it")
    assert world.run("news")["news"].failures == []
    assert len(world.chat.all("messages")) == 3


def test_a_mistake_in_a_connector_sets_one_record_aside(world: World) -> None:
    def refuse(op: str, stream: str, native: object) -> None:
        if isinstance(native, dict) and native.get("login") == "anna":
            raise KeyError("oops")

    world.chat.before = refuse
    world.run("people")
    assert logins(world, "chat") == ["bert", "cleo"]
    world.chat.before = lambda *a: None
    with world.bridge.hub.begin() as conn:
        for d in deliveries.of_flow(conn, "people", ("set_aside",)):
            deliveries.set_state(conn, d.id, "set_aside", next_at="2020-01-01T00:00:00.000000Z")
    world.run("people")
    assert logins(world, "chat") == ["anna", "bert", "cleo"]


def test_what_was_written_before_a_mistake_is_found_again(world: World) -> None:
    def refuse(op: str, stream: str, native: object) -> None:
        if stream == "messages":
            raise KeyError("oops")

    world.run("people")
    world.intranet.put("posts", title="B", body="b", state="published", category="it")
    world.chat.after = refuse
    world.run("news")
    world.chat.after = lambda *a: None
    with world.bridge.hub.begin() as conn:
        for d in deliveries.of_flow(conn, "news", ("set_aside",)):
            deliveries.set_state(conn, d.id, "set_aside", next_at="2020-01-01T00:00:00.000000Z")
    world.run("news")
    world.run("news")
    assert len(world.chat.all("messages")) == 1


def test_an_edit_planned_while_its_message_is_written_is_not_lost(world: World, post: str) -> None:
    """The post is edited and planned by another run while its update is being written."""
    done = []

    def meanwhile(op, stream, key):
        if stream == "messages" and not done:
            done.append(1)
            world.intranet.put("posts", id=post, body="third")
            read(world.bridge, "intranet", "posts")
            merge(world.bridge, "news")
            plan(world.bridge, "news")

    world.intranet.put("posts", id=post, body="second")
    world.chat.before = meanwhile
    world.run("news")
    world.chat.before = lambda *a: None
    world.run("news")
    world.run("news")
    assert "third" in world.chat.all("messages")[0]["text"]


def cutting(of: str = "") -> Callable[[str, str, object], None]:
    """The line is cut at each write, or at those to one stream."""

    def cut(op: str, stream: str, native: object) -> None:
        if of in ("", stream):
            raise TransientError("cut", uncertain=True)

    return cut


def publish_and_lose(world: World, *, made: bool = True) -> str:
    """A post whose announcement is uncertain: made without an answer, or not even made."""
    hook = "after" if made else "before"
    setattr(world.chat, hook, cutting("messages"))
    post = world.intranet.put("posts", title="B", body="b", state="published", category="it")
    world.run("news")
    setattr(world.chat, hook, lambda *a: None)
    return post


def test_an_edit_after_an_uncertain_create_is_written(world: World, post: str, no_run_alive: None) -> None:
    p = publish_and_lose(world)
    world.intranet.put("posts", id=p, body="edited")
    world.run("news")
    world.run("news")
    assert any("edited" in m["text"] for m in world.chat.all("messages"))
    assert len(world.chat.all("messages")) == 2
    world.quiet()


def test_an_uncertain_create_that_nobody_wants_is_taken_back(world: World, post: str, no_run_alive: None) -> None:
    p = publish_and_lose(world)
    world.intranet.put("posts", id=p, state="draft")
    world.run("news")
    world.run("news")
    world.run("news")
    assert len(world.chat.all("messages")) == 1
    world.quiet()


def test_what_was_looked_for_in_vain_is_shown_once_it_may_be(world: World, post: str, no_run_alive: None) -> None:
    """It got lost before it was made; when that is found out it has to wait, and goes on waiting."""
    publish_and_lose(world, made=False)
    world.chat.put("rooms", id=room_of(world, "news-it"), guests=True)
    assert world.run("news")["news"].counts["blocked"] == 1
    assert len(world.chat.all("messages")) == 1
    world.chat.put("rooms", id=room_of(world, "news-it"), guests=False)
    world.run("news")
    assert len(world.chat.all("messages")) == 2
    world.quiet()


def test_what_a_system_that_cannot_be_asked_has_made_is_taken_back_when_it_is_read(
    world: World, post: str, no_run_alive: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Memory, "find", None)
    p = publish_and_lose(world)
    assert len(world.chat.all("messages")) == 2
    world.intranet.put("posts", id=p, audience={"scope": "nobody"})
    world.run("news")
    world.run("news")
    assert len(world.chat.all("messages")) == 1
    world.quiet()


def test_an_uncertain_disable_and_enable_are_repeated(world: World, no_run_alive: None) -> None:
    world.run()

    world.chat.after = cutting()
    world.hr.put("people", id="1", active=False)
    world.run("people")
    world.chat.after = lambda *a: None
    world.run("people")
    assert people(world, "chat")["anna"]["active"] is False
    world.chat.after = cutting()
    world.hr.put("people", id="1", active=True)
    world.run("people")
    world.run("people")
    world.chat.after = lambda *a: None
    world.run("people")
    world.quiet()
    assert people(world, "chat")["anna"]["active"] is True
    assert "anna" in rooms(world)["sales"]


def test_the_name_over_a_message_stays_as_it_was_written(world: World, post: str) -> None:
    room, root = room_of(world, "news-it"), world.chat.all("messages")[0]["id"]
    # dora has no intranet account: only in chat
    world.intranet.before = lambda op, s, n: (
        (_ for _ in ()).throw(RecordError("no")) if s == "people" and op == "create" else None
    )
    world.hr.put(
        "people", id="9", number="9", login="dora", given="Dora", family="D", mail="dora@example.org", active=True
    )
    world.run()
    m = world.chat.put(
        "messages", room=room, thread=root, author=account(world, "chat", "dora"), text="hi", at="2026-01-02T10:00:00Z"
    )
    world.run()
    world.intranet.before = lambda *a: None
    with world.bridge.hub.begin() as conn:
        for d in deliveries.of_flow(conn, "people", ("set_aside",)):
            deliveries.set_state(conn, d.id, "set_aside", next_at="2020-01-01T00:00:00.000000Z")
    world.run()
    world.chat.put("messages", id=m, text="hi!")
    world.run()
    assert world.intranet.all("comments")[0]["text"] == "**Dora D:** hi!"
    # bert leaves
    m = world.chat.put("messages", room=room, thread=root, author="@bert", text="mine", at="2026-01-02T10:00:00Z")
    world.run()
    world.hr.put("people", id="2", active=False)
    world.run()
    world.chat.put("messages", id=m, text="mine!")
    world.run()
    assert world.intranet.all("comments")[1]["text"] == "mine!"
    world.quiet()


def test_an_answer_with_somebody_elses_record_is_refused(world: World) -> None:
    world.run()
    orig = world.chat.create
    world.chat.create = lambda stream, native, marker: (
        dict(world.chat.state["people"]["@bert"]) if stream == "people" else orig(stream, native, marker)
    )
    world.hr.put("people", id="9", number="9", login="dora", given="Dora", mail="dora@example.org", active=True)
    r = world.run("people")["people"]
    assert r.counts["set_aside"] == 1
    world.hr.put("people", id="2", title="x")
    world.run()
    assert world.chat.state["people"]["@bert"]["title"] == "x"


def test_messages_of_one_second_keep_their_order(world: World, post: str) -> None:
    room, root = room_of(world, "news-it"), world.chat.all("messages")[0]["id"]
    for t in ("10:00:00.500000Z", "10:00:00Z", "10:00:01Z"):
        world.chat.put("messages", room=room, thread=root, author="@bert", text=t, at="2026-01-02T" + t)
    world.run()
    assert [c["text"][:11] for c in world.intranet.all("comments")] == ["10:00:00Z", "10:00:00.50", "10:00:01Z"]
    world.intranet.put("comments", post=post, guest="E", text="b", at="2026-01-02T10:00:00.5Z")
    world.intranet.put("comments", post=post, guest="E", text="a", at="2026-01-02T10:00:00Z")
    world.run()
    assert [m["text"] for m in world.chat.all("messages")][-2:] == ["**E:** a", "**E:** b"]


def test_an_uncertain_create_that_is_blocked_now_is_found_first(world: World, post: str, no_run_alive: None) -> None:
    publish_and_lose(world)
    world.chat.put("rooms", id=room_of(world, "news-it"), guests=True)
    world.run("news")
    world.chat.put("rooms", id=room_of(world, "news-it"), guests=False)
    world.run("news")
    assert len(world.chat.all("messages")) == 2
    world.quiet()


def test_what_is_well_again_is_not_tried_with_what_it_was(world: World) -> None:
    world.run("people")
    world.hr.put("people", id="1", mail={"no": "text"})
    assert read(world.bridge, "hr", "people").counts["set_aside"] == 1
    world.hr.put("people", id="1", mail="anna@example.org")
    read(world.bridge, "hr", "people")
    with world.bridge.hub.read() as conn:
        assert setaside.list(conn) == []


def test_a_retry_by_hand_looks_for_what_may_be_there(world: World, post: str) -> None:
    def refuse(op: str, stream: str, native: object) -> None:
        if stream == "messages":
            raise KeyError("the answer was not understood")

    world.chat.after = refuse
    world.intranet.put("posts", title="B", body="b", state="published", category="it")
    world.run("news")
    world.chat.after = lambda *a: None
    with world.bridge.hub.begin() as conn:
        (aside,) = deliveries.of_flow(conn, "news", ("set_aside",))
        again.retry_deliveries(conn, [aside], "vera")
    world.run("news")
    assert len(world.chat.all("messages")) == 2


def test_what_waits_is_woken_and_not_searched(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the look in turns: each wait ends by what it waits for."""
    monkeypatch.setattr(deliveries, "in_state", lambda *a: [])
    world.chat.before = lambda op, stream, n: (
        (_ for _ in ()).throw(TransientError("down")) if stream in ("people", "rooms") else None
    )
    world.run("people")
    anna = account(world, "intranet", "anna")
    first = world.intranet.put("posts", title="A", body="b", author=anna, state="published", category="it")
    world.intranet.put("comments", post=first, author=anna, text="hm", at="2026-01-02T11:00:00Z")
    world.run("news")
    assert world.chat.all("messages") == []  # neither author, nor room, nor thread
    world.chat.before = lambda *a: None
    world.run()
    world.run("news")
    assert [one["text"][:5] for one in world.chat.all("messages")] == ["**A**", "hm"]
    # A room with guests blocks; without them it goes on.
    room = room_of(world, "news-it")
    world.chat.put("rooms", id=room, guests=True)
    world.intranet.put("posts", title="B", body="b", author=anna, state="published", category="it")
    world.run("news")
    assert len(world.chat.all("messages")) == 2
    world.chat.put("rooms", id=room, guests=False)
    world.run("news")
    assert len(world.chat.all("messages")) == 3


def test_a_changed_policy_is_applied_to_all_that_is_blocked(world: World, post: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(plan_module, "TURN", 1)
    room = room_of(world, "news-it")
    world.chat.put("rooms", id=room, guests=True)
    for number in range(3):
        world.intranet.put("posts", title=f"B{number}", body="b", state="published", category="it")
    world.run("news")
    assert len(world.chat.all("messages")) == 1
    one = AudienceException(
        flow="news", target="chat/messages", owner="vera", reason="for test", until=date(2999, 1, 1)
    )
    company = dataclasses.replace(world.bridge.company, policy=PolicyConfig(exceptions=(one,)))
    monkeypatch.setattr(world.bridge, "company", company)
    world.run("news")
    assert len(world.chat.all("messages")) == 4
