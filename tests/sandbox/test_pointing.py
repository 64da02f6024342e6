"""Whoever starts emulators is told how to use them: the commands work as they are printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sandbox
from sandbox.emulators.slack import SlackSystem

EMULATORS = ("hubspot", "salesforce", "graph", "slack")


def test_the_commands_work_as_printed(sandbox_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = sandbox_home / "with a space"
    monkeypatch.setenv("LANDBRIDGE_SANDBOX", str(place))
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    sandbox.up(EMULATORS)
    told = subprocess.run(["landbridge", "sandbox", "up", "slack"], capture_output=True, text=True, check=True).stdout
    commands = [line.strip() for line in told.splitlines() if line.startswith("  ") and "airflow" not in line]
    assert commands[1] == "landbridge check"
    done = subprocess.run(["sh", "-ec", "\n".join([*commands[:1], *(f"{one} --json" for one in commands[1:])])],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        json.loads((place / "connections.json").read_text())["slack"]["password"]
        not in told + done.stdout + done.stderr
    )
    sandbox.down()


def test_what_is_down_is_not_pointed_at(tmp_path: Path) -> None:
    slack = SlackSystem(tmp_path / "slack")
    slack.install()
    slack.remember(port=1)
    assert sandbox.pointed(root=tmp_path) == []
