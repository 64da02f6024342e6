from __future__ import annotations

import json
import multiprocessing
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from landbridge.errors import ConfigError, LandbridgeError, TransientError
from landbridge.store import migrations, records, runs, setaside
from landbridge.store.clock import later, now, parse
from landbridge.store.hub import Hub
from landbridge.store.quota import HubThrottle
from landbridge.store.records import Staged
from landbridge.store.tables import metadata
from sandbox.postgresql import PostgreSQL
from tests.conftest import create_database
from tests.store.working import add_person, changes


def _migrate(url: str) -> None:
    hub = Hub(url)
    hub.migrate()
    hub.close()


_RECORD_OF_0002 = """
INSERT INTO record (system, stream, key, kind, claim, base, changed_at) VALUES ('hr', 'people', :key, 'person', :claim, :base, '')
"""


_ASIDE_OF_0011 = """
INSERT INTO set_aside (system, stream, key, reason, attempts, next_at, first_at)
VALUES ('mail', 'letters', :key, '', :attempts, :next_at, '')
"""


def test_migrations_build_exactly_the_tables(hub: Hub) -> None:
    with hub.read() as conn:
        found = compare_metadata(MigrationContext.configure(conn), metadata)
    assert found == []


_LARGE = {("record", "claim"), ("record", "base"), ("record", "sent"), ("entity", "data"), ("delivery", "desired")}
_COMPRESSED = """
SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relkind = 'r' AND attcompression = 'l' AND relnamespace = 'public'::regnamespace
"""


def test_large_json_is_compressed_by_lz4_where_postgresql_has_it(hub: Hub) -> None:
    if hub.dialect != "postgresql":
        return
    with hub.read() as conn:
        has_lz4 = "lz4" in conn.scalar(
            text("SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'")
        )
        found = {tuple(row) for row in conn.execute(text(_COMPRESSED))}
    assert not has_lz4 or found >= _LARGE


def test_a_hub_that_is_up_to_date_is_opened_without_alembic(hub_url: str) -> None:
    program = (
        "import sys\nfrom landbridge.store.hub import Hub\n"
        f"hub = Hub({hub_url!r})\nhub.migrate()\nassert hub.check()\nassert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_newest_revision_is_the_one_that_alembic_finds() -> None:
    assert migrations.head() == ScriptDirectory.from_config(migrations._config()).get_current_head()


def test_two_processes_and_threads_may_migrate_at_once(empty_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_migrate, args=(empty_url,)) for _ in range(2)]
    threads = [threading.Thread(target=_migrate, args=(empty_url,)) for _ in range(2)]
    for one in [*processes, *threads]:
        one.start()
    for one in [*processes, *threads]:
        one.join()
    assert [process.exitcode for process in processes] == [0, 0]
    hub = Hub(empty_url)
    assert hub.check().startswith(hub.dialect)
    assert f"schema {migrations.head()}" in hub.check()
    hub.close()


def test_a_hub_of_the_first_release_keeps_its_last_common_state(empty_url: str) -> None:
    hub = Hub(empty_url)
    hub.migrate()
    with hub.begin() as conn:
        config = migrations._config()
        config.attributes["connection"] = conn
        command.downgrade(config, "0002")
        for key, claim, base in (("same", {"a": 1}, {"a": 1}), ("edited", {"a": 2}, {"a": 1}), ("new", {"a": 1}, None)):
            values = {"key": key, "claim": json.dumps(claim), "base": base and json.dumps(base)}
            conn.execute(text(_RECORD_OF_0002), values)
    hub.migrate()
    with hub.read() as conn:
        bases = {key: row.base for key, row in records.by_keys(conn, "hr", "people", ["same", "edited", "new"]).items()}
        kept = set(conn.scalars(text("SELECT key FROM record WHERE base IS NOT NULL")))
    assert bases == {"same": {"a": 1}, "edited": {"a": 1}, "new": None}
    assert kept == {"edited"}
    hub.close()


def test_what_came_back_before_it_was_told_apart_stands(empty_url: str) -> None:
    hub = Hub(empty_url)
    hub.migrate()
    with hub.begin() as conn:
        config = migrations._config()
        config.attributes["connection"] = conn
        command.downgrade(config, "0011")
        for key, attempts, next_at in (
            ("back", 1, setaside.NEVER),
            ("given up", 33, setaside.NEVER),
            ("new", 1, "2026"),
        ):
            conn.execute(text(_ASIDE_OF_0011), {"key": key, "attempts": attempts, "next_at": next_at})
    hub.migrate()
    with hub.read() as conn:
        assert {one.key: one.stands for one in setaside.list(conn)} == {"back": "failed", "given up": None, "new": None}
    hub.close()


def test_check_names_the_remedy(empty_url: str) -> None:
    hub = Hub(empty_url)
    with pytest.raises(ConfigError, match="landbridge hub migrate"):
        hub.check()
    hub.close()


