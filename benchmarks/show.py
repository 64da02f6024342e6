"""Tables and progress in the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.report import Report
from benchmarks.results import PHASES, Result

# Where nobody looks (a log, CI) lines are as long as they are.
console = Console(stderr=True) if sys.stderr.isatty() else Console(stderr=True, width=160)


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Say what is being measured, and how long it took."""
    began = time.monotonic()
    with console.status(what):
        yield
    console.print(f"  [green]✓[/] {what}  [dim]{time.monotonic() - began:.1f} s[/]")


def loads(results: Sequence[Result]) -> Table:
    """One row per contender and phase."""
    table = Table("contender", "records", "phase", box=None, header_style="bold")
    for name in ("records/s", "wall s", "CPU s", "peak MB", "database CPU s"):
        table.add_column(name, justify="right")
    for one in results:
        what = f"{one.count:,} {one.kind}"
        if one.problem:
            table.add_row(one.contender, what, PHASES.get(one.phase, one.phase), f"[red]{one.problem}[/]")
            continue
        figures = (
            f"{one.rate:,.0f}",
            f"{one.seconds:.1f}",
            f"{one.cpu:.1f}",
            f"{one.peak:,.0f}",
            f"{one.database_cpu:.1f}",
        )
        table.add_row(one.contender, what, PHASES.get(one.phase, one.phase), *figures)
    return table


def table(report: Report) -> Table:
    """The figures of a section."""
    return TABLES[report.section](report.rows)


def _loads(rows: Sequence[dict[str, Any]]) -> Table:
    return loads([_result(row) for row in rows if row["phase"] in PHASES])


def _writes(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("service", "writer", box=None, header_style="bold")
    for name in ("writes/s", "of what is possible", "answers of 429", "CPU s", "adapted after"):
        table.add_column(name, justify="right")
    for row in rows:
        adapted = "–" if row["adapted"] is None else f"{row['adapted']:.0f} s"
        figures = (f"{row['per_second']:.1f}", f"{row['share']:.1%}", str(row["refused"]), f"{row['cpu']:.1f}", adapted)
        table.add_row(row["scenario"], row["contender"], *(figures if not row["problem"] else (row["problem"],)))
    return table


def _scales(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("records", "step", box=None, header_style="bold")
    for name in ("wall s", "CPU s", "peak MB", "database CPU s"):
        table.add_column(name, justify="right")
    for row in rows:
        figures = [f"{row[name]:.1f}" for name in ("seconds", "cpu", "peak", "database_cpu")]
        table.add_row(f"{row['size']:,} {row['kind']}", row["step"], *([row["problem"]] if row["problem"] else figures))
    return table


TABLES = {"load": _loads, "write": _writes, "scale": _scales}


def _result(row: dict[str, Any]) -> Result:
    return Result(**{name: value for name, value in row.items() if name != "rate"})


def targets(report: Report) -> Table:
    """Wanted beside found."""
    table = Table("target", "found", "", box=None, header_style="bold")
    for text, found, met in report.judged():
        table.add_row(text, found, "[green]met[/]" if met else "[red]not met[/]")
    return table


def line(result: Result) -> str:
    """One finished measurement in one line."""
    phase = PHASES.get(result.phase, result.phase)
    if result.problem:
        return f"    {phase}: [red]{escape(result.problem)}[/]"
    engine = f"  [dim]{steps(result)}[/]" if result.details.get("steps") else ""
    return f"    {phase}: {result.rate:,.0f}/s, {result.cpu:.1f} CPU s, {result.peak:,.0f} MB{engine}"


def steps(result: Result) -> str:
    """What the engine's own steps took: `read users 7.1 s (6.2 CPU)`."""
    found = result.details.get("steps", {})
    return " · ".join(f"{name} {step['seconds']:.1f} s ({step['cpu']:.1f} CPU)" for name, step in found.items())
