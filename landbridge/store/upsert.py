"""INSERT … ON CONFLICT … DO UPDATE, which both databases know in the same words and SQLAlchemy in two dialects."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(conn: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)


def upsert(
    conn: Connection,
    table: Table,
    unique: Collection[str],
    values: Mapping[str, Any],
    *,
    keep: Collection[str] = (),
) -> Any:
    """The row as `values` say, whether it was there or not; the columns of `keep` are only set on a new row."""
    statement = insert(conn, table).values(**values)
    replaced = {name: statement.excluded[name] for name in values if name not in unique and name not in keep}
    return statement.on_conflict_do_update(index_elements=list(unique), set_=replaced)


def insert_missing(conn: Connection, table: Table) -> Any:
    """Rows that are there already stay as they are."""
    return insert(conn, table).on_conflict_do_nothing()
