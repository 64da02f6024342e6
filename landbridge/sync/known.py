"""Where deciding takes from what is known: the hub as it is stored, in sets."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from landbridge.store import decisions, deliveries, entities, leftfiles, records
from landbridge.store.deliveries import Delivery
from landbridge.store.entities import EntityRow
from landbridge.store.records import Row


class Stored:
    """Every answer to a set has all that was asked for, empty where there is nothing."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn

    def entities(self, ids: Iterable[str]) -> dict[str, EntityRow]:
        """Those that there are."""
        return entities.get_many(self.conn, ids)

    def records_of(self, ids: Iterable[str]) -> dict[str, list[Row]]:
        return records.of_entities(self.conn, ids)

    def record(self, system: str, stream: str, key: str) -> Row | None:
        return records.get(self.conn, system, stream, key)

    def deliveries_of(self, ids: Iterable[str], *, lock: bool = False) -> dict[str, list[Delivery]]:
        """`lock`: nobody claims one until the transaction ends."""
        return deliveries.of_entities(self.conn, ids, lock=lock)

    def left_files(self, ids: Iterable[str]) -> dict[str, dict[str, dict[str, str]]]:
        """Entity → target → the files it did not take, with the reason."""
        return leftfiles.of_entities(self.conn, ids)

    def disputed(self, ids: Iterable[str]) -> dict[str, set[str]]:
        """The fields about which a question is open."""
        return decisions.disputed(self.conn, ids)

    def referrers_of(self, ids: Iterable[str], field: str) -> dict[str, list[str]]:
        return entities.referrers_of(self.conn, ids, field)
