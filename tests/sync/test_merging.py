"""Merging under attack: records that go, change hands or are disputed, and what is derived."""

from __future__ import annotations

from landbridge.store import decisions
from landbridge.store.unit import Unit
from tests.sync.acting import people
from tests.sync.conftest import World, account, room_of


def test_a_colleague_who_leaves_a_directory_is_still_employed(world: World) -> None:
    world.run()
    world.directory.drop("people", next(k for k, v in world.directory.state["people"].items() if v["login"] == "anna"))
    world.run()
    world.quiet()


def test_a_comment_deleted_at_the_copy_stays_deleted_there(world: World, post: str) -> None:
    room, root = room_of(world, "news-it"), world.chat.all("messages")[0]["id"]
    world.chat.put("messages", room=room, thread=root, author="@bert", text="Nice", at="2026-01-02T10:00:00Z")
    world.run()
    world.intranet.drop("comments", world.intranet.all("comments")[0]["id"])
    world.run()
    world.quiet()
    assert len(world.chat.all("messages")) == 2


def test_a_renamed_room_keeps_its_news(world: World, post: str) -> None:
    room = room_of(world, "news-it")
    world.chat.put("rooms", id=room, name="Printing", alias="printing", topic="x")
    world.run()
    world.intranet.put("posts", title="B", body="b", state="published", category="it")
    world.run()
    world.quiet()
    with world.bridge.hub.read() as conn:
        e = Unit(conn).entities.by_rule("chat:space:news-it")
        assert e and not e.deleted_at


def test_a_derived_room_outlives_its_edits(world: World, post: str) -> None:
    room = room_of(world, "news-it")
    world.chat.put("rooms", id=room, topic="x")
    world.run()
    world.quiet()
    with world.bridge.hub.read() as conn:
        e = Unit(conn).entities.by_rule("chat:space:news-it")
        assert e and not e.deleted_at


def test_a_deleted_room_is_not_put_back(world: World, post: str) -> None:
    room = room_of(world, "news-it")
    world.chat.drop("rooms", room)
    world.run()
    world.intranet.put("posts", title="B", body="b", state="published", category="it")
    world.quiet()


def test_a_reaction_to_a_notice_takes_nothing_back(world: World, case: str) -> None:
    world.crm.put("cases", id=case, status="won")
    world.run()
    m = next(m["id"] for m in world.chat.all("messages") if m["text"].startswith("Status"))
    world.chat.put("messages", id=m, reactions={"x": ["@bert"]})
    world.run()
    world.crm.put("cases", id=case, subject="Bigger")
    world.run()
    assert m in world.chat.state["messages"]
    world.quiet()


def test_a_room_closed_by_people_stays_closed(world: World, post: str) -> None:
    room = room_of(world, "news-it")
    world.chat.put("rooms", id=room, visibility="members")
    world.run()
    world.intranet.put("posts", id=post, title="N")
    world.run()
    world.quiet()
    assert world.chat.state["rooms"][room]["visibility"] == "members"


def test_a_plain_reply_belongs_to_the_thread_it_answers(world: World, post: str) -> None:
    room, root = room_of(world, "news-it"), world.chat.all("messages")[0]["id"]
    m = world.chat.put("messages", room=room, reply=root, author="@bert", text="Plain", at="2026-01-02T10:00:00Z")
    world.run()
    assert [c["text"] for c in world.intranet.all("comments")] == ["Plain"]
    world.chat.put("messages", room=room, reply=m, author="@bert", text="Plain 2", at="2026-01-02T10:01:00Z")
    world.run()
    assert [c["text"] for c in world.intranet.all("comments")] == ["Plain", "Plain 2"]
    world.chat.put("messages", id=m, text="Plain x")
    world.run()
    world.quiet()


def test_a_dispute_that_people_settle_is_no_question_any_more(world: World, post: str) -> None:
    c = world.intranet.put(
        "comments", post=post, author=account(world, "intranet", "anna"), text="one", at="2026-01-02T10:00:00Z"
    )
    world.run("news")
    there = next(one["id"] for one in world.chat.all("messages") if one["text"] == "one")
    world.intranet.put("comments", id=c, text="two")
    world.chat.put("messages", id=there, text="three")
    world.run("news")
    world.chat.put("messages", id=there, text="two")
    world.run("news")
    with world.bridge.hub.begin() as conn:
        assert decisions.open_decisions(conn) == []
    world.intranet.put("comments", id=c, text="x")
    world.chat.put("messages", id=there, text="y")
    world.run("news")
    world.chat.put("messages", id=there, text="z")
    world.run("news")
    assert world.intranet.state["comments"][c]["text"] == "x" and world.chat.state["messages"][there]["text"] == "z"
    with world.bridge.hub.begin() as conn:
        (d,) = decisions.open_decisions(conn)
        assert d.details["values"]["chat/messages"] == "z"
        decisions.decide(conn, d.id, "intranet/comments", "vera")
    world.run("news")
    assert world.chat.state["messages"][there]["text"] == "x"
    world.quiet()


def test_a_key_given_to_somebody_else_is_asked(world: World) -> None:
    world.run()
    world.hr.drop("people", "1")
    world.run()
    world.hr.put(
        "people", id="1", number="77", login="zoe", given="Zoe", family="Z", mail="zoe@example.org", active=True
    )
    world.run()
    world.run()
    assert people(world, "chat")["anna"]["given"] == "Anna"
    with world.bridge.hub.begin() as conn:
        (d,) = decisions.open_decisions(conn)
        decisions.decide(conn, d.id, "new", "vera")
    world.run()
    world.run()
    assert people(world, "chat")["anna"]["given"] == "Anna" and people(world, "chat")["anna"]["active"] is False
    assert people(world, "chat")["zoe"].get("active") is not False
    world.quiet()


def test_a_person_corrected_in_all_fields_stays_the_same_where_so_decided(world: World) -> None:
    world.run()
    world.hr.put(
        "people", id="1", number="77", login="zoe", given="Zoe", family="Z", mail="zoe@example.org", active=True
    )
    world.run()
    world.run()
    with world.bridge.hub.begin() as conn:
        (d,) = decisions.open_decisions(conn)
        decisions.decide(conn, d.id, d.options[0], "vera")
    world.run()
    world.quiet()
    assert people(world, "chat")["anna"]["given"] == "Zoe"
    assert len(people(world, "chat")) == 3


def test_a_field_that_is_cleared_is_cleared_everywhere(world: World) -> None:
    world.hr.put("people", id="1", title="Boss")
    world.run()
    assert people(world, "chat")["anna"]["title"] == "Boss"
    world.hr.put("people", id="1", title=None)
    world.run()
    assert not people(world, "chat")["anna"]["title"]
    world.hr.put("people", id="1", title="Boss")
    world.run()
    world.hr.put("people", id="1", title="")
    world.run()
    assert not people(world, "chat")["anna"]["title"]
    world.quiet()


def test_a_field_that_a_target_ignores_is_no_change(world: World) -> None:
    world.chat.normalise = lambda s, n: {k: v for k, v in n.items() if k != "title"}
    world.hr.put("people", id="1", title="Boss")
    world.run()
    world.quiet()
    world.hr.put("people", id="1", title="B2")
    world.run()
    world.quiet()
