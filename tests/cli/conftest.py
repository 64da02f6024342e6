"""The command line over a company of systems in memory, in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from landbridge.cli.app import app
from landbridge.cli.exits import INTERRUPTED, Exit
from landbridge.cli.listing import load
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, Company, load_company
from tests.sync.conftest import HOME, World, make_world, staff

load()
Cli = Callable[..., "Said"]


@dataclass
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's, and a terminal of 80 columns."""
    for name in ("HUB", "HOME", "CONNECTIONS", "SANDBOX", "DEBUG"):
        monkeypatch.delenv(f"LANDBRIDGE_{name}", raising=False)
    for name in ("COLUMNS", "FORCE_COLOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the company, for tests that change it."""
    return Path(shutil.copytree(HOME, tmp_path / "home"))


@pytest.fixture
def world(home: Path, _sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "hub.sqlite"
    shutil.copy(_sqlite_template, path)
    hub = Hub(f"sqlite:///{path}")
    yield staff(make_world(load_company(home), hub))
    hub.close()


def said(*args: str, opener: Any = None) -> Said:
    found = CliRunner().invoke(app, args, obj=opener, prog_name="landbridge")
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    return Said(found.exit_code, found.stdout, found.stderr)


@pytest.fixture
def cli(world: World, home: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run one command line in the company's folder; a human's answer must fit into the window."""
    monkeypatch.chdir(home)

    @contextmanager
    def opener(company: Company, connections: object) -> Iterator[Bridge]:
        bridge = world.bridge
        bridge.company = company
        yield bridge

    def run(*args: str) -> Said:
        found = said(*args, opener=opener)
        if "--json" in args:
            assert json.loads(found.out) is not None
        else:
            # A finding is one line, however long: it is searched for and passed on.
            lines = (line for line in found.out.splitlines() if not re.match(r"[!✗·] \S", line))
            assert max(map(len, lines), default=0) <= 80, found.out
        assert "Traceback" not in found.out + found.err or "LANDBRIDGE_DEBUG" in os.environ
        assert found.code in {*Exit, INTERRUPTED}
        return found

    return run
