"""Write a batch: each delivery is claimed, sent with its marker, read back and committed, in order inside a partition.

Three steps: claim (marker kept before anything is sent, in a transaction), send (no lock held), keep (record, link and
outcome together, in another). Whatever dies in between leaves a delivery that is `sending` or `uncertain`, and its marker
is looked up before anything is sent again. A partition is held by one run at a time, from its first claim to its last,
and has one delivery on its way at a time.

One thread claims and keeps for all workers, in sets: the more they have done meanwhile, the less each of them costs.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from landbridge.errors import AuthError, ConfigError, LandbridgeError, TransientError
from landbridge.store import agenda, partitions, runs
from landbridge.store.bulk import chunks
from landbridge.sync.bridge import Bridge
from landbridge.sync.claim import claim
from landbridge.sync.job import Result
from landbridge.sync.keep import keep
from landbridge.sync.left import counted
from landbridge.sync.plan import BATCH
from landbridge.sync.planner import Planner
from landbridge.sync.reports import Report
from landbridge.sync.routes import Flow
from landbridge.sync.workers import Workers

# The breaker: this many failures in a row, or this share of the last hundred, pause the target.
IN_A_ROW = 10
SHARE, OF_LAST, AT_LEAST = 0.15, 100, 40


class Breaker:
    """Counts outcomes of one target; once open, nothing more is sent in this run."""

    def __init__(self) -> None:
        self._last: deque[bool] = deque(maxlen=OF_LAST)
        self._row = 0
        self.reason = ""

    def note(self, good: bool) -> None:
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
        report.warnings += counted(writer.left)
        with bridge.hub.begin() as conn:
            runs.finish(conn, report.run, state, dict(report.counts), report.reason)
    if writer.stopped:
        raise writer.stopped
    return report


class _Writer:
    def __init__(self, bridge: Bridge, flow: Flow, report: Report) -> None:
        self.bridge, self.flow, self.report = bridge, flow, report
        self.stopped: LandbridgeError | None = None
        # What could not be kept, by a mistake of the engine's: told when the others are through.
        self.failed: list[Exception] = []
        self.breakers: dict[str, Breaker] = {}
        # Why files stay at their source.
        self.left: Counter[str] = Counter()
        # Partitions in which something that waited can be written now.
        self.ready: set[tuple[str, str]] = set()

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
        waiting = deque(wanted)
        with Workers(self.bridge, target, self.bridge.company.system(system).workers) as workers:
            while waiting or workers.busy:
                if self._stops(breaker):
                    waiting.clear()
                    workers.call_off()
                elif waiting and workers.room:
                    some = [waiting.popleft() for _ in range(min(workers.room, len(waiting)))]
                    waiting.extendleft(self._claim(workers, target, some))
                if results := workers.finished(wait=not (waiting and workers.room)):
                    # What has begun in a partition goes on before another is begun.
                    waiting.extendleft(self._keep(breaker, results))
        if self.failed:
            raise self.failed[0]
        if breaker.reason and self.stopped is None:
            self.stopped = TransientError(
                f"{target} is paused after {breaker.reason}.", remedy="Look at what is set aside."
            )

    def _stops(self, breaker: Breaker) -> bool:
        return bool(breaker.reason) or isinstance(self.stopped, AuthError | ConfigError)

    def _claim(self, workers: Workers, target: str, partitions: list[str]) -> list[str]:
        """The partitions in which something else is to be claimed."""
        found = claim(self.bridge, self.flow, self.report.run, target, partitions)
        workers.send(found.jobs)
        self.report.counts.update(found.counts)
        self.ready |= found.elsewhere
        return found.again

    def _keep(self, breaker: Breaker, results: list[Result]) -> list[str]:
        """The partitions of these in which something may be next, also what is planned now."""
        found = keep(self.bridge, self.report.run, results)
        self.failed += found.failed
        self.report.counts.update({"taken": found.taken} if found.taken else ())
        for one in found.results:
            self.report.counts[one.count] += 1
            self.report.counts["lossy"] += len(one.lossy)
            self.report.counts["files_left"] += len(one.left) if one.written else 0
            self.left.update(one.left)
            if one.error is not None and one.stops:
                self.stopped = one.error
            if one.sent:
                breaker.note(one.error is None)
        if found.woken:
            self._plan(sorted(found.woken))
        return [one.job.delivery.partition for one in found.results if not one.stops]

    def _plan(self, woken: list[str]) -> None:
        """At once, while the partitions are ours: nothing may pass by what has just become ready."""
        planner = Planner(self.bridge.company, self.flow, self.report.run)
        for chunk in chunks(woken, BATCH):
            with self.bridge.hub.begin() as conn:
                taken = agenda.of(conn, self.flow.name, chunk)
                self.ready |= planner.entities(conn, taken)
                agenda.remove(conn, self.flow.name, taken)
        self.report.counts["lossy"] += planner.counts["lossy"]
