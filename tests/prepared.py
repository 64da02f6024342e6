"""Systems that take long to install and fill: done once in a run of the tests, then copied, by all its processes."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sandbox.company import halbrueck
from sandbox.mediawiki import MediaWiki
from sandbox.processes import owned
from sandbox.registry import load
from sandbox.synapse import Synapse
from sandbox.system import System
from sandbox.tryton import Tryton
from sandbox.wordpress import WordPress

# The first of a kind is installed and filled from nothing.
KINDS: dict[str, type[System]] = {one.name: one for one in (Tryton, Synapse, WordPress, MediaWiki)}
FOLDER = "LANDBRIDGE_TESTS_PREPARED"
# Of a stopped server; its packages are not copied but shared.
UNCOPIED = {"venv", "facts.json"}


def make_room() -> None:
    """Called once for a run, before its processes start; the folder itself is made where it is needed."""
    os.environ[FOLDER] = f"/tmp/landbridge-prepared-{uuid4().hex}"


def leave() -> None:
    shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


def put(systems: Iterable[System]) -> None:
    """Homes of systems that are not there yet: installed and filled, not started. What is no such kind is left out."""
    wanted = [one for one in systems if KINDS.get(one.name) is type(one) and not one.cannot_install()]
    if FOLDER in os.environ and wanted:
        with owned(), ThreadPoolExecutor(len(wanted)) as pool:
            list(pool.map(lambda one: _copy(_template(one.name), one), wanted))


def _template(name: str) -> System:
    root = Path(os.environ[FOLDER])
    root.mkdir(exist_ok=True)
    root.chmod(0o755)  # servers that are not root enter it
    system = load(name, root)
    with _alone(root / f"{name}.lock"):
        if not (system.home / "prepared").exists():
            shutil.rmtree(system.home, ignore_errors=True)
            system.install()
            system.start()
            system.seed(halbrueck())
            system.stop()
            (system.home / "prepared").touch()
    return system


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _copy(template: System, system: System) -> None:
    """With owners and modes; each copy gets ports of its own."""
    system.home.mkdir(parents=True)
    system.home.chmod(0o755)
    parts = [part for part in template.home.iterdir() if part.name not in UNCOPIED]
    subprocess.run(["cp", "-a", *parts, system.home], check=True)
    if template.venv.exists():
        system.venv.symlink_to(template.venv)
    system.remember(**{name: fact for name, fact in template.facts().items() if not name.endswith("port")})
