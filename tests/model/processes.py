"""Who lives: processes on two hosts. Those of the other host cannot be seen, and count as dead once they are silent.

Each does one thing after the other: no thread reads ahead or writes beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import nullcontext
from importlib import import_module
from typing import Any, Self

from sqlalchemy import Connection

from landbridge.store import runs
from landbridge.sync.bridge import Bridge
from landbridge.sync.deliver import called_off, deliver
from landbridge.sync.job import Job, Result
from tests.model import clock
from tests.model.faults import Crash

_read, _write = import_module("landbridge.sync.read"), import_module("landbridge.sync.write")
_REPLACED = ("this_process", "process_named", "shared", "BEAT")


class InTurn:
    """Stands for the threads that send what was claimed: one job after the other, two claimed at once."""

    def __init__(self, bridge: Bridge, target: str, count: int) -> None:
        self._bridge, self._jobs, self._off = bridge, deque[Job](), False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._jobs.clear()

    @property
    def busy(self) -> bool:
        return bool(self._jobs)

    @property
    def room(self) -> int:
        return 2 - len(self._jobs)

    def send(self, jobs: Iterable[Job]) -> None:
        self._jobs.extend(jobs)

    def call_off(self) -> None:
        self._off = True

    def finished(self, *, wait: bool) -> list[Result]:
        if not wait or not self._jobs:
            return []
        job = self._jobs.popleft()
        return [called_off(job) if self._off else deliver(self._bridge, job)]


class Processes:
    """Numbered; every third one is on the other host. `now` is the one at work."""

    def __init__(self) -> None:
        self.now, self._serial, self._dead = 0, 0, set[int]()
        self._real: dict[str, Any] = {name: getattr(runs, name) for name in _REPLACED}
        self._threads: Any = _read.ahead, _write.Workers

    def install(self) -> None:
        host = runs._host()
        simulated = {
            "this_process": lambda: f"{host if self.now % 3 else 'elsewhere'} {self.now} simulated",
            "process_named": lambda text: "" if int(text.split(" ")[1]) in self._dead else text,
            "shared": _shared,
            # While a run lasts, no time passes but by looks at the clock: the beat at its start is enough.
            "BEAT": 1e6,
        }
        for name, value in simulated.items():
            setattr(runs, name, value)
        _read.ahead, _write.Workers = nullcontext, InTurn

    def remove(self) -> None:
        for name, value in self._real.items():
            setattr(runs, name, value)
        _read.ahead, _write.Workers = self._threads

    def starts(self) -> int:
        """The one that was at work before."""
        before, self._serial = self.now, self._serial + 1
        self.now = self._serial
        return before

    def dies(self) -> None:
        self._dead.add(self.now)

    def go_on(self) -> None:
        """Raises Crash in one that is dead, so that it does nothing more."""
        if self.now in self._dead:
            raise Crash


def _shared(conn: Connection) -> float:
    return clock.now().timestamp()
