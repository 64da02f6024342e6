"""Plan a flow: decide what each touched entity needs in each target, and note it as deliveries, without writing any."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from landbridge.errors import RecordError
from landbridge.store import deliveries, runs
from landbridge.store.clock import now
from landbridge.store.deliveries import Delivery
from landbridge.store.entities import EntityRow
from landbridge.store.setaside import next_try
from landbridge.sync.bridge import Bridge
from landbridge.sync.company import Company
from landbridge.sync.decide import Action, Decider, failed
from landbridge.sync.routes import Flow, Route

BATCH = 200
# Looked at again in every run, because what they wait for is not on the agenda.
REVISITED = ("waiting", "blocked", "undecided")
DUE = ("set_aside", "scheduled")
FLOWS = "flow"


@dataclass
class Plan:
    """What a run of a flow would write: target → op → count; `reason` where it is nothing."""

    run: str
    flow: str
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    reason: str = ""

    @property
    def empty(self) -> bool:
        return not self.counts

    def as_dict(self) -> dict[str, Any]:
        return {"run": self.run, "flow": self.flow, "counts": self.counts, "reason": self.reason}


def plan(bridge: Bridge, flow: str) -> Plan:
    """Decide for everything on the agenda and everything that waited; each batch commits by itself."""
    found = bridge.company.flow(flow)
    with bridge.hub.begin() as conn:
        run = runs.start(conn, "plan", flow).id
        fence = runs.take_fence(conn, FLOWS, flow)
        recover(conn, found)
    planner = Planner(bridge.company, found, run)
    while True:
        with bridge.hub.begin() as conn:
            runs.hold_fence(conn, FLOWS, flow, fence)
            agenda = deliveries.agenda_take(conn, flow, BATCH)
            deliveries.agenda_remove(conn, flow, agenda)  # first: planning may put one of them there again
            planner.entities(conn, agenda)
        if not agenda:
            break
    replan(bridge, planner)
    with bridge.hub.begin() as conn:
        deliveries.agenda_add(conn, flow, planner.sending)
        result = Plan(run, flow, planned_counts(conn, found))
        result.reason = "" if result.counts else planner.reason()
        runs.finish(conn, run, "done", dict(planner.counts), result.reason)
    return result


def replan(
    bridge: Bridge, planner: Planner, always: tuple[str, ...] = REVISITED, when_due: tuple[str, ...] = DUE
) -> None:
    """Look again at what waited or is due; what can be written now is in `planner.ready`."""
    last = 0
    while True:
        with bridge.hub.begin() as conn:
            ids = deliveries.revisited(conn, planner.flow.name, always, when_due, now(), last, BATCH)
            planner.entities(conn, [entity for _, entity in ids])
        if not ids:
            return
        last = ids[-1][0]


def recover(conn: Connection, flow: Flow) -> None:
    """What a dead run was sending is uncertain: its marker is looked up before anything is sent again."""
    for delivery in deliveries.of_flow(conn, flow.name, ("sending",)):
        if delivery.run is None or not runs.is_alive(conn, delivery.run):
            deliveries.set_state(
                conn, delivery.id, "uncertain", reason="The run that wrote it ended before the answer."
            )


def planned_counts(conn: Connection, flow: Flow) -> dict[str, dict[str, int]]:
    """Target → op → how many deliveries are to be written."""
    counts: dict[str, dict[str, int]] = {}
    for target, op, count in deliveries.ops(conn, flow.name, ("planned", "uncertain", "held")):
        counts.setdefault(target, {})[op] = count
    return counts


class Planner:
    """Decides for entities and keeps the deliveries true; used by plan, and by write for what has waited."""

    def __init__(self, company: Company, flow: Flow, run: str) -> None:
        self.company, self.flow, self.run = company, flow, run
        self.counts: Counter[str] = Counter()
        # Deliveries that became ready to be written.
        self.ready: list[int] = []
        # Entities that another run is writing: what is wanted of them now is planned once that is done.
        self.sending: list[str] = []

    def entities(self, conn: Connection, ids: list[str]) -> None:
        decider = Decider(conn, self.company, self.run)
        decider.view.load(ids)
        for entity_id in ids:
            entity = decider.view.entity(entity_id)
            for route in self.flow.routes_of(entity.kind) if entity else ():
                assert entity is not None
                self.note(conn, route, entity_id, self.decide(decider, route, entity))
        for entity_id in decider.deriver.touched:
            deliveries.agenda_add(conn, self.flow.name, [entity_id])

    def decide(self, decider: Decider, route: Route, entity: EntityRow) -> Action | None:
        try:
            return decider.decide(self.flow, route, entity)
        except RecordError as error:
            return failed(error)

    def note(self, conn: Connection, route: Route, entity: str, action: Action | None) -> None:
        before = deliveries.get(conn, route.target, entity, route.shape)
        if before is not None and before.state == "sending":
            self.sending.append(entity)
            return
        if before is not None and _to_be_found(before) and (action is None or action.state != "planned"):
            return
        if action is None or action.state == "done":
            if before is not None and before.flow == self.flow.name and not _rests(before):
                deliveries.set_state(conn, before.id, "done")
            self.counts["same"] += 1
            return
        if before is not None and _stands(before, action):
            return
        state = action.state
        if before is not None and state == "planned" and _may_be_there(before):
            state = "uncertain"
        attempts = before.attempts + (state == "set_aside") if before else int(state == "set_aside")
        self.counts[state if state != "uncertain" else "planned"] += 1
        self.counts[f"{action.op}"] += state == "planned"
        id = deliveries.put(
            conn, flow=self.flow.name, target=route.target, entity=entity, shape=route.shape, op=action.op, state=state,
            partition=action.partition, position=action.position, desired=action.desired, fields=action.fields,
            marker=before.marker if before and state == "uncertain" else None,
            attempts=attempts, reason=action.reason or None, run=self.run,
            next_at=next_try(attempts, before.at if before else now(), now()) if state == "set_aside" else action.next_at,
        )  # fmt: skip
        if state in ("planned", "uncertain"):
            self.ready.append(id)

    def reason(self) -> str:
        """Why there is nothing to write."""
        waiting = ", ".join(f"{self.counts[state]} {state}" for state in (*REVISITED, *DUE) if self.counts[state])
        if waiting:
            return f"Nothing can be written now: {waiting}."
        return (
            f"{self.counts['same']} entities were looked at; all targets show them."
            if self.counts["same"]
            else "Nothing new."
        )


def _rests(before: Delivery) -> bool:
    """Nothing to do leaves it as it is: settled, or removed there by a person."""
    return before.state == "done" or (before.state == "dropped" and before.op == "none")


def _to_be_found(before: Delivery) -> bool:
    """It may have been made: looked for before it waits, is blocked or forgotten."""
    return before.state == "uncertain" and before.op == "create"


def _may_be_there(before: Delivery) -> bool:
    """It was sent, and the answer was lost or not understood: its marker is looked up before anything is sent again."""
    return before.state == "uncertain" or (
        before.state == "set_aside" and before.op == "create" and bool(before.marker)
    )


def _stands(before: Delivery, action: Action) -> bool:
    """The same outcome as before: nothing new to note, and what is set aside keeps its schedule."""
    same = before.op == action.op and before.desired == action.desired
    if before.state == "set_aside":
        return same and action.state in ("planned", "set_aside") and (before.next_at or "") > now()
    if before.state == "dropped" and before.op != "none":
        return same and before.fields == list(action.fields)
    if before.state == "held":
        return same and action.state == "planned"
    return same and before.state == action.state and before.reason == (action.reason or None)
