"""INSERT … ON CONFLICT, which both databases know in the same words and SQLAlchemy in two dialects.

Statements are built once and executed with the row as parameters: building one costs more than running it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    conn: Connection,
    table: Table,
    unique: tuple[str, ...],
    names: Iterable[str],
    returning: str = "",
    where: ColumnElement[bool] | None = None,
) -> Any:
    """To be executed with a row of these columns, written whether it was there or not; `where`: which may be replaced."""
    return _upsert(conn.dialect.name, table, unique, tuple(names), returning, where)


def insert_missing(conn: Connection, table: Table) -> Any:
    """Rows that are there already stay as they are."""
    return insert_for(conn.dialect.name, table).on_conflict_do_nothing()


def insert_for(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """For statements that are built once for each of the databases."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def _upsert(
    dialect: str,
    table: Table,
    unique: tuple[str, ...],
    names: tuple[str, ...],
    returning: str,
    where: ColumnElement[bool] | None,
) -> Any:
    statement = insert_for(dialect, table)
    replaced = {name: statement.excluded[name] for name in names if name not in unique}
    written = statement.on_conflict_do_update(index_elements=list(unique), set_=replaced, where=where)
    return written.returning(table.c[returning]) if returning else written
