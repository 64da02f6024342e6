"""What `landbridge doctor` finds in Airflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from landbridge_airflow.examine import examine
from landbridge_airflow.pools import pools

from landbridge.sync.company import load_company
from tests.airflow.conftest import SITE

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def folder(airflow: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Airflow's DAGs folder, empty."""
    made = tmp_path / "dags"
    made.mkdir()
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(made))
    return made


@pytest.mark.usefixtures("company")
def test_what_is_missing_in_airflow(folder: Path) -> None:
    company = load_company()
    found = examine(company)
    assert found["says"].startswith("Airflow 3.3.")
    texts = [one["text"] for one in found["findings"]]
    assert "has no file of Landbridge" in texts[0]
    assert [text for text in texts[1:] if "is missing" in text] == [
        f"The pool {pool} is missing: its tasks never start." for pool in pools(company)
    ]
    assert all(one["grave"] and one["remedy"] for one in found["findings"])


@pytest.mark.usefixtures("company")
def test_pools_are_compared_with_the_workers(folder: Path) -> None:
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    (folder / "landbridge_dags.py").write_text((REPOSITORY / "dags" / "landbridge_dags.py").read_text())
    company = load_company()
    for number, pool in enumerate(pools(company).items()):
        Pool.create_or_update_pool(pool[0], int(str(pool[1]["slots"])) + number, "", include_deferred=False)
    try:
        findings = examine(company)["findings"]
        assert len(findings) == len(pools(company)) - 1
        assert all("slots, config/systems.yaml says" in one["text"] and not one["grave"] for one in findings)
    finally:
        with create_session() as session:
            session.query(Pool).filter(Pool.pool.in_(pools(company))).delete()


@pytest.mark.usefixtures("airflow")
def test_it_is_asked_in_a_process_of_its_own(company: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(SITE), os.environ.get("PYTHONPATH", "")])}
    program = [sys.executable, "-m", "landbridge_airflow.examine"]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1])["findings"]
