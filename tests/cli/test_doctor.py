"""doctor: each finding, what it says to do, and what --fix mends."""

from __future__ import annotations

import os
import shutil
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from landbridge.cli import doctor as command
from landbridge.connector import Account, Connector
from landbridge.errors import AuthError
from landbridge.http.answer import skew_of
from landbridge.store import audit, decisions, deliveries, health, runs, setaside
from landbridge.store.clock import later
from landbridge.store.hub import Hub
from landbridge.store.tables import checkpoint, decision, delivery, run, set_aside
from tests.cli.conftest import Cli
from tests.sync.conftest import World

LONG_AGO = later(-9 * 86_400)


@pytest.fixture(autouse=True)
def here(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub of the tests, read just now, and no Airflow of the machine's."""
    monkeypatch.setenv("LANDBRIDGE_HUB", world.bridge.hub.url.render_as_string(hide_password=False))
    for name in [name for name in os.environ if name == "AIRFLOW_HOME" or name.startswith("AIRFLOW__")]:
        monkeypatch.delenv(name)
    world.run()


def texts(cli: Cli, *args: str) -> dict[str, dict[str, Any]]:
    return {one["text"]: one for one in cli("doctor", *args, "--json").data["findings"]}


def the(cli: Cli, part: str) -> dict[str, Any]:
    """The one finding that says so."""
    (found,) = [one for text, one in texts(cli).items() if part in text]
    assert found["remedy"]
    return found


def test_all_is_well(cli: Cli, world: World) -> None:
    found = cli("doctor")
    assert found.code == 0, found.out
    assert "All is well." in found.out
    for part in ("config", "mappings", "policy", "hub", "runs", "streams", "waiting", "notices", "free"):
        assert part in found.out


def test_offline_asks_nobody(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Account:
        raise AuthError("The token is refused.")

    monkeypatch.setattr(world.chat, "check", refuse)
    assert cli("doctor", "--offline").code == 0
    found = cli("doctor", "--json")
    assert found.code == 2
    (finding,) = found.data["findings"]
    assert finding["severity"] == "error"


def test_a_missing_permission_is_a_warning(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.chat, "check", lambda: Account("bot", ("rooms: read",)))
    found = cli("doctor")
    assert found.code == 1
    assert "lacks rooms: read" in found.out


# --- configuration ---------------------------------------------------------------------------------------------


def test_a_configuration_that_cannot_be_read(cli: Cli, home: Path) -> None:
    (home / "config" / "flows" / "people.yaml").write_text("flow: people\nkind: persons\n")
    found = cli("doctor")
    assert found.code == 2
    assert "people.yaml" in found.out


def test_files_and_systems_that_nobody_uses(cli: Cli, home: Path, world: World) -> None:
    flows = home / "config" / "flows"
    shutil.move(flows / "knowledge.yaml", flows / "knowledge.yml")
    assert the(cli, "knowledge.yml is not read")["remedy"].startswith("Name it knowledge.yaml")
    assert the(cli, "No flow uses wiki")


def test_a_source_that_is_not_read(cli: Cli, home: Path) -> None:
    file = home / "config" / "systems.yaml"
    file.write_text(file.read_text().replace("{connector: directory_app}", "{connector: directory_app, streams: []}"))
    assert "systems.yaml" in the(cli, "people lives on directory/people, which is not read")["remedy"]


def test_no_flow_at_all(cli: Cli, home: Path) -> None:
    shutil.rmtree(home / "config" / "flows")
    assert the(cli, "There is no flow")


@pytest.mark.parametrize(
    ("until", "flow", "said"), [(-1, "news", "has ended"), (9, "newz", "is for nothing"), (14, "news", "ends on")]
)
def test_an_exception_that_means_nothing_any_more(cli: Cli, home: Path, until: int, flow: str, said: str) -> None:
    day = date.today() + timedelta(days=until)
    (home / "config" / "policy.yaml").write_text(
        f"exceptions:\n  - {{flow: {flow}, target: chat/messages, owner: V, reason: why not, until: {day}}}\n"
    )
    assert the(cli, said)["file"].endswith("policy.yaml")


@pytest.mark.parametrize(
    ("until", "system", "said"),
    [
        (-1, "chat", "has ended"),
        (14, "chat", "ends on"),
        (30, "chatt", "there is no such system"),
        (30, "chat", "were not told yet"),
    ],
)
def test_a_policy_for_a_private_space(cli: Cli, home: Path, until: int, system: str, said: str) -> None:
    day = date.today() + timedelta(days=until)
    (home / "config" / "policy.yaml").write_text(
        f"private_spaces:\n  - {{system: {system}, space: s1, purpose: The board wants it., owner: Vera, until: {day}}}\n"
    )
    found = the(cli, said)
    assert (found["file"].rpartition("/")[2], found["line"]) == ("policy.yaml", 2)


def test_a_policy_that_is_followed_is_no_finding(cli: Cli, home: Path) -> None:
    (home / "config" / "policy.yaml").write_text(
        f"private_spaces:\n  - {{system: chat, space: s1, purpose: The board wants it., owner: Vera,"
        f" until: {date.today() + timedelta(days=30)}, notice: given on 2026-11-01 by Vera}}\n"
    )
    assert cli("doctor").code == 0


# --- hub -------------------------------------------------------------------------------------------------------


def test_a_hub_that_is_not_there_is_not_made(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDBRIDGE_HUB", f"sqlite:///{tmp_path}/none.sqlite")
    found = cli("doctor")
    assert found.code == 2
    assert "landbridge hub migrate" in found.out
    assert not (tmp_path / "none.sqlite").exists()


@pytest.mark.parametrize(
    ("free", "log", "said", "code"),
    [
        (10 * 2**20, 0, "10 MB are free", 2),
        (300 * 2**20, 0, "less than its own", 1),
        (2**40, 2**29, "write-ahead log", 1),
    ],
)
def test_room(cli: Cli, monkeypatch: pytest.MonkeyPatch, free: int, log: int, said: str, code: int) -> None:
    monkeypatch.setattr(health, "room", lambda hub: health.Room(400 * 2**20, log, free))
    found = cli("doctor")
    assert said in " ".join(found.out.split())
    assert found.code == code


def test_size_and_clock_on_both_databases(hub: Hub) -> None:
    found = health.room(hub)
    assert found.size > 10_000
    assert (found.free is None) == (hub.dialect == "postgresql")
    with hub.read() as conn:
        assert abs(health.skew(conn)) < 60


def test_clocks_that_disagree(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "skew", lambda conn: -90.0)
    assert the(cli, "The hub's database has a clock that is 90 s behind ours")
    monkeypatch.setattr(Connector, "skew", property(lambda self: 300.0 if self is world.chat else None))
    assert the(cli, "chat has a clock that is 300 s ahead of ours")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Thu, 01 Jan 1970 00:00:10 GMT", 10.0),
        ("Thu, 01 Jan 1970 00:00:10 -0000", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_the_clock_of_an_answer(monkeypatch: pytest.MonkeyPatch, said: str | None, found: float | None) -> None:
    monkeypatch.setattr("landbridge.http.answer.time", SimpleNamespace(time=lambda: 0.0))
    assert skew_of({"Date": said} if said else {}) == found


# --- what goes on ----------------------------------------------------------------------------------------------


@pytest.fixture
def died(world: World) -> str:
    """A full read whose process was killed."""
    with world.bridge.hub.begin() as conn:
        dead = runs.start(conn, "read", "chat/messages").id
        conn.execute(run.update().where(run.c.id == dead).values(process=f"{runs.this_process()}0"))
        runs.start(conn, "read", "chat/rooms")
    return dead


def test_a_run_that_died_is_found_and_its_end_noted(cli: Cli, world: World, died: str) -> None:
    assert "--fix" in the(cli, "The read of chat/messages")["remedy"]
    found = cli("doctor", "--fix")
    assert found.code == 0, found.out
    assert "1 thing mended" in found.out
    with world.bridge.hub.read() as conn:
        ended = runs.get(conn, died)
        assert ended is not None
        assert ended.state == "failed"
        assert audit.recent(conn, 1)[0].action == "doctor-fix"
        assert [one.state for one in runs.recent(conn, "chat/rooms", 1)] == ["running"]
    assert cli("doctor", "--fix", "--json").data["fixed"] == 0


def test_what_died_elsewhere_is_found_by_its_silence(cli: Cli, world: World) -> None:
    """Reading, merging, planning and writing alike; until then all of them count as alive."""
    begun = (("read", "chat/messages"), ("merge", "news"), ("plan", "people"), ("write", "people → chat/people"))
    with world.bridge.hub.begin() as conn:
        for what, subject in begun:
            runs.start(conn, what, subject)
        conn.execute(run.update().where(run.c.state == "running").values(process="elsewhere 1 1"))
    assert cli("doctor", "--fix", "--json").data["fixed"] == 0
    with world.bridge.hub.begin() as conn:
        conn.execute(run.update().values(beat=run.c.beat - runs.SILENT - 1))
    for what, subject in begun:
        assert the(cli, f"The {what} of {subject}")
    assert cli("doctor", "--fix", "--json").data["fixed"] == len(begun)


def test_dead_runs_on_both_databases(hub: Hub) -> None:
    with hub.begin() as conn:
        dead = runs.start(conn, "read", "a/b").id
        conn.execute(run.update().values(process=f"{runs.this_process()}0"))
        runs.start(conn, "read", "a/b")
        assert [one.id for one in health.dead_runs(conn, ["a/b", "a/b"])] == [dead]


def test_a_stream_that_is_not_read_any_more(cli: Cli, world: World) -> None:
    with world.bridge.hub.begin() as conn:
        conn.execute(checkpoint.update().where(checkpoint.c.stream == "cases").values(read_at=LONG_AGO))
        failed = runs.start(conn, "read", "crm/cases")
        runs.finish(conn, failed.id, "failed", {}, "AuthError: refused.")
    found = the(cli, "crm/cases was read 9 d ago, due every 5 minutes (AuthError: refused.)")
    assert "`landbridge read crm cases`" in found["remedy"]


def test_a_hub_that_has_read_nothing_is_one_finding(cli: Cli, world: World) -> None:
    with world.bridge.hub.begin() as conn:
        conn.execute(checkpoint.delete())
    assert list(texts(cli)) == ["Nothing was ever read."]


def test_what_waits_for_a_person(cli: Cli, world: World) -> None:
    with world.bridge.hub.begin() as conn:
        decisions.ask(conn, "conflict", "e:title", "Which?", ["a", "b"], {})
    assert cli("doctor").code == 0
    with world.bridge.hub.begin() as conn:
        conn.execute(decision.update().values(at=LONG_AGO))
        decisions.ask(conn, "brake", "people:chat/people", "Meant?", ["approve", "reject"], {"fingerprint": "1"})
    assert (
        "`landbridge decide`" in the(cli, "1 question waits since 9 d ago for a person, longer than a week")["remedy"]
    )
    assert the(cli, "1 brake waits since just now for a person")


def test_what_failed_for_long(cli: Cli, world: World) -> None:
    with world.bridge.hub.begin() as conn:
        declined = setaside.Bad("8", None, "No more.", setaside.DECLINED)
        setaside.put(conn, "hr", "people", [setaside.Bad("9", None, "No name."), declined])
        for entity, state in (("e1", "set_aside"), ("e2", "uncertain")):
            deliveries.put(conn, flow="people", target="chat/people", entity=entity, op="create", state=state)
    assert cli("doctor").code == 0
    with world.bridge.hub.begin() as conn:
        conn.execute(set_aside.update().values(first_at=LONG_AGO))
        conn.execute(delivery.update().where(delivery.c.entity.in_(["e1", "e2"])).values(at=LONG_AGO))
    assert "set-aside list hr/people" in the(cli, "1 record of hr/people could not be read for a week")["remedy"]
    assert "set-aside list chat/people" in the(cli, "1 write of people in chat/people failed for a week")["remedy"]
    assert "landbridge run people" in the(cli, "1 write of people in chat/people: uncertain since 9 d ago")["remedy"]


# --- Airflow ---------------------------------------------------------------------------------------------------


def test_airflow_is_examined_where_it_is_set_up(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = '{"says": "Airflow 3.3.2", "findings": [{"text": "No pool.", "remedy": "Make it.", "grave": true}]}'
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setattr(command.subprocess, "run", lambda *args, **more: SimpleNamespace(stdout=f"noise\n{said}\n"))
    found = cli("doctor", "--json")
    assert found.code == 2
    assert [one["text"] for one in found.data["findings"]] == ["No pool."]
    monkeypatch.setattr(command.subprocess, "run", lambda *args, **more: SimpleNamespace(stdout=""))
    assert the(cli, "Airflow could not be examined (IndexError)")
