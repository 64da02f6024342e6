"""The PostgreSQL of all contenders: as Debian configures it, on a disk that is waited for."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import psycopg
from psycopg import sql

from benchmarks.measure import cpu_of
from benchmarks.place import home
from landbridge.store.hub import Hub
from sandbox.postgresql import PostgreSQL
from sandbox.processes import owned


class Database(PostgreSQL):
    """Its own server, so that nobody else's work is measured."""

    settings: ClassVar[tuple[str, ...]] = ("fsync=on",)

    def cpu(self) -> float:
        """CPU seconds of all its processes so far."""
        return cpu_of(int((self.home / "data" / "postmaster.pid").read_text().split()[0]))

    def plain_url(self, name: str) -> str:
        """For libpq and everybody who does not know SQLAlchemy."""
        return self.url(name).replace("+psycopg", "")

    def login(self) -> dict[str, str]:
        """Host, port, user and password, for the peers' own configuration."""
        address = psycopg.conninfo.conninfo_to_dict(self.plain_url("postgres"))
        return {name: str(address[name]) for name in ("host", "port", "user", "password")}

    def ask(self, name: str, question: str) -> int:
        """The one number that a query answers with."""
        with psycopg.connect(self.plain_url(name)) as connection:
            found = connection.execute(question.encode()).fetchone()
        return int(found[0]) if found else 0

    def settle(self) -> None:
        """Write out what the one before has left, so that the next contender does not pay for it."""
        with self._connect() as connection:
            connection.execute("CHECKPOINT")

    @contextmanager
    def fresh(self, name: str, like: str = "template1") -> Iterator[str]:
        """A database that is empty, or like another; dropped at the end."""
        self.drop_database(name)
        with self._connect() as connection:
            make = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(like))
            connection.execute(make)
        try:
            yield name
        finally:
            self.drop_database(name)

    def migrate(self, name: str) -> None:
        """Give a database the hub's tables."""
        hub = Hub(self.url(name))
        hub.migrate()
        hub.close()

    def version(self) -> str:
        with self._connect() as connection:
            found = connection.execute(sql.SQL("SHOW server_version")).fetchone()
        return f"PostgreSQL {found[0]}" if found else "PostgreSQL"


@contextmanager
def postgresql() -> Iterator[Database]:
    """A server for as long as the benchmark runs; a second benchmark waits, since each would slow the other down."""
    server = Database(home() / "postgresql")
    with (home() / "lock").open("w") as lock, owned():
        fcntl.flock(lock, fcntl.LOCK_EX)
        server.install()
        server.start()
        try:
            yield server
        finally:
            server.stop()
