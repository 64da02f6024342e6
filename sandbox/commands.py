"""Up, down and status for several systems at once."""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.company import halbrueck
from sandbox.errors import SandboxError
from sandbox.processes import owned
from sandbox.registry import DEMO, SYSTEMS, load
from sandbox.system import Connections, Health, System, sandbox_root, write_private

Stage = Literal["install", "start", "seed", "up", "down", "failed"]


@dataclass(frozen=True)
class Progress:
    """`install`, `start` and `seed` say that this begins; `up`, `down` and `failed` are the end of one system."""

    system: str
    stage: Stage
    seconds: float
    detail: str = ""


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """The report of those who do not want to hear."""


def up(
    names: Sequence[str] = DEMO, report: Report = silent, *, root: Path | None = None, foreground: bool = False
) -> Connections:
    """Brings systems up side by side and returns the connections of all that are up, also kept in connections.json.

    `report` is called from several threads. In the foreground the servers end with this program. A system that
    fails does not keep the others from coming up; afterwards all failures are one SandboxError.
    """
    root = root or sandbox_root()
    systems = [load(name, root) for name in names]
    failures: dict[str, SandboxError] = {}
    with _locked(root), owned() if foreground else contextlib.nullcontext(), ThreadPoolExecutor(4) as pool:
        for failed in pool.map(lambda system: _bring_up(system, report), systems):
            failures.update(failed)
        connections = _kept_connections(root)
        for system in systems:
            if system.name not in failures:
                connections.update(system.connections())
        write_private(root / "connections.json", connections)
    if failures:
        told = "\n".join(f"{name}: {failure}" for name, failure in failures.items())
        raise SandboxError(f"{len(failures)} of {len(systems)} systems did not come up.\n{told}")
    return connections


def down(names: Sequence[str] = (), report: Report = silent, *, root: Path | None = None, forget: bool = False) -> None:
    """Ends systems, all without names; `forget` also removes what they hold, so that the next `up` starts afresh."""
    root = root or sandbox_root()
    if not root.exists():
        return
    with _locked(root):
        for name in names or SYSTEMS:
            if (root / name).exists():
                _bring_down(load(name, root), report, forget=forget)
        if forget and not names:
            (root / "connections.json").unlink(missing_ok=True)


def status(*, root: Path | None = None) -> dict[str, Health]:
    """The health of every system that has ever been up here; nothing is started or changed."""
    root = root or sandbox_root()
    return {name: load(name, root).health() if (root / name).exists() else Health("absent") for name in SYSTEMS}


def connections(*, root: Path | None = None) -> Connections:
    """What the last `up` has written."""
    return _kept_connections(root or sandbox_root())


def _bring_up(system: System, report: Report) -> dict[str, SandboxError]:
    began = time.monotonic()

    def tell(stage: Stage, detail: str = "") -> None:
        report(Progress(system.name, stage, time.monotonic() - began, detail))

    try:
        tell("install")
        system.install()
        tell("start")
        system.start()
        tell("seed")
        system.seed(halbrueck())
        tell("up", system.health().detail)
    except SandboxError as failure:
        tell("failed", str(failure))
        return {system.name: failure}
    return {}


def _bring_down(system: System, report: Report, *, forget: bool) -> None:
    began = time.monotonic()
    system.stop()
    if forget:
        shutil.rmtree(system.home)
    report(Progress(system.name, "down", time.monotonic() - began))


def _kept_connections(root: Path) -> Connections:
    try:
        return dict(json.loads((root / "connections.json").read_text()))
    except FileNotFoundError:
        return {}


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Two programs that bring up or down the same sandbox take turns."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
