"""Plan a flow: decide what each touched entity needs in each target, and note it as deliveries, without writing any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xxhash
from sqlalchemy import Connection

from landbridge.store import agenda, decisions, deliveries, partitions, runs
from landbridge.store.clock import now
from landbridge.sync.bridge import Bridge
from landbridge.sync.company import Company
from landbridge.sync.periods import make_due
from landbridge.sync.planner import Planner
from landbridge.sync.routes import Flow

BATCH = 500
# What waits is planned again when what it waits for changes. Should that ever go unnoticed, this many of each state
# are looked at again in each run, in turns; after a change of the rules all are.
WAITING = ("waiting", "blocked", "undecided")
TURN = 100
FLOWS = "flow"


@dataclass
class Plan:
    """What a run of a flow would write: target → op → count; `reason` where it is nothing.

    `lossy`: how much was found that a target has no place for, where nothing had to be written.
    """

    run: str
    flow: str
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    reason: str = ""
    lossy: int = 0

    @property
    def empty(self) -> bool:
        return not self.counts

    def as_dict(self) -> dict[str, Any]:
        told = {"run": self.run, "flow": self.flow, "counts": self.counts, "reason": self.reason}
        return told | ({"lossy": self.lossy} if self.lossy else {})


def plan(bridge: Bridge, flow: str) -> Plan:
    """Decide for everything on the agenda and everything that is due; each batch commits by itself."""
    found = bridge.company.flow(flow)
    with bridge.hub.begin() as conn:
        run = runs.start(conn, "plan", flow).id
        fence = runs.take_fence(conn, FLOWS, flow).fence
        partitions.abandon(conn)
        _answered(conn, flow)
    work = _Work(bridge, Planner(bridge.company, found, run), fence)
    with bridge.working(run, work.planner.counts):
        make_due(bridge.hub, bridge.company, found, run, fence)
        work.due()
        work.in_turns()
        work.agenda()
    with bridge.hub.begin() as conn:
        result = Plan(run, flow, planned_counts(conn, found), lossy=work.planner.counts["lossy"])
        result.reason = "" if result.counts else work.planner.reason()
        runs.finish(conn, run, "done", dict(work.planner.counts), result.reason)
    return result


def _answered(conn: Connection, flow: str) -> None:
    """What a person said about edited records is carried out by planning them again."""
    answered = {one.id: one.entity for one in decisions.unapplied(conn, ("edited",)) if one.flow == flow and one.entity}
    decisions.applied(conn, *answered)
    agenda.add(conn, flow, answered.values())


class _Work:
    """What one run of plan looks at, a batch in each transaction."""

    def __init__(self, bridge: Bridge, planner: Planner, fence: int) -> None:
        self.bridge, self.planner, self.fence = bridge, planner, fence
        self.flow = planner.flow.name

    def agenda(self) -> None:
        while True:
            with self.bridge.hub.begin() as conn:
                runs.hold_fence(conn, FLOWS, self.flow, self.fence)
                taken = agenda.take(conn, self.flow, BATCH)
                self.planner.entities(conn, taken)
                agenda.remove(conn, self.flow, taken)
            if not taken:
                return

    def due(self) -> None:
        """What was set aside or scheduled and has reached its time."""
        moment, after = now(), ("", 0)
        while True:
            with self.bridge.hub.begin() as conn:
                runs.hold_fence(conn, FLOWS, self.flow, self.fence)
                found = deliveries.now_due(conn, self.flow, moment, after, BATCH)
                self.planner.entities(conn, dict.fromkeys(entity for _, _, entity in found))
            if not found:
                return
            after = found[-1][:2]

    def in_turns(self) -> None:
        rules = rules_of(self.bridge.company, self.planner.flow)
        with self.bridge.hub.read() as conn:
            known = runs.cursor(conn, FLOWS, self.flow) or {}
            waiting = deliveries.states_of(conn, self.flow, WAITING)
        turns: dict[str, int] = {}
        changed = known.get("rules") != rules
        for state in filter(waiting.__contains__, WAITING):
            for last in self._turn(state, 0 if changed else known.get("turns", {}).get(state, 0)):
                turns[state] = last
                if not changed:
                    break
        if known == (stands := {"rules": rules, "turns": turns}):
            return
        with self.bridge.hub.begin() as conn:
            runs.hold_fence(conn, FLOWS, self.flow, self.fence)
            runs.set_cursor(conn, FLOWS, self.flow, stands)

    def _turn(self, state: str, after: int) -> Iterator[int]:
        """The last id of each page that was looked at."""
        while True:
            with self.bridge.hub.begin() as conn:
                runs.hold_fence(conn, FLOWS, self.flow, self.fence)
                found = deliveries.in_state(conn, self.flow, state, after, TURN)
                self.planner.entities(conn, dict.fromkeys(entity for _, entity in found))
            if not found:
                return
            after = found[-1][0]
            yield after


def rules_of(company: Company, flow: Flow) -> str:
    """Stands for the configuration that decides what is shown."""
    file = Path(flow.file)
    said = [company.policy.model_dump_json(), file.read_text() if file.exists() else ""]
    said += [company.mapping(target).version for target in flow.targets]
    return xxhash.xxh3_64_hexdigest("\n".join(said).encode())


def planned_counts(conn: Connection, flow: Flow) -> dict[str, dict[str, int]]:
    """Target → op → how many deliveries are to be written."""
    counts: dict[str, dict[str, int]] = {}
    for _, target, op, count in deliveries.ops(conn, flow.name, ("planned", "uncertain", "held")):
        counts.setdefault(target, {})[op] = counts.get(target, {}).get(op, 0) + count
    return counts
