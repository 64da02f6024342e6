"""Runs a command and says what it cost: wall seconds, CPU seconds of its whole process tree, and peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MB = 2**20
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_EVERY = 0.02


class ContenderError(Exception):
    """A measured program failed; its text is the end of what it said."""


@dataclass(frozen=True)
class Cost:
    """`cpu` is user and system time of all processes waited for; `peak` is resident memory in MB, of all at once."""

    seconds: float
    cpu: float
    peak: float
    said: dict[str, Any] = field(default_factory=dict)


def run(
    command: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None,
    timeout: float = 3600,
) -> Cost:  # fmt: skip
    """What the command cost. A last line of JSON on its standard output is what it says of itself.

    Raises ContenderError.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    out = log.with_suffix(".out")
    with log.open("wb") as errors, out.open("wb") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command], stdout=output, stderr=errors, stdin=subprocess.DEVNULL, cwd=cwd,
            env={**os.environ, **(env or {})},
        )  # fmt: skip
        with _Watch(process.pid) as watch, _Limit(process, timeout):
            _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ContenderError(
            f"exit code {process.returncode}: {_tail(log)}{_tail(out)} (all of it: {log.parent.name}/{log.name})"
        )
    return Cost(seconds, used.ru_utime + used.ru_stime, watch.peak / _MB, _said(out))


def _said(out: Path) -> dict[str, Any]:
    lines = out.read_text(errors="replace").strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _tail(path: Path, lines: int = 3) -> str:
    return " / ".join(path.read_text(errors="replace").strip().splitlines()[-lines:])


class _Limit:
    """Kills a contender that takes too long."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self._timer = threading.Timer(seconds, process.kill)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *exception: object) -> None:
        self._timer.cancel()


class _Watch:
    """Samples the resident memory of a process and its descendants.

    Not `ru_maxrss`: the kernel counts there what the starting program had, until the new one took its place.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0.0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(_EVERY):
            self.peak = max(self.peak, sum(_resident(pid) for pid in family(self._pid)))


def family(pid: int) -> Iterator[int]:
    """A process and everything it has started."""
    waiting = [pid]
    for one in waiting:
        yield one
        try:
            tasks = os.listdir(f"/proc/{one}/task")
        except OSError:
            continue
        for task in tasks:
            try:
                waiting += map(int, Path(f"/proc/{one}/task/{task}/children").read_text().split())
            except OSError:
                continue


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def cpu_of(pid: int) -> float:
    """CPU seconds that a server's processes have used so far, those that have ended included."""
    return sum(_ticks(one, (13, 14, 15, 16) if one == pid else (13, 14)) for one in family(pid)) / _TICK


def _ticks(pid: int, fields: Sequence[int]) -> int:
    try:
        # The name in parentheses may hold blanks.
        values = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0
    return sum(int(values[index - 2]) for index in fields)
