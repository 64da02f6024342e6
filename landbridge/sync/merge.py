"""Merge pending claims into entities: match, link, combine, derive, and note what flows have to look at again."""

from __future__ import annotations

from landbridge.model import KIND_ORDER
from landbridge.store import agenda, decisions, deliveries, records, runs, sets
from landbridge.store.unit import Unit
from landbridge.sync.apart import carry_out
from landbridge.sync.batch import ANSWERS, Batch
from landbridge.sync.bridge import Bridge
from landbridge.sync.collector import seldom_collecting
from landbridge.sync.company import Company
from landbridge.sync.reports import Report
from landbridge.sync.routes import PLACES

# Large enough that a statement for each table is cheap, small enough to be held in memory and to keep others waiting
# for less than a second.
BATCH = 2_000


def merge(bridge: Bridge, flow: str) -> Report:
    """Merge everything pending in the flow's streams; each batch commits by itself."""
    report = Report("", flow)
    with bridge.hub.begin() as conn:
        report.run = runs.start(conn, "merge", flow).id
    with bridge.working(report.run, report.counts):
        _merge(bridge, flow, report)
    with bridge.hub.begin() as conn:
        report.reason = "" if report.moved else "Nothing was read that changes what is known."
        runs.finish(conn, report.run, "done", dict(report.counts), report.reason)
    return report


def _merge(bridge: Bridge, flow: str, report: Report) -> None:
    company = bridge.company
    by_kind = {kind: streams_of(company, flow, kind) for kind in KIND_ORDER}
    with bridge.hub.read() as conn:
        answered = decisions.unapplied(conn, ANSWERS, limit=1)
        parted = decisions.unapplied(conn, (decisions.APART,), limit=1)
        waiting = {kind for kind, streams in by_kind.items() if records.pending_ids(conn, streams, 1)}
        fanned = agenda.fanned_out(conn)
    if answered:
        with bridge.hub.begin() as conn:
            batch = Batch(Unit(conn, report.run).alone(), company, report)
            batch.apply_decisions()
            batch.finish()
    if parted:
        carry_out(bridge.hub, company, report.run)
    moved = bool(answered or parted)
    for kind, streams in by_kind.items():
        if streams and (moved or kind in waiting):  # what is merged wakes what waits for it, of other kinds too
            with seldom_collecting():
                while _merge_all(bridge, report, streams):
                    moved = True
    while (moved or fanned) and _fan_out(bridge):
        pass


def streams_of(company: Company, flow: str, kind: str) -> list[tuple[str, str]]:
    """(system, stream) of what the flow merges of this kind."""
    names = [name for name in company.flow(flow).sources if company.mapping(name).kind == kind]
    return [(system, stream) for system, _, stream in (name.partition("/") for name in names)]


def _merge_all(bridge: Bridge, report: Report, streams: list[tuple[str, str]]) -> bool:
    """All that is pending, once, in batches of one transaction each; what has to wait holds up nothing behind it.

    False where nothing was left that can be merged now; else something may have woken what was passed already.
    """
    after = moved = postponed = 0
    while True:
        with bridge.hub.begin(repeatable=True) as conn:
            sets.use_indexes(conn)
            ids = records.pending_ids(conn, streams, BATCH, after)
            if not ids:
                break
            batch = Batch(Unit(conn, report.run), bridge.company, report)
            batch.merge(ids, streams)
            batch.finish()
        after, postponed = ids[-1], postponed + len(batch.linker.postponed)
        moved += len(ids) - len(batch.linker.postponed)
    report.counts["postponed"] = postponed
    return moved > 0


def _fan_out(bridge: Bridge) -> bool:
    """Put the next part of what stands in a place that changed on the agenda, in a transaction of its own."""
    with bridge.hub.begin() as conn:
        part = agenda.next_of_fan_out(conn, PLACES, BATCH)
        for flow in bridge.company.flows_showing("message") if part else ():
            agenda.add(conn, flow.name, part or ())
        deliveries.wake(conn, part or ())
    return part is not None
