"""One transaction's unit of work: what it needs is looked up in sets, decided in memory, and written in sets.

What was not looked up beforehand is fetched when it is asked for, so forgetting to is slow, never wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from landbridge.store import agenda, deliveries, locks, sets
from landbridge.store.entities import new_id
from landbridge.store.held_entities import HeldEntities
from landbridge.store.held_records import HeldRecord, HeldRecords
from landbridge.store.questions import Questions
from landbridge.store.relations import IDENTIFIERS, REFERENCES, UNRESOLVED, Relation

_MARKED = """
SELECT delivery.marker, delivery.entity, delivery.shape, delivery.state FROM {wanted} CROSS JOIN delivery
WHERE delivery.marker = wanted.value ORDER BY delivery.id
"""


class Marked(NamedTuple):
    """The delivery that a marker was made for."""

    entity: str
    shape: str
    state: str


class Unit:
    """Everything that a batch reads and changes; nothing is written before `flush`. Merging is alone while it lives."""

    def __init__(self, conn: Connection, run: str | None = None) -> None:
        self.conn, self._run = conn, run
        self.records = HeldRecords(conn)
        self.entities = HeldEntities(conn, run)
        self.references = Relation(conn, REFERENCES)
        self.unresolved = Relation(conn, UNRESOLVED)
        self.identifiers = Relation(conn, IDENTIFIERS)
        self.questions = Questions(conn)
        self.markers = Markers(conn)
        self._agenda: dict[str, set[str]] = {}
        self._fanouts: set[str] = set()

    def alone(self) -> Unit:
        """A new one that sees what others have linked and made until now, and nothing that they do from here on."""
        locks.exclusive(self.conn, locks.LOG)
        return Unit(self.conn, self._run)

    def create(self, kind: str, rule: str | None = None) -> str:
        """The id of a new entity that nothing is known about yet, and that nothing can be linked or refer to yet."""
        id = new_id()
        self.entities.create(id, kind, {}, {}, rule)
        self.records.is_new(id)
        self.references.is_new(id)
        return id

    def wake_waiting(self, record: HeldRecord) -> None:
        """It is linked now: have those that wait for it merged again."""
        self.records.wake(self.unresolved.owners((record.system, record.stream, record.key)))

    def refer(self, entity: str, targets: Mapping[str, Iterable[str]]) -> None:
        """All that it refers to, by field; what is left out it refers to no longer."""
        self.references.replace(entity, frozenset((field, id) for field, ids in targets.items() for id in ids))

    def referrers(self, target: str, fields: Iterable[str]) -> list[str]:
        """The ids of the entities that refer to it in one of these fields."""
        found: set[str] = set()
        for field in fields:
            if self.entities.is_new(target):
                self.references.was_nobodys((field, target))
            found.update(self.references.owners((field, target)))
        return sorted(found)

    def plan_again(self, flow: str, entity: str) -> None:
        self._agenda.setdefault(flow, set()).add(entity)

    def plan_referrers_again(self, entity: str) -> None:
        """All that stands in it has to be looked at; that may be millions, so later, in parts."""
        self._fanouts.add(entity)

    def flush(self) -> None:
        """Write all of it, in one statement for each table."""
        locks.exclusive(self.conn, locks.LOG)
        new = {id for entities in self._agenda.values() for id in entities if self.entities.is_new(id)}
        self.entities.flush()
        self.records.flush()
        for relation in (self.identifiers, self.references, self.unresolved):
            relation.flush()
        self.questions.flush()
        for flow, entities in self._agenda.items():
            agenda.add_new(self.conn, flow, entities & new)
            agenda.add(self.conn, flow, entities - new)
        agenda.fan_out(self.conn, self._fanouts)
        self._agenda.clear()
        self._fanouts.clear()


class Foreseen(Unit):
    """One that is never written: what it changes is seen in it, and nowhere else. Its connection may be a snapshot's."""

    def alone(self) -> Unit:
        return self

    def flush(self) -> None:
        """It goes on with what it holds."""

    def to_plan(self, flow: str) -> set[str]:
        """What of this flow is to be planned because of it."""
        return self._agenda.get(flow, set())

    def fanned_out(self) -> set[str]:
        """All that stands in these has to be planned."""
        return self._fanouts


class Markers:
    """Which of our own writes the records of a batch carry, and whether any is under way."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._known: dict[str, Marked | None] = {}
        self._flying: dict[str, bool] = {}

    def load(self, markers: Iterable[str]) -> None:
        wanted = [marker for marker in set(markers) if marker not in self._known]
        self._known.update(dict.fromkeys(wanted))
        for marker, *found in sets.look_up(self._conn, _MARKED, wanted):
            self._known[marker] = Marked(*found)

    def find(self, marker: str) -> Marked | None:
        if marker not in self._known:
            self.load([marker])
        return self._known[marker]

    def any_in(self, target: str, states: Iterable[str]) -> bool:
        if target not in self._flying:
            self._flying[target] = deliveries.any_in(self._conn, target, states)
        return self._flying[target]
