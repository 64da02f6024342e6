"""A whole run of a flow, and its report; without Airflow, but through the same steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from landbridge.errors import LandbridgeError
from landbridge.store import deliveries
from landbridge.sync.bridge import Bridge
from landbridge.sync.guard import guard
from landbridge.sync.merge import merge
from landbridge.sync.notice import give_notices, not_told
from landbridge.sync.plan import plan
from landbridge.sync.read import read
from landbridge.sync.reports import Report
from landbridge.sync.write import write

Progress = Callable[[str, str], None]
# How the result of a step that failed begins.
FAILED = "failed: "


def _silent(step: str, text: str) -> None:
    """The progress of those who do not want to hear."""


_OPEN = ("waiting", "blocked", "undecided", "held", "set_aside", "uncertain")


def run_flow(
    bridge: Bridge,
    flow: str,
    *,
    reading: bool = True,
    fresh: set[str] | None = None,
    progress: Progress = _silent,
    so_far: Progress | None = None,
) -> Report:
    """Read the flow's streams, merge, plan, guard and write; who is in a private space that is to be read is told first.

    `progress` is told each step and its result.

    `fresh` are streams that need not be read again, since another flow of the same run did; those read now are added.
    `so_far` is told how far a long read has come. A system that fails stops nothing but its own part; what failed is in
    the report's `failures`.
    """
    attempt, fresh = _Attempt(progress), set() if fresh is None else fresh
    sources = bridge.company.flow(flow).sources if reading else ()
    for system in sorted({stream.partition("/")[0] for stream in sources}):
        attempt.warnings += not_told(give_notices(bridge, system), bridge)
    for stream in sources:
        system, _, name = stream.partition("/")
        if stream not in fresh and name in bridge.company.system(system).streams:
            tell = partial(so_far, f"read {stream}") if so_far else None
            if attempt(f"read {stream}", partial(read, bridge, system, name, tell=tell)):
                fresh.add(stream)
    progress("merge", "")
    progress("merge", _line(merge(bridge, flow)))
    progress("plan", "")
    planned = plan(bridge, flow)
    ops = (f"{op} {count} in {target}" for target, found in planned.counts.items() for op, count in found.items())
    progress("plan", planned.reason or ", ".join(ops))
    guarded = guard(bridge, flow, planned.run)
    for held in guarded.held:
        progress("guard", held["text"])
    reports = []
    for batch in guarded.free:
        progress(f"write {batch['target']}", f"{batch['count']} deliveries")
        if done := attempt(f"write {batch['target']}", partial(write, bridge, flow, batch), told=True):
            reports.append(done.as_dict())
    total = report(bridge, flow, planned.run, reports, planned.reason, planned.lossy)
    total.failures = attempt.failures
    total.warnings = [*attempt.warnings, *total.warnings]
    return total


class _Attempt:
    """Runs one step; its failure is kept and the next one begins."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.failures: list[LandbridgeError] = []
        self.warnings: list[str] = []

    def __call__(self, step: str, action: Callable[[], Report], *, told: bool = False) -> Report | None:
        if not told:
            self._progress(step, "")
        try:
            done = action()
        except LandbridgeError as error:
            self.failures.append(error)
            self.warnings.append(f"{step}: {error}")
            self._progress(step, f"{FAILED}{error}")
            return None
        self._progress(step, _line(done))
        return done


def report(
    bridge: Bridge, flow: str, run: str, reports: list[dict[str, Any]], reason: str = "", lossy: int = 0
) -> Report:
    """Sum up what the writes of a run did, and say what is still open; a run that moved nothing says why.

    `lossy`: what its plan found to be lost.
    """
    total = Report(run, flow)
    total.counts["lossy"] += lossy
    for one in reports:
        total.counts.update(one.get("counts", {}))
        total.warnings += one.get("warnings", [])
    with bridge.hub.read() as conn:
        left = deliveries.ops(conn, flow, _OPEN)
    for state, target, op, count in left:
        if state == "waiting":
            total.warnings.append(f"{count} {op} in {target} wait for something else.")
    for state in _OPEN[1:]:
        total.counts[state] = count = sum(n for one, _, _, n in left if one == state)
        if count:
            what = "1 delivery is" if count == 1 else f"{count} deliveries are"
            total.warnings.append(f"{what} {state.replace('_', ' ')}: see `landbridge status {flow}`.")
    if not total.moved:
        total.reason = reason or "Nothing was written, and no step said why: look at the warnings."
        if not reason and not total.warnings:
            total.warnings.append("Unexplained zero.")
    return total


def _line(report: Report) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in report.counts.items() if count)
    return counts if report.moved else f"{report.reason} ({counts})" if counts else report.reason
