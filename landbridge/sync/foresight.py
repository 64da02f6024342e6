"""What merging and planning would come to, in memory over one snapshot: nothing waits for it, and nothing is written.

The same `Batch` and `Planner` decide as in a run; only what they hold is never flushed, and is looked into instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial

from sqlalchemy import Connection

from landbridge.errors import ConfigError
from landbridge.model import KIND_ORDER
from landbridge.store import agenda, decisions, deliveries, records, runs, sets
from landbridge.store.bulk import chunks
from landbridge.store.clock import now
from landbridge.store.deliveries import Delivery
from landbridge.store.entities import EntityRow
from landbridge.store.held_entities import HeldEntity
from landbridge.store.held_records import HeldRecord
from landbridge.store.records import Row
from landbridge.store.unit import Foreseen
from landbridge.sync import periods
from landbridge.sync.batch import Batch
from landbridge.sync.company import Company
from landbridge.sync.decide import Decider
from landbridge.sync.known import Stored
from landbridge.sync.merge import BATCH as MERGED
from landbridge.sync.merge import streams_of
from landbridge.sync.plan import BATCH as PLANNED
from landbridge.sync.plan import FLOWS, WAITING, rules_of
from landbridge.sync.planner import Noted, Planner
from landbridge.sync.reports import Report
from landbridge.sync.routes import PLACES, Flow
from landbridge.sync.view import View

# Records still to be merged that are held in memory, some kilobytes each.
MOST = 100_000
# Entities of each sort of reason to plan them that are looked at, where so many have nothing to be written.
_LOOKED_AT = 100_000
# What is on its way is shown where the run that sends it is dead.
SHOWN = ("planned", "uncertain", "held", "waiting", "blocked", "undecided")
_RUN = "foreseen"


class AsItWouldBe(Stored):
    """What a unit and a plan hold in memory, over what is stored."""

    def __init__(self, conn: Connection, unit: Foreseen) -> None:
        super().__init__(conn)
        self.unit = unit
        # Entity → (target, shape) → what was decided, with an id below zero where it is not stored.
        self.planned: dict[str, dict[tuple[str, str], Delivery]] = {}
        self._by_id: dict[int, Delivery] = {}
        self._ids: dict[tuple[str, str, str], int] = {}
        self._is_alive = cache(partial(runs.is_alive, conn))

    def entities(self, ids: Iterable[str]) -> dict[str, EntityRow]:
        wanted = list(ids)
        self.unit.entities.load(wanted)
        return {id: _entity(found) for id in wanted if (found := self.unit.entities.get(id)) is not None}

    def records_of(self, ids: Iterable[str]) -> dict[str, list[Row]]:
        wanted = list(ids)
        self.unit.records.load_of(wanted)
        return {id: [_row(one) for one in self.unit.records.of_entity(id)] for id in wanted}

    def record(self, system: str, stream: str, key: str) -> Row | None:
        found = super().record(system, stream, key)
        return None if found is None else _row(self.unit.records.get(found.id))

    def deliveries_of(self, ids: Iterable[str], *, lock: bool = False) -> dict[str, list[Delivery]]:
        found = super().deliveries_of(ids)
        for entity, stored in found.items():
            there = {(one.target, one.shape): self.as_left(one) for one in stored} | self.planned.get(entity, {})
            self._by_id.update((one.id, one) for one in there.values())
            self._ids.update(((one.target, entity, one.shape), one.id) for one in there.values())
            found[entity] = list(there.values())
        return found

    def as_left(self, one: Delivery) -> Delivery:
        """What a dead run was sending is uncertain."""
        lost = one.state == "sending" and one.run is not None and not self._is_alive(one.run)
        return one._replace(state="uncertain") if lost else one

    def disputed(self, ids: Iterable[str]) -> dict[str, set[str]]:
        found = super().disputed(ids)
        for subject, is_open in self.unit.questions.changed("conflict").items():
            entity, _, path = subject.partition(":")
            if entity in found:
                (found[entity].add if is_open else found[entity].discard)(path)
        return found

    def referrers_of(self, ids: Iterable[str], field: str) -> dict[str, list[str]]:
        wanted = list(ids)
        self.unit.references.load_owners((field, id) for id in wanted)
        return {id: self.unit.references.owners((field, id)) for id in wanted}

    def keep(self, noted: Noted) -> None:
        """What was decided, seen from now on by what is decided later."""
        for row in noted.rows:
            columns = {name: value for name, value in row.items() if name != "again"}
            key = (row["target"], row["entity"], row["shape"])
            self._keep(Delivery(id=self._ids.setdefault(key, -1 - len(self._ids)), **columns))
        for id in noted.settled:
            self._keep(self._by_id[id]._replace(state="done"))

    def _keep(self, one: Delivery) -> None:
        self.planned.setdefault(one.entity, {})[one.target, one.shape] = one


def _entity(held: HeldEntity) -> EntityRow:
    return EntityRow(
        held.id, held.kind, held.data, dict(held.origin), held.rule, held.version, held.deleted_at, "", ""
    )  # fmt: skip


def _row(held: HeldRecord) -> Row:
    return Row(
        held.id, held.system, held.stream, held.key, held.kind, held.entity, held.role,
        held.claim, held.base, held.sent, held.gone_at, held.pending, None, held.marker, held.changed_at,
    )  # fmt: skip


class Foresight:
    """One flow's next run, as far as it can be told from the snapshot that `conn` reads.

    An answer that unties a record, or ties it again, is carried out by the run alone.
    """

    def __init__(self, conn: Connection, company: Company, flow: Flow) -> None:
        self.conn, self.company, self.flow = conn, company, flow
        self.unit = Foreseen(conn, _RUN)
        self.known = AsItWouldBe(conn, self.unit)
        # Entities that changed: others may wait for them.
        self._changed: set[str] = set()

    def merge(self) -> None:
        """Raises ConfigError where more is to be merged than can be held in memory."""
        sets.use_indexes(self.conn)
        batch = self._batch()
        batch.apply_decisions()
        self._changed.update(batch.note())
        for kind in KIND_ORDER:
            streams = streams_of(self.company, self.flow.name, kind)
            while streams and self._merge_all(streams):
                pass

    def _batch(self) -> Batch:
        return Batch(self.unit, self.company, Report(_RUN, self.flow.name))

    def _merge_all(self, streams: list[tuple[str, str]]) -> bool:
        """All that is pending, once; false where nothing was left that can be merged now."""
        ids, postponed = self._pending(streams), 0
        for chunk in chunks(ids, MERGED):
            batch = self._batch()
            batch.merge(chunk, streams)
            self._changed.update(batch.note())
            postponed += len(batch.linker.postponed)
        return len(ids) > postponed

    def _pending(self, streams: list[tuple[str, str]]) -> list[int]:
        held = self.unit.records
        stored = records.pending_ids(self.conn, streams, MOST + 1)
        if len(stored) > MOST:
            raise ConfigError(
                f"More than {MOST:,} records are still to be merged, too many for a dry run.",
                remedy=f"Merge them first: `landbridge plan {self.flow.name} --merge`. It writes to no system.",
            )
        woken = {one.id for one in held.pending() if (one.system, one.stream) in streams}
        return sorted(woken.union(id for id in stored if not held.has_settled(id)))

    def plan(self, enough: int) -> None:
        """In the order in which a run would, until so many writes are found."""
        periods.foresee_due(View(self.known, self.company), self.unit, self.flow)
        planner, todo = Planner(self.company, self.flow, _RUN), dict.fromkeys(self._to_plan())
        found = 0
        while todo and found < enough:
            some = [todo.popitem()[0] for _ in range(min(PLANNED, len(todo)))]
            decider = Decider(self.conn, self.company, _RUN, known=self.known, unit=self.unit)
            noted = planner.decide_all(decider, some)
            self.known.keep(noted)
            found += sum(row["state"] in SHOWN for row in noted.rows)
            waiting = deliveries.awaiting(self.conn, self.flow.name, noted.given_up)
            todo.update(dict.fromkeys((*noted.next, *waiting, *decider.deriver.touched)))

    def _to_plan(self) -> list[str]:
        """The last first, so that it can be taken from the end."""
        conn, name = self.conn, self.flow.name
        found = dict.fromkeys(agenda.take(conn, name, _LOOKED_AT))
        found.update(dict.fromkeys(sorted(self.unit.to_plan(name))))
        found.update(dict.fromkeys(deliveries.awaiting(conn, name, self._changed)))
        answered = decisions.unapplied(conn, ("edited",))
        found.update(dict.fromkeys(one.entity for one in answered if one.flow == name and one.entity))
        found.update(
            dict.fromkeys(entity for _, _, entity in deliveries.now_due(conn, name, now(), ("", 0), _LOOKED_AT))
        )
        if any(route.kind == "message" for route in self.flow.routes):
            for field in PLACES:
                places = {*self.unit.fanned_out(), *agenda.fanned_out(conn)}
                for standing in self.known.referrers_of(places, field).values():
                    found.update(dict.fromkeys(standing))
        if (runs.cursor(conn, FLOWS, name) or {}).get("rules") != rules_of(self.company, self.flow):
            for state in WAITING:
                found.update(
                    dict.fromkeys(entity for _, entity in deliveries.in_state(conn, name, state, 0, _LOOKED_AT))
                )
        return list(reversed(found))

    def writes(self, limit: int) -> list[Delivery]:
        """What is planned, or why it is not, in the order in which each partition has to be written."""
        planned = [one for of_entity in self.known.planned.values() for one in of_entity.values()]
        stored = deliveries.of_flow(self.conn, self.flow.name, (*SHOWN, "sending"), limit=limit + len(planned))
        decided = {(one.target, one.entity, one.shape) for one in planned}
        left = [self.known.as_left(one) for one in stored if (one.target, one.entity, one.shape) not in decided]
        shown = [one for one in (*left, *planned) if one.state in SHOWN]
        return sorted(shown, key=lambda one: (one.position, one.id < 0, abs(one.id)))[:limit]