def test_missing_tables_are_named_in_use(empty_url: str) -> None:
    hub = Hub(empty_url)
    with pytest.raises(ConfigError, match="landbridge hub migrate"), hub.begin() as conn:
        records.known(conn, "hr", "people")
    hub.close()


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///:memory:", "mysql://host/db", "postgresql://host"])
def test_a_url_that_cannot_hold_a_hub_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="Expected"):
        Hub(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
def test_all_spellings_of_postgresql_mean_the_same_driver(scheme: str) -> None:
    assert Hub(f"{scheme}://u:s3cret@127.0.0.1/hub").url.drivername == "postgresql+psycopg"


def test_an_unreachable_database_is_worth_another_try_and_tells_no_secret() -> None:
    hub = Hub("postgresql://u:s3cret@127.0.0.1:1/hub")
    with pytest.raises(TransientError) as caught:
        hub.check()
    assert "s3cret" not in str(caught.value)


def test_a_folder_that_is_missing_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    hub = Hub(f"sqlite:///{tmp_path / 'missing' / 'hub.sqlite'}")
    with pytest.raises(ConfigError, match="cannot be opened"), hub.begin():
        pass


def test_an_error_leaves_nothing_behind(hub: Hub) -> None:
    def fail() -> None:
        with hub.begin() as conn:
            records.upsert_claims(conn, "hr", "people", "person", [Staged("1", b"x" * 16, {})])
            add_person(conn)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with hub.read() as conn:
        assert records.known(conn, "hr", "people") == 0
        assert changes(conn) == []


def test_a_snapshot_does_not_move_and_cannot_write(hub: Hub) -> None:
    with hub.read() as before:
        assert records.known(before, "hr", "people") == 0
        with hub.begin() as conn:
            records.upsert_claims(conn, "hr", "people", "person", [Staged("1", b"x" * 16, {})])
        assert records.known(before, "hr", "people") == 0
    with pytest.raises(DBAPIError), hub.read() as conn:
        conn.execute(text("DELETE FROM record"))
    with hub.begin() as conn:
        conn.execute(text("DELETE FROM record"))


def test_a_thread_does_not_lock_itself_out(hub: Hub) -> None:
    throttle = HubThrottle(hub, "chat", 50.0)
    with hub.begin(), hub.read(), pytest.raises(LandbridgeError, match="open already"):
        throttle.acquire()
    throttle.acquire()


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (psycopg.errors.DeadlockDetected(), TransientError),
        (psycopg.errors.AdminShutdown(), TransientError),
        (psycopg.OperationalError("server closed the connection unexpectedly"), TransientError),
        (psycopg.OperationalError('FATAL: password authentication failed for user "u"'), ConfigError),
        (psycopg.errors.ProgramLimitExceeded(), psycopg.Error),
        (sqlite3.OperationalError("database is locked"), TransientError),
        (sqlite3.OperationalError("near SELECT: syntax error"), sqlite3.OperationalError),
    ],
)
def test_errors_are_named_by_what_happens_next(tmp_path: Path, error: Exception, named: type[Exception]) -> None:
    hub = Hub(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    with pytest.raises(named), hub.begin():
        raise error
    hub.close()


def test_errors_tell_no_parameters(hub: Hub) -> None:
    with pytest.raises(DBAPIError) as caught, hub.begin() as conn:
        conn.execute(text("SELECT * FROM nowhere_such WHERE a = :a AND"), {"a": "Vera Person"})
    assert "Vera" not in str(caught.value)


def test_sixteen_threads_write_at_once(hub: Hub) -> None:
    def write(number: int) -> None:
        for step in range(5):
            with hub.begin() as conn:
                add_person(conn, data={"n": number, "s": step})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with hub.read() as conn:
        assert len(changes(conn)) == 80


def test_time_sorts_as_text() -> None:
    moments = [later(-1), now(), later(0.5), later(90_000)]
    assert moments == sorted(moments)
    assert len({len(moment) for moment in moments}) == 1
    assert parse(later(60, since="2026-02-03T04:05:06.000007Z")).isoformat() == "2026-02-03T04:06:06.000007+00:00"


def _write_until_killed(url: str, wrote: Any) -> None:
    hub = Hub(url)
    number = 0
    while True:
        number += 1
        with hub.begin() as conn:
            rows = [Staged(f"{number}-{row}", b"x", {}) for row in range(50)]
            records.upsert_claims(conn, "hr", "people", "person", rows)
            runs.set_cursor(conn, "hr", "people", number)
        wrote.send(number)


def test_a_killed_process_leaves_whole_transactions_only(hub_url: str) -> None:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_write_until_killed, args=(hub_url, sender))
    process.start()
    told = [receiver.recv() for _ in range(5)][-1]
    process.kill()
    process.join()
    hub = Hub(hub_url)
    with hub.read() as conn:
        cursor = runs.cursor(conn, "hr", "people")
        assert cursor >= told
        assert records.known(conn, "hr", "people") == 50 * cursor
    hub.close()


def test_a_connection_that_was_lost_while_nobody_used_it_is_replaced(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was used a moment ago is not asked: there it is a fault that passes, and the next try has another."""
    url = create_database(postgresql, "rested")
    hub, other = Hub(url), Hub(url)

    def cut() -> None:
        with other.begin() as conn:
            conn.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                              " AND pid <> pg_backend_pid()"))  # fmt: skip

    def one() -> Any:
        with hub.read() as conn:
            return conn.scalar(text("SELECT 1"))

    assert one() == 1
    cut()
    monkeypatch.setattr("landbridge.store.hub._RESTED", 0.0)
    assert one() == 1
    monkeypatch.setattr("landbridge.store.hub._RESTED", 600.0)
    cut()
    with pytest.raises(TransientError, match="did not answer"):
        one()
    assert one() == 1
    hub.close()
    other.close()
