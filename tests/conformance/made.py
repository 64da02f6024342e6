"""Connectors as `landbridge new` makes them, and their suites run as their authors run them."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from landbridge.cli.new import write
from landbridge.cli.scaffold import scaffold

ROOT = Path(__file__).parents[2]
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
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *words]
    places = path if path is not None else os.pathsep.join((str(folder), str(ROOT)))
    env = os.environ | {"PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    printed = done.stdout + done.stderr
    assert report.exists(), printed
    return {str(case.get("name")): _result(case) for case in ElementTree.parse(report).iter("testcase")}, printed


def _result(case: ElementTree.Element) -> str:
    for tag in ("failure", "error"):
        if (found := case.find(tag)) is not None:
            return f"failed: {found.get('message')}"
    skipped = case.find("skipped")
    return "passed" if skipped is None else str(skipped.get("message"))
