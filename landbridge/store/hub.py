"""The hub's database: writing transactions, read-only snapshots, migrations, and errors named by what happens next."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from landbridge import boundary
from landbridge.errors import ConfigError, LandbridgeError, TransientError
from landbridge.store import canonical, locks, migrations

_BUSY_SECONDS = 30
_POOL: dict[str, Any] = {"pool_size": 20, "max_overflow": 20, "pool_timeout": _BUSY_SECONDS}
_POSTGRESQL = {"postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"}
_WRITES = "landbridge_writes"
# Seconds after which a connection that nobody used is asked whether it is still there.
_RESTED = 1.0
# Classes of PostgreSQL's errors that pass: connection, conflict of transactions, resources, locks, shutdown, disk.
_PASSING = {"08", "40", "53", "55", "57", "58"}
_MIGRATE = "Run `landbridge hub migrate`."
_FREE = "Nothing is half written: make room or mend the disk, then run again."
_EXPECTED = 'Expected "sqlite:///path/to/hub.db" or "postgresql://user:password@host/database".'


class Hub:
    """One database; safe to share among threads, not across a fork."""

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self.dialect: str = self.url.get_backend_name()
        self._thread = threading.local()
        self._engine = _sqlite(self.url) if self.dialect == "sqlite" else _postgresql(self.url)

    def migrate(self) -> None:
        """Bring the tables up to date; the second of two that do it at once waits and finds nothing to do."""
        if self.dialect == "sqlite":
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
        with self.read() as conn:
            if migrations.current(conn) == migrations.head():
                return
        with self.begin() as conn:
            locks.exclusive(conn, locks.MIGRATE)
            migrations.upgrade(conn)

    def check(self) -> str:
        """What is there, in a few words; ConfigError where it cannot be used as it is."""
        if self.dialect == "sqlite" and not Path(str(self.url.database)).exists():
            raise ConfigError(f"The hub {self._where()} does not exist.", remedy=_MIGRATE)
        with self.read() as conn:
            found, head = migrations.current(conn), migrations.head()
            version = ".".join(str(part) for part in conn.dialect.server_version_info or ())
        if found != head:
            state = f"has schema {found}" if found else "has no tables"
            raise ConfigError(f"The hub {self._where()} {state}; this version needs {head}.", remedy=_MIGRATE)
        return f"{self.dialect} {version}, schema {found}"

    @contextmanager
    def begin(self, *, repeatable: bool = False) -> Iterator[Connection]:
        """One writing transaction: all of it at the end of the block, or, where that raises, nothing.

        `repeatable` for what no system has been told of and the next run does again: its commit does not wait for the
        disk, so the server's power failure may undo it; never, though, before an earlier one, nor after a later one.
        """
        with self._alone(), self._failures(), self._engine.connect() as conn:
            conn.execution_options(**{_WRITES: True})
            where = boundary.caller()
            with conn.begin():
                locks.forget(conn)
                if repeatable and self.dialect == "postgresql":
                    conn.exec_driver_sql("SET LOCAL synchronous_commit = off")
                yield conn
                boundary.passed("before commit", where)
            boundary.passed("after commit", where)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot that later commits do not change; writing in it fails."""
        with self._failures(), self._engine.connect() as conn:
            if self.dialect == "postgresql":
                conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with conn.begin():
                yield conn

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A second transaction of the same thread would wait for the first one's locks for ever."""
        if getattr(self._thread, "writes", False):
            raise LandbridgeError(
                "This thread has a writing transaction open already.",
                remedy="End it first; above all, never ask a system (or its throttle) inside one.",
            )
        self._thread.writes = True
        try:
            yield
        finally:
            self._thread.writes = False

    def _where(self) -> str:
        if self.dialect == "sqlite":
            return f"at {self.url.database}"
        return f"{self.url.database} at {self.url.host or 'localhost'}:{self.url.port or 5432}"

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout as error:
            raise TransientError("All connections to the hub are in use.", remedy="Run fewer writers.") from error
        except (DBAPIError, sqlite3.OperationalError, psycopg.Error) as error:
            named = _named(error, self._where())
            if named is None:
                raise
            raise named from error


