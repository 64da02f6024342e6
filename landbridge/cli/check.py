"""`landbridge check`: is everything configured, reachable and allowed, and does each connector keep its word?"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from landbridge.cli.app import app
from landbridge.cli.checked import NO_WORD, Checked, at_home, findings_of, human
from landbridge.cli.command import command
from landbridge.cli.complete import systems_of
from landbridge.cli.exits import Exit, code_of, gravest
from landbridge.cli.findings import (
    Finding,
    of_clock,
    of_connection,
    of_error,
    of_examples,
    of_expiry,
    of_streams,
    of_targets,
)
from landbridge.cli.judging import Word, judged
from landbridge.cli.listing import DAILY
from landbridge.cli.output import plural
from landbridge.cli.session import Session, told
from landbridge.connector import Account, connector_names
from landbridge.errors import ConfigError, LandbridgeError, did_you_mean
from landbridge.sync import Bridge, Company
from landbridge.sync.private import in_force

# Some products answer their first question slowly; they are asked side by side.
_WORKERS = 8


@command(
    app, "check",
    ("landbridge check", "The configuration, and every system."),
    ("landbridge check chat wiki", "Only these two systems, with the tests of their connectors."),
    ("landbridge check zulip", "A connector that no system uses yet: its mappings, tests and quality."),
    ("landbridge check --all", "Everything, with the tests of every connector."),
    ("landbridge check --all --offline", "The same without any system: what a pull request has to pass."),
    panel=DAILY,
)  # fmt: skip
def check(
    session: Session,
    name: Annotated[
        list[str] | None,
        typer.Argument(help="Systems, or connectors; all systems where left out.", autocompletion=systems_of),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All systems, and all connectors with their tests.")] = False,
    tests: Annotated[
        bool, typer.Option(help="Run the connectors' own tests, the conformance suite among them.")
    ] = True,
    servers: Annotated[bool, typer.Option("--servers", help="Also tests that bring up real servers; minutes.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no system: only what lies on this machine.")] = False,
) -> Exit:
    """Check the configuration, run the mappings' examples both ways, and ask each system whose account this is.

    Of a system or connector that is named, also its connector's word: its tests, and what quality.yaml says of it,
    held against what is there. One line per finding: file and line, what is wrong, what to do; and what is left open,
    with the reason. Nothing is read into the hub or written anywhere.
    """
    if name and not at_home(session):
        _all_installed(name)
        with session.progress() as progress:
            alone = _proven(None, name, progress.begin, tests=tests, servers=servers)
        return _tell(session, [], [], alone)
    try:
        company = session.company
    except ConfigError as error:
        broken = Checked("config", "cannot be used as it is", of_error(error))
        return _tell(session, [broken], [], [])
    names, connectors = _asked(company, name or [], every=every)
    config = [files(company), *([examples(company, names)] if names else [])]
    with session.bridge() as bridge:
        config.append(_hub(bridge))
        with session.progress() as progress:
            asked = [] if offline else names
            systems = ask(bridge, asked, lambda left: progress.begin(f"asking {', '.join(left)}")) if asked else []
            wanted = tests and bool(name or every)
            proven = _proven(session.home, connectors, progress.begin, tests=wanted, servers=servers)
    # A connector without a word of its own is worth a line only where it was asked for.
    shown = [one for one in proven if one.details["level"] or one.findings]
    return _tell(session, config, systems, shown if name or every else [one for one in shown if one.details["level"]])


def _all_installed(names: list[str]) -> None:
    """Raises ConfigError. Where no company is, a name can be a connector's only."""
    for name in names:
        if name not in connector_names():
            raise ConfigError(
                f"No connector {name!r} is installed, and there is no config/systems.yaml here or above with such a system.",
                remedy=f"`pip install -e .` in its folder; for a system LANDBRIDGE_HOME names the folder of config/. "
                f"{did_you_mean(name, connector_names(), 'Installed')}",
            )


def _asked(company: Company, given: list[str], *, every: bool) -> tuple[list[str], list[str]]:
    """Names of systems, and of connectors. Raises ConfigError for a name that is neither."""
    installed = connector_names()
    for name in given:
        if name not in installed and name not in company.systems:
            raise ConfigError(
                f"There is neither a system nor an installed connector {name!r}.",
                remedy=f"{did_you_mean(name, [*company.systems, *installed], 'There are')} "
                "One that was just made: `pip install -e .` in its folder.",
            )
    systems = [name for name in given if name in company.systems] if given and not every else list(company.systems)
    used = [company.systems[name].connector for name in systems]
    own = [name for name in given if name in installed]
    return systems, [name for name in dict.fromkeys([*own, *used, *(installed if every else ())]) if name in installed]


