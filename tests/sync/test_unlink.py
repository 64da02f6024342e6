"""A wrong link undone: what leaked is forgotten everywhere, and matching does not do it again."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from landbridge.errors import ConfigError
from landbridge.store import agenda, audit, decisions, deliveries, entities, records
from landbridge.store.hub import is_snapshot
from landbridge.store.records import Row
from landbridge.sync.merge import merge
from landbridge.sync.planner import Planner
from landbridge.sync.unlink import Unlinked, foresee, record_of_decision, unlink
from tests.sync.conftest import World, account, room_of, said


def row_of(world: World, name: str, key: str) -> Row:
    system, _, stream = name.partition("/")
    with world.bridge.hub.read() as conn:
        found = records.get(conn, system, stream, key)
    assert found is not None
    return found


def apart(world: World, name: str, key: str, to: str | None = None) -> Unlinked:
    return unlink(world.bridge, row_of(world, name, key).id, "vera", to)


def chat_person(world: World, login: str) -> dict[str, object]:
    return next(one for one in world.chat.all("people") if one["login"] == login)


@pytest.fixture
def stranger(world: World) -> str:
    """Dora's entry in the directory carries Cleo's e-mail address, so Cleo got Dora's phone."""
    key = world.directory.put("people", login="dora", mail="cleo@example.org", phone="333")
    world.run()
    assert chat_person(world, "cleo")["phone"] == "333"
    return key


def test_what_came_from_a_stranger_is_forgotten_everywhere(world: World, stranger: str) -> None:
    apart(world, "directory/people", stranger)
    world.run()
    for system in (world.chat, world.intranet):
        cleo = next(one for one in system.all("people") if one["login"] == "cleo")
        assert not cleo["phone"]
        assert cleo["mail"] == "cleo@example.org"
    assert chat_person(world, "cleo").get("active") is not False
    world.quiet()


def test_matching_never_links_the_pair_again(world: World, stranger: str) -> None:
    apart(world, "directory/people", stranger)
    world.run()
    world.directory.put("people", id=stranger, phone="334")
    world.run()
    assert row_of(world, "directory/people", stranger).entity is None
    assert not chat_person(world, "cleo")["phone"]
    with world.bridge.hub.read() as conn:
        assert decisions.open_decisions(conn) == []
    world.quiet()


def test_an_unlinked_record_finds_its_own_entity_when_that_comes(world: World, stranger: str) -> None:
    apart(world, "directory/people", stranger)
    world.run()
    world.hr.put(
        "people", id="4", number="4", login="dora", given="Dora", family="X", mail="dora@example.org", active=True
    )
    world.directory.put("people", id=stranger, mail="dora@example.org")
    world.run()
    assert chat_person(world, "dora")["phone"] == "333"
    world.quiet()


def test_what_follows_is_foreseen_and_nothing_is_kept(world: World, stranger: str) -> None:
    before = row_of(world, "directory/people", stranger)
    found = foresee(world.bridge, before.id)
    (before_, after) = found.parted.fields["phones"]
    assert (before_[0]["value"], after) == ("333", None)
    writes = {(one.target, one.op): one.fields for one in found.writes}
    assert {target: fields["phones"][1] for (target, op), fields in writes.items()} == {
        "chat/people": None, "intranet/people": None,
    }  # fmt: skip
    assert row_of(world, "directory/people", stranger) == before
    world.quiet()
    assert chat_person(world, "cleo")["phone"] == "333"
    with world.bridge.hub.read() as conn:
        assert all(entry.action != "unlink" for entry in audit.recent(conn))


