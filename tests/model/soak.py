"""`make soak`: the model with other seeds for as long as there is time; what it finds is printed as plain code.

Each seed is a line of the log (JSON: seed, database, steps, what happened, the failing example where there is one).
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from landbridge.store.hub import Hub
from sandbox.postgresql import PostgreSQL
from sandbox.processes import owned
from tests.conftest import create_database
from tests.model.machine import DONE, FAILED, Machine
from tests.model.play import as_code, shrunk


@contextmanager
def _folder() -> Iterator[Path]:
    """One that other users may enter: PostgreSQL refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="landbridge-soak-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _migrated(url: str) -> None:
    hub = Hub(url)
    hub.migrate()
    hub.close()


@contextmanager
def _sqlite() -> Iterator[Callable[[], str]]:
    """The URL of a fresh hub with each call, which is the end of the one before."""
    with _folder() as folder:
        template, numbers = folder / "template.sqlite", count()
        _migrated(f"sqlite:///{template}")

        def new_hub() -> str:
            for old in folder.glob("hub-*"):
                old.unlink()
            path = folder / f"hub-{next(numbers)}.sqlite"
            shutil.copy(template, path)
            return f"sqlite:///{path}"

        yield new_hub


@contextmanager
def _postgresql() -> Iterator[Callable[[], str]]:
    """Likewise, on a server of its own."""
    with _folder() as folder, owned():
        server, numbers = PostgreSQL(folder / "postgresql"), count()
        server.install()
        server.start()
        _migrated(create_database(server, "migrated"))

        def new_hub() -> str:
            number = next(numbers)
            server.drop_database(f"hub_{number - 1}")
            return create_database(server, f"hub_{number}", "migrated")

        try:
            yield new_hub
        finally:
            server.stop()


DATABASES = {"sqlite": _sqlite, "postgresql": _postgresql}


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    with DATABASES[options.database]() as new_hub:
        return _soak(options, new_hub)


def _soak(options: argparse.Namespace, new_hub: Callable[[], str]) -> int:
    until, failed = time.monotonic() + options.minutes * 60, 0
    with options.log.open("a") as log:
        for seed in [options.seed] if options.seed is not None else _seeds(until):
            line = _play(seed, options, new_hub)
            print(json.dumps(line, ensure_ascii=False), file=log, flush=True)
            failed += "example" in line
            print(
                f"seed {seed}: {line['steps']} steps"
                + (f"\n{line['complaint']}\n{line['example']}" if "example" in line else ""),
                flush=True,
            )
            if failed and options.first:
                break
    print(f"{failed} seeds failed; the log is {options.log}")
    return 1 if failed else 0


def _seeds(until: float) -> Any:
    while time.monotonic() < until:
        yield random.SystemRandom().randrange(1 << 32)


def _play(seed: int, options: argparse.Namespace, new_hub: Callable[[], str]) -> dict[str, Any]:
    DONE.clear()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    chosen = settings(
        max_examples=options.examples, stateful_step_count=options.steps, deadline=None, database=None,
        phases=(Phase.generate,), print_blob=False, suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    line: dict[str, Any] = {"at": started, "seed": seed, "database": options.database}
    factory = hypothesis.seed(seed)(lambda: Machine(new_hub))
    try:
        run_state_machine_as_test(factory, settings=chosen)
        failed = False
    except (AssertionError, Flaky) as error:
        # Flaky: it failed, and not in the same way when hypothesis played it again.
        failed = True
        line["complaint"] = str(error)
    line |= {"steps": DONE.total(), "happened": dict(sorted(DONE.items()))}
    if failed:
        line["example"] = shrunk(list(FAILED), new_hub) if options.shrink else as_code(FAILED)
    return line


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.model.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="how long (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="play this one again")
    parser.add_argument("--database", choices=sorted(DATABASES), default="sqlite", help="default: %(default)s")
    parser.add_argument("--examples", type=int, default=20, help="machines for each seed")
    parser.add_argument("--steps", type=int, default=60, help="steps of each machine, at most")
    parser.add_argument("--no-shrink", dest="shrink", action="store_false", help="do not look for a smaller example")
    parser.add_argument("--first", action="store_true", help="end at the first seed that fails")
    parser.add_argument("--log", type=Path, default=Path("soak.log"), help="where to write (default: %(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
