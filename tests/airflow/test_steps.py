"""What the tasks do, on the real engine and a hub, without a scheduler."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

Json = dict[str, Any]


class FakeTask:
    """As much of a running task instance as the steps touch."""

    def __init__(self, *downstream: str) -> None:
        self.task = SimpleNamespace(downstream_task_ids={*downstream}, outlets=["all of the system's"])
        self.pushed: Json = {}
        self.events: Any = defaultdict(SimpleNamespace)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


@pytest.fixture
def steps(airflow: ModuleType, company: Path) -> Any:
    from landbridge_airflow import steps

    return steps


def read(steps: Any, system: str, stream: str, **params: Any) -> tuple[Json | None, FakeTask]:
    from airflow.sdk.exceptions import AirflowSkipException

    task = FakeTask()
    try:
        return steps.read(system, stream, params=params, outlet_events=task.events, ti=task), task
    except AirflowSkipException:
        return None, task


def guard(steps: Any) -> Json:
    from airflow.sdk.exceptions import DownstreamTasksSkipped

    task = FakeTask("batches__chat", "questions")
    steps.merge("people")
    try:
        steps.guard("people", steps.plan("people"), ti=task)
    except DownstreamTasksSkipped as skipped:
        return task.pushed["return_value"] | {"skipped": skipped.tasks}
    return task.pushed["return_value"] | {"skipped": []}


def release(steps: Any, conf: Json, approved: bool) -> Json:
    from airflow.sdk.exceptions import DownstreamTasksSkipped

    task = FakeTask("batches__chat")
    try:
        steps.release("people", {"approved": approved, "by": "admin"}, params=conf, ti=task)
    except DownstreamTasksSkipped:
        return {}
    return task.pushed["return_value"]


def write(steps: Any, work: Json) -> tuple[Json, FakeTask]:
    task = FakeTask()
    return steps.write("people", work["batches__chat"][0], ti=task, outlet_events=task.events), task


def leave(toy: Path, *people: int) -> None:
    data = json.loads(toy.read_text())
    for number in people:
        data["people"][str(number)]["active"] = False
    toy.write_text(json.dumps(data))


def disabled(toy: Path) -> int:
    return sum(not account["active"] for account in json.loads(toy.read_text())["accounts"].values())


def test_a_read_that_moves_something_tells_how_much(steps: Any) -> None:
    told, task = read(steps, "hr", "people")
    assert told is not None
    assert [event.extra["new"] for event in task.events.values()] == [3]


def test_a_read_that_moves_nothing_is_skipped_and_wakes_nobody(steps: Any) -> None:
    read(steps, "hr", "people")
    told, task = read(steps, "hr", "people")
    assert told is None
    assert not task.events
    assert task.pushed["return_value"]["reason"] == "Nothing new."


def test_idle_tasks_are_skipped(steps: Any) -> None:
    assert guard(steps)["skipped"] == ["batches__chat", "questions"]


def test_new_accounts_are_news_to_other_flows(steps: Any, toy: Path) -> None:
    read(steps, "hr", "people")
    told, task = write(steps, guard(steps))
    assert told["counts"]["created"] == 3
    assert [asset.uri for asset in task.task.outlets] == ["landbridge://chat/accounts"]


def test_a_mere_update_is_not(steps: Any, toy: Path) -> None:
    read(steps, "hr", "people")
    write(steps, guard(steps))
    leave(toy, 0)
    read(steps, "hr", "people")
    told, task = write(steps, guard(steps))
    assert told["counts"]["disabled"] == 1
    assert task.task.outlets == []


@pytest.fixture
def braked(steps: Any, toy: Path) -> Json:
    """The question that three leavers at once bring up."""
    read(steps, "hr", "people")
    write(steps, guard(steps))
    leave(toy, 0, 1, 2)
    read(steps, "hr", "people")
    work = guard(steps)
    assert work["skipped"] == ["batches__chat"]
    (question,) = work["questions"]
    return question


def test_the_same_question_has_the_same_run(steps: Any, braked: Json) -> None:
    assert guard(steps)["questions"] == [braked]


def test_an_approved_brake_is_released(steps: Any, braked: Json, toy: Path) -> None:
    assert disabled(toy) == 0
    write(steps, release(steps, braked["conf"], approved=True))
    assert disabled(toy) == 3


def test_a_rejected_one_is_not_asked_again(steps: Any, braked: Json, toy: Path) -> None:
    assert release(steps, braked["conf"], approved=False) == {}
    assert guard(steps)["questions"] == []
    assert disabled(toy) == 0


def test_an_answer_to_facts_that_have_changed_counts_for_nothing(steps: Any, braked: Json, toy: Path) -> None:
    data = json.loads(toy.read_text())
    data["people"] |= {n: {"id": n, "name": f"P{n}", "mail": f"p{n}@example.org", "active": True} for n in "789"}
    toy.write_text(json.dumps(data))
    read(steps, "hr", "people")
    write(steps, guard(steps))
    leave(toy, 7, 8, 9)
    read(steps, "hr", "people")
    (question,) = guard(steps)["questions"]
    assert question["trigger_run_id"] != braked["trigger_run_id"]
    assert release(steps, braked["conf"], approved=True) == {}
    assert disabled(toy) == 0
    write(steps, release(steps, question["conf"], approved=True))
    assert disabled(toy) >= 3


def test_a_run_that_was_overtaken_is_skipped(steps: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from landbridge.errors import Fenced

    def overtaken(bridge: Any, flow: str) -> None:
        raise Fenced("A later run has taken over.")

    monkeypatch.setattr(steps.sync, "merge", overtaken)
    with pytest.raises(AirflowSkipException, match="later run"):
        steps.merge("people")


def test_a_report_says_why_nothing_moved(steps: Any) -> None:
    planned = steps.plan("people")
    assert steps.report("people", planned, [None])["reason"] == planned["reason"]
