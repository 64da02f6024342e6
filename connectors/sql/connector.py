"""Any SQL database: the tables and queries that the configuration names, read by key or by cursor, written by key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, create_engine, func, insert, select, text
from sqlalchemy import delete as delete_from
from sqlalchemy import update as update_rows
from sqlalchemy.exc import DataError, IntegrityError

from connectors.sql.config import SqlConfig
from connectors.sql.errors import errors_named
from connectors.sql.source import Source
from connectors.sql.values import earlier, kept, not_after, of_kept, of_native, says_deleted
from landbridge.connector import Account, Checkpoint, Complete, Configured, Failure, Gone, Item, Record, Stream, keyed
from landbridge.connector.items import Native
from landbridge.errors import ConfigError, LandbridgeError, NotFound, RecordError
from landbridge.http import Once

FETCHED = 1000
RIGHTS = {"create": "INSERT", "update": "UPDATE", "delete": "DELETE", "disable": "UPDATE", "enable": "UPDATE"}


class Sql(Configured):
    """One account of one database."""

    system = "sql"
    Config = SqlConfig
    config: SqlConfig

    @cached_property
    def engine(self) -> Engine:
        with errors_named("Connecting"):
            return create_engine(
                self.config.url, hide_parameters=True, pool_pre_ping=True, pool_size=4, max_overflow=12,
                pool_timeout=self.config.timeout,
            )  # fmt: skip

    @cached_property
    def _sources(self) -> dict[str, Source]:
        return {}

    def close(self) -> None:
        if "engine" in self.__dict__:
            self.engine.dispose()

    def check(self) -> Account:
        missing: list[str] = []
        with errors_named("Checking the account"), self._reading() as conn:
            name = self.config.login or self.engine.dialect.name
            if self.engine.dialect.name == "postgresql":
                name = str(conn.scalar(text("SELECT current_user")))
        for stream, table in self.config.streams.items():
            try:
                source = self._source(self._streams[stream])
                with errors_named(stream), self._reading() as conn:
                    conn.execute(source.page(table.key, None).limit(1)).all()
                    source.expect_one_form(conn)
                    missing += [f"{stream}: {op}" for op in table.writes if not self._may(conn, source, op)]
            except ConfigError:
                raise
            except LandbridgeError:
                missing.append(f"{stream}: read")
        return Account(name, tuple(missing), f"{len(self.config.streams)} streams configured.")

    # Reading

    def read_stream(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        source = self._source(stream)
        if cursor is None:
            yield from self._in_full(stream, source)
            return
        source.config.expect(cursor)
        yield from self._since(stream, source, of_kept(cursor.get("since")))

    def _in_full(self, stream: Stream, source: Source) -> Iterator[Item]:
        """The cursor is taken before: what changes while all is read is read once more."""
        with errors_named(f"Reading {stream.name}"), self._reading() as conn:
            newest = conn.scalar(source.newest()) if source.config.cursor else None
            keyless = conn.scalar(source.keyless()) or 0
        for item, _ in self._found(stream, source, source.config.key, None):
            if item and not isinstance(item, Gone):
                yield item
        if keyless:
            yield Failure("(no key)", RecordError(f"{stream.name}: {keyless} rows have no value in their key columns."))
        yield from self._checkpoint(source, newest)
        yield Complete()

    def _since(self, stream: Stream, source: Source, newest: Any) -> Iterator[Item]:
        name = str(source.config.cursor)
        order = (name, *(one for one in source.config.key if one != name))
        start = earlier(newest, source.config.overlap)
        for read, (item, moment) in enumerate(self._found(stream, source, order, start), 1):
            if item:
                yield item
            newest = max(newest, moment)
            if source.config.page and read % source.config.page == 0:
                yield from self._checkpoint(source, newest)
        yield from self._checkpoint(source, newest)

    def _checkpoint(self, source: Source, newest: Any) -> Iterator[Item]:
        since = None if newest is None else kept(not_after(newest, datetime.now(UTC)))
        if since:
            yield Checkpoint({"since": since, "of": source.config.mark})

    def _found(
        self, stream: Stream, source: Source, order: tuple[str, ...], start: Any
    ) -> Iterator[tuple[Item | None, Any]]:
        """Each row as an item (None where it vanished meanwhile), and its value of the first column of the order."""
        where = [] if start is None else [source.rows.c[order[0]] >= start]
        after: list[Any] | None = None
        # Where the database orders values otherwise than it compares them, or the driver rounds them.
        pages = Once(
            f"{stream.name}: a page ended twice at the same row; the columns {', '.join(order)} give no order."
        )
        while True:
            rows = 0
            for row in self._rows(stream, source, source.page(order, after, *where)):
                rows += 1
                after = [row[name] for name in order]
                yield _item(source, row), after[0]
            if not source.config.page or rows < source.config.page:
                return
            pages.meet(repr(after))

    def _rows(self, stream: Stream, source: Source, asked: Select[Any]) -> Iterator[Any]:
        """A page at once, so that no transaction stays open; without pages, by the server's cursor."""
        with errors_named(f"Reading {stream.name}"):
            if not source.config.page:
                with self._reading() as conn:
                    yield from conn.execute(asked.execution_options(stream_results=True, yield_per=FETCHED)).mappings()
                return
            try:
                with self._reading() as conn:
                    rows: list[Any] = list(conn.execute(asked).mappings())
            except DataError:
                rows = list(self._one_by_one(source, asked))
        yield from rows

    def _one_by_one(self, source: Source, asked: Select[Any]) -> Iterator[Any]:
        """A page with a value that the driver cannot read, such as a date beyond the year 9999; as many as there were."""
        names = dict.fromkeys((*source.config.key, *filter(None, (source.config.cursor,))))
        with self._reading() as conn:
            places = list(conn.execute(asked.with_only_columns(*(source.rows.c[name] for name in names))).mappings())
        for place in places:
            same = [source.rows.c[name] == place[name] for name in source.config.key]
            try:
                with self._reading() as conn:
                    row = conn.execute(select(*source.selected()).where(*same)).mappings().first()
            except DataError:
                yield _Unread({str(name): place[name] for name in names}, bad=True)
            else:
                yield row or _Unread({str(name): place[name] for name in names}, bad=False)

    # Writing

    def create(self, stream: Stream, native: Native, marker: str) -> Native:
        source = self._source(stream)
        if not source.config.marker and not keyed(stream, native):
            raise RecordError(
                f"{stream.name}: a row that gets its key from the database would be made twice after a lost answer.",
                remedy="Name a column for markers in the stream's configuration, or map its key.",
            )
        with errors_named(f"Creating in {stream.name}", writing=True), self._writing() as conn:
            if source.config.marker and (found := self._known(conn, source, native, marker)) is not None:
                return found
            try:
                conn.execute(insert(source.table).values(self._values(source, native, marker)))
            except IntegrityError:
                raise RecordError(f"{stream.name}: the database refuses the row (a value is taken or lacks).") from None
            made = self._known(conn, source, native, marker)
            if made is None:
                raise RecordError(f"{stream.name}: the database has changed the key or the marker of the new row.")
            return made

    def update(self, stream: Stream, key: str, changes: Native, marker: str) -> Native:
        source = self._source(stream)
        with errors_named(f"Updating {stream.name}", writing=True), self._writing() as conn:
            values = self._values(source, changes, marker)
            if values:
                conn.execute(update_rows(source.table).where(source.is_key(key)).values(values))
            row = self._row(conn, source, source.is_key(key))
            if row is None:
                raise NotFound(f"{stream.name}: the row is not there (any more).")
            if source.config.deleted and says_deleted(row[source.config.deleted]):
                raise NotFound(f"{stream.name}: the row was deleted meanwhile.")
            return source.native_of(row)[0]

    def delete(self, stream: Stream, key: str, marker: str) -> None:
        """Of a row that is gone already too; where there is a column for it, the row is only marked."""
        source = self._source(stream)
        with errors_named(f"Deleting in {stream.name}", writing=True), self._writing() as conn:
            if source.config.deleted is None:
                conn.execute(delete_from(source.table).where(source.is_key(key)))
                return
            values = {source.config.deleted: _deleted_value(source)}
            conn.execute(update_rows(source.table).where(source.is_key(key)).values(values))

    def disable(self, stream: Stream, key: str, marker: str) -> Native:
        return self.update(stream, key, self.config.streams[stream.name].disabled, marker)

    def enable(self, stream: Stream, key: str, marker: str) -> Native:
        return self.update(stream, key, self.config.streams[stream.name].enabled, marker)

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """By the marker; without a column for it, by a key that is not the database's to give."""
        source = self._source(self._streams[stream])
        with errors_named(f"Looking in {stream}"), self._reading() as conn:
            return self._known(conn, source, native, marker)

    # Steps of the above

    def _source(self, stream: Stream) -> Source:
        if stream.name not in self._sources:
            with errors_named(f"Looking at {stream.name}"), self._reading() as conn:
                self._sources[stream.name] = Source.of(self.config.streams[stream.name], conn)
        return self._sources[stream.name]

    def _reading(self) -> Connection:
        self.throttle.acquire()
        return self.engine.connect().execution_options(postgresql_readonly=True)

    def _writing(self) -> Any:
        self.throttle.acquire()
        return self.engine.begin()

    def _may(self, conn: Connection, source: Source, op: str) -> bool:
        """Only PostgreSQL tells without a try."""
        if self.engine.dialect.name != "postgresql":
            return True
        right = "UPDATE" if op == "delete" and source.config.deleted else RIGHTS[op]
        name = self.engine.dialect.identifier_preparer.format_table(source.table)
        return bool(conn.scalar(select(func.has_table_privilege(name, right))))

    @staticmethod
    def _values(source: Source, native: Native, marker: str) -> dict[str, Any]:
        if unknown := [name for name in native if name not in source.table.c]:
            raise RecordError(f"{source.config.table} has no column {unknown[0]!r}.")
        values = {name: of_native(source.table.c[name], value) for name, value in native.items()}
        return values | ({source.config.marker: marker} if source.config.marker else {})

    def _known(self, conn: Connection, source: Source, native: Native, marker: str) -> Native | None:
        """The row that a create of this native with this marker has made."""
        if source.config.marker:
            is_it = source.rows.c[source.config.marker] == marker
        elif all(native.get(name) is not None for name in source.config.key):
            is_it = source.is_keyed(native)
        else:
            return None
        row = self._row(conn, source, is_it)
        return source.native_of(row)[0] if row else None

    @staticmethod
    def _row(conn: Connection, source: Source, is_it: ColumnElement[bool]) -> Any:
        return conn.execute(select(*source.selected()).where(is_it)).mappings().first()


class _Unread(dict[str, Any]):
    """The key of a row that could not be read, or (not `bad`) was gone when it was looked at by itself."""

    def __init__(self, place: dict[str, Any], *, bad: bool) -> None:
        super().__init__(place)
        self.bad = bad


def _item(source: Source, row: Any) -> Item | None:
    key = source.key_of(row)
    if isinstance(row, _Unread):
        return Failure(key, RecordError("The row holds a value that the driver cannot read.")) if row.bad else None
    if source.config.deleted and says_deleted(row[source.config.deleted]):
        return Gone(key)
    return Record(key, *source.native_of(row))


def _deleted_value(source: Source) -> Any:
    """True for a flag, the moment for a time; SQLite's columns have no types, so its flags are numbers."""
    try:
        wanted = source.table.c[str(source.config.deleted)].type.python_type
    except NotImplementedError:
        wanted = int
    return datetime.now(UTC) if wanted is datetime else wanted(1) if wanted in (bool, int) else "1"
