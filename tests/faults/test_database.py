"""The hub's database goes away, comes back, is restarted, or has no room left."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from landbridge import boundary
from landbridge.cli.exits import Exit, code_of
from landbridge.errors import LandbridgeError, TransientError
from landbridge.testing import crashpoints
from landbridge.testing.tcp import TcpProxy
from sandbox.postgresql import PostgreSQL
from tests.faults import places, scenario
from tests.faults.places import SEED, SOAK, Before, Place
from tests.servers import brought_up


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A server of our own, since it does not survive well what is done to it here."""
    with brought_up(PostgreSQL) as server:
        yield server


@pytest.fixture(scope="module")
def before(server: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Before:
    folder = tmp_path_factory.mktemp("company")
    return places.prepared(folder, *places.on_postgresql(folder, server))


@contextmanager
def through_proxy(url: str) -> Iterator[tuple[TcpProxy, str]]:
    direct = make_url(url)
    with TcpProxy("127.0.0.1", direct.port or 0) as proxy:
        yield proxy, direct.set(port=proxy.port).render_as_string(hide_password=False)


@contextmanager
def at(number: int, act: Callable[[], None]) -> Iterator[list[str]]:
    """Act at the boundary of this number; the names of those passed."""
    names: list[str] = []

    def count(name: str) -> None:
        names.append(name)
        if len(names) == number:
            act()

    boundary.watch(count)
    try:
        yield names
    finally:
        boundary.watch(None)


def attempt(place: Place) -> LandbridgeError | None:
    """A run may fail, but only by an error that says what to do; any other fails the test."""
    try:
        scenario.landbridge_runs(*place)
    except LandbridgeError as error:
        return error
    return None


def lost(number: int, name: str, proxy: TcpProxy) -> None:
    """Before a commit every other time only its answer gets lost, so that nobody knows whether it was done."""
    if number % 2 and "before commit" in name:
        proxy.reset_after(1)
    else:
        proxy.cut()


def test_1_a_connection_that_breaks_at_any_boundary_loses_nothing(before: Before) -> None:
    wrong = {}
    numbers = crashpoints.chosen(before.names, 10_000 if SOAK else 0, SEED)
    if not SOAK:  # nothing happens between what is after a commit and the next boundary
        numbers = [number for number in numbers if "after commit" not in before.names[number - 1]]
    for number in numbers:
        name = before.names[number - 1]
        with before.copy() as (url, folder), through_proxy(url) as (proxy, proxied):
            with at(number, lambda number=number, name=name, proxy=proxy: lost(number, name, proxy)):  # type: ignore[misc]
                error = attempt((proxied, folder))
            assert error is None or code_of(error) == Exit.UNREACHABLE, (number, name, error)
            scenario.comes_to_rest(url, folder)
            end = scenario.seen(url, folder)
            if end != before.end:
                wrong[f"{number} {name}"] = {part: end[part] for part in end if end[part] != before.end[part]}
    assert wrong == {}


@pytest.mark.parametrize("step", ["read", "merge", "plan", "guard", "write", "claim", "keep"])
def test_1_a_database_that_is_gone_for_good_ends_the_run_with_what_to_do(before: Before, step: str) -> None:
    number = next(n for n, name in enumerate(before.names, 1) if name.startswith(f"landbridge.sync.{step}."))
    with before.copy() as (url, folder), through_proxy(url) as (proxy, proxied):
        with at(number, proxy.refuse):
            error = attempt((proxied, folder))
        assert isinstance(error, TransientError)
        assert "127.0.0.1" in str(error)
        assert "Try again later." in str(error)
        assert make_url(url).password not in str(error)
        scenario.comes_to_rest(url, folder)
        assert scenario.seen(url, folder) == before.end


def crash(server: PostgreSQL) -> None:
    """An immediate shutdown, as of a machine that loses power; the next start has to recover."""
    pid = int((server.home / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGQUIT)
    server.stop()
    server.start()


@pytest.mark.parametrize("step", ["read", "merge", "claim", "keep"])
@pytest.mark.parametrize("what", ["before commit", "after commit"])
def test_1_a_server_that_crashes_and_recovers_has_all_that_was_committed(
    before: Before, server: PostgreSQL, step: str, what: str
) -> None:
    prefix = f"landbridge.sync.{step}."
    numbers = [n for n, name in enumerate(before.names, 1) if name.startswith(prefix) and name.endswith(what)]
    with before.copy() as (url, folder):
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as conn:
            conn.execute(f"ALTER DATABASE {make_url(url).database} SET synchronous_commit = on")
            # The numbers of a copied sequence are in the log from the next checkpoint on only.
            conn.execute("CHECKPOINT")
        with at(numbers[len(numbers) // 2], lambda: crash(server)):
            attempt((url, folder))
        scenario.comes_to_rest(url, folder)
        assert scenario.seen(url, folder) == before.end


# No room left -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Before:
    folder = tmp_path_factory.mktemp("company")
    return places.prepared(folder, *places.on_sqlite(folder))


def limited(url: str, folder: str, more: int) -> None:
    """A run that may make no file larger than the hub is now, plus so many bytes."""
    size = Path(folder, "hub.sqlite").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + more, resource.RLIM_INFINITY))
    scenario.landbridge_runs(url, folder)


def out_of_room(url: str, folder: str, more: int) -> None:
    with pytest.raises(TransientError, match="make room or mend the disk"):
        limited(url, folder, more)


@pytest.mark.parametrize("more", [-200_000, -100_000, 0])
def test_1_a_sqlite_hub_that_may_not_grow_says_so_and_goes_on_later(on_sqlite: Before, more: int) -> None:
    with on_sqlite.copy() as place:
        crashpoints.boundaries(out_of_room, *place, more)
        scenario.comes_to_rest(*place)
        assert scenario.seen(*place) == on_sqlite.end


@contextmanager
def tiny_disk(size: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="landbridge-tiny-", dir="/tmp"))
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs", folder]).returncode
    ):
        pytest.skip("A file system of its own: only root can install it.")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


