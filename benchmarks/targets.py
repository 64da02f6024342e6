"""What is wanted, as data: each target is held against the results of one run, losses included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
# What was found, and whether that is enough; None where this run did not measure it.
Found = tuple[str, bool] | None


@dataclass(frozen=True)
class Target:
    """`text` says what is wanted; `judge` looks it up among the results."""

    text: str
    judge: Callable[[Sequence[Row]], Found]


def _of(rows: Sequence[Row], contender: str, kind: str, phase: str) -> Row | None:
    for row in rows:
        if (row["contender"], row["kind"], row["phase"]) == (contender, kind, phase) and not row["problem"]:
            return row
    return None


OURS, SQLITE, ARROW = "Landbridge", "Landbridge, SQLite", "dlt, arrow"
_DLT = ("dlt", "dlt, csv", "dlt, arrow")


def _best(rows: Sequence[Row], kind: str, phase: str) -> Row | None:
    """dlt's best of this run."""
    found = [row for name in _DLT if (row := _of(rows, name, kind, phase))]
    return max(found, key=lambda row: float(row["rate"]), default=None)


def _times(ours: Row | None, other: Row | None, wanted: float) -> Found:
    """How many times as fast as another."""
    if not ours or not other:
        return None
    ratio = ours["rate"] / other["rate"]
    return f"{ratio:.2f} × ({ours['rate']:,.0f} to {other['rate']:,.0f} records/s)", ratio >= wanted


def faster(than: str, kind: str, phase: str, wanted: float, ours: str = OURS) -> Callable[[Sequence[Row]], Found]:
    return lambda rows: _times(_of(rows, ours, kind, phase), _of(rows, than, kind, phase), wanted)


def faster_than_dlt(kind: str, phase: str, wanted: float) -> Callable[[Sequence[Row]], Found]:
    return lambda rows: _times(_of(rows, OURS, kind, phase), _best(rows, kind, phase), wanted)


def _cpu_of_users(rows: Sequence[Row]) -> Found:
    found = _of(rows, OURS, "users", "first")
    if not found:
        return None
    cpu = found["cpu"] * 100_000 / found["count"]
    return f"{cpu:.1f} CPU s for 100,000", cpu <= 8


def _memory_of_documents(rows: Sequence[Row]) -> Found:
    found, best = _of(rows, OURS, "documents", "first"), _best(rows, "documents", "first")
    if not found or not best:
        return None
    return f"{found['peak']:,.0f} MB to {best['peak']:,.0f} MB ({best['contender']})", found["peak"] * 4 <= best["peak"]


def _start(rows: Sequence[Row]) -> Found:
    found, bare = _of(rows, OURS, "users", "incremental"), _of(rows, "Python", "nothing", "start")
    if not found or not bare:
        return None
    cpu = found["cpu"] - bare["cpu"]
    return f"{cpu:.2f} CPU s beyond the interpreter's {bare['cpu']:.2f}", cpu <= 0.5


LOAD = (
    Target("users, first load: at least dlt's best", faster_than_dlt("users", "first", 1)),
    Target("users, first load: 2.5 × dlt as installed", faster("dlt", "users", "first", 2.5)),
    Target("users, first load: 5 × Singer, tuned", faster("Singer, tuned", "users", "first", 5)),
    Target("users, first load: 7 × PyAirbyte", faster("PyAirbyte", "users", "first", 7)),
    Target("users, first load: at most 8 CPU s for 100,000", _cpu_of_users),
    Target("documents, first load: at least dlt's best", faster_than_dlt("documents", "first", 1)),
    Target("documents, first load: a quarter of that one's memory", _memory_of_documents),
    *(
        Target(f"{kind}, nothing changed: 2.5 × dlt with Arrow", faster(ARROW, kind, "unchanged", 2.5))
        for kind in ("users", "documents", "messages")
    ),
    Target("users, nothing new: at most 0.5 CPU s beyond the interpreter's start", _start),
    *(
        Target(f"{kind}, {phase}: SQLite at least half of PostgreSQL's rate", faster(OURS, kind, name, 0.5, SQLITE))
        for kind in ("users", "documents", "messages")
        for phase, name in (("first load", "first"), ("nothing changed", "unchanged"))
    ),
)


def _written(rows: Sequence[Row], contender: str, scenario: str) -> Row | None:
    wanted = (row for row in rows if contender in row["contender"] and row["scenario"] == scenario)
    return next((row for row in wanted if not row["problem"]), None)


