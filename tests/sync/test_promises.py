"""The engine's fifteen promises, each in its plain form; the numbers are those of docs/explanation/promises.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from landbridge.connector import Complete, Failure, Item
from landbridge.errors import AuthError, ExpiredCursor, Fenced, IncompleteRead, RecordError, TransientError
from landbridge.store import decisions, deliveries, records, setaside
from landbridge.store.clock import later
from landbridge.sync import guard, merge, plan, preview, read, release, run_flow, write
from landbridge.sync.write import IN_A_ROW
from tests.store.working import pending
from tests.sync.conftest import World, account, room_of, said
from tests.sync.test_people import people


class Killed(BaseException):
    """The process ends here, as by SIGKILL: no handler of the engine may see it as an error of a record."""


def hire(world: World, count: int, first: int = 100) -> None:
    for number in range(first, first + count):
        world.hr.put(
            "people",
            id=str(number),
            number=str(number),
            login=f"p{number}",
            given="P",
            family=str(number),
            mail=f"p{number}@example.org",
            active=True,
        )


def kill_at(world: World, nth: int) -> None:
    """Die just before the nth commit from now on."""
    seen = Counter[str]()
    begin = world.bridge.hub.begin

    class Dying:
        def __init__(self) -> None:
            self.context = begin()

        def __enter__(self) -> Any:
            return self.context.__enter__()

        def __exit__(self, *error: Any) -> Any:
            seen["commits"] += 1
            if seen["commits"] >= nth and error[0] is None:
                self.context.__exit__(Killed, Killed(), None)
                raise Killed
            return self.context.__exit__(*error)

    world.bridge.hub.begin = Dying  # type: ignore[method-assign,assignment]


def logins(world: World, system: str) -> list[str]:
    return sorted(str(one["login"]) for one in world.systems[system].all("people"))


# 1 Together or not at all -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("nth", range(2, 40, 3))
def test_1_killed_before_any_commit_nothing_is_lost_and_nothing_twice(
    world: World, nth: int, no_run_alive: None
) -> None:
    begin = world.bridge.hub.begin
    kill_at(world, nth)
    with pytest.raises(Killed):
        world.run("people")
        raise Killed
    world.bridge.hub.begin = begin  # type: ignore[method-assign]
    world.run("people")
    assert logins(world, "chat") == logins(world, "intranet") == ["anna", "bert", "cleo"]
    assert len(world.chat.all("memberships")) == 3
    assert sorted(one["alias"] for one in world.chat.all("rooms")) == ["help", "it", "sales"]


@pytest.mark.parametrize("nth", range(1, 25, 2))
def test_1_killed_before_any_commit_no_change_is_lost(world: World, nth: int, no_run_alive: None) -> None:
    world.run("people")
    hire(world, 2)
    world.hr.put("people", id="2", title="Chief")
    world.hr.put("people", id="3", active=False)
    begin = world.bridge.hub.begin
    kill_at(world, nth)
    with pytest.raises(Killed):
        world.run("people")
        raise Killed
    world.bridge.hub.begin = begin  # type: ignore[method-assign]
    world.run("people")
    assert logins(world, "chat") == ["anna", "bert", "cleo", "p100", "p101"]
    assert people(world, "chat")["bert"]["title"] == "Chief"
    assert people(world, "chat")["cleo"]["active"] is False


# 2 Error is not absence -------------------------------------------------------------------------------------------


def test_2_an_empty_success_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hire(world, 12)
    world.run("people")
    monkeypatch.setattr(world.hr, "read", lambda stream, cursor=None: iter([Complete()]))
    with pytest.raises(IncompleteRead, match="nothing was called gone"):
        read(world.bridge, "hr", "people", full=True)
    assert all(one.get("active") is not False for one in world.chat.all("people"))


def test_2_half_a_read_calls_nothing_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run("people")
    whole = world.hr.read

    def half(stream: str, cursor: Any = None) -> Iterator[Item]:
        yield next(iter(whole(stream, None)))
        raise TransientError("The connection broke.")

    def with_failure(stream: str, cursor: Any = None) -> Iterator[Item]:
        yield next(iter(whole(stream, None)))
        yield Failure(None, TransientError("One part could not be read."))
        yield Complete()

    def ends_early(stream: str, cursor: Any = None) -> Iterator[Item]:
        yield next(iter(whole(stream, None)))

    monkeypatch.setattr(world.hr, "read", half)
    with pytest.raises(TransientError):
        read(world.bridge, "hr", "people", full=True)
    monkeypatch.setattr(world.hr, "read", ends_early)
    assert read(world.bridge, "hr", "people", full=True).counts["gone"] == 0
    monkeypatch.setattr(world.hr, "read", with_failure)
    assert read(world.bridge, "hr", "people", full=True).counts["gone"] == 0


def test_2_a_complete_read_tells_who_is_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run("people")
    del world.hr.state["people"]["2"]
    assert read(world.bridge, "hr", "people", full=True).counts["gone"] == 1


# 3 Brakes ---------------------------------------------------------------------------------------------------------


def test_3_too_many_leavers_wait_for_a_person(world: World) -> None:
    hire(world, 12)
    world.run("people")
    for number in range(100, 112):
        world.hr.put("people", id=str(number), active=False)
    report = world.run("people")["people"]
    assert report.counts["held"] == 24
    assert all(one.get("active") is not False for one in world.chat.all("people"))
    with world.bridge.hub.read() as conn:
        asked = {one.target: one for one in decisions.open_decisions(conn)}
    assert set(asked) == {"chat/people", "intranet/people"}
    assert "would disable 12 in chat/people; the brake is at 10" in asked["chat/people"].question
    for batch in release(world.bridge, "people", [asked["chat/people"].id], True, "vera"):
        write(world.bridge, "people", batch)
    assert sum(one.get("active") is False for one in world.chat.all("people")) == 12
    assert release(world.bridge, "people", [asked["intranet/people"].id], False, "vera") == []
    world.run("people")
    assert all(one.get("active") is not False for one in world.intranet.all("people"))


def test_3_a_decision_taken_elsewhere_is_carried_out_by_the_next_run(world: World) -> None:
    hire(world, 12)
    world.run("people")
    for number in range(100, 112):
        world.hr.put("people", id=str(number), active=False)
    world.run("people")
    with world.bridge.hub.begin() as conn:
        for one in decisions.open_decisions(conn):
            decisions.decide(conn, one.id, "approve", "vera")
    world.run("people")
    assert sum(one.get("active") is False for one in world.chat.all("people")) == 12


# 4 Disable before delete ------------------------------------------------------------------------------------------


def test_4_a_leaver_is_deleted_only_after_the_grace_period(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run("people")
    world.hr.put("people", id="1", active=False)
    world.run("people")
    world.run("people")
    assert people(world, "chat")["anna"]["active"] is False
    with world.bridge.hub.begin() as conn:
        (waiting,) = deliveries.of_flow(conn, "people", ("scheduled",), "chat/people")
        assert waiting.op == "delete"
        assert later(29 * 86400) < (waiting.next_at or "") < later(31 * 86400)
        deliveries.set_state(conn, waiting.id, "scheduled", next_at=later(-1))
    world.run("people")
    assert "anna" not in people(world, "chat")
    assert people(world, "intranet")["anna"]["active"] is False


# 5 No echo --------------------------------------------------------------------------------------------------------


def test_5_what_a_system_normalises_is_no_change(world: World) -> None:
    def shout(stream: str, native: dict[str, Any]) -> dict[str, Any]:
        return {
            key: value.upper() if key in ("family", "text", "body", "topic") else value for key, value in native.items()
        }

    for system in (world.chat, world.intranet, world.wiki):
        system.normalise = shout
    world.run()
    author = account(world, "intranet", "anna")
    world.intranet.put("posts", title="T", body="b", author=author, state="published", category="it")
    world.quiet()
    room, root = room_of(world, "news-it"), world.chat.all("messages")[0]["id"]
    world.chat.put("messages", room=room, thread=root, author="@bert", text="loud", at="2026-01-02T10:00:00Z")
    world.quiet()
    assert [one["text"] for one in world.intranet.all("comments")] == ["LOUD"]


def test_5_our_own_record_seen_before_its_answer_is_no_news(world: World, no_run_alive: None) -> None:
    world.run("people")
    world.intranet.put("posts", title="T", body="b", state="published", category="it")

    def die(op: str, stream: str, native: Any) -> None:
        if stream == "messages":
            raise Killed

    world.chat.after = die
    with pytest.raises(Killed):
        world.run("news")
    world.chat.after = lambda *call: None
    world.quiet()
    assert len(world.chat.all("messages")) == 1
    assert world.intranet.all("comments") == []


def test_5_our_own_reply_seen_before_its_answer_is_no_news(world: World, post: str, no_run_alive: None) -> None:
    author = account(world, "intranet", "anna")
    world.intranet.put("comments", post=post, author=author, text="mine", at="2026-01-02T10:00:00Z")

    def die(op: str, stream: str, native: Any) -> None:
        raise Killed

    world.chat.after = die
    with pytest.raises(Killed):
        world.run("news")
    world.chat.after = lambda *call: None
    world.quiet()
    assert [one["text"] for one in world.chat.all("messages")].count("mine") == 1
    assert [one["text"] for one in world.intranet.all("comments")] == ["mine"]
    with world.bridge.hub.read() as conn:
        assert deliveries.of_flow(conn, "news", ("set_aside",)) == []


# 6 No duplicates --------------------------------------------------------------------------------------------------


def test_6_an_uncertain_write_is_looked_up_before_it_is_sent_again(world: World) -> None:
    world.run("people")
    world.intranet.put("posts", title="T", body="b", state="published", category="it")

    def lose_the_answer(op: str, stream: str, native: Any) -> None:
        if stream == "messages":
            raise TransientError("The answer was lost.", uncertain=True)

    world.chat.after = lose_the_answer
    assert isinstance(world.run("news")["news"].failures[0], TransientError)
    world.chat.after = lambda *call: None
    world.quiet()
    assert len(world.chat.all("messages")) == 1


@pytest.mark.parametrize("nth", range(1, 9))
def test_6_killed_after_any_write_nothing_is_twice(world: World, nth: int, no_run_alive: None) -> None:
    seen = Counter[str]()

    def die(op: str, stream: str, native: Any) -> None:
        seen["writes"] += 1
        if seen["writes"] == nth:
            raise Killed

    world.chat.after = world.intranet.after = die
    with pytest.raises(Killed):
        world.run("people")
        raise Killed
    world.chat.after = world.intranet.after = lambda *call: None
    world.quiet()
    assert logins(world, "chat") == logins(world, "intranet") == ["anna", "bert", "cleo"]
    assert len(world.chat.all("memberships")) == 3


# 7 Order ----------------------------------------------------------------------------------------------------------


def test_7_messages_arrive_in_order_and_a_reply_waits_for_its_root(world: World) -> None:
    world.run("people")
    post = world.intranet.put("posts", title="T", body="b", state="published", category="it")
    for minute in (5, 3, 4, 1, 2):
        world.intranet.put("comments", post=post, guest="Eve", text=f"at {minute}", at=f"2026-01-02T10:0{minute}:00Z")

    def refuse_root(op: str, stream: str, native: Any) -> None:
        if stream == "messages" and "**T**" in native.get("text", ""):
            raise TransientError("Not now.")

    world.chat.before = refuse_root
    assert isinstance(world.run("news")["news"].failures[0], TransientError)
    assert world.chat.all("messages") == []
    world.chat.before = lambda *call: None
    world.run("news")
    texts = [text for _, text in said(world, room_of(world, "news-it"))]
    assert texts[0].startswith("**T**")
    assert texts[1:] == [f"**Eve:** at {minute}" for minute in (1, 2, 3, 4, 5)]


def test_7_what_follows_one_that_could_not_be_sent_waits(world: World, post: str) -> None:
    for minute in (1, 2, 3):
        world.intranet.put("comments", post=post, guest="Eve", text=f"at {minute}", at=f"2026-01-02T10:0{minute}:00Z")

    def refuse(op: str, stream: str, native: Any) -> None:
        if "at 2" in native.get("text", ""):
            raise TransientError("Not now.")

    world.chat.before = refuse
    world.run("news")
    world.chat.before = lambda *call: None
    world.run("news")
    texts = [text for _, text in said(world, room_of(world, "news-it"))]
    assert texts[1:] == [f"**Eve:** at {minute}" for minute in (1, 2, 3)]


# 8 One bad record stops nobody ------------------------------------------------------------------------------------


def test_8_a_refused_record_is_set_aside_and_tried_again(world: World) -> None:
    def refuse_anna(op: str, stream: str, native: Any) -> None:
        if isinstance(native, dict) and native.get("login") == "anna":
            raise RecordError("The name is taken.")

    world.chat.before = refuse_anna
    report = world.run("people")["people"]
    assert logins(world, "chat") == ["bert", "cleo"]
    assert report.counts["set_aside"] == 1
    calls = len(world.chat.calls)
    world.run("people")
    assert len(world.chat.calls) == calls
    world.chat.before = lambda *call: None
    with world.bridge.hub.begin() as conn:
        (aside,) = deliveries.of_flow(conn, "people", ("set_aside",))
        assert (aside.reason, aside.attempts) == ("The name is taken.", 1)
        assert later(240) < (aside.next_at or "") < later(360)
        deliveries.set_state(conn, aside.id, "set_aside", next_at=later(-1), reason=aside.reason)
    world.run("people")
    assert logins(world, "chat") == ["anna", "bert", "cleo"]


def test_8_a_record_that_cannot_be_mapped_is_set_aside(world: World) -> None:
    world.hr.put("people", id="9", number="9", mail={"no": "text"}, active=True)
    report = read(world.bridge, "hr", "people")
    assert report.counts["set_aside"] == 1
    assert report.counts["new"] == 3


def test_8_what_was_set_aside_in_reading_is_tried_again(world: World) -> None:
    world.hr.put("people", id="9", number="9", login="dora", mail={"no": "text"}, active=True)
    read(world.bridge, "hr", "people")
    with world.bridge.hub.begin() as conn:
        dora = {"id": "9", "number": "9", "login": "dora", "active": True}
        setaside.put(conn, "hr", "people", [setaside.Bad("9", dora, "once")])
        setaside.retry(conn, "hr", "people", ["9"])
    assert read(world.bridge, "hr", "people").counts["new"] == 1
    with world.bridge.hub.read() as conn:
        assert setaside.list(conn) == []


def test_8_the_breaker_pauses_a_target(world: World) -> None:
    hire(world, 40)

    def refuse(op: str, stream: str, native: Any) -> None:
        raise RecordError("No.")

    world.chat.before = refuse
    assert "paused after" in str(world.run("people")["people"].failures[0])
    assert IN_A_ROW <= len(world.chat.calls) < 40


def test_8_wrong_credentials_stop_at_once_and_lose_nothing(world: World) -> None:
    def refuse(op: str, stream: str, native: Any) -> None:
        raise AuthError("The token is refused.")

    world.chat.before = refuse
    assert isinstance(world.run("people")["people"].failures[0], AuthError)
    assert logins(world, "intranet") == ["anna", "bert", "cleo"]
    world.chat.before = lambda *call: None
    world.run("people")
    assert logins(world, "chat") == ["anna", "bert", "cleo"]


# 9 Conflicts are decided ------------------------------------------------------------------------------------------


def test_9_a_field_changed_on_both_sides_becomes_a_decision(world: World) -> None:
    world.run("people")
    post = world.intranet.put("posts", title="T", body="b", state="published", category="it")
    world.intranet.put(
        "comments", post=post, author=account(world, "intranet", "anna"), text="one", at="2026-01-02T10:00:00Z"
    )
    world.run("news")
    here, there = (
        world.intranet.all("comments")[0]["id"],
        next(one["id"] for one in world.chat.all("messages") if one["text"] == "one"),
    )
    world.chat.put("messages", id=there, text="one b")
    world.run("news")
    world.intranet.put("comments", id=here, text="two")
    world.chat.put("messages", id=there, text="three")
    world.run("news")
    with world.bridge.hub.begin() as conn:
        (asked,) = decisions.open_decisions(conn)
        assert asked.kind == "conflict"
        assert world.intranet.state["comments"][here]["text"] == "two"
        assert world.chat.state["messages"][there]["text"] == "three"
        assert asked.details["values"] == {"intranet/comments": "two", "chat/messages": "three"}
        decisions.decide(conn, asked.id, "chat/messages", "vera")
    world.run("news")
    world.quiet()
    assert {world.intranet.state["comments"][here]["text"], world.chat.state["messages"][there]["text"]} == {"three"}


# 10 Ambiguity asks ------------------------------------------------------------------------------------------------


def test_10_a_record_that_could_be_two_people_is_asked(world: World) -> None:
    world.hr.put("people", id="4", number="4", login="anna2", mail="anna@example.org", active=True)
    world.run("people")
    with world.bridge.hub.begin() as conn:
        asked = [one for one in decisions.open_decisions(conn) if one.kind == "match"]
        assert len(asked) == 1
        assert set(asked[0].options) >= {"new", "ignore"}
        decisions.decide(conn, asked[0].id, "new", "vera")
    assert "anna2" not in logins(world, "chat")
    world.run("people")
    assert "anna2" in logins(world, "chat")


def asked_about(world: World, key: str) -> list[str]:
    """The entities that are offered for a record of the directory; empty where nobody asks."""
    with world.bridge.hub.read() as conn:
        row = records.get(conn, "directory", "people", key)
        assert row is not None
        assert row.entity is None
        asked = decisions.find(conn, "match", f"record:{row.id}")
        return [one for one in asked.options if one.startswith("link:")] if asked else []


def test_10_an_address_that_two_people_share_is_asked(world: World) -> None:
    for number in ("4", "5"):
        world.hr.put("people", id=number, number=number, login=f"d{number}", mail="d@example.org", active=True)
    world.run("people")
    with world.bridge.hub.begin() as conn:
        (twin,) = [one for one in decisions.open_decisions(conn) if one.kind == "match"]
        decisions.decide(conn, twin.id, "new", "vera")
    world.run("people")
    key = world.directory.put("people", login="d", mail="D@example.org", phone="4")
    world.run("people")
    assert len(asked_about(world, key)) == 2


def test_10_a_number_that_contradicts_the_address_is_asked(world: World) -> None:
    world.run("people")
    key = world.directory.put("people", number="99", login="c", mail="cleo@example.org", phone="4")
    world.run("people")
    assert len(asked_about(world, key)) == 1


def test_10_a_weak_agreement_is_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = (*world.bridge.company.match_fields["person"], "title")
    monkeypatch.setitem(world.bridge.company.match_fields, "person", fields)
    world.hr.put("people", id="3", title="Chief of all")
    world.run("people")
    key = world.directory.put("people", title="Chief of all", phone="4")
    world.run("people")
    assert len(asked_about(world, key)) == 1


# 12 Expired cursors -----------------------------------------------------------------------------------------------


def test_12_an_expired_cursor_is_read_in_full_with_its_deletes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run("people")
    whole = world.hr.read

    def expired(stream: str, cursor: Any = None) -> Iterator[Item]:
        if cursor is not None:
            raise ExpiredCursor("The cursor is no longer known.")
        yield from whole(stream, None)

    del world.hr.state["people"]["2"]
    monkeypatch.setattr(world.hr, "read", expired)
    report = read(world.bridge, "hr", "people")
    assert report.counts["gone"] == 1
    assert report.warnings == ["The cursor had expired: read in full."]


# 13 Fences --------------------------------------------------------------------------------------------------------


def test_13_the_later_of_two_reads_wins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = world.hr.read

    def overtaken(stream: str, cursor: Any = None) -> Iterator[Item]:
        monkeypatch.setattr(world.hr, "read", whole)
        read(world.bridge, "hr", "people")
        yield from whole(stream, None)

    monkeypatch.setattr(world.hr, "read", overtaken)
    with pytest.raises(Fenced):
        read(world.bridge, "hr", "people")


# 14 Dry run -------------------------------------------------------------------------------------------------------


def test_14_a_preview_shows_all_and_changes_nothing(world: World) -> None:
    for system, stream in (
        ("hr", "groups"),
        ("hr", "people"),
        ("directory", "people"),
        ("chat", "people"),
        ("chat", "rooms"),
    ):
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


# 15 Green means moved ---------------------------------------------------------------------------------------------


def test_15_a_run_that_moved_nothing_says_why(world: World) -> None:
    world.run("people")
    report = world.run("people")["people"]
    assert not report.moved
    assert report.reason
    assert report.warnings == []
    assert read(world.bridge, "hr", "people").reason == "The system has nothing (new) to say."
    world.hr.put("groups", id="x", name="X", code="x")
    assert read(world.bridge, "hr", "groups").reason == ""


def test_the_steps_of_a_run_can_be_called_one_by_one(world: World) -> None:
    """As DAG tasks do, with nothing but ids and counts between them."""
    for stream in world.bridge.company.flow("people").sources:
        read(world.bridge, *stream.split("/"))
    merge(world.bridge, "people")
    planned = plan(world.bridge, "people")
    guarded = guard(world.bridge, "people", planned.run)
    assert guarded.held == []
    for batch in guarded.free:
        write(world.bridge, "people", batch)
    assert logins(world, "chat") == ["anna", "bert", "cleo"]
    assert run_flow(world.bridge, "people").moved is False
