"""A section's results on disk: JSON for the machine, Markdown for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.place import home
from benchmarks.results import PHASES, machine
from benchmarks.targets import LOAD, SCALE, WRITE, Target, judged

Row = dict[str, Any]
TARGETS: dict[str, tuple[Target, ...]] = {"load": LOAD, "write": WRITE, "scale": SCALE}


@dataclass(frozen=True)
class Report:
    """One section of one run; `versions` says what was compared."""

    section: str
    rows: list[Row]
    versions: list[str]
    machine: dict[str, str]
    quick: bool = False

    def judged(self) -> list[tuple[str, str, bool]]:
        return judged(TARGETS[self.section], self.rows)


def made(section: str, rows: Sequence[Row], versions: Sequence[str], *, quick: bool) -> Report:
    return Report(section, list(rows), sorted(set(versions)), machine(), quick)


def save(report: Report) -> Path:
    """Beside the earlier ones, with the Markdown beside it; the path of the latter."""
    folder = home() / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"{report.section}-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    path.write_text(written(report))
    path.with_suffix(".md").write_text(markdown(report))
    return path.with_suffix(".md")


def written(report: Report) -> str:
    """As JSON."""
    return json.dumps(vars(report), indent=1, ensure_ascii=False) + "\n"


def load(path: Path) -> Report:
    return Report(**json.loads(path.read_text()))


def markdown(report: Report) -> str:
    """Targets, then figures, then what they were measured on."""
    judged = [f"| {text} | {found} | {'met' if met else '**not met**'} |" for text, found, met in report.judged()]
    parts = ["\n".join(["| target | found | |", "|---|---|---|", *judged])] if judged else []
    parts += [TABLES[report.section](report.rows), described(report)]
    return "\n\n".join(parts) + "\n"


def outcome(report: Report) -> str:
    """What a reader needs to know beside the figures, in one line."""
    on = report.machine
    return f"Measured on {on['date'].partition(' ')[0]}: {on['cpu']}, {on['cores']} cores, {on['memory']}, commit `{on['commit']}`."


def described(report: Report) -> str:
    on = report.machine
    compared = f" Compared: {', '.join(report.versions)}." if report.versions else ""
    load = float(on.get("load", 0))
    busy = f" Others kept the machine busy (load average {load:.1f} before it began)." if load >= 1 else ""
    small = " A quick run with small numbers: its rates are mostly start-up." if report.quick else ""
    return (
        f"Measured on {on['date']} at commit `{on['commit']}`: {on['cpu']}, {on['cores']} cores, {on['memory']}, "
        f"{on['system']}, Python {on['python']}.{compared}{busy}{small}"
    )


def _load_table(rows: Sequence[Row]) -> str:
    lines = []
    for kind in dict.fromkeys(row["kind"] for row in rows if row["phase"] in PHASES):
        of_kind = [row for row in rows if row["kind"] == kind]
        lines += ["", f"**{of_kind[0]['count']:,} {kind}**", ""]
        lines += ["| | phase | records/s | CPU s | peak MB | PostgreSQL's CPU s |", "|---|---|---:|---:|---:|---:|"]
        lines += [_load_row(row) for row in of_kind]
        lines += _steps(of_kind)
    return "\n".join(lines[1:])


def _steps(rows: Sequence[Row]) -> list[str]:
    """Where the engine's own time goes, start-up apart."""
    told = []
    for row in rows:
        for name, step in (row["details"].get("steps") or {}).items():
            if row["phase"] == "first":
                told.append(f"{name} {step['seconds']:.1f} s ({step['cpu']:.1f} CPU s)")
        if told and row["phase"] == "first":
            return ["", f"{row['contender']}, first load: {', '.join(told)}."]
    return []


def _load_row(row: Row) -> str:
    head = f"| {row['contender']} | {PHASES[row['phase']]} |"
    if row["problem"]:
        return f"{head} {row['problem'].replace('|', '/')} | | | |"
    rate = f"{row['rate']:,.0f}" if row["phase"] != "incremental" else f"{row['seconds']:.1f} s in all"
    return f"{head} {rate} | {row['cpu']:.1f} | {row['peak']:,.0f} | {row['database_cpu']:.1f} |"


def _write_table(rows: Sequence[Row]) -> str:
    lines = []
    for scenario in dict.fromkeys(row["scenario"] for row in rows):
        of_scenario = [row for row in rows if row["scenario"] == scenario]
        lines += ["", f"**{scenario}**", "", "| | writes/s | of what is possible | answers of 429 | adapted after |"]
        lines += ["|---|---:|---:|---:|---:|", *map(_write_row, of_scenario)]
    return "\n".join(lines[1:])


def _write_row(row: Row) -> str:
    if row["problem"]:
        return f"| {row['contender']} | {row['problem']} | | | |"
    adapted = "–" if row["adapted"] is None else f"{row['adapted']:.0f} s"
    return f"| {row['contender']} | {row['per_second']:.1f} | {row['share']:.0%} | {row['refused']} | {adapted} |"


def _scale_table(rows: Sequence[Row]) -> str:
    lines = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        lines += ["", f"**{kind.capitalize()}**", "", "| records | step | s | CPU s | peak MB | PostgreSQL's CPU s |"]
        lines += ["|---:|---|---:|---:|---:|---:|", *(_scale_row(row) for row in rows if row["kind"] == kind)]
    return "\n".join(lines[1:])


def _scale_row(row: Row) -> str:
    head = f"| {row['size']:,} | {row['step']} |"
    if row["problem"]:
        return f"{head} {row['problem']} | | | |"
    if not row["seconds"]:
        return f"{head} the same | | | |"
    return f"{head} {row['seconds']:.1f} | {row['cpu']:.1f} | {row['peak']:,.0f} | {row['database_cpu']:.1f} |"


TABLES = {"load": _load_table, "write": _write_table, "scale": _scale_table}
