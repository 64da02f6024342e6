"""Decides for sets of entities and keeps their deliveries true; used by plan, and by write for what has waited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from landbridge.errors import RecordError
from landbridge.store import agenda, deliveries, sending
from landbridge.store.clock import now
from landbridge.store.deliveries import Delivery
from landbridge.store.entities import EntityRow
from landbridge.store.setaside import next_try_after
from landbridge.sync.company import Company
from landbridge.sync.decide import Action, Decider, edited, failed
from landbridge.sync.desire import GIVEN_UP
from landbridge.sync.routes import Flow, Route


@dataclass
class Noted:
    """What one set of decisions changes, written at its end: rows of deliveries, and the ids of those that are done."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    # What has come since that cannot be shown there, by delivery.
    lossy: dict[int, list[str]] = field(default_factory=dict)
    # Entities that others may wait for, those that are shown from now on or no longer, and those to be planned after this.
    given_up: list[str] = field(default_factory=list)
    turned: list[str] = field(default_factory=list)
    next: list[str] = field(default_factory=list)
    # (target, partition) in which something can be written now.
    ready: set[tuple[str, str]] = field(default_factory=set)


class Planner:
    def __init__(self, company: Company, flow: Flow, run: str) -> None:
        self.company, self.flow, self.run = company, flow, run
        self.counts: Counter[str] = Counter()
        self._answers = any(route.kind == "message" and route.via for route in flow.routes)

    def entities(self, conn: Connection, ids: Collection[str]) -> set[tuple[str, str]]:
        """Decide for all of them and note it; what is being sent meanwhile is planned once that is done.

        Answers the (target, partition) in which something new can be written.
        """
        decider = Decider(conn, self.company, self.run)
        noted = self.decide_all(decider, ids, lock=True)
        sending.want_again(conn, ids)
        self._write(conn, decider, noted)
        agenda.add(conn, self.flow.name, decider.deriver.touched)
        return noted.ready

    def decide_all(self, decider: Decider, ids: Collection[str], *, lock: bool = False) -> Noted:
        """Without writing anything."""
        decider.view.prefetch(sorted(ids), threads=self.flow.reads_threads, lock=lock)
        asking = [one.target for one in self.flow.routes if one.config.edited_by_people != "overwrite"]
        decider.questions.load("edited", [edited(target, one) for target in dict.fromkeys(asking) for one in ids])
        noted = Noted()
        for entity_id in ids:
            entity = decider.view.entity(entity_id)
            routes = self.flow.routes_of(entity.kind) if entity else ()
            for target, shape in dict.fromkeys((route.target, route.shape) for route in routes):
                assert entity is not None
                if found := self.decide_at(decider, target, shape, entity):
                    self._note(noted, decider, found[0], entity, found[1])
        noted.next += decider.view.standing_in(noted.turned)
        return noted

    def settle(
        self, conn: Connection, decider: Decider, decided: Iterable[tuple[Route, EntityRow, Action | None]]
    ) -> None:
        """Note what was decided; the deliveries are locked."""
        noted = Noted()
        for route, entity, action in decided:
            self._note(noted, decider, route, entity, action)
        noted.next += decider.view.standing_in(noted.turned)
        self._write(conn, decider, noted)

    def decide_at(
        self, decider: Decider, target: str, shape: str, entity: EntityRow
    ) -> tuple[Route, Action | None] | None:
        """One decision for one delivery: where several routes lead there, that of the one concerned with the entity.

        Messages and their answers go to the same stream by two routes.
        """
        decided: tuple[Route, Action | None] | None = None
        for route in self.flow.routes_of(entity.kind):
            if (route.target, route.shape) == (target, shape) and (decided is None or decided[1] is None):
                decided = route, self.decide(decider, route, entity)
        return decided

    def decide(self, decider: Decider, route: Route, entity: EntityRow) -> Action | None:
        try:
            return decider.decide(self.flow, route, entity)
        except RecordError as error:
            return failed(error)

    def _write(self, conn: Connection, decider: Decider, noted: Noted) -> None:
        deliveries.put_many(conn, noted.rows)
        deliveries.set_done(conn, noted.settled)
        sending.set_lossy(conn, noted.lossy)
        decider.flush()
        deliveries.wake(conn, noted.given_up)
        agenda.add(conn, self.flow.name, noted.next)

    def _note(self, noted: Noted, decider: Decider, route: Route, entity: EntityRow, action: Action | None) -> None:
        before = decider.view.delivery(route.target, entity.id, route.shape)
        if before is not None and before.state == "sending":
            return
        if before is not None and _to_be_found(before) and (action is None or action.state != "planned"):
            return
        if action is None or action.state == "done":
            if before is not None and before.flow == self.flow.name and not _rests(before):
                noted.settled.append(before.id)
            if before is not None and action is not None and (lost := set(action.lost) - set(before.lossy or ())):
                noted.lossy[before.id] = [*(before.lossy or ()), *sorted(lost)]
                self.counts["lossy"] += len(lost)
            self.counts["same"] += 1
            return
        if before is not None and _stands(before, action):
            return
        row = self._row(before, route, entity, action)
        self.counts[row["state"] if row["state"] != "uncertain" else "planned"] += 1
        self.counts[action.op] += action.state == "planned"
        noted.rows.append(row)
        if row["state"] in ("planned", "uncertain"):
            noted.ready.add((route.target, action.partition))
        if row["state"] in GIVEN_UP:
            noted.given_up.append(entity.id)
        if action.op in ("create", "delete") and action.state == "planned" and self._turns(route, entity, before):
            noted.turned.append(entity.id)

    def _turns(self, route: Route, entity: EntityRow, before: Delivery | None) -> bool:
        """Shown after it was left out, or no longer: what was said there, which did not wait for that, follows."""
        if not self._answers or route.via:
            return False
        if before is not None and route.shape:
            return True
        chosen = route.only is not None or any(
            one.only is not None for one in self.flow.scope if one.kind == entity.kind
        )
        # What is new was never left out, unless by what was said in it.
        return chosen and (entity.version > 1 or self.flow.reads_threads)

    def _row(self, before: Delivery | None, route: Route, entity: EntityRow, action: Action) -> dict[str, Any]:
        state, next_at, tried = action.state, action.next_at, None
        # What a system that cannot be asked may have made all the same is known by it when it is read.
        marker = before.marker if before is not None and state in _NOT_NOW else None
        if before is not None and state == "planned" and _may_be_there(before):
            state, marker, tried = "uncertain", before.marker, sending.tries(before, action.desired)
        attempts = (before.attempts if before else 0) + (state == "set_aside")
        if state == "set_aside":
            next_at = next_try_after(attempts)
        return deliveries.row(
            flow=self.flow.name, target=route.target, entity=entity.id, shape=route.shape, op=action.op, state=state,
            partition=action.partition, position=action.position, desired=action.desired, fields=action.fields,
            marker=marker, attempts=attempts, next_at=next_at, reason=action.reason or None, run=self.run,
            cause=action.cause, awaits=action.awaits, tried=tried,
            cleared=before.cleared if before and before.state in _WANTED and before.op == action.op else None,
        )  # fmt: skip

    def reason(self) -> str:
        """Why there is nothing to write."""
        states = ("waiting", "blocked", "undecided", "set_aside", "scheduled")
        waiting = ", ".join(f"{self.counts[state]} {state}" for state in states if self.counts[state])
        if waiting:
            return f"Nothing can be written now: {waiting}."
        return (
            f"{self.counts['same']} entities were looked at; all targets show them."
            if self.counts["same"]
            else "Nothing new."
        )


# Still wanted: what was let pass stays so.
_WANTED = ("planned", "uncertain", "set_aside")
# Nothing is sent for it now: the marker of what was sent last stays.
_NOT_NOW = ("waiting", "blocked", "undecided", "scheduled", "dropped")


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
    kept = before.state == action.state and before.reason == (action.reason or None)
    return same and kept and before.awaits == action.awaits
