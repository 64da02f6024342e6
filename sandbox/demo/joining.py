"""Airflow at work: DAGs are triggered and waited for through its REST interface, as an operator would."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from rich.console import Console

from sandbox.airflow_client import until
from sandbox.demo.branch import open_rooms
from sandbox.demo.branch_day import BranchDay
from sandbox.demo.company import PROVIDES, Reduced
from sandbox.demo.day import Day, Event
from sandbox.errors import SandboxError
from sandbox.registry import load

# For one part of the day; a machine with much else to do needs most of it.
PATIENCE = 300.0


class Joining:
    def __init__(self, root: Path, reduced: Reduced, console: Console) -> None:
        self.root, self.reduced, self.console = root, reduced, console
        self.airflow: Any = load("airflow", root).client()  # type: ignore[attr-defined]

    def join(self) -> None:
        """Switch on: every system is read, then the flows run, accounts before words, until nothing waits."""
        began = time.monotonic()
        open_rooms(Day(self.root).chat)

        def switch_on(dags: Sequence[str], what: str) -> None:
            with self.console.status(f"until {what}"):
                for dag in dags:
                    self.airflow.pause(dag, False)
                self._wait_for(dags, what)
            self.console.print(f"  {what:<28} after {time.monotonic() - began:.0f} s")

        flows = [flow for flow in self.reduced.flows if flow != "people"]
        switch_on([f"read__{system}" for system in self.reduced.systems], "every system is read")
        switch_on(["flow__people"], "people have their accounts")
        switch_on([f"flow__{flow}" for flow in flows], f"{', '.join(flows)}")
        for _ in range(3):
            late = self._waiting()
            if not late:
                break
            with self.console.status(f"{', '.join(late)} once more: something waited for another flow"):
                for flow in late:
                    self.airflow.wait(f"flow__{flow}", self.airflow.trigger(f"flow__{flow}"), 600)

    def _wait_for(self, dags: Iterable[str], what: str) -> None:
        """Until each has run, and then for a pause: on a slow machine there may never be one, as chat is always read."""
        missing = set(dags)

        def all_ran() -> bool:
            missing.difference_update([dag for dag in missing if self.airflow.ran(dag)])
            return not missing

        until(all_ran, 900, what)
        with suppress(SandboxError):
            self.airflow.wait_until_quiet(timeout=60)

    def play(self) -> list[Event]:
        """Three parts of a day, each done at once and then looked for."""
        day, played = Day(self.root), list[Event]()
        branch = BranchDay(day)
        for parts in ((day.morning, branch.morning), (day.noon, branch.noon), (day.evening,)):
            events = [event for part in parts for event in part() if self._possible(event)]
            self._do(events)
            self._look_for(events)
            played += events
        return played

    def again(self) -> bool:
        """Every flow once more: what it plans is nothing."""
        with self.console.status("every system is read once more"):
            self.airflow.wait_until_quiet(timeout=600)
            self._read(self.reduced.systems)
            self.airflow.wait_until_quiet(timeout=600)
        good = True
        runs = {flow: self.airflow.trigger(f"flow__{flow}") for flow in self.reduced.flows}
        for flow, run in runs.items():
            with self.console.status(f"{flow}, once more"):
                state = self.airflow.wait(f"flow__{flow}", run, 300)
            planned = self.airflow.result(f"flow__{flow}", run, "plan")
            nothing = state == "success" and not planned["counts"]
            good &= nothing
            self.console.print(f"  {flow:<10} {'nothing to do' if nothing else f'{state}: {planned}'}")
        return good

    def _read(self, systems: Iterable[str]) -> None:
        runs = []
        for system in dict.fromkeys(systems):
            runs.append((f"read__{system}", self.airflow.trigger(f"read__{system}")))
        for dag, run in runs:
            self.airflow.wait(dag, run, 300)

    def _possible(self, event: Event) -> bool:
        here = set(self.reduced.systems)
        return all(set(PROVIDES[system]) <= here for system in event.needs)

    def _do(self, events: list[Event]) -> None:
        for event in events:
            try:
                event.act()
            except (requests.RequestException, LookupError) as error:
                event.error = f"could not be done: {error}"
            event.done_at = time.monotonic()
            if event.title:
                self.console.print(f"  {event.title}")
        self._trigger(events)

    def _look_for(self, events: list[Event]) -> None:
        """Look until all is found; Airflow's schedules would do alone, reading at once only saves the minute.

        What was done behind a read that was under way is found by the next, so as soon as Airflow rests there is one.
        """
        deadline, again_at = time.monotonic() + PATIENCE, time.monotonic() + 10
        with self.console.status("") as status:
            while time.monotonic() < deadline and not _all_found(events):
                missing = [event for event in events if event.seconds is None]
                status.update(
                    f"{len(missing)} of {len(events)} not there yet; in {missing[0].where}: {missing[0].expected}"
                )
                if time.monotonic() > again_at:
                    if not self.airflow.busy():
                        self._trigger(missing)
                    again_at = time.monotonic() + 5
                time.sleep(0.5)

    def _trigger(self, events: list[Event]) -> None:
        for system in dict.fromkeys(read for event in events for read in event.reads):
            with suppress(SandboxError):
                self.airflow.trigger(f"read__{system}")

    def _waiting(self) -> list[str]:
        """Flows whose own report says that something waits for what another flow has made meanwhile."""
        late = []
        for flow in self.reduced.flows:
            newest = next(iter(self.airflow.runs(f"flow__{flow}")), None)
            report = self.airflow.result(f"flow__{flow}", newest["dag_run_id"], "report") if newest else {}
            if any("wait for" in warning for warning in (report or {}).get("warnings", [])):
                late.append(flow)
        return late


def _all_found(events: list[Event]) -> bool:
    """Look for each, also after one that is not there yet."""
    return all([event.check() for event in events if not event.error])  # noqa: C419