def is_snapshot(conn: Connection) -> bool:
    """True inside Hub.read(), where rows can be neither written nor locked."""
    return not conn.get_execution_options().get(_WRITES, False)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError("The hub's URL cannot be read.", remedy=_EXPECTED) from error
    if parsed.drivername in _POSTGRESQL and parsed.database:
        return parsed.set(drivername="postgresql+psycopg")
    # Each connection to ":memory:" would be a hub of its own.
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"} and parsed.database not in {None, "", ":memory:"}:
        return parsed.set(drivername="sqlite")
    raise ConfigError(f"The hub's URL names {parsed.drivername} without a usable database.", remedy=_EXPECTED)


def _engine(url: URL, **options: Any) -> Engine:
    return create_engine(
        url,
        json_serializer=canonical.dumps,
        json_deserializer=canonical.loads,
        hide_parameters=True,  # parameters are people's data and would stand in every error
        **_POOL,
        **options,
    )


def _postgresql(url: URL) -> Engine:
    # A prepared statement keeps the plan made while a table was small, which is ruinous once it has grown.
    connect = {"connect_timeout": 10, "application_name": "landbridge", "prepare_threshold": None}
    engine = _engine(url, connect_args=connect)

    @event.listens_for(engine, "checkin")
    def rest(_: Any, entry: ConnectionPoolEntry) -> None:
        entry.info["rests"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def wake(connection: DBAPIConnection, entry: ConnectionPoolEntry, _: Any) -> None:
        # Asking each time, as pool_pre_ping does, would be every fourth statement of a run.
        if time.monotonic() - entry.info.get("rests", math.inf) < _RESTED:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise InvalidatePoolError from error

    return engine


def _sqlite(url: URL) -> Engine:
    engine = _engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin transactions by itself, and too late
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing in WAL mode
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        # The write lock at once: a transaction that reads first and writes later fails when another wrote between.
        conn.exec_driver_sql(f"PRAGMA query_only={'ON' if is_snapshot(conn) else 'OFF'}")
        conn.exec_driver_sql("BEGIN" if is_snapshot(conn) else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """SQLite answers "locked" at once where two connections switch a new file to WAL together."""
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _named(error: Exception, where: str) -> LandbridgeError | None:
    """The error as what happens next; None for those that only a programmer can mend."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    said = str(cause).lower()
    if isinstance(cause, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn) or "no such table" in said:
        return ConfigError(f"The hub {where} lacks tables that this version needs.", remedy=_MIGRATE)
    if "unable to open database file" in said:
        return ConfigError(f"The hub {where} cannot be opened.", remedy="Check that its folder exists and is writable.")
    if isinstance(cause, sqlite3.OperationalError):
        worth_a_try = any(word in said for word in ("locked", "busy", "disk"))
    else:
        state = cause.sqlstate if isinstance(cause, psycopg.OperationalError) else "-"
        worth_a_try = state is None or state[:2] in _PASSING
    if not worth_a_try:
        return None
    if any(words in said for words in ("authentication failed", "no password supplied", "does not exist")):
        return ConfigError(f"The hub {where} refuses the connection.", remedy="Check its database, user and password.")
    if disk := _disk(cause):
        return TransientError(f"The hub {where} {disk}.", remedy=_FREE)
    return TransientError(f"The hub {where} did not answer ({type(cause).__name__}).", remedy="Try again later.")


def _disk(cause: BaseException) -> str:
    """What is wrong with the database's disk; empty where nothing is."""
    name = getattr(cause, "sqlite_errorname", "")
    if name == "SQLITE_FULL" or isinstance(cause, psycopg.errors.DiskFull):
        return "has no room left on its disk"
    return f"cannot use its disk ({name})" if name.startswith("SQLITE_IOERR") else ""
