"""Puts the newest results into the documentation and the README, losses included: `python -m benchmarks publish`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.loading import COUNTS
from benchmarks.place import ROOT, home
from benchmarks.report import Report, load, markdown, outcome, written

RESULTS = Path(__file__).parent / "results"
PAGE, README = ROOT / "docs" / "explanation" / "benchmarks.md", ROOT / "README.md"
NAMES = (*(f"load-{kind}" for kind in COUNTS), "write", "scale")
_SHOWN = (
    "Landbridge", "Landbridge, SQLite", "dlt", "dlt, csv", "dlt, arrow", "Singer, tuned", "PyAirbyte",
    "by hand, nothing but a copy",
)  # fmt: skip


def collect() -> list[Path]:
    """Take over the newest whole run of each section, and of loading that of each kind; what was taken."""
    RESULTS.mkdir(exist_ok=True)
    taken = {}
    for path in sorted((home() / "results").glob("*.json")):
        report = load(path)
        for name, part in _parts(report):
            taken[name] = path
            (RESULTS / f"{name}.json").write_text(written(part))
    return sorted(set(taken.values()))


def _parts(report: Report) -> Iterator[tuple[str, Report]]:
    """Under which names a run is published: a quick one, or one without Landbridge or without others, is not."""
    if report.quick:
        return
    if report.section != "load":
        yield report.section, report
        return
    for kind, count in COUNTS.items():
        rows = [row for row in report.rows if row["kind"] in (kind, "nothing")]
        names = {row["contender"] for row in rows if row["count"] == count}
        if {"Landbridge", "dlt, arrow"} <= names:
            yield f"load-{kind}", replace(report, rows=rows)


def texts() -> dict[Path, str]:
    """Each page as it should be."""
    page, readme = PAGE.read_text(encoding="utf-8"), README.read_text(encoding="utf-8")
    for name in NAMES:
        page = _between(page, name, markdown(report) if (report := _report(name)) else "Not measured yet.\n")
    return {PAGE: page, README: _between(readme, "summary", summary())}


def _report(name: str) -> Report | None:
    path = RESULTS / f"{name}.json"
    return load(path) if path.exists() else None


def _between(text: str, name: str, made: str) -> str:
    marks = re.compile(rf"(<!-- benchmarks {name}: [^>]*-->\n).*?(<!-- /benchmarks {name} -->)", re.DOTALL)
    if not marks.search(text):
        raise ValueError(f"The marks of {name} are missing.")
    return marks.sub(lambda found: f"{found[1]}{made}{found[2]}", text)


def summary() -> str:
    """The README's part: one kind, all contenders, and every target that was missed."""
    found = [report for name in NAMES if (report := _report(name))]
    parts = [_users(report)] if (report := _report("load-users")) else []
    parts += [_score(found)] if found else ["Not measured yet."]
    return "\n\n".join(parts) + "\n"


def _users(report: Report) -> str:
    rows = {(row["contender"], row["phase"]): row for row in report.rows if row["kind"] == "users"}
    count = max((row["count"] for row in rows.values()), default=0)
    lines = [
        f"| {count:,} users of 1 KB over HTTP into PostgreSQL | first load, records/s | CPU s | peak MB "
        "| nothing changed, records/s |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in _SHOWN:
        if first := rows.get((name, "first")):
            lines.append(f"| {name} | {_figures(first)} | {_rate(rows.get((name, 'unchanged')))} |")
    return "\n".join(lines)


def _figures(row: dict[str, Any]) -> str:
    if row["problem"]:
        return "failed | | "
    return f"{row['rate']:,.0f} | {row['cpu']:.1f} | {row['peak']:,.0f}"


def _rate(row: dict[str, Any] | None) -> str:
    return f"{row['rate']:,.0f}" if row and not row["problem"] else "–"


def _score(reports: list[Report]) -> str:
    judged = [one for report in reports for one in report.judged()]
    missed = [f"- {text}: {found}" for text, found, met in judged if not met]
    met = f"{len(judged) - len(missed)} of {len(judged)} targets are met."
    return met + ("" if not missed else " Not met:\n\n" + "\n".join(missed)) + f"\n\n{outcome(reports[0])}"


def publish() -> list[Path]:
    """Write the pages; what changed."""
    changed = []
    for path, text in texts().items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
