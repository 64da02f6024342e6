"""Copies of one company at the moment before the run that is attacked: on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from landbridge.store.hub import Hub
from landbridge.testing import crashpoints
from sandbox.postgresql import PostgreSQL
from tests.conftest import create_database
from tests.faults import scenario

# `make soak` attacks everything, with a seed of its own; CI a part that is the same each time.
SOAK = os.environ.get("LANDBRIDGE_SOAK")
SEED = int(SOAK) if (SOAK or "").isdigit() else 0
# The URL of the hub, and the folder of the systems.
Place = tuple[str, str]
Copy = Callable[[], AbstractContextManager[Place]]
_numbers = itertools.count(1)


@dataclass
class Before:
    """The company at the moment before the run that is attacked, its boundaries, and how it ends undisturbed."""

    copy: Copy
    names: list[str]
    end: scenario.Seen


def on_sqlite(folder: Path) -> tuple[str, Copy]:
    @contextmanager
    def copy() -> Iterator[Place]:
        with tempfile.TemporaryDirectory() as other:
            shutil.copytree(folder, other, dirs_exist_ok=True)
            yield f"sqlite:///{other}/hub.sqlite", other

    return f"sqlite:///{folder}/hub.sqlite", copy


def on_postgresql(folder: Path, server: PostgreSQL) -> tuple[str, Copy]:
    original = f"crash_{next(_numbers)}"

    @contextmanager
    def copy() -> Iterator[Place]:
        name = f"crash_{next(_numbers)}"
        with tempfile.TemporaryDirectory() as other:
            shutil.copytree(folder, other, dirs_exist_ok=True)
            yield create_database(server, name, original), other
        server.drop_database(name)

    return create_database(server, original), copy


def prepared(folder: Path, url: str, copy: Copy) -> Before:
    """Fill the company, let its people act, and see how it ends if nobody disturbs it."""
    hub = Hub(url)
    hub.migrate()
    hub.close()
    scenario.at_rest(url, str(folder))
    scenario.people_act(url, str(folder))
    with copy() as undisturbed:
        names = crashpoints.boundaries(scenario.landbridge_runs, *undisturbed)
        scenario.comes_to_rest(*undisturbed)
        return Before(copy, names, scenario.seen(*undisturbed))
