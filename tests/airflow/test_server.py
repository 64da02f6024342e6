"""Airflow itself, all components, on the real engine: from a person in HR to an account in chat, and back to a person."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from landbridge.cli.asset_events import AssetEvents
from landbridge.connector import Connection
from sandbox.airflow import Airflow
from sandbox.airflow_client import AirflowClient, ApiError, until
from sandbox.company import halbrueck
from tests.airflow.conftest import COMPANY, SITE, put_toy, toy_connections
from tests.servers import open_folder

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with open_folder("airflow") as folder:
        put_toy(folder, 12)
        yield folder


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Airflow]:
    settings = {"PYTHONPATH": str(SITE), "LANDBRIDGE_HUB": f"sqlite:///{root / 'hub.sqlite'}"}
    airflow = Airflow(root / "airflow", settings, COMPANY)
    assert airflow.health().state == "absent"
    airflow.install()
    airflow.start()
    airflow.seed(halbrueck())
    yield airflow
    airflow.stop()
    assert airflow.health().state == "down"


@pytest.fixture(scope="module")
def client(server: Airflow) -> AirflowClient:
    return server.client()


def toy(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / "toy.json").read_text()))


def disabled(root: Path) -> int:
    return sum(not account["active"] for account in toy(root)["accounts"].values())


def leave(root: Path, *people: int) -> None:
    data = toy(root)
    for number in people:
        data["people"][str(number)]["active"] = False
    (root / "toy.json").write_text(json.dumps(data))


def test_the_dags_and_pools_are_there(client: AirflowClient) -> None:
    assert client.import_errors() == []
    assert set(client.dags()) == {"read__hr", "read__chat", "flow__people", "decide__people"}
    assert client.pools()["landbridge_chat"] == 1


def test_only_loopback_listens(server: Airflow) -> None:
    bound = [bound for process in processes(server) for bound in process.net_connections("inet")]
    assert {one.laddr.ip for one in bound if one.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def processes(server: Airflow) -> list[psutil.Process]:
    """By the supervisors: Airflow renames its processes, and their environment is gone with their names."""
    supervisors = [psutil.Process(json.loads(path.read_text())["pid"]) for path in server.home.glob("*.pid")]
    return [process for one in supervisors for process in (one, *one.children(recursive=True))]


def test_secrets_are_the_owners_only(server: Airflow) -> None:
    for path in (server.home / "facts.json", server.home / "home" / "passwords.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for log in server.home.glob("*.log"):
        said = log.read_text(errors="replace")
        assert "open sesame" not in said
        assert not any(password in said for password in server.passwords().values())


def test_the_pages_ask_who_is_there(server: Airflow) -> None:
    page = f"{server.facts()['url']}/landbridge/"
    assert requests.get(page, timeout=30).status_code == 401
    assert server.client("vera").raw("GET", "/landbridge/").status_code == 200
    refused = server.client("vera").raw("POST", "/landbridge/set-aside/write/drop", data={"delivery": 1})
    assert refused.status_code == 403


def test_the_form_is_a_real_one(client: AirflowClient) -> None:
    forms = client.raw("GET", "/ui/connections/hook_meta").json()
    form = next(form for form in forms if form["connection_type"] == "landbridge_toy")
    assert form["standard_fields"]["password"]["title"] == "Access token"
    assert form["extra_fields"]["second_secret"]["schema"]["format"] == "password"


def test_people_get_accounts(client: AirflowClient, root: Path) -> None:
    client.unpause_all()
    client.wait_until_quiet(180)
    assert len(toy(root)["accounts"]) == 12
    events = {(event["name"], event["source_dag_id"]) for event in client.asset_events()}
    assert events == {("hr/people", "read__hr"), ("chat/accounts", "flow__people")}
    assert {run["state"] for run in client.runs()} == {"success"}


def test_a_second_read_wakes_no_flow(client: AirflowClient) -> None:
    before = len(client.runs("flow__people"))
    run = client.trigger("read__hr")
    assert client.wait("read__hr", run) == "success"
    client.wait_until_quiet(60)
    assert {task["task_id"]: task["state"] for task in client.tasks("read__hr", run)}["people"] == "skipped"
    assert len(client.runs("flow__people")) == before


def test_what_is_told_starts_the_flow_that_waits_for_it(client: AirflowClient, server: Airflow) -> None:
    before, notes = len(client.runs("flow__people")), list[str]()
    url, passwords = server.facts()["url"], server.passwords()
    for user, left in (("vera", {"hr/people"}), ("admin", set())):
        told = AssetEvents(Connection("airflow", "http", url, user, passwords[user]), notes.append)
        assert told(frozenset({"hr/people", "hr/nothing"} if user == "admin" else {"hr/people"})) == left
    assert len(notes) == 1  # who may only look may not wake anybody
    until(lambda: len(client.runs("flow__people")) == before + 1, 60, "a run of flow__people")
    client.wait_until_quiet(60)
    assert client.asset_events("hr/people")[0]["extra"]["told"] is True


def test_a_tripped_brake_asks_and_holds_nobody_up(client: AirflowClient, server: Airflow, root: Path) -> None:
    leave(root, 0, 1, 2, 3)
    data = toy(root)
    data["people"]["99"] = {"id": "99", "name": "Newcomer", "mail": "new@example.org", "active": True}
    (root / "toy.json").write_text(json.dumps(data))
    assert client.run("read__hr") == "success"
    client.wait_until_quiet(120)
    assert "new@example.org" in toy(root)["accounts"]
    assert disabled(root) == 0
    (question,) = client.questions()
    assert "disable 4" in question["body"]
    with pytest.raises(ApiError) as refused:
        server.client("vera").answer(question, "Approve")
    assert refused.value.status == 403

    client.answer(question, "Approve")
    asked = question["task_instance"]
    assert client.wait(asked["dag_id"], asked["dag_run_id"]) == "success"
    assert disabled(root) == 4
    assert client.questions() == []


def test_refused_credentials_fail_at_once_and_say_nothing(client: AirflowClient, server: Airflow, root: Path) -> None:
    connections = toy_connections(root / "toy.json")
    connections["hr"] = {**connections["hr"], "password": "a-wrong-secret"}
    (root / "connections.json").write_text(json.dumps(connections))
    server.start()  # notices that the connections are others
    run = server.client().trigger("read__hr")
    assert server.client().wait("read__hr", run) == "failed"
    (task,) = [task for task in server.client().tasks("read__hr", run) if task["task_id"] == "people"]
    assert task["try_number"] == 1
    log = server.client().log("read__hr", run, "people")
    assert "refuses the access token" in log
    assert "a-wrong-secret" not in log


def test_it_ends_without_orphans(server: Airflow) -> None:
    mine = processes(server)
    assert len(mine) > 8
    server.stop()
    assert not [process for process in mine if process.is_running()]
