"""Write a batch: each delivery is claimed, sent with its marker, read back and committed, in order inside a partition.

Three steps: claim (marker kept before anything is sent, in a transaction), send (no lock held), keep (record, link and
outcome together, in another). Whatever dies in between leaves a delivery that is `sending` or `uncertain`, and its marker
is looked up before anything is sent again. A partition is held by one run at a time, from its first claim to its last.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore, Lock
from typing import Any

from landbridge.errors import AuthError, ConfigError, LandbridgeError, TransientError
from landbridge.store import agenda, partitions, runs
from landbridge.store.bulk import chunks
from landbridge.sync.bridge import Bridge
from landbridge.sync.deliver import Outcome, deliver
from landbridge.sync.plan import BATCH
from landbridge.sync.planner import Planner
from landbridge.sync.reports import Report
from landbridge.sync.routes import Flow

# The breaker: this many failures in a row, or this share of the last hundred, pause the target.
IN_A_ROW = 10
SHARE, OF_LAST, AT_LEAST = 0.15, 100, 40
# Threads beyond the workers, which claim and keep while those wait for the system.
SPARE = 8


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
        partitions.abandon(conn)
    writer = _Writer(bridge, found, report)
    state = "failed"
    try:
        with runs.Beating(bridge.hub, report.run):
            writer.batch(batch)
        with bridge.hub.begin() as conn:
            partitions.release_all(conn, report.run)
        state = "failed" if writer.stopped else "done"
    finally:
        report.reason = writer.reason(state)
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
        # Partitions in which something that waited can be written now.
        self.ready: set[tuple[str, str]] = set()
        self._lock = Lock()

    def reason(self, state: str) -> str:
        """Why it stopped, or why nothing was written."""
        if self.stopped:
            return str(self.stopped)
        if state == "failed":
            return "It was interrupted; what it was sending is looked up before anything is sent again."
        if self.report.moved:
            return ""
        return "Another run is writing there." if self.report.counts["taken"] else "Everything was as it should be."

    def batch(self, batch: dict[str, Any]) -> None:
        """The partitions of the batch, then those that had to wait for it, until nothing more can go.

        Other systems have writers, and pools, of their own.
        """
        target = batch["target"]
        with self.bridge.hub.read() as conn:
            found = partitions.between(conn, self.flow.name, target, batch["first"], batch["last"])
        self.write(target, found)
        while self.ready and self.stopped is None:
            ready, self.ready = sorted(self.ready), set()
            for one in dict.fromkeys(other for other, _ in ready if other.startswith(f"{target.partition('/')[0]}/")):
                self.write(one, [partition for other, partition in ready if other == one])

    def write(self, target: str, wanted: list[str]) -> None:
        """Partitions side by side, each in order; as many at once as the system's workers."""
        if not wanted:
            return
        breaker = self.breakers.setdefault(target, Breaker())
        system = target.partition("/")[0]
        self.bridge.connector(system)
        workers = self.bridge.company.system(system).workers
        threads, sending = min(len(wanted), workers + min(workers, SPARE)), BoundedSemaphore(workers)
        with ThreadPoolExecutor(threads, thread_name_prefix=f"write {target}") as pool:
            for future in [pool.submit(self._partition, breaker, target, one, sending) for one in wanted]:
                future.result()
        if breaker.reason and self.stopped is None:
            self.stopped = TransientError(
                f"{target} is paused after {breaker.reason}.", remedy="Look at what is set aside."
            )

    def _partition(self, breaker: Breaker, target: str, partition: str, sending: BoundedSemaphore) -> None:
        """All of it that may be written, also what is planned meanwhile."""
        while not breaker.reason and not isinstance(self.stopped, AuthError | ConfigError):
            outcome = deliver(self.bridge, self.flow, self.report.run, target, partition, sending)
            if outcome is None:
                return
            self._count(breaker, outcome)
            if outcome.woken:
                self._plan(outcome.woken)
            if not outcome.more or isinstance(outcome.error, TransientError):
                return

    def _count(self, breaker: Breaker, outcome: Outcome) -> None:
        with self._lock:
            self.report.counts[outcome.count] += 1
            self.report.counts["lossy"] += outcome.lossy
            if outcome.error is not None and outcome.stops:
                self.stopped = outcome.error
            if outcome.elsewhere is not None:
                self.ready.add(outcome.elsewhere)
        if outcome.sent:
            breaker.note(outcome.error is None)

    def _plan(self, woken: tuple[str, ...]) -> None:
        """At once, while the partition is ours: nothing may pass by what has just become ready."""
        planner = Planner(self.bridge.company, self.flow, self.report.run)
        for chunk in chunks(woken, BATCH):
            with self.bridge.hub.begin() as conn:
                taken = agenda.of(conn, self.flow.name, chunk)
                ready = planner.entities(conn, taken)
                agenda.remove(conn, self.flow.name, taken)
            with self._lock:
                self.ready |= ready
