"""decide and set-aside: what only a person can do."""

from __future__ import annotations

import pytest

from landbridge.cli.exits import Exit
from landbridge.errors import RecordError
from landbridge.store import audit, decisions, entities, setaside
from landbridge.store.setaside import DECLINED, FAILED, Bad
from tests.cli.conftest import Cli
from tests.cli.test_run import failing
from tests.sync.conftest import World


@pytest.fixture
def asked(world: World) -> int:
    """Whose is this chat account? Anna's, by its employee number, but she has one already."""
    world.run("people")
    with world.bridge.hub.read() as conn:
        anna = entities.matches(conn, "person", "emails", ["anna@example.org"])[0].entity
    with world.bridge.hub.begin() as conn:
        return decisions.ask(
            conn, "match", "record:1", "Whose is chat/people @anna2?", [f"link:{anna}", "new", "ignore"],
            {"field": "emails", "confidence": 0.5, "fingerprint": "x"}, flow="people", target="chat/people", record=1,
        )  # fmt: skip


def test_no_question(cli: Cli) -> None:
    assert "No question is open." in cli("decide").out
    assert cli("decide", "--json").data == []


def test_a_question_is_shown_with_what_to_type(cli: Cli, asked: int) -> None:
    found = cli("decide")
    assert found.code == Exit.OK
    assert "Whose is chat/people @anna2?" in found.out
    assert f"landbridge decide {asked} new" in found.out
    assert "Anna Müller" in found.out
    assert "confidence: 0.5" in cli("decide", str(asked)).out
    assert cli("decide", str(asked), "--json").data["names"]["record"].startswith("hr/")


def test_a_run_that_asks_a_person_says_so_and_its_code_too(cli: Cli, asked: int) -> None:
    found = cli("run", "people")
    assert found.code == Exit.FINDINGS
    assert "1 decision waits for a person: landbridge decide" in found.out
    assert cli("run", "people", "--json").data["decisions"] == 1
    cli("decide", str(asked), "ignore")
    assert cli("run", "people").code == Exit.OK


@pytest.mark.parametrize(("of", "count"), [("chat/people", 1), ("wiki/pages", 0)])
def test_a_question_without_a_flow_waits_in_those_that_have_its_streams(
    cli: Cli, world: World, of: str, count: int
) -> None:
    with world.bridge.hub.begin() as conn:
        decisions.ask(
            conn, "conflict", "1:title", "title has different values.", [of, "elsewhere/people"], {"fingerprint": "x"}
        )
        decisions.ask(conn, "match", "record:2", "Whose is it?", ["new"], {"fingerprint": "x"}, target=of)
    assert cli("status", "people", "--json").data["decisions"] == 2 * count
    assert cli("status", "--json").data["decisions"] == 2


def test_an_answer_is_kept_with_its_author(cli: Cli, world: World, asked: int) -> None:
    found = cli("decide", str(asked), "ignore", "--by", "vera")
    assert found.code == Exit.OK
    assert "landbridge run people" in found.out
    with world.bridge.hub.read() as conn:
        (entry,) = audit.recent(conn, 1)
    assert (entry.actor, entry.details["answer"]) == ("vera", "ignore")
    assert "decided: ignore, by vera" in cli("decide", str(asked)).out
    assert cli("decide", str(asked), "new").code == Exit.USAGE


@pytest.mark.parametrize("args", [("999",), ("999", "new"), ("1", "perhaps")])
def test_a_wrong_answer_says_what_is_possible(cli: Cli, asked: int, args: tuple[str, ...]) -> None:
    found = cli("decide", *args, "--json")
    assert found.code == Exit.USAGE
    assert found.data["error"]["remedy"]


@pytest.fixture
def aside(world: World) -> None:
    """A record that cannot be mapped, and three writes that the intranet refuses."""
    world.hr.put("people", id="9", number="9", login="dora", mail={"not": "an address"}, active=True)
    world.intranet.before = failing(RecordError("The name is too long."))
    world.run("people")
    world.intranet.before = lambda *call: None


@pytest.mark.usefixtures("aside")
def test_what_is_set_aside(cli: Cli) -> None:
    found = cli("set-aside", "list")
    assert found.code == Exit.OK
    for part in ("hr/people/9", "The name is too long.", "intranet/people create", "landbridge set-aside retry"):
        assert part in found.out
    data = cli("set-aside", "list", "intranet", "--json").data
    assert data["read"] == []
    assert len(data["written"]) == 3
    assert "native" not in cli("set-aside", "list", "hr", "--json").data["read"][0]


@pytest.mark.usefixtures("aside")
def test_a_write_is_tried_again(cli: Cli, world: World) -> None:
    one, *_ = cli("set-aside", "list", "--json").data["written"]
    assert cli("set-aside", "retry", str(one["id"]), "--json").data == {"retried": [one["id"]]}
    world.run("people")
    assert len(world.intranet.all("people")) == 1
    assert cli("set-aside", "retry", "people").out.startswith("✓ 2 retried")
    world.run("people")
    assert len(world.intranet.all("people")) == 3


@pytest.mark.usefixtures("aside")
def test_a_record_is_tried_again(cli: Cli, world: World) -> None:
    assert cli("set-aside", "retry", "hr/people/9").code == Exit.OK
    world.hr.put("people", id="9", mail="dora@example.org")
    world.run("people")
    assert cli("set-aside", "list", "hr", "--json").data["read"] == []
    assert "dora" in {one["login"] for one in world.chat.all("people")}


@pytest.mark.usefixtures("aside")
def test_drop_forgets(cli: Cli, world: World) -> None:
    assert cli("set-aside", "drop", "all").code == Exit.OK
    assert "Nothing is set aside." in cli("set-aside", "list").out
    world.run("people")
    assert world.intranet.all("people") == []
    with world.bridge.hub.read() as conn:
        assert {entry.action for entry in audit.recent(conn, 4)} >= {"set-aside-drop"}
    world.hr.put("people", id="1", title="Head")
    world.run("people")
    assert [one["login"] for one in world.intranet.all("people")] == ["anna"]


def test_who_declined_letters_gets_them_again_only_by_name(cli: Cli, world: World) -> None:
    with world.bridge.hub.begin() as conn:
        bad = [Bad("<1@x>", None, "No more.", DECLINED), Bad("<2@x>", None, "It came back.", FAILED)]
        setaside.put(conn, "chat", "people", bad)
        setaside.put(conn, "chat", "people", [Bad(f"{number}", None, "No more.", DECLINED) for number in range(1_000)])
    assert cli("set-aside", "retry", "all").code == Exit.USAGE
    assert cli("set-aside", "drop", "chat", "--json").data == {"dropped": ["chat/people/<2@x>"]}
    assert cli("status").code == Exit.OK, "a person's will is no fault"
    assert cli("set-aside", "drop", "chat/people/<1@x>", "--json").data == {"dropped": ["chat/people/<1@x>"]}
    with world.bridge.hub.read() as conn:
        assert setaside.get(conn, "chat", "people", "<1@x>") is None
        assert setaside.get(conn, "chat", "people", "1") is not None


def test_nothing_like_that(cli: Cli) -> None:
    assert cli("set-aside", "retry", "412").code == Exit.USAGE
    assert cli("set-aside", "drop", "all", "--json").data["error"]["message"] == "Nothing like that is set aside."
