"""Write to a hub as the engine does, and read what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row, select

from landbridge.store import entities, records
from landbridge.store.hub import Hub
from landbridge.store.tables import change
from landbridge.store.unit import Unit


@contextmanager
def working(hub: Hub) -> Iterator[Unit]:
    """A unit of work in a transaction of its own, written at its end."""
    with hub.begin() as conn:
        unit = Unit(conn, "run").alone()
        yield unit
        unit.flush()


def add_person(conn: Connection, id: str = "", data: dict[str, Any] | None = None) -> str:
    """The id of a new person, with nothing known about it."""
    unit, id = Unit(conn, "run").alone(), id or entities.new_id()
    unit.entities.create(id, "person", data or {}, {})
    unit.flush()
    return id


def settle(hub: Hub, ids: Iterable[int]) -> None:
    """Merge these records, as far as they themselves are concerned."""
    with working(hub) as unit:
        for id in ids:
            unit.records.settle(unit.records.get(id))


def pending(conn: Connection, streams: Sequence[tuple[str, str]], limit: int = 500) -> list[records.Row]:
    """What waits to be merged, in the order in which it is."""
    found = records.get_many(conn, ids := records.pending_ids(conn, streams, limit))
    return [found[id] for id in ids]


def changes(conn: Connection, after: int = 0) -> list[Row[Any]]:
    """The log behind this number, in its order."""
    return list(conn.execute(select(change).where(change.c.seq > after).order_by(change.c.seq)))
