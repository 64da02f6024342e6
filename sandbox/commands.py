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
from sandbox.registry import COMPANY, LAST, SYSTEMS, load
from sandbox.system import Connections, Health, System, make_root, sandbox_root, write_private

# Beside the systems' own folders: without them it would tell of what is no more. The demo's hub and company, and `pointed`.
ABOUT_ALL = ("connections.json", "hub.sqlite", "hub.sqlite-wal", "hub.sqlite-shm", "company", "try")

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
    names: Sequence[str] = COMPANY, report: Report = silent, *, root: Path | None = None, foreground: bool = False
) -> Connections:
    """Brings systems up side by side and returns the connections of all that are up, also kept in connections.json.

    `report` is called from several threads. In the foreground the servers end with this program. A system that
    fails does not keep the others from coming up; afterwards all failures are one SandboxError.
    """
    root = root or sandbox_root()
    failures: dict[str, Exception] = {}
    with _locked(root), owned() if foreground else contextlib.nullcontext():
        for systems in ([load(name, root) for name in part] for part in _rounds(names)):
            failures |= _bring_all_up(systems, report)
            come = [system for system in systems if system.name not in failures]
            _keep_connections(root, come)
    if failures:
        told = "\n".join(f"{name}: {_told(failure)}" for name, failure in failures.items())
        causes = ExceptionGroup("what went wrong", list(failures.values()))
        raise SandboxError(f"{len(failures)} of {len(names)} systems did not come up.\n{told}") from causes
    there = [load(name, root) for name in SYSTEMS if (root / name).exists()]
    ids = {id for system in there if system.health().state == "up" for id in system.connections()}
    return {id: one for id, one in connections(root=root).items() if id in ids}


def down(names: Sequence[str] = (), report: Report = silent, *, root: Path | None = None, forget: bool = False) -> None:
    """Ends systems, all without names; `forget` also removes what they hold, so that the next `up` starts afresh."""
    root = root or sandbox_root()
    if not root.exists():
        return
    chosen = [name for name in names or SYSTEMS if (root / name).exists()]
    with _locked(root), ThreadPoolExecutor(len(SYSTEMS)) as pool:
        for part in _rounds(chosen)[::-1]:
            list(pool.map(lambda name: _bring_down(load(name, root), report, forget=forget), part))
        if forget and not names:
            for left in (root / name for name in ABOUT_ALL):
                shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def status(*, root: Path | None = None) -> dict[str, Health]:
    """The health of every system that has ever been up here; nothing is started or changed."""
    root = root or sandbox_root()
    return {name: load(name, root).health() if (root / name).exists() else Health("absent") for name in SYSTEMS}


def connections(*, root: Path | None = None) -> Connections:
    """What the last `up` has written."""
    try:
        return dict(json.loads(((root or sandbox_root()) / "connections.json").read_text()))
    except FileNotFoundError:
        return {}


def _rounds(names: Sequence[str]) -> list[list[str]]:
    return [[name for name in names if name not in LAST], [name for name in names if name in LAST]]


def _keep_connections(root: Path, systems: Sequence[System]) -> None:
    """Adds to those of earlier calls: systems may come up one by one."""
    kept = connections(root=root)
    for system in systems:
        kept.update(system.connections())
    write_private(root / "connections.json", kept)


def _bring_all_up(systems: Sequence[System], report: Report) -> dict[str, Exception]:
    with ThreadPoolExecutor(max(1, len(systems))) as pool:
        ends = list(pool.map(lambda system: _bring_up(system, report), systems))
    return {system.name: end for system, end in zip(systems, ends, strict=True) if end}


def _bring_up(system: System, report: Report) -> Exception | None:
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
    except Exception as failure:  # whatever it is, the other systems come up
        tell("failed", _told(failure))
        return failure
    tell("up", system.health().detail)
    return None


def _told(failure: Exception) -> str:
    """An error of ours explains itself; of any other the kind is half the story."""
    return str(failure) if isinstance(failure, SandboxError) else f"{type(failure).__name__}: {failure}"


def _bring_down(system: System, report: Report, *, forget: bool) -> None:
    began = time.monotonic()
    system.stop()
    if forget:
        shutil.rmtree(system.home)
    report(Progress(system.name, "down", time.monotonic() - began))


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Two programs that bring up or down the same sandbox take turns."""
    make_root(root)
    with (root / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
