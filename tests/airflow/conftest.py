"""One small company with a connector from another distribution, and Airflow imported once with a home of its own."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
SITE = HERE / "site"
COMPANY = HERE / "company"

# Airflow reads its environment when it is first imported, which is before any fixture runs.
_HOME = Path(tempfile.mkdtemp(prefix="landbridge-airflow-"))
os.environ |= {
    "AIRFLOW_HOME": str(_HOME),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,vera:viewer",
    "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of the tests that is long enough for the algorithm, which wants 64 bytes",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
}
sys.path.insert(0, str(SITE))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Airflow warns of its own deprecations when it is imported."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def airflow() -> ModuleType:
    """With its tables: pages look up users and tokens in them."""
    import airflow
    from airflow.utils.db import initdb

    initdb()
    return airflow


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """The file that is the company's two systems: three people, no account."""
    return put_toy(tmp_path, 3)


@pytest.fixture
def company(tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """LANDBRIDGE_HOME, a hub, and the connections of both systems."""
    monkeypatch.setenv("LANDBRIDGE_HOME", str(COMPANY))
    monkeypatch.setenv("LANDBRIDGE_HUB", f"sqlite:///{tmp_path / 'hub.sqlite'}")
    for name, data in toy_connections(toy).items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(data))
    return COMPANY


def toy_connections(toy: Path) -> dict[str, dict[str, Any]]:
    connection = {"conn_type": "landbridge_toy", "host": str(toy), "password": "open sesame", "extra": {"pace": 30}}
    return {"hr": connection, "chat": connection}


def put_toy(folder: Path, count: int) -> Path:
    """The company's two systems with so many people and no account; `connections.json` beside them leads there."""
    people = {
        str(n): {"id": str(n), "name": f"P{n}", "mail": f"p{n}@example.org", "active": True} for n in range(count)
    }
    path = folder / "toy.json"
    path.write_text(json.dumps({"people": people, "accounts": {}}))
    (folder / "connections.json").write_text(json.dumps(toy_connections(path)))
    return path
