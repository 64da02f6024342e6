"""read, plan and run: the same steps as on schedule, with exit codes that say what to do next."""

from __future__ import annotations

from typing import Any

import pytest

from landbridge.cli.exits import Exit
from landbridge.errors import AuthError, ConfigError, IncompleteRead, RecordError, ScopeError, TransientError
from tests.cli.conftest import Cli
from tests.sync.conftest import World, account, room_of


def failing(error: Exception, op: str = "create") -> Any:
    def before(done: str, stream: str, what: object) -> None:
        if done == op:
            raise error

    return before


def many_leavers(world: World) -> None:
    """Twelve more people come, and go again all at once."""
    for number in range(10, 22):
        world.hr.put(
            "people", id=str(number), number=str(number), login=f"p{number}", mail=f"p{number}@example.org", active=True
        )
    world.run("people")
    for number in range(10, 22):
        world.hr.put("people", id=str(number), active=False)


def test_all_flows_run_people_first(cli: Cli, world: World) -> None:
    found = cli("run", "--json")
    assert found.code == Exit.OK
    assert [one["subject"] for one in found.data["flows"]] == ["people", "news", "cases", "knowledge"]
    assert found.data["flows"][0]["counts"]["created"] >= 8
    assert {one["login"] for one in world.chat.all("people")} == {"anna", "bert", "cleo"}


def test_a_person_sees_each_step_and_the_sum(cli: Cli) -> None:
    found = cli("run", "people")
    assert found.code == Exit.OK
    assert "✓  people" in found.out
    assert "created" in found.out
    assert "✓ read hr/people" in found.err
    assert "✓ merge" in found.err
    again = cli("run", "people")
    assert "Nothing new." in again.out


def test_flows_run_in_the_order_given_and_without_reading(cli: Cli, world: World) -> None:
    found = cli("run", "news", "people", "--no-read", "--json")
    assert [one["subject"] for one in found.data["flows"]] == ["news", "people"]
    assert "read hr/people" not in found.err
    assert world.chat.all("people")[0]["login"] == "bert"
    assert len(world.chat.all("people")) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AuthError("The token is refused."), Exit.CREDENTIALS),
        (TransientError("No answer."), Exit.UNREACHABLE),
        (ConfigError("Wrong."), Exit.USAGE),
        (RecordError("Too long."), Exit.FINDINGS),
        (ScopeError("Not there."), Exit.FINDINGS),
    ],
)
def test_the_code_says_what_to_do_next(cli: Cli, world: World, error: Exception, code: Exit) -> None:
    world.intranet.before = failing(error)
    found = cli("run", "people", "news", "--json")
    assert found.code == code
    people, news = found.data["flows"]
    assert "error" not in news
    if code is not Exit.FINDINGS:
        assert people["error"]["type"] == type(error).__name__
    again = cli("run", "people")
    assert again.code in (code, Exit.OK, Exit.FINDINGS)


def test_a_failed_flow_is_told_in_red_and_stops_no_other(cli: Cli, world: World) -> None:
    world.intranet.before = failing(AuthError("The token is refused."))
    found = cli("run", "people", "news")
    assert "✗ people: The token is refused. Check the connection's login" in found.out
    assert "·  news" in found.out


def test_a_step_that_failed_is_marked_so(cli: Cli, world: World) -> None:
    def refused(*asked: object) -> Any:
        raise AuthError("The token is refused.")

    world.hr.read = refused  # type: ignore[method-assign]
    steps = {line.split()[2]: line.split()[0] for line in cli("run", "people").err.splitlines() if " read " in line}
    of_hr = {one for one in steps if one.startswith("hr/")}
    assert {steps[one] for one in of_hr} == {"✗"}
    assert {steps[one] for one in steps.keys() - of_hr} == {"✓"}


def test_a_brake_waits_for_a_person(cli: Cli, world: World) -> None:
    many_leavers(world)
    found = cli("run", "people")
    assert found.code == Exit.DECISION
    assert "held" in found.out
    assert sum(not one.get("active", True) for one in world.chat.all("people")) == 0
    assert cli("plan", "people").code == Exit.DECISION
    asked = cli("decide", "--json").data
    assert {one["kind"] for one in asked} == {"brake"}
    for one in asked:
        assert cli("decide", str(one["id"]), "approve", "--json").data["answer"] == "approve"
    assert cli("run", "people").code == Exit.OK
    assert sum(not one.get("active", True) for one in world.chat.all("people")) == 12


def test_an_unknown_flow_runs_nothing(cli: Cli, world: World) -> None:
    found = cli("run", "people", "peple", "--json")
    assert found.code == Exit.USAGE
    assert found.data["error"]["message"] == "There is no flow 'peple'."
    assert "people" in found.data["error"]["remedy"]
    assert len(world.chat.all("people")) == 1


