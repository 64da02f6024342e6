"""The benchmark itself: that it measures what it says, and that what is published is what was measured."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from benchmarks import load as loading
from benchmarks import publish
from benchmarks.data import BLOCK, MAKERS
from benchmarks.database import Database
from benchmarks.measure import ContenderError, run
from benchmarks.multiply import differences, multiply
from benchmarks.ours import Ours, serving
from benchmarks.results import Result
from benchmarks.targets import LOAD, judged
from benchmarks.writing import Scenario, judge
from sandbox.postgresql import PostgreSQL
from sandbox.processes import answers
from sandbox.supervisor import wait_until


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LANDBRIDGE_SANDBOX", str(tmp_path))
    return tmp_path


@pytest.fixture
def database(postgresql: PostgreSQL) -> Database:
    """The tests' server as a benchmark's: forgetful, which no figure depends on here."""
    return Database(postgresql.home)


@pytest.mark.parametrize("backend", ["postgresql", "sqlite"])
def test_landbridge_takes_the_whole_path_in_three_phases(home: Path, database: Database, backend: str) -> None:
    found = list(loading.ours(database, backend, "users", 50))
    assert [(one.phase, one.problem) for one in found] == [("first", ""), ("unchanged", ""), ("incremental", "")]
    assert all(one.cpu > 0 and one.peak > 10 for one in found)
    assert found[1].details["steps"]["read users"]["counts"]["same"] == 50


@pytest.mark.parametrize("kind", ["documents", "messages"])
def test_what_records_refer_to_is_there_before(home: Path, database: Database, kind: str) -> None:
    with serving(kind, 250) as address, database.fresh("smoke") as name:
        contender = Ours(database.url(name), kind, home / "logs")
        contender.prepare(address)
        contender.phase("first", address, full=False)
        assert database.ask(name, "SELECT count(*) FROM unresolved") == 0
        assert database.ask(name, f"SELECT count(*) FROM entity WHERE kind = '{kind[:-1]}'") == 250


def test_a_multiplied_hub_is_the_one_that_the_engine_makes(home: Path, database: Database) -> None:
    kind, logs = "messages", home / "logs"
    with database.fresh("few") as few, database.fresh("many") as many:
        for name, count in ((few, BLOCK), (many, 2 * BLOCK)):
            with serving(kind, count) as address:
                contender = Ours(database.url(name), kind, logs)
                contender.prepare(address)
                contender.phase("first", address, full=False)
        list(multiply(database.plain_url(few), kind, 2))
        assert differences(database.plain_url(few), database.plain_url(many)) == {}
        with psycopg.connect(database.plain_url(few)) as connection:
            connection.execute("DELETE FROM change WHERE seq = (SELECT max(seq) FROM change)")
        assert differences(database.plain_url(few), database.plain_url(many)) == {"change": 1}


@pytest.mark.parametrize("kind", ["users", "documents", "messages"])
def test_records_repeat_every_block_but_for_their_numbers(kind: str) -> None:
    for place in (0, 1, 555, BLOCK - 1):
        found = [str(MAKERS[kind](place + block * BLOCK, 0)) for block in (0, 7)]
        one, other = (re.sub(r"(?<=\D)\d{4}(?=\d{3}\D)|x{9,}|(?<=30 0)\d{4}", "#", text) for text in found)
        assert one == other


def test_a_command_is_measured_with_all_that_it_starts(tmp_path: Path) -> None:
    child = "x = bytearray(80_000_000); import time; time.sleep(0.3); sum(range(3_000_000))"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('{{\"said\": 1}}')"
    cost = run([sys.executable, "-c", parent], log=tmp_path / "log")
    assert cost.said == {"said": 1}
    assert cost.peak > 80
    assert cost.cpu > 0.03


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ContenderError, match=r"exit code 3: no room"):
        run([sys.executable, "-c", "import sys; print('no room', file=sys.stderr); sys.exit(3)"], log=tmp_path / "log")


def test_a_killed_benchmark_leaves_no_server_behind() -> None:
    program = """
import sys
from benchmarks.place import started
with started("benchmarks.limited") as address:
    print(address, flush=True)
    sys.stdin.read()
"""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True) as running:
        assert running.stdout is not None
        port = int(running.stdout.readline().rpartition(":")[2])
        assert answers(port)
        running.kill()
    assert wait_until(lambda: not answers(port), 10)


def test_a_target_is_met_or_not_and_silent_about_what_was_not_measured() -> None:
    ours = Result("Landbridge", "users", 100, "unchanged", seconds=1.0)
    for seconds, met in ((2.0, False), (3.0, True)):
        rows = [ours.as_dict(), Result("dlt, arrow", "users", 100, "unchanged", seconds=seconds).as_dict()]
        assert [one[2] for one in judged(LOAD, rows)] == [met]
    failed = Result("dlt, arrow", "users", 100, "unchanged", seconds=1.0, problem="It did not run.")
    assert judged(LOAD, [ours.as_dict(), failed.as_dict()]) == []


def test_refusals_count_and_only_whole_seconds_make_a_rate() -> None:
    stats = {"rate": 50.0, "seconds": [[0, 0], [10, 0], [50, 3], [40, 0], [2, 0]]}
    found = judge("writer", Scenario("known", 50, 0.02), stats, 1.0)
    assert (found.per_second, found.share, found.refused) == (45, 0.9, 3)


def test_the_published_figures_are_those_that_were_measured() -> None:
    for page, text in publish.texts().items():
        assert page.read_text(encoding="utf-8") == text, f"{page.name}: run `python -m benchmarks publish`"


def test_the_help_teaches() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "make bench" in said
    assert "ours --profile" in said
