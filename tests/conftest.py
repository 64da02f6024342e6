"""A hub on each database: a SQLite file, and a database of a PostgreSQL server that lives as long as the tests."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from landbridge.store.hub import Hub
from sandbox.postgresql import PostgreSQL
from tests import prepared
from tests.servers import brought_up

_numbers = itertools.count(1)
# Minutes each: begun first, or one process would end with them alone.
_LONGEST = (
    "tests/system/test_faults.py",
    "tests/airflow",
    "tests/system",
    "tests/model",
    "tests/faults",
    "tests/sync",
    "tests/sandbox",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The processes take files in this order (with `--no-loadscope-reorder`)."""
    items.sort(key=lambda item: next((at for at, one in enumerate(_LONGEST) if item.nodeid.startswith(one)), 99))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # pytest-xdist's processes share what the first one has made
        prepared.make_room()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        prepared.leave()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A server of our own, for as long as the tests run."""
    with brought_up(PostgreSQL) as server:
        yield server


def create_database(server: PostgreSQL, name: str, template: str = "template0") -> str:
    with psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return server.url(name)


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
def _postgresql_template(postgresql: PostgreSQL) -> str:
    _migrated(create_database(postgresql, "migrated"))
    return "migrated"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.sqlite'}"
    return create_database(request.getfixturevalue("postgresql"), f"empty_{next(_numbers)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def new_hub(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """The URL of a migrated, empty hub, of another one with each call."""

    def on_sqlite() -> str:
        path = tmp_path / f"hub{next(_numbers)}.sqlite"
        shutil.copy(request.getfixturevalue("_sqlite_template"), path)
        return f"sqlite:///{path}"

    def on_postgresql() -> str:
        template = request.getfixturevalue("_postgresql_template")
        return create_database(request.getfixturevalue("postgresql"), f"hub_{next(_numbers)}", template)

    return on_sqlite if request.param == "sqlite" else on_postgresql


@pytest.fixture
def hub_url(new_hub: Callable[[], str]) -> str:
    """The URL of a migrated hub, for tests with several processes."""
    return new_hub()


@pytest.fixture
def hub(hub_url: str) -> Iterator[Hub]:
    """A migrated, empty hub; the test runs once on each database."""
    hub = Hub(hub_url)
    yield hub
    hub.close()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """On CI a skipped test is a failure, unless its reason says what this machine, or a connector, cannot have."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    skipped = [report.longrepr[2] for report in reporter.stats.get("skipped", []) if isinstance(report.longrepr, tuple)]
    # What a connector cannot be asked by the conformance suite, with the reason (landbridge.testing.suite.exempt).
    known = ("only root can install", "Skipped: exempt: ", "LANDBRIDGE_SHARED does not name")
    unexplained = [reason for reason in skipped if not any(words in reason for words in known)]
    if unexplained and session.exitstatus == 0:
        reporter.write_line(f"Skipped on CI without a reason of this machine: {unexplained}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
