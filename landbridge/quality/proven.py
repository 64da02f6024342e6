"""Runs the tests of connectors in a process of their own, and says what failed and what was left out."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from landbridge.quality.judge import Problem
from landbridge.quality.named import starts_servers, tests_of

_SECONDS = 900


@dataclass
class Proven:
    """Of one connector; `left_out` are files that bring up real servers, `skipped` what this machine cannot do."""

    passed: int = 0
    exempt: int = 0
    skipped: int = 0
    seconds: float = 0.0
    left_out: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def can_run() -> bool:
    return importlib.util.find_spec("pytest") is not None


def run(files: list[Path], folder: Path, *, servers: bool = False) -> Proven:
    """`folder` is the connector's. Nothing is run where there are no tests."""
    proven = Proven(left_out=[] if servers else [file for file in files if starts_servers(file)])
    asked = [file for file in files if file not in proven.left_out]
    root = tests_of(folder)
    if not asked or root is None:
        return proven
    with tempfile.TemporaryDirectory() as made:
        report = Path(made) / "report.xml"
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1",
            f"--junitxml={report}", *map(str, asked),
        ]  # fmt: skip
        home = root.parent if root.name == "tests" else root
        environ = {name: value for name, value in os.environ.items() if name not in ("LANDBRIDGE_HOME", "CI")}
        try:
            done = subprocess.run(  # noqa: S603 (files of the connector itself)
                command, cwd=home, env=environ, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            proven.problems.append(
                Problem(f"Its tests took longer than {_SECONDS} s.", "Run them by themselves.", str(asked[0]))
            )
            return proven
        if not report.exists():
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            proven.problems.append(
                Problem(f"Its tests cannot be run: {' '.join(last)[:200]}", _again(asked[0]), str(asked[0]))
            )
            return proven
        _read(report, home, proven)
    return proven


def _read(report: Path, home: Path, proven: Proven) -> None:
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 (our own pytest wrote it)
        proven.seconds += float(case.get("time") or 0)
        failed = case.find("failure") if case.find("failure") is not None else case.find("error")
        if failed is not None:
            proven.problems.append(_problem(case, failed, home))
        elif (left := case.find("skipped")) is not None:
            proven.exempt += left.get("message", "").startswith("exempt: ")
            proven.skipped += not left.get("message", "").startswith("exempt: ")
        else:
            proven.passed += 1


def _problem(case: ElementTree.Element, failed: ElementTree.Element, home: Path) -> Problem:
    """The line of the test, or of its module where it could not be collected."""
    name, file = case.get("name", ""), case.get("file")
    path = home / file if file else home
    said = (failed.get("message") or "").strip().splitlines()
    line = int(case.get("line") or 0) + 1
    inside = f"{_class(case)}{name}"
    return Problem(
        f"{name} fails: {said[0][:200] if said else 'see its output'}",
        f"{_again(path, home)}::{inside}",
        str(path),
        line,
    )


def _class(case: ElementTree.Element) -> str:
    last = case.get("classname", "").rpartition(".")[2]
    return f"{last}::" if last[:1].isupper() else ""


def _again(file: Path, home: Path | None = None) -> str:
    shown = file.relative_to(home) if home and file.is_relative_to(home) else file
    return f"python -m pytest {shown}"
