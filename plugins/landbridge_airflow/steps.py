"""What the tasks do: call the engine's steps. Between tasks travel ids and counts, never data."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException, DownstreamTasksSkipped

from landbridge import sync
from landbridge.errors import ConfigError, Fenced
from landbridge.store import decisions
from landbridge.store.decisions import Decision
from landbridge_airflow.assets import asset, system_of
from landbridge_airflow.connections import airflow_connection, hub_url
from landbridge_airflow.questions import facts, question

Json = dict[str, Any]

log = logging.getLogger(__name__)

# A new account or room may be what other flows wait for; a new message or page is not: its replies come by reading.
_AWAITED_KINDS = {"person", "group", "space"}
_LINK_COUNTS = ("created", "deleted")


@contextmanager
def _engine() -> Iterator[Any]:
    """A later run that has taken over is no failure of this one."""
    try:
        with sync.open_bridge(sync.load_company(), airflow_connection, hub_url()) as bridge:
            yield bridge
    except Fenced as error:
        raise AirflowSkipException(str(error)) from None


def _told(report: Any) -> Json:
    told: Json = report.as_dict()
    for warning in told["warnings"]:
        log.warning("%s", warning)
    log.info("%s: %s %s", told["subject"], told["counts"], told["reason"])
    return told


def read(system: str, stream: str, *, params: Any = None, outlet_events: Any = None, ti: Any = None) -> Json:
    """Skipped where nothing has changed: then no asset event is sent, and no flow is woken.

    Who is in a private space that policy names is told before it is read.
    """
    with _engine() as bridge:
        for problem in sync.not_told(sync.give_notices(bridge, system), bridge):
            log.warning("%s", problem)
        told = _told(sync.read(bridge, system, stream, full=bool((params or {}).get("full"))))
    if not told["moved"]:
        ti.xcom_push(key="return_value", value=told)
        raise AirflowSkipException(told["reason"] or "Nothing new.")
    outlet_events[asset(f"{system}/{stream}")].extra = {"run": told["run"], **told["counts"]}
    return told


def merge(flow: str) -> Json:
    with _engine() as bridge:
        return _told(sync.merge(bridge, flow))


def plan(flow: str) -> Json:
    with _engine() as bridge:
        planned: Json = sync.plan(bridge, flow).as_dict()
    log.info("%s: %s %s", flow, planned["counts"], planned["reason"])
    return planned


def guard(flow: str, planned: Json, *, ti: Any = None) -> None:
    """Batches by system, and `questions`: one run of the decide DAG each."""
    with _engine() as bridge:
        guarded: Json = sync.guard(bridge, flow, planned["run"]).as_dict()
        questions = [question(_now(bridge, held["decision"]), held["text"]) for held in guarded["held"]]
    _hand_on(ti, {**by_system(guarded["free"]), "questions": questions})


def by_system(batches: Iterable[Json]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for batch in batches:
        found.setdefault(f"batches__{system_of(batch['target'])}", []).append(batch)
    return found


def _hand_on(ti: Any, work: dict[str, list[Json]]) -> None:
    """Keyed by the task that takes it; tasks left without work are skipped, which costs no process."""
    ti.xcom_push(key="return_value", value=work)
    idle = [name for name in ti.task.downstream_task_ids if name != "report" and not work.get(name)]
    if idle:
        raise DownstreamTasksSkipped(tasks=sorted(idle))  # type: ignore[no-untyped-call]


def take(work: dict[str, list[Json]], name: str) -> list[Json]:
    """Airflow maps tasks over a task's whole result only, hence one task per list."""
    return work[name]


def _now(bridge: Any, decision: int) -> Decision:
    with bridge.hub.read() as conn:
        found = decisions.get(conn, decision)
    if found is None:
        raise ConfigError(f"The hub has no decision {decision}.", remedy="Is LANDBRIDGE_HUB the hub that asked?")
    return found


def release(flow: str, answer: Json, *, params: Any = None, ti: Any = None) -> None:
    """Nothing where the matter is no longer the one that the person has seen: that one is asked about by itself."""
    batches: list[Json] = []
    with _engine() as bridge:
        if facts(_now(bridge, params["decision"])) == params["facts"]:
            batches = sync.release(bridge, flow, [params["decision"]], answer["approved"], answer["by"])
        else:
            log.warning("Decision %s is about something else by now; this answer changes nothing.", params["decision"])
    _hand_on(ti, by_system(batches))


def write(flow: str, batch: Json, *, ti: Any = None, outlet_events: Any = None) -> Json:
    with _engine() as bridge:
        told = _told(sync.write(bridge, flow, batch))
        awaited = bridge.company.mapping(batch["target"]).kind in _AWAITED_KINDS
    written = asset(batch["target"])
    # The outlets are there for the graph. An event would wake every flow that reads the stream, this one included,
    # so it is sent only for what may be news to one of them. Airflow looks at the list after the task has ended.
    ti.task.outlets = [written] if awaited and any(told["counts"].get(name) for name in _LINK_COUNTS) else []
    if ti.task.outlets:
        outlet_events[written].extra = {"run": told["run"], **told["counts"]}
    return told


def report(flow: str, planned: Json | None, reports: list[Any]) -> Json:
    """`reports`: per system what its mapped writes returned, nothing where there was nothing to write."""
    gathered = [told for written in reports for told in written or [] if told]
    run, reason = (planned["run"], planned["reason"]) if planned else ("", "The answer released nothing.")
    with _engine() as bridge:
        return _told(sync.report(bridge, flow, run, gathered, reason, (planned or {}).get("lossy", 0)))
