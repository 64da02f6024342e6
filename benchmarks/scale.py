"""The section "scale": what a run costs while what exists grows from ten thousand to millions.

One block goes through the engine, planned and written; the rest is copied (benchmarks/multiply.py) and then read in
full by the engine, which has to find that nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks import show
from benchmarks.data import BLOCK
from benchmarks.database import Database, postgresql
from benchmarks.engine_writes import company_of
from benchmarks.measure import ContenderError, Cost
from benchmarks.multiply import differences, multiply
from benchmarks.ours import FLOWS, Ours, serving
from benchmarks.place import change, home, started
from benchmarks.report import Report, made
from benchmarks.targets import FEW, PLAN

SIZES = (10_000, 100_000, 1_000_000)
QUICK = (2_000, 4_000)
CHANGES, PLANNED = 100, 1_000
# Blocks that are loaded by the engine as well, to hold the copies against.
CHECKED = 10


@dataclass
class Scaled:
    """One measurement at one size; `peak` in MB, of the client's processes."""

    kind: str
    size: int
    step: str
    seconds: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0
    database_cpu: float = 0.0
    problem: str = ""
    steps: dict[str, Any] = field(default_factory=dict)


AS_COPIED = "full read, every fingerprint another"
UNCHANGED = "full read, nothing changed"


@dataclass
class Scale:
    """The hub of one kind and size."""

    database: Database
    kind: str
    target: str
    blocks: int

    def contender(self, name: str) -> Ours:
        company = company_of(home() / "companies" / "scale", rate=100_000, workers=16)
        return Ours(self.database.url(name), self.kind, home() / "logs" / "scale", company=company, target=self.target)

    def fill(self, name: str, count: int) -> None:
        """Through the engine: read, merged, planned, written."""
        with serving(self.kind, count) as address:
            contender = self.contender(name)
            contender.prepare(address)
            contender.phase("base", address, full=False)
            contender.write("base-write")

    def measured(self, base: str) -> Iterator[Scaled]:
        size = self.blocks * BLOCK
        with serving(self.kind, size) as address, self.database.fresh("bench_scale", like=base) as name:
            with show.doing(f"{size:,} {self.kind}: copying"):
                for _ in multiply(self.database.plain_url(name), self.kind, self.blocks):
                    pass
            contender = self.contender(name)
            yield self._step(AS_COPIED, lambda: contender.phase("copied", address, full=True), 0)
            yield self._step(UNCHANGED, lambda: contender.phase("full", address, full=True), 0)
            change(address, self.kind, CHANGES)
            yield self._step(FEW, lambda: contender.run("few", address), CHANGES)
            change(address, self.kind, PLANNED)
            contender.phase("more", address, full=False)
            yield self._plan(contender)

    def _plan(self, contender: Ours) -> Scaled:
        """Of this one only the step itself counts: a run that plans has other things to start for."""
        found = self._step(PLAN, lambda: contender.plan("plan"), None)
        if step := found.steps.get(f"plan {FLOWS[self.kind]}"):
            found.seconds, found.cpu = step["seconds"], step["cpu"]
        return found

    def _step(self, step: str, action: Callable[[], Cost], changed: int | None) -> Scaled:
        result = Scaled(self.kind, self.blocks * BLOCK, step)
        self.database.settle()
        before = self.database.cpu()
        with show.doing(f"{result.size:,} {self.kind}: {step}"):
            try:
                cost = action()
            except ContenderError as error:
                result.problem = str(error)
                return result
        result.seconds, result.cpu, result.peak = cost.seconds, cost.cpu, cost.peak
        result.steps, result.database_cpu = cost.said["steps"], self.database.cpu() - before
        counts = result.steps.get(f"read {self.kind}", {}).get("counts", {})
        found = counts.get("new", 0) + counts.get("changed", 0) + counts.get("gone", 0)
        if changed is not None and found != changed:
            result.problem = f"{found:,} records were new, changed or gone, expected {changed:,}"
        planned = result.steps.get(f"plan {FLOWS[self.kind]}")
        if planned and not planned["counts"]:
            result.problem = f"nothing was planned: {planned['reason']}"
        return result


def scale(*, people: Sequence[int] = SIZES, messages: Sequence[int] = (), quick: bool = False) -> Report:
    """Measure, and tell as it goes."""
    rows: list[dict[str, Any]] = []
    with postgresql() as database, started("benchmarks.limited") as target:
        for kind, sizes in (("users", people), ("messages", messages)):
            rows += [asdict(row) for row in _of_kind(database, kind, sizes, target, quick)]
        versions = [database.version()]
    return made("scale", rows, versions, quick=quick)


def _of_kind(database: Database, kind: str, sizes: Sequence[int], target: str, quick: bool) -> Iterator[Scaled]:
    if not sizes:
        return
    with database.fresh("bench_base") as base:
        with show.doing(f"{BLOCK:,} {kind} through the engine"):
            Scale(database, kind, target, 1).fill(base, BLOCK)
        yield _checked(database, kind, base, target, 2 if quick else CHECKED)
        for size in sizes:
            for row in Scale(database, kind, target, size // BLOCK).measured(base):
                show.console.print(f"    {told(asdict(row))}")
                yield row


def _checked(database: Database, kind: str, base: str, target: str, blocks: int) -> Scaled:
    """Are the copies what the engine makes of the same records?"""
    result = Scaled(kind, blocks * BLOCK, "copies compared with the engine's own rows")
    what = f"{result.size:,} {kind}: {result.step}"
    with (
        database.fresh("bench_copied", like=base) as copied, database.fresh("bench_engine") as own, show.doing(what)
    ):  # fmt: skip
        Scale(database, kind, target, blocks).fill(own, result.size)
        for _ in multiply(database.plain_url(copied), kind, blocks):
            pass
        if found := differences(database.plain_url(copied), database.plain_url(own)):
            result.problem = f"rows that differ: {found}"
    return result


def told(row: dict[str, Any]) -> str:
    """One measurement in one line."""
    if row["problem"]:
        return str(row["problem"])
    return f"{row['seconds']:.1f} s, {row['cpu']:.1f} CPU s, {row['peak']:,.0f} MB, PostgreSQL {row['database_cpu']:.1f} CPU s"
