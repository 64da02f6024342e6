"""`landbridge sandbox`: real third-party systems on this machine, to try everything on."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.text import Text

from landbridge.cli.app import group
from landbridge.cli.command import command
from landbridge.cli.exits import Exit
from landbridge.cli.output import BAD, OK, WAIT, line, row, table, unbroken
from landbridge.cli.progress import Progress
from landbridge.cli.session import Session
from landbridge.errors import ConfigError, did_you_mean

_MARKS = {"up": OK, "down": BAD, "absent": WAIT}
_DOING = {"install": "installing", "start": "starting", "seed": "filling"}

app = group("sandbox")

Systems = Annotated[list[str] | None, typer.Argument(help="Only these; all of the company where left out.")]


def _sandbox() -> ModuleType:
    """Optional: a deployment has no use for it."""
    try:
        return import_module("sandbox")
    except ImportError as error:
        raise ConfigError(
            "The sandbox is not installed here.", remedy="Use a checkout of Landbridge: `uv pip install -e .`"
        ) from error


def _known(names: Sequence[str] | None) -> ModuleType:
    """The sandbox, where it has all of these."""
    sandbox = _sandbox()
    for name in names or ():
        if name not in sandbox.SYSTEMS:
            raise ConfigError(
                f"There is no sandbox system {name!r}.", remedy=did_you_mean(name, sandbox.SYSTEMS, "Systems")
            )
    return sandbox


@command(
    app, "up",
    ("landbridge sandbox up", "The whole company; the first time takes some minutes."),
    ("landbridge sandbox up synapse wordpress", "Two of its systems."),
    ("landbridge sandbox up slack hubspot", "Two emulators, of products that run only at their vendor."),
    ("landbridge sandbox up --foreground", "They end with Ctrl-C."),
)  # fmt: skip
def up(
    session: Session,
    system: Systems = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay here; end everything with Ctrl-C.")] = False,
) -> None:
    """Install, start and fill systems, side by side, on loopback only. What is up already stays as it is.

    Afterwards Landbridge finds their connections by itself, unless the environment names others. For emulators, the
    commands that point Landbridge at them are shown; an Airflow elsewhere is given the connections by
    `airflow connections import`.
    """
    sandbox = _known(system)
    names = tuple(system or sandbox.COMPANY)
    with session.progress() as progress:
        connections = sandbox.up(names, _report(progress), foreground=foreground)
    told = {id: {"type": one.get("conn_type"), "host": one.get("host")} for id, one in connections.items()}
    found = table("connection", "type", "address", wide=2)
    for id, one in told.items():
        row(found, (id, "bold"), (str(one["type"] or ""), "dim"), str(one["host"] or ""))
    commands = sandbox.pointed()
    session.show(
        {"connections": told, "commands": commands}, found, "", *_next(commands, sandbox.sandbox_root(), names)
    )
    if foreground:
        _wait(session)


def _next(commands: list[str], root: Path, names: Sequence[str]) -> Iterator[Text]:
    """What to do now; each command on a line of its own, however long, so that it can be copied."""
    if set(names) & set(_sandbox().COMPANY):
        yield line(("landbridge check", "cyan"), (" asks each of them whose account this is.", "dim"))
    if commands:
        yield line(("To try the emulators, in this shell:", "dim"))
        yield from (unbroken((f"  {command}", "cyan")) for command in commands)
        yield line(("In an Airflow of your own:", "dim"))
        yield unbroken((f"  airflow connections import {shlex.quote(str(root / 'connections.json'))}", "cyan"))


def _report(progress: Progress) -> Any:
    """Several threads report; what still goes on is shown together."""
    doing: dict[str, str] = {}
    lock = threading.Lock()

    def report(step: Any) -> None:
        with lock:
            if step.stage in _DOING:
                doing[step.system] = _DOING[step.stage]
            else:
                doing.pop(step.system, None)
                tell = progress.failed if step.stage == "failed" else progress.done
                tell(f"{step.system} {step.stage}", f"{step.detail}  {step.seconds:.0f} s".strip())
            progress.begin(", ".join(f"{what} {name}" for name, what in doing.items()))

    return report


def _wait(session: Session) -> None:
    session.note("Running; Ctrl-C ends everything.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        session.note("Ended.")


@command(
    app, "down",
    ("landbridge sandbox down", "All; what they hold stays."),
    ("landbridge sandbox down --forget", "And remove what they hold, to start afresh."),
)  # fmt: skip
def down(
    session: Session,
    system: Systems = None,
    forget: Annotated[bool, typer.Option("--forget", help="Remove what they hold as well.")] = False,
) -> None:
    """End systems. The next `up` finds them as they were, unless they were to be forgotten."""
    sandbox = _known(system)
    ended: list[str] = []
    with session.progress() as progress:
        report = _report(progress)

        def tell(step: Any) -> None:
            ended.append(step.system)
            report(step)

        sandbox.down(tuple(system or ()), tell, forget=forget)
    session.show({"down": ended}, line(OK, f" Down: {', '.join(ended) or 'nothing was up'}."))


@command(app, "status", ("landbridge sandbox status", "What is up, and where."))
def status(session: Session, system: Systems = None) -> Exit:
    """Ask each system whether it is up. Exit code 1 where one of them that should be is not."""
    found = _known(system).status()
    shown = {name: health for name, health in found.items() if not system or name in system}
    rows = table("", "", "", wide=2)
    for name, health in shown.items():
        row(rows, _MARKS[health.state], (name, "bold"), health.detail or (health.state, "dim"))
    session.show({name: asdict(health) for name, health in shown.items()}, rows)
    return Exit.FINDINGS if any(health.state == "down" for health in shown.values()) else Exit.OK
