"""Runs the tests of connectors in a process of their own, and says what failed and what was left out."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from landbridge.quality.judge import Problem
from landbridge.quality.named import starts_servers, tests_of

# For so many files.
_SECONDS, MANY = 900, 8
# Processors; more would bring up more servers at once than are needed.
LARGEST = 4
EXEMPT = "exempt: "


@dataclass
class Proven:
    """Of one connector; `left_out` are files that bring up real servers, `skipped` what this machine cannot do."""

    passed: int = 0
    exempt: int = 0
    seconds: float = 0.0
    # How many, by their reason.
    skipped: Counter[str] = field(default_factory=Counter)
    left_out: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


# Files, and whose they are.
Owners = dict[Path, list[Proven]]


def can_run() -> bool:
    return importlib.util.find_spec("pytest") is not None


def run(files: list[Path], folder: Path, *, servers: bool = False) -> Proven:
    """`folder` is the connector's. Nothing is run where there are no tests."""
    return run_all({"": (files, folder)}, servers=servers)[""]


def run_all(asked: Mapping[str, tuple[list[Path], Path]], *, servers: bool = False) -> dict[str, Proven]:
    """Of several connectors, by name: files and folder of each. Those of one folder share files, and each is run once."""
    found = {name: Proven() for name in asked}
    homes: dict[Path, Owners] = defaultdict(lambda: defaultdict(list))
    for name, (files, folder) in asked.items():
        root = tests_of(folder)
        for file in files if root else ():
            if not servers and starts_servers(file):
                found[name].left_out.append(file)
            elif root is not None:
                homes[root.parent if root.name == "tests" else root][file].append(found[name])
    for home, owners in homes.items():
        _run(home, owners)
    return found


def _run(home: Path, owners: Owners) -> None:
    """One process of pytest; what it says goes to those whose files these are."""
    with tempfile.TemporaryDirectory() as made:
        report = Path(made) / "report.xml"
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1",
            f"--rootdir={home}", f"--junitxml={report}", *_at_once(len(owners)), *map(str, owners),
        ]  # fmt: skip
        environ = {name: value for name, value in os.environ.items() if name not in ("LANDBRIDGE_HOME", "CI")}
        longest = _SECONDS * (1 + len(owners) // MANY)
        try:
            done = subprocess.run(  # noqa: S603 (files of the connectors themselves)
                command, cwd=home, env=environ, capture_output=True, text=True, timeout=longest, check=False
            )
        except subprocess.TimeoutExpired:
            _tell_all(owners, f"Its tests took longer than {longest} s.", "Run them by themselves.")
            return
        if report.exists():
            _read(report, home, owners)
            return
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        _tell_all(owners, f"Its tests cannot be run: {' '.join(last)[:200]}", "")


def _at_once(files: int) -> list[str]:
    """On several processors where pytest-xdist is there, and it is worth their starts."""
    processors = min(len(os.sched_getaffinity(0)), LARGEST)
    several = files > MANY and processors > 1 and importlib.util.find_spec("xdist") is not None
    return ["-n", str(processors), "--dist", "loadfile"] if several else []


def _tell_all(owners: Owners, text: str, remedy: str) -> None:
    for file, whose in owners.items():
        for one in whose:
            if not one.problems:
                one.problems.append(Problem(text, remedy or _again(file), str(file)))


def _read(report: Path, home: Path, owners: Owners) -> None:
    modules = {_module(file, home): file for file in owners}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 (our own pytest wrote it)
        # The suite's own checks stand in another file than the class that inherits them; a file that could not be
        # read is a case by its own name.
        place = case.get("classname") or case.get("name") or ""
        for module, file in modules.items():
            if f"{place}.".startswith(f"{module}."):
                for one in owners[file]:
                    _count(case, one, file, home)


def _module(file: Path, home: Path) -> str:
    return ".".join(file.relative_to(home).with_suffix("").parts)


def _count(case: ElementTree.Element, proven: Proven, file: Path, home: Path) -> None:
    proven.seconds += float(case.get("time") or 0)
    failed = case.find("failure") if case.find("failure") is not None else case.find("error")
    if failed is not None:
        proven.problems.append(_problem(case, failed, file, home))
    elif (left := case.find("skipped")) is not None:
        why = left.get("message", "")
        proven.exempt += why.startswith(EXEMPT)
        if not why.startswith(EXEMPT):
            proven.skipped[why] += 1
    else:
        proven.passed += 1


def _problem(case: ElementTree.Element, failed: ElementTree.Element, file: Path, home: Path) -> Problem:
    """The line of the test; of the class that inherits it, where it is one of the suite."""
    name, inside = case.get("name", ""), case.get("classname", "").rpartition(".")[2]
    own = home / (case.get("file") or "") == file
    line = int(case.get("line") or 0) + 1 if own else _line_of(file, f"class {inside}")
    said = (failed.get("message") or "").strip().splitlines()
    again = f"{_again(file, home)}::{f'{inside}::' if inside[:1].isupper() else ''}{name}"
    return Problem(f"{name} fails: {said[0][:200] if said else 'see its output'}", again, str(file), line)


def _line_of(file: Path, beginning: str) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((at for at, text in enumerate(lines, 1) if text.startswith(beginning)), 1)


def _again(file: Path, home: Path | None = None) -> str:
    shown = file.relative_to(home) if home and file.is_relative_to(home) else file
    return f"python -m pytest {shown}"
