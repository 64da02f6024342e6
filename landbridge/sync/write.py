"""Write a batch: each delivery is claimed, sent with its marker, read back and committed, in order inside a partition.

Three steps, each with its own transaction around it: claim (marker kept before anything is sent), send (no lock held),
keep (record, link and outcome together). Whatever dies in between leaves a delivery that is `sending` or `uncertain`,
and its marker is looked up before anything is sent again.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from landbridge.errors import AuthError, ConfigError, LandbridgeError, TransientError
from landbridge.store import deliveries, runs
from landbridge.sync.bridge import Bridge
from landbridge.sync.deliver import Outcome, deliver
from landbridge.sync.guard import BRAKED, batches
from landbridge.sync.plan import Planner, recover, replan
from landbridge.sync.reports import Report
from landbridge.sync.routes import Flow

# The breaker: this many failures in a row, or this share of the last hundred, pause the target.
IN_A_ROW = 10
SHARE, OF_LAST, AT_LEAST = 0.15, 100, 40


class Breaker:
    """Counts outcomes of one target; once open, nothing more is sent in this run."""

    def __init__(self) -> None:
        self._last: deque[bool] = deque(maxlen=OF_LAST)
        self._row = 0
        self._lock = Lock()
        self.reason = ""

    def note(self, good: bool) -> None:
        with self._lock:
            self._row = 0 if good else self._row + 1
            self._last.append(good)
            bad = self._last.count(False)
            if self._row >= IN_A_ROW:
                self.reason = f"{self._row} failures in a row"
            elif len(self._last) >= AT_LEAST and bad / len(self._last) > SHARE:
                self.reason = f"{bad} failures in the last {len(self._last)}"


def write(bridge: Bridge, flow: str, batch: dict[str, Any]) -> Report:
    """Write the batch, then what could not be written before because it waited for something in it.

    Raises AuthError, ConfigError or TransientError once everything else is safe; what was not written stays planned.
    """
    found = bridge.company.flow(flow)
    with bridge.hub.begin() as conn:
        report = Report(runs.start(conn, "write", f"{flow} → {batch['target']}").id, batch["target"])
        # Tried again after a crash, it must not pass by what the dead one was sending: order, and a reader who waits.
        recover(conn, found)
    writer = _Writer(bridge, found, report)
    try:
        writer.batch(batch["target"], batch["ids"])
        writer.settle(batch["target"].partition("/")[0])
    finally:
        state = "failed" if writer.stopped else "done"
        report.reason = (
            str(writer.stopped) if writer.stopped else "" if report.moved else "Everything was as it should be."
        )
        with bridge.hub.begin() as conn:
            runs.finish(conn, report.run, state, dict(report.counts), report.reason)
    if writer.stopped:
        raise writer.stopped
    return report


class _Writer:
    def __init__(self, bridge: Bridge, flow: Flow, report: Report) -> None:
        self.bridge, self.flow, self.report = bridge, flow, report
        self.stopped: LandbridgeError | None = None
        self.breakers: dict[str, Breaker] = {}
        self._lock = Lock()

    def batch(self, target: str, ids: list[int]) -> None:
        """Partitions side by side, each in order; as many at once as the system's workers."""
        with self.bridge.hub.read() as conn:
            found = [one for id in ids if (one := deliveries.by_id(conn, id))]
        partitions: dict[str, list[int]] = {}
        for one in found:
            partitions.setdefault(one.partition, []).append(one.id)
        if not partitions:
            return
        breaker = self.breakers.setdefault(target, Breaker())
        self.bridge.connector(target.partition("/")[0])
        workers = min(len(partitions), self.bridge.company.system(target.partition("/")[0]).workers)
        with ThreadPoolExecutor(workers, thread_name_prefix=f"write {target}") as pool:
            for future in [pool.submit(self._partition, breaker, ids) for ids in partitions.values()]:
                future.result()
        if breaker.reason and self.stopped is None:
            self.stopped = TransientError(
                f"{target} is paused after {breaker.reason}.", remedy="Look at what is set aside."
            )

    def _partition(self, breaker: Breaker, ids: list[int]) -> None:
        for id in ids:
            if breaker.reason or isinstance(self.stopped, AuthError | ConfigError):
                return
            outcome = deliver(self.bridge, self.flow, self.report.run, id)
            self._count(breaker, outcome)
            if isinstance(outcome.error, TransientError):
                return

    def _count(self, breaker: Breaker, outcome: Outcome) -> None:
        with self._lock:
            self.report.counts[outcome.count] += 1
            self.report.counts["lossy"] += outcome.lossy
            if outcome.error is not None and outcome.stops:
                self.stopped = outcome.error
        if outcome.sent:
            breaker.note(outcome.error is None)

    def _written(self) -> int:
        """Only something new in the system can end a wait."""
        return self.report.counts["created"] + self.report.counts["enabled"] + self.report.counts["updated"]

    def settle(self, system: str) -> None:
        """Plan and write again what waited for something in this system, until nothing more can go.

        Other systems have writers, and pools, of their own; deletes and disables go through the guard only.
        """
        written = 0
        while self.stopped is None and self._written() > written:
            written = self._written()
            planner = Planner(self.bridge.company, self.flow, self.report.run)
            replan(self.bridge, planner, ("waiting",), ())
            with self.bridge.hub.read() as conn:
                found = [one for id in planner.ready if (one := deliveries.by_id(conn, id))]
            ready = [one for one in found if one.target.startswith(f"{system}/") and one.op not in BRAKED]
            if not ready:
                return
            for target in dict.fromkeys(one.target for one in ready):
                for batch in batches(target, [one for one in ready if one.target == target]):
                    self.batch(target, batch["ids"])
