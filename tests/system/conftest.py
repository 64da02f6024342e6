"""The whole company of real servers, once for all tests here; Landbridge is called as a user calls it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import sandbox
from sandbox.demo.company import Reduced, without
from sandbox.demo.day import Day
from sandbox.registry import COMPANY, load
from tests import prepared

FLOWS = ("people", "news", "cases", "knowledge")


@dataclass
class Real:
    """The servers, and the command line with an own hub; every check goes through the products' own APIs."""

    root: Path
    company: Reduced
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = {
            **os.environ,
            "LANDBRIDGE_HOME": str(self.company.home),
            "LANDBRIDGE_HUB": f"sqlite:///{self.root / 'hub.sqlite'}",
            "LANDBRIDGE_CONNECTIONS": str(self.root / "connections.json"),
        }

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        command = [str(Path(sys.executable).with_name("landbridge")), *words]
        environment = {**self.environment, **more}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.root
        )

    def landbridge(self, *words: str, expect: int | None = 0, **more: str) -> Any:
        """The command's JSON answer; fails the test where it ends with another code."""
        process = self.start(*words, "--json", **more)
        out, err = process.communicate(timeout=900)
        assert expect is None or process.returncode == expect, f"{words}: {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err
        return json.loads(out)

    def quiet(self, rounds: int = 4) -> None:
        """Run all flows until a run has nothing to write."""
        for _ in range(rounds):
            if not self.moved(self.landbridge("run", expect=None)):
                return
        raise AssertionError("It does not come to rest.")

    @staticmethod
    def moved(answer: Any) -> bool:
        return any(one.get("moved") or "error" in one for one in answer["flows"])

    @property
    def day(self) -> Day:
        return Day(self.root)


@pytest.fixture(scope="session")
def real() -> Iterator[Real]:
    """As `make demo` brings it up; without root, the systems that cannot be installed are left out."""
    # Not pytest's own folder: servers that refuse root run as another user, who may not enter it.
    root = Path(tempfile.mkdtemp(prefix="landbridge-company-", dir=os.environ.get("LANDBRIDGE_COMPANY_IN", "/tmp")))
    root.chmod(0o755)
    absent = {name: why for name in COMPANY if (why := load(name, root).cannot_install())}
    if absent:
        pytest.skip(f"This machine cannot have the whole company: {absent}")
    prepared.put(load(name, root) for name in COMPANY)
    sandbox.up(COMPANY, root=root, foreground=True)
    try:
        yield Real(root, without((), root))
    finally:
        sandbox.down(root=root, forget=True)
        shutil.rmtree(root)
