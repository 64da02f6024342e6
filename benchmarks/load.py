"""Loads one kind of record by one contender, in three phases: the first load, nothing changed, nothing new."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.contenders import Contender
from benchmarks.database import Database
from benchmarks.measure import ContenderError, Cost, run
from benchmarks.ours import Ours, postgresql_hub, serving, sqlite_hub
from benchmarks.pages import newest_change
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


def peer(database: Database, contender: Contender, kind: str, count: int) -> Iterator[Result]:
    """The same records into a table of the same server, by the peer's own merge."""
    phases = ["first", "unchanged", *(["incremental"] if contender.incremental else [])]
    try:
        contender.prepare()
    except ContenderError as error:
        yield Result(contender.name, kind, count, "first", problem=str(error))
        return
    newest = newest_change()
    with serving(kind, count) as address, database.fresh(f"bench_{contender.slug}") as name:
        for phase in phases:
            call = partial(contender.phase, phase, kind, address, database.plain_url(name), newest)
            result = measured(database, Result(contender.name, kind, count, phase), call)
            if not result.problem and (found := database.ask(name, f"SELECT count(*) FROM bench.{kind}")) != count:
                result.problem = f"{found:,} records in the table, expected {count:,}"
            yield result
            if result.problem:
                return


def interpreter() -> Result:
    """What Python itself costs before it does anything: the least of five starts."""
    log = home() / "logs" / "interpreter.log"
    costs = [run([sys.executable, "-c", "pass"], log=log) for _ in range(5)]
    least = min(costs, key=lambda cost: cost.cpu)
    return Result("Python", "nothing", 0, "start", least.seconds, least.cpu, least.peak)


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
