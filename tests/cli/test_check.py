"""check: what is wrong, where, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from landbridge.cli.exits import Exit
from landbridge.connector import Account, Connector
from landbridge.errors import AuthError, ScopeError, TransientError
from landbridge.testing.memory import Memory
from tests.cli.conftest import Cli
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


def test_what_the_connector_cannot_do(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    can_write: Any = Memory.can_write
    monkeypatch.setattr(
        Memory, "can_write", classmethod(lambda cls, stream, op: op != "delete" and can_write(stream, op))
    )
    found = cli("check", "chat")
    assert found.code == Exit.FINDINGS
    assert "config/flows/people.yaml:9: chat/people cannot delete records." in found.out


def test_mapping_and_connector_speak_of_other_streams(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Any = Connector.streams.__func__  # type: ignore[attr-defined]

    def streams(cls: type[Connector]) -> Any:
        return {name: one for name, one in real(cls).items() if name != "rooms"}

    monkeypatch.setattr(Memory, "streams", classmethod(streams))
    found = cli("check", "chat", "--json")
    texts = {one["text"] for one in found.data["findings"]}
    assert "The connector has no stream 'rooms'." in texts
    assert "space refers to 'rooms', no stream." in texts


def test_an_unknown_system(cli: Cli) -> None:
    assert cli("check", "nowhere").code == Exit.USAGE
