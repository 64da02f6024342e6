"""A whole run of a flow, and its report; without Airflow, but through the same steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from landbridge.store import deliveries
from landbridge.sync.bridge import Bridge
from landbridge.sync.guard import guard
from landbridge.sync.merge import merge
from landbridge.sync.plan import plan
from landbridge.sync.read import read
from landbridge.sync.reports import Report
from landbridge.sync.write import write

Progress = Callable[[str, str], None]
_OPEN = ("waiting", "blocked", "undecided", "held", "set_aside", "uncertain")


def run_flow(
    bridge: Bridge, flow: str, *, reading: bool = True, progress: Progress = lambda step, text: None
) -> Report:
    """Read the flow's streams, merge, plan, guard and write. `progress` is told each step and its result."""
    reports: list[dict[str, Any]] = []
    if reading:
        for stream in bridge.company.flow(flow).sources:
            system, _, name = stream.partition("/")
            if name in bridge.company.system(system).streams:
                progress(f"read {stream}", "")
                done = read(bridge, system, name)
                progress(f"read {stream}", _line(done))
    progress("merge", _line(merge(bridge, flow)))
    planned = plan(bridge, flow)
    progress(
        "plan",
        planned.reason or ", ".join(f"{op} {n} in {t}" for t, ops in planned.counts.items() for op, n in ops.items()),
    )
    guarded = guard(bridge, flow, planned.run)
    for held in guarded.held:
        progress("guard", held["text"])
    for batch in guarded.free:
        progress(f"write {batch['target']}", f"{len(batch['ids'])} deliveries")
        done = write(bridge, flow, batch)
        progress(f"write {batch['target']}", _line(done))
        reports.append(done.as_dict())
    return report(bridge, flow, planned.run, reports, planned.reason)


def report(bridge: Bridge, flow: str, run: str, reports: list[dict[str, Any]], reason: str = "") -> Report:
    """Sum up what the writes of a run did, and say what is still open; a run that moved nothing says why."""
    total = Report(run, flow)
    for one in reports:
        total.counts.update(one.get("counts", {}))
        total.warnings += one.get("warnings", [])
    with bridge.hub.read() as conn:
        for target, op, count in deliveries.ops(conn, flow, ("waiting",)):
            total.warnings.append(f"{count} {op} in {target} wait for something else.")
        for state in _OPEN[1:]:
            count = sum(n for _, _, n in deliveries.ops(conn, flow, (state,)))
            total.counts[state] = count
            if count:
                total.warnings.append(
                    f"{count} deliveries are {state.replace('_', ' ')}: see `landbridge status {flow}`."
                )
    if not total.moved:
        total.reason = reason or "Nothing was written, and no step said why: look at the warnings."
        if not reason and not total.warnings:
            total.warnings.append("Unexplained zero.")
    return total


def _line(report: Report) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in report.counts.items() if count)
    return counts if report.moved else f"{report.reason} ({counts})" if counts else report.reason
