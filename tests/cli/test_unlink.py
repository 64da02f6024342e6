"""unlink: shown first, done on request, undone by its decision."""

from __future__ import annotations

import pytest

from landbridge.cli.exits import Exit
from landbridge.store import audit
from tests.cli.conftest import Cli
from tests.sync.conftest import World


@pytest.fixture
def stranger(world: World) -> str:
    """Somebody's entry in the directory carries Cleo's e-mail address."""
    key = world.directory.put("people", id="d9", login="dora", mail="cleo@example.org", phone="333")
    world.run("people")
    return key


def phone(world: World) -> object:
    return next(one["phone"] for one in world.chat.all("people") if one["login"] == "cleo")


def test_all_that_follows_is_shown_and_nothing_done(cli: Cli, world: World, stranger: str) -> None:
    found = cli("unlink", "directory/people", stranger)
    assert found.code == Exit.OK
    for part in (
        "directory/people/d9 leaves Cleo Łuk", "333 → –", "chat/people", "intranet/people", "Nothing is done yet",
        "landbridge unlink directory/people d9 --yes",
    ):  # fmt: skip
        assert part in found.out
    world.run("people")
    assert phone(world) == "333"


def test_it_is_done_and_undone(cli: Cli, world: World, stranger: str) -> None:
    found = cli("unlink", "directory/people", stranger, "--yes", "--json").data
    assert found["done"] is True
    assert found["name"] == "Cleo Łuk"
    assert set(found["fields"]) == {"phones"}
    assert {one["target"] for one in found["writes"]} == {"chat/people", "intranet/people"}
    assert "people" in found["flows"]
    world.run("people")
    assert not phone(world)
    assert cli("decide", str(found["decision"]), "same").code == Exit.OK
    world.run("people")
    assert phone(world) == "333"


def test_who_looked_and_who_did_stand_in_the_audit(cli: Cli, world: World, stranger: str) -> None:
    done = cli("unlink", "directory/people", stranger, "--yes")
    assert "landbridge run" in done.out
    assert "landbridge decide" in done.out
    with world.bridge.hub.read() as conn:
        assert [entry.action for entry in audit.recent(conn, 3)] == ["unlink", "decide", "view-unlink"]


def test_it_goes_where_it_belongs(cli: Cli, stranger: str) -> None:
    found = cli("unlink", "directory/people", stranger, "--to", "bert@example.org")
    assert "Bert O'Brien (as chosen)" in found.out
    assert "--to bert@example.org --yes" in found.out.replace("\n", " ")


def test_a_decision_that_linked(cli: Cli, world: World) -> None:
    world.run("people")
    world.hr.put("people", id="9", number="1", login="dora", given="Dora", mail="anna@example.org", active=True)
    world.run("people")
    (asked,) = cli("decide", "--json").data
    cli("decide", str(asked["id"]), asked["options"][0])
    world.run("people")
    assert cli("unlink", "--decision", str(asked["id"]), "--json").data["record"] == "hr/people/9"


@pytest.mark.parametrize(
    "args",
    [
        (), ("directory/people",), ("directory/people", "none"), ("nowhere/people", "1"), ("--decision", "99"),
        ("hr/people", "1"), ("directory/people", "d9", "--to", "nobody@example.org"), ("directory/people", "d9", "--decision", "1"),
    ],
)  # fmt: skip
def test_a_wrong_request_says_what_is_possible(cli: Cli, stranger: str, args: tuple[str, ...]) -> None:
    found = cli("unlink", *args, "--json")
    assert found.code == Exit.USAGE
    assert found.data["error"]["remedy"]
