"""check: what is wrong, where, and what to do."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from landbridge.cli.app import app
from landbridge.cli.exits import Exit
from landbridge.cli.findings import Finding
from landbridge.cli.judging import Left, Word, judged
from landbridge.connector import Account, Connection, connector_names, registry
from landbridge.errors import AuthError, ScopeError, TransientError
from landbridge.testing.memory import Memory
from tests.cli.conftest import Cli, said
from tests.docs.pages import ROOT
from tests.sync.conftest import World


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_all_is_well(cli: Cli) -> None:
    found = cli("check")
    assert found.code == Exit.OK
    assert "All is well." in found.out
    assert "6 systems, 4 flows" in found.out
    data = cli("check", "chat", "wiki", "--json").data
    assert [one["name"] for one in data["systems"]] == ["chat", "wiki"]
    assert data["findings"] == []


def test_nothing_is_read_or_written(cli: Cli, world: World) -> None:
    cli("check")
    assert all(system.calls == [] for system in world.systems.values())


def test_a_wrong_file_is_told_with_its_line(cli: Cli, home: Path) -> None:
    change(home / "config" / "flows" / "people.yaml", "chat/people:", "chat/peeple:")
    found = cli("check")
    assert found.code == Exit.USAGE
    assert "✗ config/flows/people.yaml:9: chat/peeple has no mapping." in found.out
    (finding,) = cli("check", "--json").data["findings"]
    assert finding["line"] == 9
    assert finding["remedy"].startswith("Mapped: chat/")


def test_all_wrong_mappings_are_told_at_once(cli: Cli, home: Path) -> None:
    change(home / "mappings" / "chat_app" / "rooms.yaml", "kind: space", "kind: spaze")
    change(home / "mappings" / "hr_app" / "people.yaml", "as_email", "as_mail")
    findings = cli("check", "--json").data["findings"]
    assert {Path(one["file"]).parent.name for one in findings} == {"chat_app", "hr_app"}
    assert all(one["line"] for one in findings)


def test_an_example_that_does_not_hold(cli: Cli, home: Path) -> None:
    change(home / "mappings" / "hr_app" / "people.yaml", "name.family: Müller,", "name.family: Meier,")
    found = cli("check", "hr")
    assert found.code == Exit.FINDINGS
    assert "! mappings/hr_app/people.yaml:" in found.out
    assert "name.family" in found.out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AuthError("The token is refused."), Exit.CREDENTIALS),
        (ScopeError("Not allowed."), Exit.CREDENTIALS),
        (TransientError("No answer."), Exit.UNREACHABLE),
    ],
)
def test_a_system_that_cannot_be_used(
    cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, code: Exit
) -> None:
    def refuse() -> Account:
        raise error

    monkeypatch.setattr(world.chat, "check", refuse)
    found = cli("check")
    assert found.code == code
    assert f"✗ chat: {error.args[0]}" in found.out
    assert next(one for one in cli("check", "--json").data["systems"] if one["name"] == "wiki")["ok"]


def test_a_missing_permission(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.chat, "check", lambda: Account("@bridge", missing=("kick",), detail="two rooms"))
    found = cli("check", "chat")
    assert found.code == Exit.FINDINGS
    assert "@bridge · two rooms" in found.out
    assert "the account @bridge lacks kick" in found.out


def test_what_ends_soon(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for days, code in ((40, Exit.OK), (20, Exit.FINDINGS)):
        end = datetime.now(UTC) + timedelta(days=days)
        monkeypatch.setattr(world.chat, "check", lambda end=end: Account("@bridge", expires={"certificate": end}))
        found = cli("check", "chat", "--no-tests")
        told = f"chat: the certificate in its connection ends on {end:%Y-%m-%d}." in found.out
        assert (found.code, told) == (code, code == Exit.FINDINGS)


def test_what_the_connector_cannot_do(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    can_write: Any = Memory.can_write
    monkeypatch.setattr(
        Memory, "can_write", classmethod(lambda cls, stream, op: op != "delete" and can_write(stream, op))
    )
    found = cli("check", "chat")
    assert found.code == Exit.FINDINGS
    assert "config/flows/people.yaml:9: chat/people cannot delete records." in found.out


def test_mapping_and_connector_speak_of_other_streams(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    others = {name: one for name, one in Memory.streams().items() if name != "rooms"}
    monkeypatch.setattr(Memory, "streams", classmethod(lambda cls: others))
    found = cli("check", "chat", "--json")
    texts = {one["text"] for one in found.data["findings"]}
    assert "The connector has no stream 'rooms'." in texts
    assert "space refers to 'rooms', no stream." in texts


def test_an_unknown_system(cli: Cli) -> None:
    assert cli("check", "nowhere").code == Exit.USAGE
    found = cli("check", "worpress")
    assert "There is neither a system nor an installed connector 'worpress'." in found.err
    assert "Did you mean wordpress? One that was just made: `pip install -e .` in its folder." in found.err


# Connectors


@pytest.fixture
def word(monkeypatch: pytest.MonkeyPatch) -> Word:
    """What the connector of hr says of itself, as far as check is told."""
    said = Word("silver", "10 of 12 rules, 2 to do", details={"level": "silver"})
    asked: list[bool] = []

    def judged(names: list[str], home: Path, *, tests: bool, servers: bool) -> dict[str, Word]:
        asked.append(tests)
        return dict.fromkeys(names, said)

    said.details["asked"] = asked
    monkeypatch.setattr("landbridge.cli.check.judged", judged)
    monkeypatch.setattr("landbridge.cli.check.connector_names", lambda: ["hr_app", "zulip"])
    return said


def test_a_system_that_is_named_has_its_connector_proven(cli: Cli, word: Word) -> None:
    found = cli("check", "hr")
    assert re.search(r"✓ +hr_app +silver +10 of 12 rules, 2 to do", found.out)
    assert cli("check").code == Exit.OK
    assert cli("check", "hr", "--no-tests").code == Exit.OK
    assert word.details["asked"] == [True, False, False]


def test_a_connector_that_no_system_uses(cli: Cli, world: World, word: Word) -> None:
    data = cli("check", "zulip", "--json").data
    assert [one["name"] for one in data["connectors"]] == ["zulip"]
    assert data["systems"] == []
    assert cli("check", "zorklip").code == Exit.USAGE


def test_all_of_them(cli: Cli, word: Word) -> None:
    data = cli("check", "--all", "--json").data
    assert [one["name"] for one in data["connectors"]] == ["hr_app", "zulip"]
    assert len(data["systems"]) == 6


def test_what_a_connector_does_not_keep_is_told_with_its_line(cli: Cli, home: Path, word: Word) -> None:
    file = home / "connectors" / "hr_app" / "quality.yaml"
    word.findings.append(Finding("test_zork is skipped.", "Have it run.", str(file), 7))
    found = cli("check", "hr")
    assert found.code == Exit.FINDINGS
    assert "! connectors/hr_app/quality.yaml:7: test_zork is skipped." in found.out
    assert "Have it run." in found.out


def test_the_word_of_a_real_connector(tmp_path: Path) -> None:
    """Its own tests, those on real servers left out, in a process of their own."""
    found = judged(["mediawiki"], ROOT, tests=True, servers=False)["mediawiki"]
    assert found.findings == []
    assert found.level == "gold"
    assert found.details["passed"] > 10
    assert "of real servers left out" in found.says


def test_what_is_left_open_is_told_with_its_place_and_reason(cli: Cli, home: Path, word: Word) -> None:
    file = str(home / "connectors" / "zulip" / "quality.yaml")
    word.left += [Left("paging_tested is exempt", "it has one page", file, 3), Left("2 skipped tests", "no contract")]
    found = cli("check", "zulip")
    assert found.code == Exit.OK
    assert "· connectors/zulip/quality.yaml:3: zulip: paging_tested is exempt: it has one page" in found.out
    assert "· zulip: 2 skipped tests: no contract" in found.out
    assert "connectors  1: 1 silver" in found.out
    (one,) = cli("check", "zulip", "--json").data["connectors"]
    assert one["left_open"][0] == {"what": "paging_tested is exempt", "why": "it has one page", "file": file, "line": 3}


def test_connectors_of_one_folder_leave_the_same_and_count_once(cli: Cli, word: Word) -> None:
    word.left.append(Left("real_server_tests is to do", "nobody has one"))
    word.details |= {"files": ["test_both.py"], "passed": 12}
    found = cli("check", "--all").out
    assert "· hr_app, zulip: real_server_tests is to do: nobody has one" in found
    assert re.search(r"tests +12 passed", found)


def test_a_finding_is_one_line(cli: Cli, home: Path, word: Word) -> None:
    text, remedy = "A long story. " * 12, "Do this, and that, and then look again whether it has become any better."
    word.findings.append(Finding(text.strip(), remedy, str(home / "a.yaml"), 7))
    assert f"! a.yaml:7: {text}{remedy}" in cli("check", "hr").out.splitlines()


def test_offline_no_system_is_asked(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Memory, "check", lambda self: pytest.fail("It was asked."))
    found = cli("check", "--offline", "--json")
    assert found.code == Exit.OK
    assert found.data["systems"] == []


def test_everything_of_this_repository_is_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`landbridge check --all` without servers; the connectors' own tests are run beside this one."""
    monkeypatch.setenv("LANDBRIDGE_HOME", str(ROOT))
    monkeypatch.setenv("LANDBRIDGE_HUB", f"sqlite:///{tmp_path / 'hub.sqlite'}")
    # Other tests bring connectors of their own, which are none of the repository's.
    monkeypatch.setattr(sys, "path", [one for one in sys.path if not one.startswith(str(ROOT / "tests"))])
    monkeypatch.setattr(registry, "_found", registry._found.__wrapped__)
    found = said("check", "--all", "--offline", "--no-tests", "--json")
    if absent := [one["text"] for one in found.data["findings"] if "cannot be loaded" in one["text"]]:
        pytest.skip(f"{absent[0]} only root can install")
    assert found.code == Exit.OK, found.data["findings"]
    assert {one["name"] for one in found.data["connectors"]} == set(connector_names())
    assert all(left["why"] and left["line"] for one in found.data["connectors"] for left in one["left_open"])


def test_a_connector_that_cannot_be_loaded() -> None:
    found = judged(["zorklip"], ROOT, tests=False, servers=False)["zorklip"]
    assert found.findings[0].code is Exit.USAGE


def test_a_name_that_is_nothing_where_no_company_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after `landbridge new`, before its distribution is installed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LANDBRIDGE_HOME", raising=False)
    found = CliRunner().invoke(app, ["check", "zulip"], prog_name="landbridge")
    assert found.exit_code == Exit.USAGE
    assert "No connector 'zulip' is installed" in found.stderr and "pip install -e ." in found.stderr
    near = CliRunner().invoke(app, ["check", "slak"], prog_name="landbridge")
    assert "Did you mean slack?" in near.stderr


def test_a_connection_that_is_made_for_another_product(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"chat": "landbridge_matrix", "wiki": "landbridge_wiki_app", "hr": "generic"}
    monkeypatch.setattr(world.bridge, "_connections", lambda id: Connection(id, made.get(id, "")))
    found = cli("check", "--json")
    (finding,) = found.data["findings"]
    assert finding["text"] == "chat: its connection 'chat' is made for matrix, its connector is chat_app."
    assert found.code == Exit.FINDINGS
