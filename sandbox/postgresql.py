"""PostgreSQL for a hub under test: quick and forgetful, so never for data that anyone would miss."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import ClassVar

import psycopg
from psycopg import sql

from sandbox import packages
from sandbox.company import Company
from sandbox.errors import SandboxError
from sandbox.processes import Process, unprivileged_user
from sandbox.system import Connections, Health, System

OWNER = "landbridge"
# A crash of the machine may cost everything; the tests run in a fraction of the time.
FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgreSQL(System):
    name: ClassVar[str] = "postgresql"
    apt: ClassVar[tuple[str, ...]] = ("postgresql",)
    settings: ClassVar[tuple[str, ...]] = FORGETFUL

    def install(self) -> None:
        """The programs may have come from elsewhere; Debian's package is fetched only where there are none."""
        if not _found("postgres"):
            packages.install_debian_packages(self.apt)
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o755)
        if not self.installed():
            self._make_cluster()

    def start(self) -> None:
        if not self._process().running():
            self.port()
        self._process().start(self._answers)
        self.create_database(OWNER)

    def seed(self, company: Company) -> None:
        """Nothing of the company lives here."""

    def stop(self) -> None:
        self._process().stop()

    def health(self) -> Health:
        if not self.installed():
            return Health("absent")
        port = self.facts().get("port", 0)
        if not self._answers():
            return Health("down", f"127.0.0.1:{port} does not answer.")
        return Health("up", f"PostgreSQL {(self._data / 'PG_VERSION').read_text().strip()} at 127.0.0.1:{port}")

    def connections(self) -> Connections:
        """None: it is a place for the hub, not a system to be joined."""
        return {}

    def installed(self) -> bool:
        return self.is_done("cluster")

    def url(self, database: str = OWNER) -> str:
        """For SQLAlchemy."""
        return f"postgresql+psycopg://{OWNER}:{self.secret('password')}@127.0.0.1:{self.facts()['port']}/{database}"

    def create_database(self, name: str) -> str:
        """The URL of the database of that name, which is made where it is missing."""
        with self._connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if not known:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Ends the connections that are still open to it."""
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.facts().get("port", 1), user=OWNER, password=self.secret("password"),
            dbname="postgres", autocommit=True, connect_timeout=3,
        )  # fmt: skip

    def _answers(self) -> bool:
        try:
            with self._connect():
                return True
        except psycopg.OperationalError:
            return False

    def _process(self) -> Process:
        listening = ("listen_addresses=127.0.0.1", f"port={self.facts().get('port', 0)}", "unix_socket_directories=")
        command: list[str | Path] = [_program("postgres"), "-D", self._data]
        for setting in (*listening, *self.settings):
            command += ["-c", setting]
        # SIGINT ends it without waiting for its clients.
        return Process(self.home, self.name, command, user=unprivileged_user(), stop_signal=signal.SIGINT)

    def _make_cluster(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir()
        self._data.chmod(0o700)
        password = self._data.with_name("password")
        password.touch(0o600)
        password.write_text(self.secret("password"))
        self.hand_over(self._data)
        self.hand_over(password)
        how = ("--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        command: list[str | Path] = [_program("initdb"), "-D", self._data, "-U", OWNER, *how]
        packages.run(command, what="making a PostgreSQL cluster", user=unprivileged_user(), cwd=self._data)
        password.unlink()
        self.done("cluster")


def _found(name: str) -> str | None:
    """Debian keeps the programs of each major version in a folder that is in nobody's search path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    path = ":".join([*(str(folder) for folder in reversed(folders)), os.environ.get("PATH", "")])
    return shutil.which(name, path=path)


def _program(name: str) -> str:
    if found := _found(name):
        return found
    raise SandboxError(f"{name} is not on this machine.", remedy="Install the Debian package postgresql.")