def test_read_a_system(cli: Cli) -> None:
    found = cli("read", "hr", "--json")
    assert found.code == Exit.OK
    assert {one["subject"]: one["counts"]["new"] for one in found.data["streams"]} == {"hr/groups": 2, "hr/people": 3}
    assert "Nothing new" in cli("read", "hr", "people", "--full").out
    assert "hr/groups" not in cli("read", "hr", "people").out


def test_read_sets_aside_what_cannot_be_mapped(cli: Cli, world: World) -> None:
    world.hr.put("people", id="9", number="9", login="dora", mail={"not": "an address"}, active=True)
    found = cli("read", "hr")
    assert found.code == Exit.FINDINGS
    assert "1 set aside" in found.out


def test_a_stream_that_fails_stops_no_other(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = type(world.hr).read

    def read(self: Any, stream: str, cursor: Any = None) -> Any:
        if stream == "groups":
            raise IncompleteRead("Half an answer.")
        return real(self, stream, cursor)

    monkeypatch.setattr(type(world.hr), "read", read)
    found = cli("read", "hr", "--json")
    assert found.code == Exit.UNREACHABLE
    groups, people = found.data["streams"]
    assert groups["error"]["message"] == "Half an answer."
    assert people["counts"]["new"] == 3


@pytest.mark.parametrize("args", [("read", "nowhere"), ("read", "hr", "nothing"), ("plan", "nothing")])
def test_unknown_names_are_answered_with_the_known_ones(cli: Cli, args: tuple[str, ...]) -> None:
    found = cli(*args)
    assert found.code == Exit.USAGE
    assert found.out == ""
    assert found.err.startswith("✗ ")


def test_plan_shows_fields_and_writes_nothing(cli: Cli, world: World) -> None:
    for system in ("hr", "directory", "chat", "intranet"):
        cli("read", system)
    found = cli("plan", "people")
    assert found.code == Exit.OK
    for part in (
        "chat/people",
        "+ create",
        "Anna Müller",
        "~ update",
        "Bert O'Brien",
        "Bert@example.org → bert@example.org",
        "waiting",
    ):
        assert part in found.out
    assert len(world.chat.all("people")) == 1


def test_plan_of_what_was_never_read_says_what_to_read(cli: Cli) -> None:
    assert "Read its sources first:\n  landbridge read hr\n" in cli("plan", "people").out


def test_plan_as_data(cli: Cli) -> None:
    cli("read", "hr")
    data = cli("plan", "people", "--json").data
    assert data["read_at"]
    assert data["counts"]["chat/people"] == {"create": 3}
    assert data["counts"]["chat/memberships"] == {"waiting": 3}
    anna = next(one for one in data["writes"] if one["name"] == "Anna Müller")
    assert anna["fields"]["user_name"] == {"now": None, "wanted": "anna"}


def test_plan_shows_some_and_counts_all(cli: Cli) -> None:
    cli("read", "hr")
    data = cli("plan", "people", "--limit", "1", "--json").data
    assert len(data["writes"]) == 4
    assert data["counts"]["chat/people"] == {"create": 3}
    assert "… and 2 more: raise --limit" in cli("plan", "people", "--limit", "1").out


def test_plan_says_why_something_is_blocked(cli: Cli, world: World) -> None:
    world.run("people")
    told = {"body": "It prints.", "author": account(world, "intranet", "anna"), "state": "published", "category": "it"}
    world.intranet.put("posts", title="New printer", **told)
    world.run("news")
    world.chat.put("rooms", id=room_of(world, "news-it"), guests=True)
    world.intranet.put("posts", title="Newer printer", **told)
    world.run("news")
    found = cli("plan", "news")
    assert found.code == Exit.FINDINGS
    assert "blocked" in found.out
    again = cli("run", "news")
    assert again.code == Exit.FINDINGS
    assert "1 delivery is blocked" in again.out


def test_a_stream_of_several_flows_is_read_once(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for name, system in world.systems.items():

        def reading(stream: str, cursor: Any = None, *, name: str = name, whole: Any = system.read) -> Any:
            asked.append(f"{name}/{stream}")
            return whole(stream, cursor)

        monkeypatch.setattr(system, "read", reading)
    sources = [stream for flow in world.bridge.company.flows.values() for stream in flow.sources]
    assert len(set(sources)) < len(sources)
    assert cli("run").code == Exit.OK
    assert len(asked) == len(set(asked))
    asked.clear()
    assert cli("run", "people").code == Exit.OK
    assert asked


def test_a_long_read_says_how_far_it_is(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landbridge.sync.reports.LISTENED", 0.0)
    monkeypatch.setattr("landbridge.cli.progress._LINES_APART", 0.0)
    assert "hr/people: 3 read, 3 new" in cli("read", "hr").err
    assert "read chat/people: " in cli("run", "people").err
    assert "so far" not in cli("read", "hr", "--full", "--json").err
