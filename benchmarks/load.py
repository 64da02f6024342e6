"""Loads one kind of record by one contender, in three phases: the first load, nothing changed, nothing new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.database import Database
from benchmarks.measure import ContenderError, Cost
from benchmarks.ours import Ours, postgresql_hub, serving, sqlite_hub
from benchmarks.place import home
from benchmarks.results import Result

NAMES = {"postgresql": "Landbridge", "sqlite": "Landbridge, SQLite"}


def ours(
    database: Database, backend: str, kind: str, count: int, *, profile: bool = False, phases: tuple[str, ...] = ()
) -> Iterator[Result]:
    """The whole path: fetch, map, validate, match, merge, origin, change log, agenda."""
    logs = home() / "logs" / f"{backend}-{kind}"
    hub = postgresql_hub(database, f"bench_{kind}") if backend == "postgresql" else sqlite_hub(logs)
    with serving(kind, count) as address, hub as url:
        contender = Ours(url, kind, logs, profile)
        contender.prepare(address)
        for name in ("first", "unchanged", "incremental"):
            if phases and name not in phases:
                continue
            phase = partial(contender.phase, name, address, full=name == "unchanged")
            result = measured(database, Result(NAMES[backend], kind, count, name), phase)
            _check(result)
            yield result


def measured(database: Database, result: Result, phase: Callable[[], Cost]) -> Result:
    """The result with its figures, or with the problem."""
    database.settle()
    before = database.cpu()
    try:
        cost = phase()
    except ContenderError as error:
        result.problem = str(error)
        return result
    result.seconds, result.cpu, result.peak, result.details = cost.seconds, cost.cpu, cost.peak, cost.said
    result.database_cpu = database.cpu() - before
    return result


def _check(result: Result) -> None:
    """A figure of a run that did not do its work is none."""
    steps: dict[str, Any] = result.details.get("steps", {})
    read: dict[str, int] = next((step["counts"] for name, step in steps.items() if name.startswith("read")), {})
    merged: dict[str, int] = next((step["counts"] for name, step in steps.items() if name.startswith("merge")), {})
    found = (read.get("new", 0), read.get("set_aside", 0), merged.get("merged", 0))
    wanted = (result.count, 0, result.count) if result.phase == "first" else (0, 0, 0)
    if not result.problem and found != wanted:
        result.problem = f"(new, set aside, merged) was {found}, expected {wanted}"


def logs_of(backend: str, kind: str) -> Path:
    return home() / "logs" / f"{backend}-{kind}"
