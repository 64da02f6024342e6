"""policy: which private spaces are read, who is told, and who opts out."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from landbridge.errors import ScopeError
from landbridge.store import audit
from tests.cli.conftest import Cli
from tests.sync.conftest import World, account

UNTIL = date.today() + timedelta(days=60)


@pytest.fixture(autouse=True)
def board(world: World, home: Path) -> None:
    """A closed room that policy names."""
    world.chat.put("rooms", id="!board", name="Board", alias="board", visibility="members")
    (home / "config" / "policy.yaml").write_text(
        'private_spaces:\n  - system: chat\n    space: "!board"\n    purpose: The board wants answers kept.\n'
        f"    owner: Vera Lang\n    until: {UNTIL}\n"
    )


def test_a_space_is_listed_told_of_and_read(cli: Cli, world: World) -> None:
    [one] = cli("policy", "list", "--json").data["private_spaces"]
    assert (one["where"], one["until"]) == ("config/policy.yaml:2", str(UNTIL))
    assert one["state"].startswith("not read before")
    assert cli("policy", "notify", "chat", "--json").data == {"told": ["config/policy.yaml:2"], "problems": []}
    assert len([one for one in world.chat.all("messages") if one["room"] == "!board"]) == 1
    assert cli("policy", "notify").out.strip() == "✓ Nobody is to be told."
    assert "read; told on" in cli("policy", "list").out


def test_reading_alone_tells_nobody(cli: Cli, world: World) -> None:
    said = cli("read", "chat", "messages")
    assert "landbridge policy notify chat" in said.out + said.err
    assert world.chat.all("messages") == []


def test_where_it_cannot_speak_it_says_what_to_do(cli: Cli, world: World) -> None:
    def refuse(op: str, stream: str, what: object) -> None:
        raise ScopeError("The account is not in this room.")

    world.chat.before = refuse
    said = cli("policy", "notify")
    assert said.code == 1 and "policy.yaml:2" in said.out and "notice: given on" in said.out


def test_a_person_opts_out_and_in(cli: Cli, world: World) -> None:
    cli("run", "people")
    cli("policy", "notify")
    world.chat.put(
        "messages", room="!board", author=account(world, "chat", "anna"), text="Mine", at="2026-01-02T10:00:00Z"
    )
    cli("run", "knowledge")
    assert "1 message will be taken back" in cli("policy", "opt-out", "anna@example.org").out
    assert "before" in cli("policy", "opt-out", "anna@example.org").out
    assert cli("policy", "list", "--json").data["opted_out"] == 1
    assert "Opted in again" in cli("policy", "opt-in", "anna@example.org").out
    assert "Had not" in cli("policy", "opt-in", "anna@example.org").out
    with world.bridge.hub.read() as conn:
        acts = [one.action for one in audit.recent(conn)]
    assert "opt-out" in acts and "opt-in" in acts


def test_only_people_opt_out(cli: Cli, world: World) -> None:
    cli("run", "people")
    assert cli("policy", "opt-out", "hr/groups/hr-groups-1").code == 2