def test_14_who_foresees_waits_for_no_writer_and_cannot_write(
    world: World, stranger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, real, refused = row_of(world, "directory/people", stranger).id, Planner.decide_all, []

    def writing(self: Planner, decider: Any, *told: Any, **more: Any) -> Any:
        assert is_snapshot(decider.conn)
        with pytest.raises(Exception, match=r"read-?only"), decider.conn.begin_nested():
            deliveries.put(decider.conn, flow="people", target="x/y", entity="e", op="create", state="planned")
        refused.append(True)
        return real(self, decider, *told, **more)

    monkeypatch.setattr(Planner, "decide_all", writing)
    with world.bridge.hub.begin() as conn:
        audit.append(conn, "vera", "merging", "test")  # whoever writes has the log
        found = foresee(world.bridge, record)
    assert refused
    assert {one.target for one in found.writes} == {"chat/people", "intranet/people"}


def test_foreseeing_never_waits_crosswise_with_what_is_kept(world: World, stranger: str) -> None:
    """Whoever keeps a write has its delivery, then the log; who foresees has the log, and asks for no delivery."""
    before, failed = row_of(world, "directory/people", stranger), []
    held = threading.Event()

    def keep() -> None:
        try:
            with world.bridge.hub.begin() as conn:
                deliveries.of_entities(conn, [before.entity or ""], lock=True)
                held.set()
                time.sleep(0.5)  # foreseeing comes as far as it can
                audit.append(conn, "vera", "kept", "test")
        except Exception as error:
            failed.append(error)

    keeping = threading.Thread(target=keep)
    keeping.start()
    assert held.wait(10)
    found = foresee(world.bridge, before.id)
    keeping.join()
    assert failed == []
    assert {one.target for one in found.writes} == {"chat/people", "intranet/people"}


def test_carrying_out_never_waits_crosswise_with_what_is_found_gone(world: World, stranger: str) -> None:
    """A write that finds its record gone has the record, then the agenda; so may nobody have the two the other way."""
    world.hr.put("people", number="5", login="fred", given="Fred", family="X", mail="fred@example.org", active=True)
    other = world.directory.put("people", login="emil", mail="fred@example.org", phone="444")
    world.run()
    for key in (stranger, other):
        undone = apart(world, "directory/people", key).decision
        with world.bridge.hub.begin() as conn:
            decisions.decide(conn, undone or 0, "same", "vera")
    last, failed = row_of(world, "directory/people", other), []
    marked = threading.Event()

    def note() -> None:
        try:
            with world.bridge.hub.begin() as conn:
                records.mark_gone(conn, "directory", "people", [last.key])
                marked.set()
                time.sleep(0.5)  # merging comes as far as it can
                agenda.add(conn, "people", ["somebody"])
        except Exception as error:
            failed.append(error)

    noting = threading.Thread(target=note)
    noting.start()
    assert marked.wait(10)
    merge(world.bridge, "people")
    noting.join()
    assert failed == []
    assert row_of(world, "directory/people", stranger).entity


def test_what_was_foreseen_is_what_is_written(world: World, stranger: str) -> None:
    foreseen = foresee(world.bridge, row_of(world, "directory/people", stranger).id)
    apart(world, "directory/people", stranger)
    before = {name: len(system.calls) for name, system in world.systems.items()}
    world.run()
    calls = {
        name: system.calls[before[name] :] for name, system in world.systems.items() if system.calls[before[name] :]
    }
    assert calls == {"chat": [("update", "people")], "intranet": [("update", "people")]}
    assert len(foreseen.writes) == 2


def test_an_unlink_is_undone_by_its_decision(world: World, stranger: str) -> None:
    decision = apart(world, "directory/people", stranger).decision
    assert decision is not None
    world.run()
    with world.bridge.hub.begin() as conn:
        decisions.decide(conn, decision, "same", "vera")
    world.run()
    assert chat_person(world, "cleo")["phone"] == "333"
    world.quiet()
    with world.bridge.hub.begin() as conn:
        decisions.decide(conn, decision, "apart", "vera")
    world.run()
    assert not chat_person(world, "cleo")["phone"]
    world.quiet()


def test_it_stands_in_the_audit(world: World, stranger: str) -> None:
    entity = row_of(world, "directory/people", stranger).entity
    apart(world, "directory/people", stranger)
    with world.bridge.hub.read() as conn:
        entry = audit.recent(conn, 1)[0]
        assert (entry.actor, entry.action, entry.subject) == ("vera", "unlink", f"entity:{entity}")
        assert "333" not in str(entry.details)
        assert audit.verify(conn) is None


def test_a_value_of_another_record_comes_back(world: World, stranger: str) -> None:
    """Cleo's own entry says a phone too, and was outvoted; it holds again at once."""
    world.directory.put("people", login="cleo", mail="cleo@example.org", phone="999")
    world.run()
    with world.bridge.hub.begin() as conn:
        (asked,) = decisions.open_decisions(conn)
        decisions.decide(conn, asked.id, asked.options[0], "eve")
    world.run()
    assert chat_person(world, "cleo")["phone"] == "333"
    (change,) = apart(world, "directory/people", stranger).parted.fields.values()
    assert [side[0]["value"] for side in change] == ["333", "999"]
    world.run()
    assert chat_person(world, "cleo")["phone"] == "999"
    world.quiet()


@pytest.fixture
def wrong_owner(world: World) -> str:
    """The CRM's account of somebody else is taken for Cleo: she sits in the room of a deal that is none of hers."""
    owner = world.crm.put("people", login="zoe", mail="cleo@example.org", active=True)
    world.crm.put("cases", id="c7", number="7", subject="Secret deal", status="open", owner=owner)
    world.run()
    world.crm.put("notes", case="c7", author=owner, text="Call them", at="2026-01-02T10:00:00Z")
    world.run()
    room = room_of(world, "case-7")
    assert account(world, "chat", "cleo") in {
        one["user"] for one in world.chat.all("memberships") if one["room"] == room
    }
    assert [author for author, text in said(world, room) if "Call them" in text] == ["cleo"]
    return owner


def test_memberships_that_followed_are_taken_back(world: World, wrong_owner: str) -> None:
    found = foresee(world.bridge, row_of(world, "crm/people", wrong_owner).id)
    assert ("chat/memberships", "delete") in {(one.target, one.op) for one in found.writes}
    apart(world, "crm/people", wrong_owner)
    world.run()
    room = room_of(world, "case-7")
    assert account(world, "chat", "cleo") not in {
        one["user"] for one in world.chat.all("memberships") if one["room"] == room
    }
    world.quiet()


def test_words_are_no_longer_attributed_to_the_wrong_person(world: World, wrong_owner: str) -> None:
    apart(world, "crm/people", wrong_owner)
    with world.bridge.hub.read() as conn:
        note = records.get(conn, "crm", "notes", world.crm.all("notes")[0]["id"])
        assert note is not None and note.entity is not None
        message = entities.get(conn, note.entity)
    assert message is not None
    assert "author" not in message.data
    world.run()
    world.quiet()


@pytest.fixture
def decided(world: World) -> tuple[str, int]:
    """A second HR record with Anna's e-mail address; somebody answered that it is hers."""
    world.run("people")
    key = world.hr.put(
        "people", id="9", number="1", login="dora", given="Dora", family="X", mail="anna@example.org", active=True
    )
    world.run("people")
    with world.bridge.hub.begin() as conn:
        (asked,) = decisions.open_decisions(conn)
        decisions.decide(conn, asked.id, asked.options[0], "eve")
    world.run("people")
    return key, asked.id


def test_a_wrong_answer_is_undone(world: World, decided: tuple[str, int]) -> None:
    key, decision = decided
    with world.bridge.hub.read() as conn:
        assert record_of_decision(conn, decision) == row_of(world, "hr/people", key).id
    found = apart(world, "hr/people", key)
    assert found.parted.why == "its own"
    world.hr.put("people", id=key, mail="dora@example.org", number="9")
    world.run()
    assert {one["login"] for one in world.intranet.all("people")} >= {"anna", "dora"}
    assert row_of(world, "hr/people", key).entity != row_of(world, "hr/people", "1").entity
    world.quiet()


def test_the_only_source_is_not_unlinked_from_its_entity(world: World) -> None:
    world.run("people")
    with pytest.raises(ConfigError, match="Only hr/people 2 says") as error:
        apart(world, "hr/people", "2")
    assert "chat/people @bert" in error.value.remedy
    with pytest.raises(ConfigError, match="belongs to no entity"):
        unlink(world.bridge, 10**6, "vera")


def test_a_record_goes_where_a_person_says(world: World, stranger: str) -> None:
    bert = row_of(world, "hr/people", "2").entity
    apart(world, "directory/people", stranger, to=bert)
    world.run()
    assert row_of(world, "directory/people", stranger).entity == bert
    assert not chat_person(world, "cleo")["phone"]
    world.quiet()
    room = row_of(world, "chat/rooms", "!help").entity
    for wrong in (bert, room, "nobody"):
        with pytest.raises(ConfigError, match="cannot go to"):
            apart(world, "directory/people", stranger, to=wrong)


def test_a_wrong_account_loses_what_it_got_as_somebody_else(world: World) -> None:
    """@bert in chat is another Bert: it leaves the room of his department, and the real one gets an account of his own."""
    world.run("people")
    it = room_of(world, "it")
    assert "@bert" in {one["user"] for one in world.chat.all("memberships") if one["room"] == it}
    apart(world, "chat/people", "@bert")
    world.chat.put("people", id="@bert", login="bertold", mail="bertold@example.org")
    world.run()
    world.run()
    members = {one["user"] for one in world.chat.all("memberships") if one["room"] == it}
    assert members == {account(world, "chat", "bert")}
    assert account(world, "chat", "bert") != "@bert"
    assert row_of(world, "chat/people", "@bert").entity is None
    world.quiet()


def test_a_projected_copy_becomes_a_message_of_its_own(world: World, post: str) -> None:
    """What was taken for the announcement is not: a new one is made, and answers to the old stay where they were given."""
    room = room_of(world, "news-it")
    (old,) = [one["id"] for one in world.chat.all("messages")]
    world.chat.put("messages", room=room, thread=old, author="@bert", text="Nice", at="2026-01-02T10:00:00Z")
    world.run()
    assert len(world.intranet.all("comments")) == 1
    apart(world, "chat/messages", old)
    world.run()
    texts = [one["text"] for one in world.chat.all("messages")]
    assert len(texts) == 3
    assert row_of(world, "chat/messages", old).entity != row_of(world, "intranet/posts", post).entity
    assert world.intranet.all("comments") == []
    world.quiet()
