"""Private spaces are read only where policy names them, after those who are in them were told, and may be left."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from landbridge.errors import ConfigError, ScopeError, TransientError
from landbridge.store import audit, privacy, records
from landbridge.store.clock import later
from landbridge.store.hub import Hub
from landbridge.store.tables import entity, notice
from landbridge.sync import give_notices, load_company, not_told, read, run_flow
from landbridge.sync.opting import opt_in, opt_out
from tests.sync.conftest import HOME, World, account, make_world, room_of, staff

NEXT_YEAR = date.today() + timedelta(days=365)
YESTERDAY = date.today() - timedelta(days=1)
Policy = Callable[..., None]


@pytest.fixture
def world(hub: Hub, tmp_path: Path) -> World:
    """A talk between two chats of which one has a closed room, and direct messages."""
    home = Path(shutil.copytree(HOME, tmp_path / "home"))
    world = staff(make_world(load_company(home), hub))
    world.chat.put("rooms", id="!board", name="Board", alias="board", visibility="members")
    world.run("people")
    return world


@pytest.fixture
def policy(world: World) -> Policy:
    """Writes config/policy.yaml for the closed room, and has it read."""

    def write(until: date = NEXT_YEAR, more: str = "", space: str = "!board") -> None:
        home = world.bridge.company.home
        (home / "config" / "policy.yaml").write_text(
            f'private_spaces:\n  - system: chat\n    space: "{space}"\n    purpose: The board wants answers kept.\n'
            f"    owner: Vera Lang\n    until: {until}\n{more}"
        )
        world.bridge.company = load_company(home)

    return write


def say(world: World, text: str, room: str = "!board", login: str = "anna") -> str:
    return world.chat.put(
        "messages", room=room, author=account(world, "chat", login), text=text, at="2026-01-02T10:00:00Z"
    )


def kept(world: World) -> set[str]:
    """The texts that the hub holds."""
    with world.bridge.hub.read() as conn:
        found = conn.execute(select(entity.c.data).where(entity.c.kind == "message", entity.c.deleted_at.is_(None)))
        texts = {str(data.get("body")) for (data,) in found}
        rows = records.by_keys(conn, "chat", "messages", [one["id"] for one in world.chat.all("messages")])
    return texts | {str((row.claim or {}).get("body")) for row in rows.values() if row.gone_at is None}


def told(world: World) -> list[str]:
    return [str(one["text"]) for one in world.chat.all("messages") if "is read by Landbridge" in str(one["text"])]


def test_what_is_private_is_not_kept_unless_policy_names_it(world: World) -> None:
    say(world, "Salaries")
    say(world, "Open word", room="!help")
    world.chat.put("rooms", id="!two", name="Anna and Bert", type="direct", visibility="members")
    say(world, "Between us", room="!two")
    for name in ("rooms", "messages"):
        read(world.bridge, "chat", name)
        assert kept(world) <= {"Open word"}  # not even until it is merged
    run_flow(world.bridge, "knowledge")
    assert kept(world) == {"Open word"}


def test_what_was_read_before_its_room_is_known_to_be_private_goes_no_further(world: World) -> None:
    key = world.chat.put("rooms", name="New", alias="new", visibility="members")
    say(world, "Too early", room=key)
    read(world.bridge, "chat", "messages")
    run_flow(world.bridge, "knowledge")
    assert "Too early" not in kept(world)


def test_a_room_that_was_open_is_private_from_when_it_is_closed(world: World) -> None:
    say(world, "Open word", room="!help")
    run_flow(world.bridge, "knowledge")
    world.chat.put("rooms", id="!help", visibility="members")
    read(world.bridge, "chat", "rooms")
    say(world, "Closed word", room="!help")
    run_flow(world.bridge, "knowledge")
    assert kept(world) == {"Open word"}


def test_rooms_that_landbridge_has_opened_need_no_policy(world: World, case: str) -> None:
    [room] = [one["id"] for one in world.chat.all("rooms") if one["alias"] == "case-7"]
    world.chat.put("rooms", id=room, visibility="members")
    say(world, "About the deal", room=room)
    world.run("cases")
    assert "About the deal" in kept(world)
    assert room in world.bridge.connector("chat").private_spaces


def test_what_policy_names_is_read_after_those_who_are_in_it_were_told(world: World, policy: Policy) -> None:
    say(world, "Salaries")
    run_flow(world.bridge, "knowledge")
    policy()
    report = read(world.bridge, "chat", "messages")
    assert "policy notify chat" in report.warnings[0] and "policy.yaml:2" in report.warnings[0]
    assert told(world) == [] and kept(world) == set()
    assert list(world.bridge.connector("chat").private_spaces) == []
    for _ in range(2):
        run_flow(world.bridge, "knowledge")
    [text] = told(world)
    assert f"until {NEXT_YEAR}" in text and "The board wants answers kept." in text and "Vera Lang" in text
    assert kept(world) == {"Salaries"}
    assert list(world.bridge.connector("chat").private_spaces) == ["!board"]
    with world.bridge.hub.read() as conn:
        assert [one.action for one in audit.recent(conn) if one.action == "notice"] == ["notice"]


def test_for_another_purpose_or_end_they_are_told_again(world: World, policy: Policy) -> None:
    policy()
    run_flow(world.bridge, "knowledge")
    policy(until=NEXT_YEAR + timedelta(days=1))
    run_flow(world.bridge, "knowledge")
    assert len(told(world)) == 2


def test_where_landbridge_cannot_speak_it_waits_for_a_person(world: World, policy: Policy) -> None:
    def refuse(op: str, stream: str, what: object) -> None:
        raise ScopeError("The account is not in this room.")

    policy()
    say(world, "Salaries")
    world.chat.before = refuse
    run_flow(world.bridge, "knowledge")
    [problem] = not_told(give_notices(world.bridge, "chat"), world.bridge)
    assert (
        "policy.yaml:2" in problem and "The account is not in this room." in problem and "notice: given on" in problem
    )
    assert kept(world) == set()
    policy(more="    notice: given on 2026-11-01 by Vera Lang\n")
    run_flow(world.bridge, "knowledge")
    assert kept(world) == {"Salaries"} and told(world) == []


def test_a_notice_whose_answer_was_lost_is_given_once(world: World, policy: Policy) -> None:
    def lose(op: str, stream: str, what: object) -> None:
        raise TransientError("Nobody answers.", uncertain=True)

    policy()
    say(world, "Salaries")
    world.chat.after = lose
    run_flow(world.bridge, "knowledge")
    world.chat.after = lambda *call: None
    run_flow(world.bridge, "knowledge")
    # Nobody knows yet; somebody else may just be sending it.
    assert kept(world) == set()
    with world.bridge.hub.begin() as conn:
        conn.execute(update(notice).values(tried_at=later(-2 * privacy.PATIENCE)))
    run_flow(world.bridge, "knowledge")
    assert len(told(world)) == 1 and kept(world) == {"Salaries"}


def test_when_a_policy_ends_nothing_more_is_read_and_nothing_is_lost(world: World, policy: Policy) -> None:
    policy()
    for number in range(12):
        say(world, f"Before {number}")
    run_flow(world.bridge, "knowledge")
    before = kept(world)
    assert len(before) == 12
    policy(
        until=YESTERDAY, more="    notice: given on 2026-11-01 by Vera Lang\n"
    )  # that they were told changes nothing
    say(world, "After")
    hidden = world.chat.state["messages"]
    for state in (hidden, {key: one for key, one in hidden.items() if one["room"] != "!board"}):
        world.chat.state["messages"] = state
        read(world.bridge, "chat", "messages", full=True)
        run_flow(world.bridge, "knowledge", reading=False)
        with world.bridge.hub.read() as conn:
            rows = records.by_keys(conn, "chat", "messages", hidden)
        assert {str((row.claim or {}).get("body")) for row in rows.values() if row.gone_at is None} == before


def test_who_has_opted_out_is_left_out_and_taken_back(world: World, policy: Policy) -> None:
    policy()
    say(world, "Mine")
    say(world, "His", login="bert")
    run_flow(world.bridge, "knowledge")
    assert kept(world) == {"Mine", "His"}
    with world.bridge.hub.begin() as conn:
        row = records.get(conn, "chat", "people", account(world, "chat", "anna"))
        assert row is not None and row.entity is not None
        assert opt_out(conn, world.bridge.company, row.entity, "cli:test") == 1
        assert opt_out(conn, world.bridge.company, row.entity, "cli:test") == 0
    say(world, "Mine again")
    say(world, "In the open", room="!help")
    run_flow(world.bridge, "knowledge")
    assert kept(world) == {"His", "In the open"}
    with world.bridge.hub.begin() as conn:
        assert opt_in(conn, row.entity, "cli:test") and not opt_in(conn, row.entity, "cli:test")
    run_flow(world.bridge, "knowledge")
    assert kept(world) == {"Mine", "Mine again", "His", "In the open"}


@pytest.mark.parametrize(
    "wrong", ["given", "given on 2026-13-01 by V", f"given on {NEXT_YEAR} by Vera", "given on 2026-11-01 by "]
)
def test_a_notice_says_when_and_by_whom(policy: Policy, wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"policy\.yaml:7"):
        policy(more=f'    notice: "{wrong}"\n')


def test_3_what_people_move_into_a_private_space_is_taken_back(world: World, post: str) -> None:
    """It was said where others read it; a room that becomes private takes nothing along."""
    place = {"room": room_of(world, "news-it"), "thread": world.chat.all("messages")[0]["id"]}
    answer = world.chat.put("messages", **place, author="@bert", text="Nice", at="2026-01-02T10:00:00Z")
    word = say(world, "Open word", room="!help")
    world.run()
    assert [one["text"] for one in world.intranet.all("comments")] == ["Nice"]
    world.chat.put("messages", id=answer, room="!board", thread=None)
    world.run()
    assert world.intranet.all("comments") == []
    assert "Nice" not in kept(world)
    world.chat.put("messages", id=answer, **place)
    world.chat.put("rooms", id="!help", visibility="members")
    world.chat.put("messages", id=word, text="Not for all")
    world.run()
    assert [one["text"] for one in world.intranet.all("comments")] == ["Nice"]
    assert {"Nice", "Open word"} <= kept(world)
    assert "Not for all" not in kept(world)