def files(company: Company) -> Checked:
    named = f" ({', '.join(company.flows)})" if company.flows else ""
    systems, flows = plural(len(company.systems), "system"), plural(len(company.flows), "flow")
    return Checked("config", f"{systems}, {flows}{named}")


def examples(company: Company, names: list[str]) -> Checked:
    """Of the connectors that these systems have; two accounts of one product share its mappings."""
    found = {mapping.file: mapping for name, mapping in company.mappings.items() if name.partition("/")[0] in names}
    count = sum(len(mapping.examples) for mapping in found.values())
    problems = [finding for mapping in found.values() for finding in of_examples(mapping)]
    return Checked("mappings", f"{plural(len(found), 'stream')}, {plural(count, 'example')} run both ways", problems)


def _hub(bridge: Bridge) -> Checked:
    return Checked("hub", bridge.hub.check())


def _proven(
    home: Path | None, names: list[str], report: Callable[[str], None], *, tests: bool, servers: bool
) -> list[Checked]:
    what = names[0] if len(names) == 1 else plural(len(names), "connector")
    report(f"{what}: quality{' and tests' if tests else ''}")
    words = judged(names, home, tests=tests, servers=servers) if names else {}
    return [_checked(name, words[name]) for name in names]


def _checked(name: str, word: Word) -> Checked:
    style = {"gold": "yellow", "silver": "bold", "bronze": "red"}.get(word.level, "dim")
    details = word.details | {"left_open": [asdict(one) for one in word.left]}
    return Checked(name, word.says, word.findings, word.seconds, details, (word.level or NO_WORD, style), word.left)


def ask(
    bridge: Bridge, names: list[str], report: Callable[[list[str]], None], *, offline: bool = False
) -> list[Checked]:
    """One cheap request to each system, side by side; `offline`: only whether its connection is complete."""
    left = list(names)
    report(left)

    def one(name: str) -> Checked:
        checked = _system(bridge, name, offline=offline)
        left.remove(name)
        report(left)
        return checked

    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="check") as pool:
        return list(pool.map(one, names))


def _system(bridge: Bridge, name: str, *, offline: bool) -> Checked:
    system = bridge.company.system(name)
    details = {"connector": system.connector, "streams": list(system.streams)}
    checked = Checked(name, details=details, what=(system.connector, "dim"))
    began = time.monotonic()
    try:
        checked.findings += of_connection(system, bridge.connection(name))
        connector = bridge.connector(name)
        connector.private_spaces = in_force(bridge.company, name)
        checked.findings += of_streams(bridge.company, system, connector)
        for flow in bridge.company.flows.values():
            checked.findings += of_targets(flow, name, connector)
        account = None if offline else connector.check()
    except LandbridgeError as error:
        message, remedy = told(error)
        checked.says = "cannot be used"
        checked.findings.append(Finding(f"{name}: {message}", remedy, code=code_of(error)))
    else:
        _account(checked, account)
        checked.findings += of_clock(name, connector)
    checked.seconds = time.monotonic() - began
    return checked


def _account(checked: Checked, account: Account | None) -> None:
    if account is None:
        checked.says = "its connection is complete"
        return
    lacks = f"lacks {', '.join(account.missing)}" if account.missing else ""
    checked.says = " · ".join(filter(None, (account.name, account.detail, lacks)))
    checked.details |= {"account": account.name, "missing": list(account.missing)}
    checked.findings += of_expiry(checked.name, account)
    for missing in account.missing:
        text = f"{checked.name}: the account {account.name} lacks {missing}."
        remedy = f"Give it this permission ({checked.what[0]}'s README says what for), or do without what needs it."
        checked.findings.append(Finding(text, remedy))


def _tell(session: Session, config: list[Checked], systems: list[Checked], connectors: list[Checked]) -> Exit:
    every = [*config, *systems, *connectors]
    findings = findings_of(every)
    data = {
        "config": [one.as_dict() for one in config],
        "systems": [one.as_dict() for one in systems],
        "connectors": [one.as_dict() for one in connectors],
        "findings": [finding.as_dict() for finding in findings],
    }
    session.show(data, *human(config, systems, findings, connectors))
    return gravest(one.code for one in every)
