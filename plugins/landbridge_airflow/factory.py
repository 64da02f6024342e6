"""DAGs made from the configuration, without a connector or a database: read__<system>, flow__<name>, decide__<name>."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import (
    DAG,
    AssetAny,
    AssetOrTimeSchedule,
    DeltaTriggerTimetable,
    Param,
    TriggerRule,
    get_parsing_context,
    task,
)

from landbridge.model import KIND_ORDER
from landbridge.sync.company import Company, Flow, System, load_company
from landbridge_airflow import describe, steps
from landbridge_airflow.assets import asset, system_of
from landbridge_airflow.decide import DecideOperator
from landbridge_airflow.pools import pool_of
from landbridge_airflow.retries import AFTER_DEATH, RETRIES, Retries

START = datetime(2025, 1, 1, tzinfo=UTC)
# Open questions of one flow; those above wait in Airflow's queue.
OPEN_DECISIONS = 16


def build() -> dict[str, DAG]:
    """All DAGs, or, inside a task, only the one that the task belongs to."""
    company = load_company()
    wanted = get_parsing_context().dag_id
    return {name: make() for name, make in _makers(company) if wanted in (None, name)}


def _makers(company: Company) -> Iterator[tuple[str, Callable[[], DAG]]]:
    for system in company.systems.values():
        yield f"read__{system.name}", partial(read_dag, company, system)
    for flow in company.flows.values():
        yield f"flow__{flow.name}", partial(flow_dag, company, flow)
        yield f"decide__{flow.name}", partial(decide_dag, flow)


def _dag(dag_id: str, **settings: Any) -> DAG:
    return DAG(
        dag_id,
        start_date=START,
        catchup=False,
        default_args={"retries": RETRIES, "retry_policy": Retries(), "retry_delay": AFTER_DEATH, "owner": "landbridge"},
        **settings,
    )


def read_dag(company: Company, system: System) -> DAG:
    """One task per stream, one after the other so that what is referred to comes first; a failed one stops no other."""
    dag = _dag(
        f"read__{system.name}",
        schedule=system.every,
        max_active_runs=1,
        tags=["landbridge", "read", system.name],
        params={"full": Param(False, type="boolean", description="Read everything anew, also what seems unchanged.")},
        doc_md=describe.system(company, system),
    )
    with dag:
        done = EmptyOperator(task_id="done", trigger_rule=TriggerRule.NONE_FAILED)
        before = None
        for stream in _in_order(company, system):
            read = task(
                task_id=stream,
                pool=pool_of(system.name),
                outlets=[asset(f"{system.name}/{stream}")],
                trigger_rule=TriggerRule.ALL_DONE,
                multiple_outputs=False,
            )(steps.read)(system.name, stream)
            if before is not None:
                before >> read
            # `done` fails with any of them; without it the run's colour would be that of the last stream alone.
            read >> done
            before = read
    return dag


def _in_order(company: Company, system: System) -> list[str]:
    kinds = {stream: company.mapping(f"{system.name}/{stream}").kind for stream in system.streams}
    return sorted(system.streams, key=lambda stream: KIND_ORDER.index(kinds[stream]))


def flow_dag(company: Company, flow: Flow) -> DAG:
    """merge → plan → guard → write → report; what needs a person goes to the decide DAG and holds nobody up."""
    sources = AssetAny(*(asset(stream) for stream in describe.read_for(company, flow)))
    dag = _dag(
        f"flow__{flow.name}",
        schedule=_or_every(sources, flow.every),
        max_active_runs=1,
        tags=["landbridge", "flow", flow.kind],
        doc_md=describe.flow(company, flow),
    )
    with dag:
        merged = _step("merge", steps.merge)(flow.name)
        planned = _step("plan", steps.plan)(flow.name)
        guarded = _step("guard", steps.guard)(flow.name, planned)
        merged >> planned
        TriggerDagRunOperator.partial(
            task_id="ask",
            trigger_dag_id=f"decide__{flow.name}",
            logical_date=None,
            skip_when_already_exists=True,
        ).expand_kwargs(_step("questions", steps.take)(guarded, "questions"))
        written = _writes(flow, guarded)
        _step("report", steps.report, trigger_rule=TriggerRule.NONE_FAILED)(flow.name, planned, written)
    return dag


def decide_dag(flow: Flow) -> DAG:
    """One run per question; it waits as long as the person needs, without a worker."""
    dag = _dag(
        f"decide__{flow.name}",
        schedule=None,
        max_active_runs=OPEN_DECISIONS,
        is_paused_upon_creation=False,  # it does nothing by itself, and a question nobody sees would be worse
        tags=["landbridge", "decide", flow.kind],
        params={
            "decision": Param(type="integer", description="Number of the decision in the hub."),
            "text": Param("", type="string", description="What is held back, and why."),
            "facts": Param("", type="string", description="Stands for what the question was about when it was asked."),
        },
        doc_md=describe.decide(flow),
    )
    with dag:
        # The question's first clause: what stands in the list of required actions. Names stay out of Airflow's database.
        answer = DecideOperator(
            task_id="decide",
            subject=f"{{{{ params.text.partition(';')[0] or '{flow.name}' }}}} (decision {{{{ params.decision }}}})",
            body="{{ params.text }}\n\nWho and what is meant stands under *Landbridge → Decisions*.",
        )
        # The batches come out of `release`, which needs the answer: no write can start before it. An arrow alone
        # would not hold mapped writes back.
        released = _step("release", steps.release)(flow.name, answer.output)
        # No outlets: in the graph the flow writes what it writes, and what a person answers adds no second set of lines.
        written = _writes(flow, released, outlets=False)
        _step("report", steps.report, trigger_rule=TriggerRule.NONE_FAILED)(flow.name, None, written)
    return dag


def _step(task_id: str, function: Callable[..., Any], **settings: Any) -> Any:
    return task(task_id=task_id, **{"multiple_outputs": False, **settings})(function)


def _writes(flow: Flow, work: Any, *, outlets: bool = True) -> list[Any]:
    """Per system one mapped task, so that it waits in the pool of its own system only."""
    systems: dict[str, list[str]] = {}
    for target in flow.targets:
        systems.setdefault(system_of(target), []).append(target)
    return [_write(flow, system, work, targets if outlets else []) for system, targets in systems.items()]


def _write(flow: Flow, system: str, work: Any, outlets: list[str]) -> Any:
    batches = _step(f"batches__{system}", steps.take)(work, f"batches__{system}")
    shown = [asset(target) for target in outlets]
    write = _step(f"write__{system}", steps.write, pool=pool_of(system), outlets=shown)
    return write.partial(flow=flow.name).expand(batch=batches)


def _or_every(sources: AssetAny, every: timedelta | None) -> Any:
    return sources if every is None else AssetOrTimeSchedule(timetable=DeltaTriggerTimetable(every), assets=sources)
