"""The DAGs as the scheduler sees them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def dags(airflow: ModuleType, company: Path) -> Iterator[dict[str, Any]]:
    from airflow.dag_processing.dagbag import DagBag

    folder = REPOSITORY / "dags"
    bag = DagBag(folder, bundle_path=folder, bundle_name="landbridge")
    assert bag.import_errors == {}
    return bag.dags


def test_one_dag_per_system_and_flow(dags: dict[str, Any]) -> None:
    assert set(dags) == {"read__hr", "read__chat", "flow__people", "decide__people"}


def test_inside_a_task_only_its_own_dag_is_made(airflow: ModuleType, company: Path) -> None:
    from airflow.sdk.definitions.context import AirflowParsingContext
    from landbridge_airflow import factory

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory, "get_parsing_context", lambda: AirflowParsingContext("flow__people", None))
        assert list(factory.build()) == ["flow__people"]


def test_parsing_imports_no_connector(airflow: ModuleType, company: Path) -> None:
    script = (
        "import sys; from landbridge_airflow.factory import build; build();"
        "print([name for name in sys.modules if name.startswith(('connectors', 'landbridge_toy', 'fastapi'))"
        " and 'landbridge_airflow' not in name])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


@pytest.mark.parametrize(("dag", "gate"), [("flow__people", "guard"), ("decide__people", "release")])
def test_no_write_without_the_batches_of_its_gate(dags: dict[str, Any], dag: str, gate: str) -> None:
    """By data: Airflow starts mapped tasks that merely stand behind an arrow before the arrow's tail is done."""
    write = dags[dag].get_task("write__chat")
    taken = write.op_kwargs_expand_input.value["batch"].operator
    assert taken.op_args[0].operator.task_id == gate


def test_nothing_is_released_without_an_answer(dags: dict[str, Any]) -> None:
    release = dags["decide__people"].get_task("release")
    assert release.op_args[1].operator.task_id == "decide"


def test_a_flow_is_woken_by_what_is_read_for_it(dags: dict[str, Any]) -> None:
    timetable = dags["flow__people"].timetable
    woken_by = {asset.uri for asset in timetable.asset_condition.objects}
    assert woken_by == {"landbridge://hr/people", "landbridge://chat/accounts"}
    assert timetable.timetable.delta.days == 1


def test_the_graph_shows_what_is_written(dags: dict[str, Any]) -> None:
    def outlets(dag: str) -> list[str]:
        return [asset.uri for asset in dags[dag].get_task("write__chat").outlets]

    assert outlets("flow__people") == ["landbridge://chat/accounts"]
    assert outlets("decide__people") == []  # the same lines once more would only hide who is joined to whom


def test_each_task_waits_in_the_pool_of_its_system(dags: dict[str, Any]) -> None:
    assert dags["read__hr"].get_task("people").pool == "landbridge_hr"
    assert dags["flow__people"].get_task("write__chat").pool == "landbridge_chat"


def test_the_page_of_a_dag_says_what_it_is_for(dags: dict[str, Any]) -> None:
    said = dags["flow__people"].doc_md
    assert said.startswith("Everyone who works here has an account.")
    assert "Who leaves is disabled in **chat/accounts** at once" in said
    assert "| `hr/people` | people |" in dags["read__hr"].doc_md


def test_a_failed_stream_makes_the_whole_read_fail(dags: dict[str, Any]) -> None:
    done = dags["read__hr"].get_task("done")
    assert done.trigger_rule == "none_failed"
    assert {task.task_id for task in dags["read__hr"].tasks} - {"done"} == done.upstream_task_ids
