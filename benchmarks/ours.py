"""Landbridge as a contender: each phase is a fresh process that reads and merges, on PostgreSQL or SQLite."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.company import COMPANY, NOWHERE
from benchmarks.connector import make_distribution
from benchmarks.data import AUTHORS, ROOMS
from benchmarks.database import Database
from benchmarks.measure import Cost, run
from benchmarks.pages import PageSet, rendered
from benchmarks.place import ROOT, home
from benchmarks.place import source as served

FLOWS = {"users": "people", "documents": "documents", "messages": "messages"}
# What the records refer to is there before the measured ones come: kind → the streams read first.
_BEFORE = {"users": (), "documents": ("users",), "messages": ("users", "rooms")}
_SIZES = {"users": AUTHORS, "rooms": ROOMS}


def page_sets(kind: str, count: int) -> list[PageSet]:
    """The measured records, and those that they refer to."""
    folder = home() / "pages"
    return [rendered(folder, kind, count), *(rendered(folder, one, _SIZES[one]) for one in _BEFORE[kind])]


@contextmanager
def serving(kind: str, count: int) -> Iterator[str]:
    """The source of one measurement; its address."""
    with served(*page_sets(kind, count)) as address:
        yield address


@dataclass
class Ours:
    """One hub that is filled by phases; `profile` keeps a CPU profile of each."""

    hub: str
    kind: str
    logs: Path
    profile: bool = False
    company: Path = COMPANY
    target: str = NOWHERE
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        path = f"{make_distribution(home() / 'distribution')}:{ROOT}"
        self.environment = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}

    def prepare(self, address: str) -> None:
        """Make the hub and what the measured records refer to."""
        before = _BEFORE[self.kind]
        flows = ["people", FLOWS[self.kind]] if before else []
        self._engine("prepare", "--source", address, "--read", *before, "--merge", *flows)

    def phase(self, name: str, address: str, *, full: bool) -> Cost:
        """Read and merge once."""
        how = ["--full"] if full else []
        if self.profile:
            how += ["--profile", str(self.logs / f"{name}.prof")]
        return self._engine(name, "--source", address, *how, "--read", self.kind, "--merge", FLOWS[self.kind])

    def run(self, name: str, address: str) -> Cost:
        """What a scheduled run does: read what changed, merge, plan."""
        flow = FLOWS[self.kind]
        return self._engine(name, "--source", address, "--read", self.kind, "--merge", flow, "--plan", flow)

    def plan(self, name: str) -> Cost:
        return self._engine(name, "--plan", FLOWS[self.kind])

    def write(self, name: str) -> Cost:
        """Guard and write what is planned."""
        return self._engine(name, "--write", FLOWS[self.kind])

    def _engine(self, name: str, *arguments: str) -> Cost:
        where = ["--home", str(self.company), "--target", self.target]
        command = [sys.executable, "-m", "benchmarks.engine", "--hub", self.hub, *where, *arguments]
        return run(command, log=self.logs / f"{name}.log", env=self.environment, cwd=ROOT)


@contextmanager
def postgresql_hub(database: Database, name: str) -> Iterator[str]:
    with database.fresh(name):
        yield database.url(name)


@contextmanager
def sqlite_hub(folder: Path) -> Iterator[str]:
    """A file on the same disk as PostgreSQL's."""
    path = folder / "hub.sqlite"
    folder.mkdir(parents=True, exist_ok=True)
    _remove(path)
    try:
        yield f"sqlite:///{path}"
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
