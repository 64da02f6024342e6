"""Airflow at work: DAGs are triggered and waited for through its REST interface, as an operator would."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from rich.console import Console

from sandbox.demo.company import PROVIDES, Reduced
from sandbox.demo.day import Day, Event
from sandbox.registry import load

PATIENCE = 150.0


class Joining:
    def __init__(self, root: Path, reduced: Reduced, console: Console) -> None:
        self.root, self.reduced, self.console = root, reduced, console
        self.airflow: Any = load("airflow", root).client()  # type: ignore[attr-defined]

    def join(self) -> None:
        """Read everything, then run the flows in an order in which accounts come before words, until nothing waits."""
        began = time.monotonic()
        self._flows(paused=True)
        self._read(self.reduced.systems)
        self._flows(paused=False)
        for _ in range(3):
            for flow in sorted(self.reduced.flows, key=lambda name: name != "people"):
                state = self.airflow.run(f"flow__{flow}", timeout=300)
                self.console.print(f"  {flow:<10} {state} after {time.monotonic() - began:.0f} s")
            self.airflow.wait_until_quiet()
            if not self._waiting():
                break

    def play(self) -> list[Event]:
        """Three parts of a day, each done at once and then looked for."""
        day, played = Day(self.root), list[Event]()
        for part in (day.morning, day.noon, day.evening):
            events = [event for event in part() if self._possible(event)]
            self._do(events)
            self._look_for(events)
            played += events
        return played

    def again(self) -> bool:
        """Every flow once more: what it plans is nothing."""
        self.airflow.wait_until_quiet()
        self._read(self.reduced.systems)
        self.airflow.wait_until_quiet()
        good = True
        for flow in self.reduced.flows:
            run = self.airflow.trigger(f"flow__{flow}")
            state = self.airflow.wait(f"flow__{flow}", run, 300)
            planned = self.airflow.result(f"flow__{flow}", run, "plan")
            nothing = state == "success" and not planned["counts"]
            good &= nothing
            self.console.print(f"  {flow:<10} {'nothing to do' if nothing else f'{state}: {planned}'}")
        return good

    def _flows(self, *, paused: bool) -> None:
        for flow in self.reduced.flows:
            self.airflow.pause(f"flow__{flow}", paused)

    def _read(self, systems: Iterable[str]) -> None:
        runs = []
        for system in dict.fromkeys(systems):
            self.airflow.pause(f"read__{system}", False)
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
        """Look until all is found; Airflow's schedules would do alone, reading at once only saves the minute."""
        deadline, again_at = time.monotonic() + PATIENCE, time.monotonic() + 25
        while time.monotonic() < deadline and not all([event.check() for event in events if not event.error]):
            if time.monotonic() > again_at:
                self._trigger([event for event in events if event.seconds is None])
                again_at = time.monotonic() + 25
            time.sleep(0.5)

    def _trigger(self, events: list[Event]) -> None:
        for system in dict.fromkeys(read for event in events for read in event.reads):
            with suppress(requests.RequestException):
                self.airflow.trigger(f"read__{system}")

    def _waiting(self) -> int:
        """How many deliveries still wait for something, by the flows' own reports."""
        waiting = 0
        for flow in self.reduced.flows:
            newest = next(iter(self.airflow.runs(f"flow__{flow}")), None)
            report = self.airflow.result(f"flow__{flow}", newest["dag_run_id"], "report") if newest else {}
            waiting += sum("wait for" in warning for warning in (report or {}).get("warnings", []))
        return waiting
