"""Files that a target did not take: its records are shown without them, and stay so until the file is another one."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from landbridge.store import bulk
from landbridge.store.clock import now
from landbridge.store.tables import left_file
from landbridge.store.upsert import insert_missing


def note(conn: Connection, target: str, entity: str, file: str, reason: str) -> bool:
    """`file` tells it from others, and names nobody; false where it was noted before."""
    values = {"target": target, "entity": entity, "file": file, "reason": reason, "at": now()}
    missing = insert_missing(conn, left_file).values(values).returning(left_file.c.file)
    return conn.scalar(missing) is not None


def of_entities(conn: Connection, ids: Iterable[str]) -> dict[str, dict[str, dict[str, str]]]:
    """Entity → target → file → reason; empty where all of an entity's files were taken."""
    wanted = sorted(set(ids))
    found: dict[str, dict[str, dict[str, str]]] = {entity: {} for entity in wanted}
    for chunk in bulk.chunks(wanted):
        for row in conn.execute(select(left_file).where(left_file.c.entity.in_(chunk))):
            found[row.entity].setdefault(row.target, {})[row.file] = row.reason
    return found
