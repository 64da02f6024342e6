"""What is next to be written is claimed in sets, decided once more with what is known now, before anything is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import xxhash
from sqlalchemy import Connection

from landbridge.store import deliveries, partitions, sending
from landbridge.store.brakes import BRAKED
from landbridge.store.deliveries import Delivery
from landbridge.store.entities import EntityRow
from landbridge.sync.bridge import Bridge
from landbridge.sync.decide import Action, Decider
from landbridge.sync.job import Job
from landbridge.sync.planner import Planner
from landbridge.sync.routes import Flow, Route


@dataclass
class Claims:
    """`jobs` are to be sent; `counts` what was decided without that.

    `again`: partitions that are ours, in which something else may be next. `elsewhere`: where something belongs by now.
    """

    jobs: list[Job] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    again: list[str] = field(default_factory=list)
    elsewhere: set[tuple[str, str]] = field(default_factory=set)


def claim(bridge: Bridge, flow: Flow, run: str, target: str, wanted: Sequence[str]) -> Claims:
    """Take what is next in each of these partitions; those in which nothing is are free for others."""
    with bridge.hub.begin() as conn:
        held = partitions.hold(conn, target, wanted, run)
        found = partitions.following(conn, flow.name, target, held, run)
        partitions.release(conn, target, held - found.keys(), run)
        claiming = _Claiming(bridge, conn, flow, run)
        claiming.decide([one for one in found.values() if one is not None])
        claims = claiming.claims
        claims.again += [partition for partition, one in found.items() if one is None]
        claims.counts.update({"taken": len(wanted) - len(held)} if len(held) < len(wanted) else ())
        return claims


class _Claiming:
    """One transaction: decided first, which may need the log, and noted at the end, which needs the agenda."""

    def __init__(self, bridge: Bridge, conn: Connection, flow: Flow, run: str) -> None:
        self.bridge, self.conn, self.flow, self.run = bridge, conn, flow, run
        self.planner, self.decider = Planner(bridge.company, flow, run), Decider(conn, bridge.company, run)
        self.claims = Claims()
        self._claimed: dict[int, dict[str, Any]] = {}
        self._settled: list[tuple[Route, EntityRow, Action | None]] = []

    def decide(self, found: Sequence[Delivery]) -> None:
        if not found:
            return
        self.decider.view.prefetch(sorted({one.entity for one in found}))
        for delivery in found:
            job = self._decided(delivery)
            if job is None:
                self.claims.again.append(delivery.partition)
            else:
                self.claims.jobs.append(job)
        sending.claim(self.conn, self.run, self._claimed)
        self.planner.settle(self.conn, self.decider, self._settled)

    def _decided(self, delivery: Delivery) -> Job | None:
        decider = self.decider
        entity = decider.view.entity(delivery.entity)
        found = self.planner.decide_at(decider, delivery.target, delivery.shape, entity) if entity else None
        if found is None or entity is None:
            deliveries.set_state(self.conn, delivery.id, "dropped", reason="Its flow no longer shows it there.")
            self.claims.counts["dropped"] += 1
            return None
        route, action = found
        unwanted = action is None or action.state != "planned"
        if unwanted and delivery.state == "uncertain" and delivery.op == "create":
            return self._to_look_up(delivery, route)
        passed = action is not None and (action.op not in BRAKED or (delivery.op == action.op and delivery.cleared))
        if action is None or unwanted or not passed or action.partition != delivery.partition:
            self._settled.append((route, entity, action))
            self.claims.counts["settled"] += 1
            if action is not None and passed and not unwanted:
                # It belongs elsewhere by now, where others may stand before it.
                self.claims.elsewhere.add((delivery.target, action.partition))
            return None
        return self._claim(delivery, route, action, entity)

    def _claim(self, delivery: Delivery, route: Route, action: Action, entity: EntityRow) -> Job:
        uncertain = delivery.state == "uncertain" and delivery.op == action.op
        fresh = _marker(self.decider, delivery, action, entity.version)
        marker = delivery.marker if uncertain and delivery.marker else fresh
        tried = sending.tries(delivery, action.desired) if uncertain else None
        self._claimed[delivery.id] = {
            "marker": marker, "op": action.op, "position": action.position, "desired": action.desired,
            "fields": list(action.fields), "cause": action.cause, "tried": tried,
        }  # fmt: skip
        labels = self.decider.labels(route.system, action.desired)
        mapping = self.bridge.company.mapping(delivery.target)
        return Job(
            self.run, self.flow, delivery, route, action, mapping, marker, uncertain, labels, marker != fresh or bool(tried),
            tuple(tried or ()), said_at=entity.data.get("sent_at"), edited_at=entity.data.get("edited_at"),
        )  # fmt: skip

    def _to_look_up(self, delivery: Delivery, route: Route) -> Job:
        """Nobody wants it any more, but an earlier try may have made it: only looked for, and planned again if it is there."""
        marker = delivery.marker or ""
        self._claimed[delivery.id] = {
            "marker": marker,
            **{name: getattr(delivery, name) for name in ("op", "position", "desired", "fields", "cause", "tried")},
        }
        action = Action("create", "done", desired=delivery.desired or {})
        mapping = self.bridge.company.mapping(delivery.target)
        return Job(
            self.run, self.flow, delivery, route, action, mapping, marker, uncertain=True, outdated=True,
            tried=tuple(delivery.tried or ()),
        )  # fmt: skip


def _marker(decider: Decider, delivery: Delivery, action: Action, version: int) -> str:
    """The same write has the same marker, in every process and after every crash; another version is another write.

    So is the next one after a record that is gone: its marker could still be found on what was deleted.
    """
    said = f"{delivery.target}\n{delivery.entity}\n{delivery.shape}\n{action.op}\n{version}"
    rows = decider.view.rows(delivery.entity)
    gone = sum(f"{row.system}/{row.stream}" == delivery.target and row.gone_at is not None for row in rows)
    return "lb" + xxhash.xxh3_128_hexdigest((f"{said}\n{gone}" if gone else said).encode())