def uses(contender: str, scenario: str, share: float, refused: int | None = None) -> Callable[[Sequence[Row]], Found]:
    def judge(rows: Sequence[Row]) -> Found:
        found = _written(rows, contender, scenario)
        if not found:
            return None
        told = f"{found['share']:.1%}" + ("" if refused is None else f", {found['refused']} answers of 429")
        return told, found["share"] >= share and (refused is None or found["refused"] <= refused)

    return judge


def adapts(contender: str, within: float) -> Callable[[Sequence[Row]], Found]:
    def judge(rows: Sequence[Row]) -> Found:
        found = _written(rows, contender, "unknown limit")
        if not found:
            return None
        after = found["adapted"]
        told = f"not in {found['seconds']:.0f} s" if after is None else f"after {after:.0f} s"
        return f"{told}, {found['share']:.0%} used in all", after is not None and after <= within

    return judge


_STRICT = "known limit, strictly counted"
_LATENT = "200 ms a write, no limit"
WRITE = (
    Target("known limit, one process: at least 95 %, no 429", uses("1 process", "known limit", 0.95, 0)),
    Target("known limit, four processes: at least 95 %, no 429", uses("4 processes", "known limit", 0.95, 0)),
    Target("known limit, strictly counted, one process: at least 95 %", uses("1 process", _STRICT, 0.95)),
    Target("known limit, strictly counted, four processes: at least 95 %", uses("4 processes", _STRICT, 0.95)),
    Target("unknown limit, one process: adapted within a minute", adapts("1 process", 60)),
    Target("unknown limit, four processes: adapted within a minute", adapts("4 processes", 60)),
    Target("200 ms a write: the client uses 16 threads to 90 %", uses("1 process", _LATENT, 0.9)),
    Target("200 ms a write: the write step uses 16 workers to 90 %", uses("write step", _LATENT, 0.9)),
)


def _memory(rows: Sequence[Row]) -> Found:
    """The most of any step, and how it grows with the number of records."""
    found = [row for row in rows if row["peak"] and not row["problem"]]
    if not found:
        return None
    most = max(found, key=lambda row: float(row["peak"]))
    return f"at most {most['peak']:,.0f} MB ({most['step']}, {most['size']:,} {most['kind']})", most["peak"] < 300


def independent(kind: str, step: str, allowed: float) -> Callable[[Sequence[Row]], Found]:
    """The largest size may cost `allowed` times what the smallest does, in CPU seconds of client and database."""

    def judge(rows: Sequence[Row]) -> Found:
        found = sorted(
            (row["size"], row) for row in rows if (row["kind"], row["step"]) == (kind, step) and not row["problem"]
        )
        if len(found) < 2:
            return None
        costs = {size: row["cpu"] + row["database_cpu"] for size, row in found}
        small, large = min(costs), max(costs)
        told = " · ".join(f"{size:,}: {cost:.2f}" for size, cost in costs.items())
        return f"CPU s {told}", costs[large] <= allowed * costs[small]

    return judge


def quick_at_most(kind: str, step: str, seconds: float) -> Callable[[Sequence[Row]], Found]:
    def judge(rows: Sequence[Row]) -> Found:
        found = [row for row in rows if (row["kind"], row["step"]) == (kind, step) and not row["problem"]]
        if not found:
            return None
        told = " · ".join(f"{row['size']:,}: {row['seconds']:.2f} s" for row in found)
        return told, max(row["seconds"] for row in found) < seconds

    return judge


FEW, PLAN = "100 changes: read, merge, plan", "plan 1,000 changes"
SCALE = (
    Target("memory of the client: under 300 MB at every size", _memory),
    *(
        Target(f"{kind}, 100 changes: the same cost at every size (at most 1.5 ×)", independent(kind, FEW, 1.5))
        for kind in ("users", "messages")
    ),
    *(
        Target(f"{kind}: 1,000 changes planned for one target in under 2 s", quick_at_most(kind, PLAN, 2))
        for kind in ("users", "messages")
    ),
)


def judged(targets: Sequence[Target], rows: Sequence[Row]) -> list[tuple[str, str, bool]]:
    """(wanted, found, met) of each target that this run can tell of."""
    found = ((target.text, target.judge(rows)) for target in targets)
    return [(text, *said) for text, said in found if said]
