"""A hub on each database: a SQLite file, and a database of a PostgreSQL server that lives as long as the tests."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from landbridge.store.hub import Hub

_POSTGRESQL = Path("/usr/lib/postgresql/15/bin")
_SETTINGS = {
    "listen_addresses": "127.0.0.1", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
    "shared_buffers": "64MB", "max_connections": "200",
}  # fmt: skip
_numbers = itertools.count(1)


def _unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL, without a database, of a server of our own."""
    if not (_POSTGRESQL / "initdb").exists():
        pytest.skip(f"{_POSTGRESQL}/initdb is missing: apt-get install postgresql-15")
    # Not pytest's folder, which other users may not enter.
    home = Path(tempfile.mkdtemp(prefix="landbridge-pg-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(home, 65534, 65534)
    data, port = home / "data", _free_port()
    new = [
        _POSTGRESQL / "initdb",
        "-D",
        data,
        "-U",
        "landbridge",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-N",
    ]
    subprocess.run([*_unprivileged(), *new], check=True, capture_output=True, cwd=home)
    settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    serve = [_POSTGRESQL / "postgres", "-D", data, "-p", str(port), "-k", home, *settings]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen([*_unprivileged(), *serve], cwd=home, stdout=log, stderr=log)
    try:
        _wait(server, port, home / "log")
        yield f"postgresql+psycopg://landbridge@127.0.0.1:{port}"
    finally:
        server.terminate()  # a fast shutdown would be SIGINT; every hub is closed by now
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(home)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ready = [_POSTGRESQL / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
    for _ in range(300):
        if server.poll() is not None:
            pytest.fail(f"PostgreSQL did not start: {log.read_text()}")
        if subprocess.run(ready, check=False).returncode == 0:
            return
        try:
            server.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    pytest.fail(f"PostgreSQL was not ready in time: {log.read_text()}")


def _create_database(server: str, name: str, template: str = "template0") -> str:
    with psycopg.connect(f"{server.replace('+psycopg', '')}/postgres", autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return f"{server}/{name}"


def _migrated(url: str) -> str:
    hub = Hub(url)
    hub.migrate()
    hub.close()
    return url


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hub") / "template.sqlite"
    _migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _postgresql_template(postgresql: str) -> str:
    _migrated(_create_database(postgresql, "migrated"))
    return "migrated"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.sqlite'}"
    return _create_database(request.getfixturevalue("postgresql"), f"empty_{next(_numbers)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def hub_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated hub, for tests with several processes."""
    if request.param == "sqlite":
        path = tmp_path / "hub.sqlite"
        shutil.copy(request.getfixturevalue("_sqlite_template"), path)
        return f"sqlite:///{path}"
    template = request.getfixturevalue("_postgresql_template")
    return _create_database(request.getfixturevalue("postgresql"), f"hub_{next(_numbers)}", template)


@pytest.fixture
def hub(hub_url: str) -> Iterator[Hub]:
    """A migrated, empty hub; the test runs once on each database."""
    hub = Hub(hub_url)
    yield hub
    hub.close()
