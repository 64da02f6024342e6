"""Where a decision of the hub is asked in Airflow: the run of the decide DAG that belongs to it."""

from __future__ import annotations

import zlib
from typing import Any

from landbridge.store.decisions import Decision


def facts(decision: Decision) -> str:
    """Stands for what a decision is about now; an open one is brought up to date by each run of its flow."""
    return f"{zlib.crc32(str(decision.details.get('fingerprint')).encode()):08x}"


def run_id(decision: Decision) -> str:
    """The same question about the same facts has the same run, so it is asked once however often the flow meets it."""
    return f"decision-{decision.id}-{facts(decision)}"


def question(decision: Decision, text: str) -> dict[str, Any]:
    """What starts that run."""
    conf = {"decision": decision.id, "text": text, "facts": facts(decision)}
    return {"trigger_run_id": run_id(decision), "conf": conf}


def asked_by(decision: Decision) -> str | None:
    """Path of the waiting task in Airflow's REST API; None where Airflow does not ask this kind."""
    if decision.kind != "brake" or decision.flow is None:
        return None
    return f"dags/decide__{decision.flow}/dagRuns/{run_id(decision)}/taskInstances/decide/-1/hitlDetails"
