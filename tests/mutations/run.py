"""Applies one mutation at a time in a copy of the tree and runs its tests there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutations.table import ROOT, Mutation

PARTS = (
    "landbridge",
    "connectors",
    "mappings",
    "plugins",
    "dags",
    "config",
    "sandbox",
    "tests",
    "docs",
    "pyproject.toml",
    "README.md",
)
LINKED = (".venv", ".sandbox")
# Seconds. A mutation that makes the engine wait for ever is noticed, too.
MOST = 600
DATABASES = ("sqlite", "postgresql")


@dataclass
class Verdict:
    """`survived` names each test, and database, that passed although the code that it holds was gone."""

    mutation: Mutation
    failed: list[str] = field(default_factory=list)
    survived: list[str] = field(default_factory=list)

    @property
    def caught(self) -> bool:
        return bool(self.failed) and not self.survived


def judge(mutation: Mutation) -> Verdict:
    with _copy() as root:
        mutation.apply(root)
        return _verdict(mutation, _outcomes(root, mutation.tests))


@contextmanager
def _copy() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="landbridge-mutation-"))
    root.chmod(0o755)  # servers of other users read from it
    try:
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, root / part)
        for part in LINKED:
            if (ROOT / part).exists():
                (root / part).symlink_to((ROOT / part).resolve())
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _outcomes(root: Path, tests: tuple[str, ...]) -> dict[str, dict[str, bool]]:
    """Test → its parameters → whether it failed; a test that could not even be set up has shown nothing."""
    report = root / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        f"--junitxml={report}",
        *tests,
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "plugins")]), "CI": ""}
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=MOST, check=False
        )
    except subprocess.TimeoutExpired:
        return {}
    if not report.exists():
        raise SystemExit(f"The tests could not be run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    outcomes: dict[str, dict[str, bool]] = defaultdict(dict)
    for case in ElementTree.parse(report).iter("testcase"):
        name, _, parameters = str(case.get("name")).partition("[")
        if case.find("error") is None and case.find("skipped") is None:
            outcomes[name][parameters] = case.find("failure") is not None
    return outcomes


def _verdict(mutation: Mutation, outcomes: dict[str, dict[str, bool]]) -> Verdict:
    """Of a test with many parameters one has to fail on each database."""
    verdict = Verdict(mutation)
    for test in mutation.tests:
        found = outcomes.get(test.rpartition("::")[2], {})
        databases = [name for name in DATABASES if any(name in parameters for parameters in found)] or [""]
        for database in databases:
            failed = any(bad for parameters, bad in found.items() if database in parameters)
            (verdict.failed if failed else verdict.survived).append(f"{test} {database}".strip())
    return verdict
