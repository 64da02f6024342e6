"""One stream's table or query as SQL: which columns, what comes after a row, in which order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    MetaData,
    Select,
    Table,
    and_,
    case,
    column,
    func,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.types import NullType

from connectors.sql.config import TableConfig
from connectors.sql.values import native, of_native
from landbridge.connector.items import Native, key_text
from landbridge.errors import ConfigError, NotFound

# A colon that SQLAlchemy would take for a parameter's; a query has none.
_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")


@dataclass(frozen=True)
class Source:
    """`rows` is what is read; the table is there where it can be written to."""

    config: TableConfig
    rows: FromClause
    names: tuple[str, ...]

    @classmethod
    def of(cls, config: TableConfig, conn: Connection) -> Source:
        """Asks the database for the columns. Raises ConfigError for a column that is not there."""
        rows = _table(config.table, conn) if config.table else _query(str(config.query), conn)
        wanted = [*config.key, config.cursor, config.deleted, config.marker, *config.columns]
        for values in (config.disabled, config.enabled):
            wanted += values
        if missing := [name for name in wanted if name is not None and name not in rows.c]:
            known = ", ".join(rows.c.keys())
            raise ConfigError(f"{config.table or 'The query'} has no column {missing[0]!r}.", remedy=f"It has {known}.")
        needed = (*config.key, *filter(None, (config.cursor, config.deleted, config.marker)))
        names = (*needed, *config.columns) if config.columns else rows.c.keys()
        # Its own kind of text is none to what makes JSON of it.
        return cls(config, rows, tuple(dict.fromkeys(map(str, names))))

    @property
    def table(self) -> Table:
        if not isinstance(self.rows, Table):
            raise ConfigError("A query cannot be written to.")
        return self.rows

    def page(self, order: Sequence[str], after: Sequence[Any] | None, *where: ColumnElement[bool]) -> Select[Any]:
        """Rows in this order after these values; what is equal in the first columns goes on by the later ones."""
        columns = [self.rows.c[name] for name in order]
        # Rows without a key are no records; the others are all reached.
        there = [self.rows.c[name].is_not(None) for name in self.config.key]
        beyond = [] if after is None else [_beyond(columns, after)]
        found = select(*self.selected()).where(*there, *where, *beyond).order_by(*columns)
        return found.limit(self.config.page) if self.config.page else found

    def expect_one_form(self, conn: Connection) -> None:
        """SQLite compares texts letter by letter, whatever the column is called. Raises ConfigError where that is no order."""
        if self.config.cursor is None or conn.dialect.name != "sqlite":
            return
        cursor = self.rows.c[self.config.cursor]
        forms: Sequence[str] = conn.scalars(select(_form(cursor)).where(cursor.is_not(None)).distinct().limit(2)).all()
        if len(forms) > 1:
            raise ConfigError(
                f"{self.config.table or 'The query'}: the column {self.config.cursor} holds values of several forms "
                f"({' and '.join(sorted(forms))}), which SQLite does not sort by time or number.",
                remedy="Have all that write it write one form, or read a query that makes one of it: for times datetime().",
            )

    def selected(self) -> list[ColumnElement[Any]]:
        return [self.rows.c[name] for name in self.names]

    def keyless(self) -> Select[Any]:
        """How many rows have no key."""
        return select(func.count()).where(or_(*(self.rows.c[name].is_(None) for name in self.config.key)))

    def newest(self) -> Select[Any]:
        return select(func.max(self.rows.c[self.config.cursor or ""]))

    def is_key(self, key: str) -> ColumnElement[bool]:
        """The condition for one row. Raises NotFound for a key that none of its rows can have."""
        values = [key] if len(self.config.key) == 1 else orjson.loads(key)
        if len(values) != len(self.config.key):
            raise NotFound("The key has another number of parts than the table.")
        return self.is_keyed(dict(zip(self.config.key, values, strict=True)))

    def is_keyed(self, native: Native) -> ColumnElement[bool]:
        columns = [self.rows.c[name] for name in self.config.key]
        return and_(true(), *(one == of_native(one, native[one.name]) for one in columns))  # type: ignore[arg-type]

    def key_of(self, row: Any) -> str:
        return key_text([native(row[name]) for name in self.config.key])

    def native_of(self, row: Any) -> tuple[Native, str | None]:
        """The row and the marker that it carries."""
        made = {name: native(row[name]) for name in self.names if name != self.config.marker}
        marker = row[self.config.marker] if self.config.marker else None
        return made, str(marker) if marker else None


def _form(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """How a value is written: what differs there is not compared as what it means. Fractions of a second do no harm.

    `2026-03-02 09:05:00.5Z` becomes `text 19 " " Z`: its length without them, what stands between day
    and hour, and the zone.
    """
    kind, length = func.typeof(value), func.length(value)
    zone = func.ltrim(func.substr(value, 20), ".0123456789")
    of_text = func.printf('text %d "%s" %s', func.min(length, 19), func.substr(value, 11, 1), zone)
    return case((kind.in_(("integer", "real")), "number"), (kind == "text", of_text), else_=kind)


def _beyond(columns: Sequence[ColumnElement[Any]], after: Sequence[Any]) -> ColumnElement[bool]:
    """(a, b) > (x, y) for databases that cannot compare rows; its first part is what an index serves."""
    steps = []
    for at, (one, value) in enumerate(zip(columns, after, strict=True)):
        same = [before == known for before, known in zip(columns[:at], after[:at], strict=True)]
        steps.append(and_(*same, one > value))
    return and_(columns[0] >= after[0], or_(*steps))


def _table(name: str, conn: Connection) -> Table:
    schema, _, short = name.rpartition(".")
    table = Table(short, MetaData(), schema=schema or None, autoload_with=conn)
    if conn.dialect.name == "sqlite":
        # It keeps whatever it was given, so a declared type may not fit what is there: values are taken as they are.
        for one in table.c:
            one.type = NullType()
    return table


def _query(query: str, conn: Connection) -> FromClause:
    clause = text(_PARAMETER.sub(r"\\:", query.strip().rstrip(";")))
    names = conn.execute(select(text("*")).select_from(clause.columns().subquery("asked")).limit(0)).keys()
    return clause.columns(*map(column, names)).subquery("asked")
