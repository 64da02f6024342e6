"""The engine's own write step against the limiting service."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.company import COMPANY
from benchmarks.database import Database
from benchmarks.measure import Cost
from benchmarks.ours import Ours, serving
from benchmarks.place import home


def company_of(folder: Path, *, rate: float, workers: int) -> Path:
    """The benchmark's company, with this rate and these workers for its target."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(COMPANY, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = folder / "config" / "systems.yaml"
    text = path.read_text().replace("target: {", f"target: {{rate: {rate:g}/s, workers: {workers}, ")
    path.write_text(text)
    return folder


def engine_writes(
    database: Database, address: str, count: int, *, rate: float, workers: int, begin: Callable[[], None]
) -> Cost:
    """What writing `count` accounts costs; reading, merging and planning them before is not counted."""
    logs = home() / "logs" / "write"
    company = company_of(home() / "companies" / "write", rate=rate, workers=workers)
    with serving("users", count) as source, database.fresh("bench_engine_write") as name:
        contender = Ours(database.url(name), "users", logs, company=company, target=address)
        contender.phase("fill", source, full=False)
        contender.plan("plan")
        begin()
        return contender.write("write")
