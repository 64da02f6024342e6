"""A real PostgreSQL on loopback, for the tests of the hub."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from sandbox import supervisor
from sandbox.errors import SandboxError
from sandbox.postgresql import PostgreSQL
from tests.servers import running, steps_done

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def postgresql(sandbox_home: Path) -> Iterator[PostgreSQL]:
    with running(PostgreSQL(sandbox_home / "postgresql")) as system:
        yield system


def ask(url: str, question: str) -> object:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            answer = connection.execute(text(question))
            return answer.scalar() if answer.returns_rows else None
    finally:
        engine.dispose()


def test_it_answers_on_loopback_only(postgresql: PostgreSQL) -> None:
    assert postgresql.health().state == "up"
    assert ask(postgresql.url(), "SHOW listen_addresses") == "127.0.0.1"
    assert ask(postgresql.url(), "SHOW server_encoding") == "UTF8"


def test_databases_are_made_once_and_dropped_with_open_connections(postgresql: PostgreSQL) -> None:
    url = postgresql.create_database("one test")
    assert postgresql.create_database("one test") == url
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        postgresql.drop_database("one test")
        connection.invalidate()
    engine.dispose()


def test_a_wrong_password_is_refused(postgresql: PostgreSQL) -> None:
    wrong = postgresql.url().replace(postgresql.secret("password"), "wrong")
    with pytest.raises(Exception, match="password authentication failed"):
        ask(wrong, "SELECT 1")


def test_data_survive_a_restart_and_no_process_is_left(postgresql: PostgreSQL) -> None:
    ask(postgresql.url(), "CREATE TABLE kept AS SELECT 42 AS number")
    pid, _ = postgresql._process()._recorded()
    servers = supervisor.descendants(pid)
    assert len(servers) > 3
    postgresql.stop()
    assert postgresql.health().state == "down"
    assert not [each for each in (pid, *servers) if supervisor.started(each)]
    done = steps_done(postgresql)
    postgresql.install()
    postgresql.start()
    assert steps_done(postgresql) == done != {}
    assert ask(postgresql.url(), "SELECT number FROM kept") == 42


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: it runs as ourselves")
def test_a_folder_closed_to_others_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    with pytest.raises(SandboxError, match=r"may not enter .*LANDBRIDGE_SANDBOX"):
        PostgreSQL(tmp_path / "closed" / "postgresql").install()
