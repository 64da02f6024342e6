"""status, history and entities."""

from __future__ import annotations

from typing import Any

import pytest

from landbridge.cli import history as look
from landbridge.cli import status
from landbridge.cli.exits import Exit
from landbridge.errors import RecordError
from landbridge.store import audit, deliveries, health
from landbridge.store.hub import Hub
from tests.cli.conftest import Cli
from tests.cli.test_run import failing, many_leavers
from tests.sync.conftest import World


def test_status_of_a_company_that_has_never_run(cli: Cli) -> None:
    found = cli("status")
    assert found.code == Exit.OK
    assert "never" in found.out
    assert "has never run" in found.out


def test_status_after_a_run(cli: Cli, world: World) -> None:
    world.run()
    data = cli("status", "--json").data
    people = next(one for one in data["flows"] if one["flow"] == "people")
    assert people["targets"]["chat/people"] == {"done": 3}
    assert people["last_run"]["state"] == "done"
    assert data["flows"][0]["flow"] == "people"
    hr = next(one for one in data["systems"] if one["system"] == "hr")
    assert {one["stream"]: one["records"] for one in hr["streams"]} == {"groups": 2, "people": 3}
    assert "Nothing waits for a person." in cli("status").out


def test_status_of_one_flow(cli: Cli, world: World) -> None:
    world.run("people")
    data = cli("status", "people", "--json").data
    assert [one["flow"] for one in data["flows"]] == ["people"]
    assert "wiki" not in {one["system"] for one in data["systems"]}
    assert cli("status", "nothing").code == Exit.USAGE


def test_status_says_what_is_open_and_what_to_type(cli: Cli, world: World) -> None:
    world.intranet.before = failing(RecordError("Too long."))
    world.run("people")
    found = cli("status")
    assert found.code == Exit.FINDINGS
    assert "landbridge set-aside list" in found.out
    world.intranet.before = lambda *call: None
    many_leavers(world)
    world.run("people")
    found = cli("status", "people")
    assert found.code == Exit.DECISION
    assert "landbridge decide" in found.out


def test_status_tells_of_a_read_that_failed(cli: Cli, world: World) -> None:
    world.hr.state = {}
    assert cli("read", "hr", "people").code == Exit.MISTAKE
    found = cli("status")
    assert found.code == Exit.FINDINGS
    assert "! hr/people: KeyError" in found.out


@pytest.mark.parametrize("name", ["anna@example.org", "ANNA@example.org", "1", "hr/people/1"])
def test_history_by_any_name(cli: Cli, world: World, name: str) -> None:
    world.run("people")
    found = cli("history", name)
    assert found.code == Exit.OK
    for part in ("Anna Müller", "directory/people", "chat/people create: done", "Sales"):
        assert part in found.out


def test_history_as_data_by_id(cli: Cli, world: World) -> None:
    world.run("people")
    id = cli("history", "bert@example.org", "--json").data["entity"]["id"]
    data = cli("history", id, "--json").data
    assert data["name"] == "Bert O'Brien"
    assert {one["record"] for one in data["records"]} >= {"hr/people/2", "chat/people/@bert"}
    assert {one["what"] for one in data["events"]} >= {"change", "record", "delivery"}


def test_who_looks_stands_in_the_audit(cli: Cli, world: World) -> None:
    world.run("people")
    cli("history", "1")
    cli("entities", "person")
    with world.bridge.hub.read() as conn:
        listed, viewed = audit.recent(conn, 2)
    assert (listed.action, viewed.action) == ("list-entities", "view-history")
    assert viewed.actor.startswith("cli")


def test_history_of_nobody_and_of_many(cli: Cli, world: World) -> None:
    world.run("people")
    assert cli("history", "nobody").code == Exit.USAGE
    assert cli("history", "hr/people/99").code == Exit.USAGE
    world.chat.put("rooms", id="!one", name="One", alias="1", visibility="public")
    world.run("people")
    found = cli("history", "1", "--json")
    assert found.code == Exit.USAGE
    assert found.data["error"]["message"] == "2 entities are called that."


