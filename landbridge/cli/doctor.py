"""`landbridge doctor`: what is wrong, where, and what to type."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from landbridge.cli import examine
from landbridge.cli.app import app
from landbridge.cli.check import ask, examples, files
from landbridge.cli.checked import Checked, findings_of, human
from landbridge.cli.command import command
from landbridge.cli.exits import Exit
from landbridge.cli.findings import Finding, of_error
from landbridge.cli.listing import DAILY
from landbridge.cli.output import OK, line, plural
from landbridge.cli.session import Session, person, told
from landbridge.errors import ConfigError, LandbridgeError
from landbridge.store import audit, health, runs
from landbridge.sync import Bridge, Company

# Importing Airflow alone takes seconds.
_AIRFLOW_SECONDS = 120


@command(
    app, "doctor",
    ("landbridge doctor", "Everything; asks each system one cheap question."),
    ("landbridge doctor --offline", "Without asking any system."),
    ("landbridge doctor --fix", "Also mend what can be mended without asking anybody."),
    ("landbridge doctor --json || alert", "For monitoring: 1 for warnings, 2 for errors."),
    panel=DAILY,
)  # fmt: skip
def doctor(
    session: Session,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no system.")] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Note the end of runs that died, and delete what they left behind.")
    ] = False,
) -> Exit:
    """Examine the hub, the configuration, the connections, the clocks and all that waits; say what to do about each.

    Exit code 0: all is well. 1: something should be looked at. 2: something does not work. Nothing is read or written
    in any system, and nothing changed in the hub except by `--fix`.
    """
    try:
        company = session.company
    except ConfigError as error:
        return _tell(session, [Checked("config", "cannot be used as it is", of_error(error))], [], 0)
    config = [_config(company), examples(company, list(company.systems)), _policy(company)]
    systems: list[Checked] = []
    fixed = 0
    with session.progress() as progress:
        progress.begin("the hub")
        hub = _hub(session)
        config.append(hub)
        if hub.code is not Exit.USAGE:
            with session.bridge() as bridge:
                fixed = _fix(bridge) if fix else 0
                config += _state(bridge)
                names = list(company.systems)
                systems = ask(bridge, names, lambda left: progress.begin(f"asking {', '.join(left)}"), offline=offline)
        if _airflow_is_here():
            progress.begin("Airflow")
            config.append(_airflow(company))
    return _tell(session, config, systems, fixed)


def _config(company: Company) -> Checked:
    checked = files(company)
    checked.findings += examine.of_config(company)
    return checked


def _policy(company: Company) -> Checked:
    counts = {"exception": len(company.policy.exceptions), "private space": len(company.policy.private_spaces)}
    said = ", ".join(plural(count, name) for name, count in counts.items() if count)
    return Checked("policy", said or "no exceptions", list(examine.of_policy(company)))


def _hub(session: Session) -> Checked:
    """Looked at as it is: an examination must not migrate it."""
    checked = Checked("hub")
    try:
        with session.hub() as hub:
            checked.says = f"{hub.check()}, {examine.said_of_room(hub)}"
            checked.findings += examine.of_room(hub)
            with hub.read() as conn:
                checked.findings += examine.of_hub_clock(conn)
    except LandbridgeError as error:
        message, remedy = told(error)
        checked.says = checked.says or "cannot be used"
        checked.findings.append(Finding(message, remedy, code=Exit.USAGE))
    return checked


def _state(bridge: Bridge) -> list[Checked]:
    company = bridge.company
    with bridge.hub.read() as conn:
        return [
            _looked("runs", "none has died", examine.of_runs(conn, company)),
            _looked("streams", "all read in time", examine.of_streams(conn, company)),
            _looked("waiting", "nothing for long", examine.of_waiting(conn, company)),
            _looked("notices", "all were told", examine.of_notices(conn, company)),
        ]


def _looked(name: str, well: str, findings: Iterable[Finding]) -> Checked:
    found = list(findings)
    return Checked(name, plural(len(found), "finding") if found else well, found)


def _fix(bridge: Bridge) -> int:
    """Only what no person could decide otherwise."""
    with bridge.hub.begin() as conn:
        dead = health.dead_runs(conn, examine.subjects(bridge.company))
        for run in dead:
            runs.finish(conn, run.id, "failed", run.counts, "Its process ended before it did.")
        if dead:
            audit.append(conn, person(), "doctor-fix", "hub", {"runs": len(dead)})
    return len(dead)


def _airflow_is_here() -> bool:
    set_up = "AIRFLOW_HOME" in os.environ or any(name.startswith("AIRFLOW__") for name in os.environ)
    return set_up and all(importlib.util.find_spec(name) for name in ("airflow", "landbridge_airflow"))


def _airflow(company: Company) -> Checked:
    """In a process of its own: Airflow's import takes seconds, sets up logging and writes files."""
    program = [sys.executable, "-m", "landbridge_airflow.examine"]
    environment = os.environ | {"LANDBRIDGE_HOME": str(company.home)}
    try:
        done = subprocess.run(  # noqa: S603 (our own program)
            program, env=environment, capture_output=True, text=True, timeout=_AIRFLOW_SECONDS, check=True
        )
        said = json.loads(done.stdout.splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        text = f"Airflow could not be examined ({type(error).__name__})."
        return Checked("airflow", "", [Finding(text, "`airflow info` says whether it works at all.")])
    found = [Finding(one["text"], one["remedy"], code=_grave(one["grave"])) for one in said["findings"]]
    return Checked("airflow", said["says"], found)


def _grave(grave: bool) -> Exit:
    return Exit.USAGE if grave else Exit.FINDINGS


def _severity(found: Finding) -> str:
    return "warning" if found.code is Exit.FINDINGS else "error"


def _tell(session: Session, config: list[Checked], systems: list[Checked], fixed: int) -> Exit:
    findings = sorted(findings_of([*config, *systems]), key=_severity)
    data: dict[str, Any] = {
        "examined": [one.as_dict() for one in config],
        "systems": [one.as_dict() for one in systems],
        "fixed": fixed,
        "findings": [{"severity": _severity(one), **one.as_dict()} for one in findings],
    }
    mended = [line(OK, f" {plural(fixed, 'thing')} mended.")] if fixed else []
    session.show(data, *mended, *human(config, systems, findings))
    if any(_severity(one) == "error" for one in findings):
        return Exit.USAGE
    return Exit.FINDINGS if findings else Exit.OK
