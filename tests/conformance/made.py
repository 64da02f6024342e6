"""Connectors as `landbridge new` makes them, and their suites run as their authors run them."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import pytest

from landbridge.cli.new import write
from landbridge.cli.scaffold import scaffold

ROOT = Path(__file__).parents[2]
PATIENCE = 120  # seconds
# A made connector has no use for it: its system tells nothing by itself.
UNTOLD = "has no method to read single records again"
VARIANTS = [("basic", "cursor"), ("bearer", "number"), ("bearer", "offset"), ("oauth2", "link"), ("msal", "odata")]


def made(folder: Path, auth: str = "bearer", pages: str = "number", system: str = "zulip") -> Path:
    """The folder of a new distribution."""
    found = scaffold(system, auth, pages, folder)
    write(found)
    return found.root


def suite(
    folder: Path, *words: str, python: str = sys.executable, path: str | None = None
) -> tuple[dict[str, str], str]:
    """Test → passed, failed or why it was skipped; and all that pytest printed."""
    report = folder / "report.xml"
    words = ("-q", "-p", "no:cacheprovider", f"--rootdir={folder}", f"--junitxml={report}", *words)
    if python == sys.executable and path is None:
        printed = _forked(folder, words)
    else:
        places = path if path is not None else os.pathsep.join((str(folder), str(ROOT)))
        env = os.environ | {"PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [python, "-m", "pytest", *words]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE)
        printed = done.stdout + done.stderr
    assert report.exists(), printed
    return {str(case.get("name")): _result(case) for case in ElementTree.parse(report).iter("testcase")}, printed


def _forked(folder: Path, words: Sequence[str]) -> str:
    """In a copy of this process, which has everything imported: to start another takes longer than most suites."""
    said = folder / "printed.txt"
    if child := os.fork():
        os.waitpid(child, 0)
        return said.read_text()
    code = 1
    try:
        signal.alarm(PATIENCE)
        gc.freeze()  # what this process has left lying is not the suite's, nor what it is strict about
        warnings.resetwarnings()
        warnings.simplefilter("ignore", ResourceWarning)
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.stdout = sys.stderr = open(1, "w", closefd=False)  # noqa: SIM115 (as long as the process)
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        sys.dont_write_bytecode = True
        # The distribution has tests of its own; these stay where they are, for what ends with them.
        ours = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "tests"}
        assert ours
        code = int(pytest.main(list(words)))
        sys.stdout.flush()
    finally:
        os._exit(code)  # nothing of the test that runs here is to end twice


def _result(case: ElementTree.Element) -> str:
    for tag in ("failure", "error"):
        if (found := case.find(tag)) is not None:
            return f"failed: {found.get('message')}"
    skipped = case.find("skipped")
    return "passed" if skipped is None else str(skipped.get("message"))
