"""Sets of rows of any table by the driver's own means, in one statement each.

PostgreSQL looks sets up and changes them through arrays, and takes new rows by COPY; SQLite uses json_each and
executemany. One text serves both: `{wanted}` is the set looked for, `{?}` a parameter, `{text}` the cast of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from psycopg.sql import SQL
from sqlalchemy import Connection

from landbridge.store.bulk import chunks
from landbridge.store.driver import postgresql_of, sqlite_of

# What an array of it is declared as, and how a value of it is then cast.
_ARRAYS = {"json": ("text", "::json")}


def use_indexes(conn: Connection) -> None:
    """For this transaction; without statistics PostgreSQL would read whole tables to find a set in a young hub."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(
            "SELECT set_config(name, 'off', true) FROM unnest(ARRAY['enable_seqscan', 'enable_hashjoin', "
            "'enable_mergejoin', 'jit']) AS name"
        )


def look_up(conn: Connection, statement: str, values: Iterable[Any], *params: Any, type: str = "text") -> list[Any]:
    """The rows (tuples) found for a set of values, which the statement joins as `wanted.value`."""
    wanted, found = list(values), []
    driver = postgresql_of(conn) if wanted else None
    for chunk in chunks(wanted):
        if driver:
            found += driver.execute(_in_postgresql(statement, type), (_array(chunk), *params)).fetchall()
        else:
            found += sqlite_of(conn).execute(_in_sqlite(statement), (json.dumps(chunk), *params)).fetchall()
    return found


def execute(conn: Connection, statement: str, values: Iterable[Any], *params: Any, type: str = "text") -> None:
    """Like `look_up`, for a statement that changes rows."""
    driver = postgresql_of(conn)
    for chunk in chunks(list(values)):
        if driver:
            driver.execute(_in_postgresql(statement, type), (_array(chunk), *params))
        else:
            sqlite_of(conn).execute(_in_sqlite(statement), (json.dumps(chunk), *params))


def insert(conn: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """New rows; JSON as its text."""
    if not rows:
        return
    names = ", ".join(columns)
    driver = postgresql_of(conn)
    if driver:
        with driver.cursor().copy(SQL(f"COPY {table} ({names}) FROM STDIN")) as copy:
            for row in rows:
                copy.write_row(row)
    else:
        marks = ", ".join("?" * len(columns))
        sqlite_of(conn).executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def update(
    conn: Connection,
    table: str,
    columns: Mapping[str, str],
    rows: Sequence[tuple[Any, ...]],
    change: str = "",
    only: str = "",
) -> int:
    """How many rows there were, by their first column; `columns` name → PostgreSQL's type.

    `change` as in SET with `{name}` for new values; `only` the column that must be as given too.
    """  # fmt: skip
    if not rows:
        return 0
    key, *names = columns
    change = change or ", ".join(f"{name} = {{{name}}}" for name in names)
    driver = postgresql_of(conn)
    if driver:
        return driver.execute(_update(table, tuple(columns.items()), change, only), _arrays(rows)).rowcount
    numbered = {name: f"?{number}" for number, name in enumerate(columns, 1)}
    same = f" AND {only} = {numbered[only]}" if only else ""
    statement = f"UPDATE {table} SET {change.format(**numbered)} WHERE {key} = ?1{same}"
    return sqlite_of(conn).executemany(statement, rows).rowcount


def delete(conn: Connection, table: str, columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
    """The rows that have these values in these columns."""
    if not rows:
        return
    driver = postgresql_of(conn)
    if driver:
        same = " AND ".join(f"{table}.{name} = old.{name}" for name in columns)
        old = f"unnest({_typed(columns.values())}) AS old ({', '.join(columns)})"
        driver.execute(f"DELETE FROM {table} USING {old} WHERE {same}", _arrays(rows))
    else:
        same = " AND ".join(f"{name} = ?" for name in columns)
        sqlite_of(conn).executemany(f"DELETE FROM {table} WHERE {same}", rows)


@cache
def _update(table: str, columns: tuple[tuple[str, str], ...], change: str, only: str) -> Any:
    key = columns[0][0]
    new = {name: f"new.{name}{_ARRAYS.get(type, ('', ''))[1]}" for name, type in columns}
    rows = f"unnest({_typed(type for _, type in columns)}) AS new ({', '.join(new)})"
    same = f" AND {table}.{only} = new.{only}" if only else ""
    return f"UPDATE {table} SET {change.format(**new)} FROM {rows} WHERE {table}.{key} = new.{key}{same}"


def _typed(types: Iterable[str]) -> str:
    return ", ".join(f"%s::{_ARRAYS.get(type, (type, ''))[0]}[]" for type in types)


_EACH = "FROM {wanted} CROSS JOIN "


@cache
def _in_postgresql(statement: str, type: str) -> Any:
    """What is joined is looked up value by value: for sets in a young hub the planner would read all of it instead."""
    columns, each, found = statement.partition(_EACH)
    if each:
        statement = f"SELECT found.* FROM {{wanted}} CROSS JOIN LATERAL ({columns}FROM {found} OFFSET 0) AS found"
    wanted = f"unnest(%s::{type}[]) AS wanted (value)"
    return statement.replace("{wanted}", wanted).replace("{?}", "%s").replace("{text}", "::text")


@cache
def _in_sqlite(statement: str) -> str:
    return statement.replace("{wanted}", "json_each(?) AS wanted").replace("{?}", "?").replace("{text}", "")


def _arrays(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    return [_array(column) for column in zip(*rows, strict=True)]


def _array(values: Iterable[Any]) -> str:
    """An array as PostgreSQL's own text: several times cheaper than having the driver adapt each value."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if not isinstance(value, str):
        return str(value)
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if '"' in value:
        value = value.replace('"', '\\"')
    return f'"{value}"'
