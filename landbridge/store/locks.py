"""Locks that PostgreSQL needs and SQLite, where a writing transaction is alone, does not."""

from __future__ import annotations

import zlib

from sqlalchemy import Connection

_HELD = "landbridge_locks"

# One lock for the change log and the audit: two would invite transactions that take them in different order.
LOG = "log"
# Taken after all others.
AGENDA = "agenda"
MIGRATE = "migrate"


def exclusive(conn: Connection, name: str) -> None:
    """Wait until no other transaction holds `name`, then hold it until this one ends."""
    if conn.dialect.name != "postgresql":
        return
    held: set[str] = conn.info.setdefault(_HELD, set())
    if name in held:
        return
    conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({zlib.crc32(f'landbridge.{name}'.encode())})")
    # A lock taken inside a savepoint is lost with it, so only those of the transaction itself are remembered.
    if not conn.in_nested_transaction():
        held.add(name)


def forget(conn: Connection) -> None:
    """A new transaction begins on this connection: it holds nothing yet."""
    conn.info.pop(_HELD, None)