def test_1_a_full_disk_below_sqlite(on_sqlite: Before) -> None:
    with on_sqlite.copy() as (_, folder), tiny_disk("6m") as disk:
        for file in Path(folder).glob("hub.sqlite*"):
            shutil.copy(file, disk)
        room, filler = (disk / "hub.sqlite").stat().st_size, disk / "filler"
        url = f"sqlite:///{disk / 'hub.sqlite'}"
        assert room < 5_000_000
        fill(filler)
        error = attempt((url, folder))
        assert isinstance(error, TransientError)
        assert "make room or mend the disk" in str(error)
        filler.unlink()
        scenario.comes_to_rest(url, folder)
        assert scenario.seen(url, folder) == on_sqlite.end


def fill(file: Path) -> None:
    """Take all the room that is left on the disk."""
    with file.open("wb", buffering=0) as filler:
        try:
            while filler.write(b"\0" * 4096):
                pass
        except OSError:
            pass


def test_1_a_full_disk_below_postgresql(before: Before, server: PostgreSQL) -> None:
    with before.copy() as (url, folder), tiny_disk("40m") as disk:
        name, room = make_url(url).database, disk / "room"
        room.mkdir()
        server.hand_over(disk)
        with psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True) as conn:
            conn.execute(f"CREATE TABLESPACE tiny LOCATION '{room}'")
            conn.execute(f"ALTER DATABASE {name} SET TABLESPACE tiny")
        with at(1, lambda: fill(disk / "filler")):
            error = attempt((url, folder))
        (disk / "filler").unlink()
        scenario.comes_to_rest(url, folder)
        assert scenario.seen(url, folder) == before.end
        with psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True) as conn:
            conn.execute(f"ALTER DATABASE {name} SET TABLESPACE pg_default")
            conn.execute("DROP TABLESPACE tiny")
        assert error is not None and "has no room left on its disk" in str(error), error.__cause__
