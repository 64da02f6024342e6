"""What `landbridge doctor` wants to know of Airflow; `python -m landbridge_airflow.examine` prints it as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from landbridge.errors import LandbridgeError
from landbridge.sync.company import Company, load_company
from landbridge_airflow.pools import pools

SERIES = "3.3."
ENSURE = 'python -c "from landbridge_airflow.pools import ensure; ensure()"'
Finding = dict[str, Any]


def examine(company: Company) -> dict[str, Any]:
    """`says` what is there, `findings` with text, remedy and whether something does not work because of it."""
    import airflow

    found = [*_version(airflow.__version__), *_dags(), *_pools(company)]
    return {"says": f"Airflow {airflow.__version__}", "findings": found}


def _version(version: str) -> list[Finding]:
    if version.startswith(SERIES):
        return []
    return [
        _finding(f"Airflow {version} is here; Landbridge is made for {SERIES}x.", "Install Airflow 3.3.", grave=True)
    ]


def _dags() -> list[Finding]:
    """Are ours among the DAGs, and can they be built?"""
    from airflow.configuration import conf

    found = []
    folder = Path(conf.get("core", "dags_folder"))
    texts = (path.read_text(errors="replace") for path in folder.rglob("*.py")) if folder.is_dir() else ()
    if not any("landbridge_airflow.factory" in text for text in texts):
        text = f"Airflow's DAGs folder {folder} has no file of Landbridge: no DAG is made."
        found.append(
            _finding(text, "Point AIRFLOW__CORE__DAGS_FOLDER at dags/, or copy its one file there.", grave=True)
        )
    try:
        from landbridge_airflow.factory import build

        build()
    except (LandbridgeError, ImportError) as error:
        found.append(_finding(f"The DAGs cannot be built: {error}", "`landbridge check`.", grave=True))
    return found


def _pools(company: Company) -> list[Finding]:
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with create_session() as session:
            slots = {row[0]: row[1] for row in session.execute(select(Pool.pool, Pool.slots))}
    except SQLAlchemyError as error:
        return [_finding(f"Airflow's database did not answer ({type(error).__name__}).", "`airflow db check`.")]
    found = []
    for pool, wanted in pools(company).items():
        if pool not in slots:
            found.append(_finding(f"The pool {pool} is missing: its tasks never start.", f"`{ENSURE}`.", grave=True))
        elif slots[pool] != wanted["slots"]:
            text = f"The pool {pool} has {slots[pool]} slots, config/systems.yaml says {wanted['slots']} workers."
            found.append(_finding(text, f"`{ENSURE}`."))
    return found


def _finding(text: str, remedy: str, *, grave: bool = False) -> Finding:
    return {"text": text, "remedy": remedy, "grave": grave}


if __name__ == "__main__":
    print(json.dumps(examine(load_company())))
