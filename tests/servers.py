"""Real servers of a test's own, in folders that the users they run as may enter; they end with the tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from sandbox.company import halbrueck
from sandbox.processes import owned
from sandbox.system import System
from tests import prepared

S = TypeVar("S", bound=System)


@contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """Not tmp_path: pytest closes that to other users, and some servers refuse to run as root."""
    folder = Path(tempfile.mkdtemp(prefix=f"landbridge-{name}-", dir="/tmp"))
    folder.chmod(0o755)
    with owned():
        yield folder
    shutil.rmtree(folder)


def steps_done(system: System) -> dict[str, int]:
    """When each step of its installation was done: a restart does none of them again."""
    return {marker.name: marker.stat().st_mtime_ns for marker in system.home.glob("*.done")}


@contextmanager
def running(system: S) -> Iterator[S]:
    """With the company in it; the test is skipped where this machine cannot have it."""
    if not system.installed() and (reason := system.cannot_install()):
        pytest.skip(reason)
    system.install()
    system.start()
    system.seed(halbrueck())
    yield system
    system.stop()


@contextmanager
def brought_up(kind: type[S]) -> Iterator[S]:
    """In a folder of its own."""
    with open_folder(kind.name) as folder:
        system = kind(folder / kind.name)
        prepared.put([system])
        with running(system):
            yield system
