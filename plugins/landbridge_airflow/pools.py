"""One Airflow pool per system, as large as its `workers`, so that no system takes all slots of the others."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from landbridge.sync.company import Company, load_company


def pool_of(system: str) -> str:
    return f"landbridge_{system}"


def pools(company: Company) -> dict[str, dict[str, object]]:
    """In the form of `airflow pools import`."""
    return {
        pool_of(system.name): {
            "slots": system.workers,
            "description": f"Requests to {system.name} at the same time (config/systems.yaml, workers).",
            "include_deferred": False,
        }
        for system in company.systems.values()
    }


def ensure(company: Company | None = None) -> list[str]:
    """Create or resize the pools of all systems through Airflow's own command; a set-up step, never at parse time."""
    wanted = pools(company or load_company())
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(wanted, file)
        file.flush()
        airflow = Path(sys.executable).with_name("airflow")
        command = [str(airflow), "pools", "import", file.name]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 (our own program and file)
    return list(wanted)
