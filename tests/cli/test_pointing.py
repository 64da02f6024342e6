"""Whoever starts emulators is told how to use them: the commands work as they are printed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

import sandbox
from landbridge.cli.exits import Exit
from sandbox.emulators.slack import SlackSystem
from tests.cli.conftest import Said, said

EMULATORS = ("hubspot", "salesforce", "graph", "slack")


def test_the_commands_work_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "with a space"
    monkeypatch.setenv("LANDBRIDGE_SANDBOX", str(place))
    try:
        told = said("sandbox", "up", *EMULATORS)
        first, *others = printed(told)
        for name, value in (part.split("=") for part in shlex.split(first)[1:]):
            monkeypatch.setenv(name, value)
        done = [said(*shlex.split(command)[1:]) for command in others]
    finally:
        sandbox.down()
    assert [one.code for one in (told, *done)] == [Exit.OK] * 3, done
    connections = json.loads((place / "connections.json").read_text())
    assert len(connections) == 8
    assert all(f"✓  {name} " in done[0].out for name in connections)
    assert not [one for one in connections.values() if one["password"] in f"{told}{done}"]


def printed(told: Said) -> list[str]:
    """What stands below the heading, as a person would copy it."""
    after = told.out.partition("To try the emulators, in this shell:\n")[2].partition("In an Airflow")[0]
    return [line.strip() for line in after.splitlines()]


def test_what_is_down_is_not_pointed_at(tmp_path: Path) -> None:
    slack = SlackSystem(tmp_path / "slack")
    slack.install()
    slack.remember(port=1)
    assert sandbox.pointed(root=tmp_path) == []
