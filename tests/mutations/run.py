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

from tests.mutations.table import DATABASES, ROOT, Mutation

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
# Seconds. A mutation that makes the engine wait for ever has shown nothing: it counts as survived.
MOST = 600
MOST_ON_SERVERS = 1800


@dataclass
class Verdict:
    """`survived` names each test, and database, that passed although the code that it holds was gone.

    `failed` says of each of the others how it failed.
    """

    mutation: Mutation
    failed: dict[str, str] = field(default_factory=dict)
    survived: list[str] = field(default_factory=list)

    @property
    def caught(self) -> bool:
        return bool(self.failed) and not self.survived


def judge(mutation: Mutation) -> Verdict:
    with _copy() as root:
        mutation.apply(root)
        return _verdict(mutation, mutation.tests, _outcomes(root, mutation.tests, MOST))


def judge_on_servers(mutation: Mutation) -> Verdict:
    """By the tests that bring up the company's real servers: in the copy, apart from those of any other run."""
    with _copy() as root:
        mutation.apply(root)
        found = _outcomes(root, mutation.servers, MOST_ON_SERVERS, LANDBRIDGE_COMPANY_IN=str(root))
        return _verdict(mutation, mutation.servers, found)


@contextmanager
def _copy() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="landbridge-mutation-"))
    root.chmod(0o755)  # servers of other users read from it
    try:
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, root / part)  # with what was compiled: it is known by its time
            else:
                shutil.copy(source, root / part)
        for part in LINKED:
            if (ROOT / part).exists():
                (root / part).symlink_to((ROOT / part).resolve())
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _outcomes(root: Path, tests: tuple[str, ...], most: float, **more: str) -> dict[str, dict[str, str | None]]:
    """Test → its parameters → how it failed, if it did; a test that could not even be set up has shown nothing."""
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
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "plugins")]), "CI": "", **more}
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=most, check=False
        )
    except subprocess.TimeoutExpired:
        return {}
    if not report.exists():
        raise SystemExit(f"The tests could not be run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    outcomes: dict[str, dict[str, str | None]] = defaultdict(dict)
    for case in ElementTree.parse(report).iter("testcase"):
        name, _, parameters = str(case.get("name")).partition("[")
        if case.find("error") is None and case.find("skipped") is None:
            failure = case.find("failure")
            outcomes[name][parameters] = None if failure is None else str(failure.get("message")).partition("\n")[0]
    return outcomes


def _verdict(mutation: Mutation, tests: tuple[str, ...], outcomes: dict[str, dict[str, str | None]]) -> Verdict:
    """Of a test with many parameters one has to fail on each database, or on those that the mutation names."""
    verdict = Verdict(mutation)
    for test in tests:
        found = outcomes.get(test.rpartition("::")[2], {})
        databases = [name for name in DATABASES if any(name in parameters for parameters in found)] or [""]
        databases = list(mutation.databases) or databases
        for database in databases:
            name = f"{test} {database}".strip()
            failures = [how for parameters, how in found.items() if how is not None and database in parameters]
            if failures:
                verdict.failed[name] = failures[0]
            else:
                verdict.survived.append(name)
    return verdict