def test_history_of_a_record_without_entity(cli: Cli) -> None:
    cli("read", "hr")
    found = cli("history", "hr/people/1")
    assert found.code == Exit.USAGE
    assert "belongs to no entity" in found.err


def test_entities(cli: Cli, world: World) -> None:
    world.run("people")
    assert {one["name"] for one in cli("entities", "person", "--json").data["entities"]} == {
        "Anna Müller",
        "Bert O'Brien",
        "Cleo Łuk",
    }
    assert [one["name"] for one in cli("entities", "person", "--match", "łuk", "--json").data["entities"]] == [
        "Cleo Łuk"
    ]
    assert "Anna Müller in Sales" in cli("entities", "membership").out
    found = cli("entities", "person", "--limit", "1")
    assert "--after" in found.out
    assert "No document like that." in cli("entities", "document").out
    assert cli("entities", "people").code == Exit.USAGE


def test_a_name_cannot_steer_the_terminal(cli: Cli, world: World) -> None:
    world.hr.put(
        "people",
        id="9",
        number="9",
        login="eve",
        given="\x1b[2J[bold]Eve",
        family=":smile:",
        mail="e@example.org",
        active=True,
    )
    world.run("people")
    found = cli("entities", "person", "--match", "Eve")
    assert "\x1b" not in found.out
    assert "[bold]Eve :smile:" in found.out
    assert "\x1b" not in cli("history", "e@example.org").out


def test_counting_stops(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A glance at a large hub costs no more than one at a small one."""
    world.run("people")
    exact = {one["flow"]: one for one in cli("status", "--json").data["flows"]}["people"]
    assert exact["more"] == []
    assert exact["targets"]["chat/people"]["done"] == 3
    monkeypatch.setattr(status, "_MOST", 4)
    found = {one["flow"]: one for one in cli("status", "--json").data["flows"]}["people"]
    assert found["more"] == ["done"]
    assert sum(counts.get("done", 0) for counts in found["targets"].values()) == 4
    assert "+ done" in cli("status", "people").out


def test_counts_on_both_databases(hub: Hub) -> None:
    with hub.begin() as conn:
        for number in range(6):
            deliveries.put(conn, flow="f", target=f"a/{number % 2}", entity=str(number), op="create", state="done")
        deliveries.put(conn, flow="g", target="a/0", entity="x", op="create", state="held")
        found = health.deliveries_of(conn, "f", 100)
        assert found == health.Counted({"a/0": {"done": 3}, "a/1": {"done": 3}}, frozenset())
        assert health.deliveries_of(conn, "f", 4).more == {"done"}


def test_a_history_says_that_there_is_more(cli: Cli, world: World) -> None:
    world.run("people")
    found = cli("history", "anna@example.org", "--limit", "1")
    assert "raise --limit" in found.out
    data = cli("history", "anna@example.org", "--limit", "1", "--json").data
    assert (len(data["events"]), data["more"]) == (1, True)
    assert cli("history", "anna@example.org", "--limit", "500", "--json").data["more"] is False


def test_entities_page_by_page(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run("people")
    names, after = [], ""
    while after is not None:
        page = cli("entities", "person", "--limit", "2", "--after", after, "--json").data
        names += [one["name"] for one in page["entities"]]
        after = page["after"]
    assert len(names) == len(set(names)) == 3
    monkeypatch.setattr(look, "_LOOKED", 1)
    found = cli("entities", "person", "--match", "nobody is called that")
    assert "so far" in found.out
    assert "--after" in found.out


def test_looking_for_somebody_stops_nobody(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks through a million holds no lock meanwhile: others go on writing."""
    world.run("people")
    original = look._matches

    def matches(*args: Any) -> bool:
        with world.bridge.hub.begin() as conn:
            audit.append(conn, "other", "work", "x")
        return original(*args)

    monkeypatch.setattr(look, "_matches", matches)
    assert cli("entities", "person", "--match", "anna").code == Exit.OK
