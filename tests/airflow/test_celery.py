"""The same DAGs on the CeleryExecutor with Redis and PostgreSQL: configuration alone, as docs/how-to/airflow.md says."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.airflow import Airflow
from sandbox.company import halbrueck
from sandbox.postgresql import PostgreSQL
from sandbox.processes import Process, answers, free_port
from tests.airflow.conftest import COMPANY, SITE, put_toy
from tests.servers import open_folder, running

EXAMPLE = Path(__file__).parents[2] / "config" / "airflow" / "celery.env.example"
REDIS = shutil.which("redis-server")

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(not importlib.util.find_spec("celery"), reason="needs the extra: landbridge[airflow,celery]"),
    pytest.mark.skipif(not REDIS, reason="needs the Debian package redis-server"),
]


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with open_folder("celery") as folder:
        put_toy(folder, 12)
        yield folder


@pytest.fixture(scope="module")
def database(root: Path) -> Iterator[PostgreSQL]:
    with running(PostgreSQL(root / "postgresql")) as server:
        yield server


@pytest.fixture(scope="module")
def broker(root: Path) -> Iterator[str]:
    port = free_port(26379)
    redis = Process(root / "redis", "redis", [REDIS or "", "--port", str(port), "--bind", "127.0.0.1", "--save", ""])
    redis.start(lambda: answers(port))
    yield f"redis://127.0.0.1:{port}/0"
    redis.stop()


@pytest.fixture(scope="module")
def server(root: Path, database: PostgreSQL, broker: str) -> Iterator[Airflow]:
    hub = database.create_database("hub")
    metadata = database.create_database("airflow").replace("postgresql://", "postgresql+psycopg://")
    lines = [line.partition("=") for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    places = {"AIRFLOW__CELERY__BROKER_URL": broker, "LANDBRIDGE_HUB": hub}
    settings = {"PYTHONPATH": str(SITE)}
    for name, _, value in lines:
        settings[name] = places.get(name) or value.replace(
            "postgresql+psycopg://airflow:<password>@db.example/airflow", metadata
        )
        assert "<" not in settings[name]
    airflow = Airflow(root / "airflow", settings, COMPANY)
    airflow.install()
    airflow.start()
    airflow.seed(halbrueck())
    yield airflow
    airflow.stop()


def test_people_get_accounts(server: Airflow, root: Path) -> None:
    client = server.client()
    client.unpause_all()
    client.wait_until_quiet(240)
    assert {run["state"] for run in client.runs()} == {"success"}
    assert len(json.loads((root / "toy.json").read_text())["accounts"]) == 12
    assert {
        task["executor"] for task in client.tasks("flow__people", client.runs("flow__people")[0]["dag_run_id"])
    } <= {
        None,
        "CeleryExecutor",
    }
