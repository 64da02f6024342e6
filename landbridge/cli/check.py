"""`landbridge check`: is everything configured, reachable and allowed?"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from landbridge.cli.app import app
from landbridge.cli.command import command
from landbridge.cli.complete import systems_of
from landbridge.cli.exits import Exit, code_of, gravest
from landbridge.cli.findings import Finding, of_clock, of_error, of_examples, of_streams, of_targets
from landbridge.cli.listing import DAILY
from landbridge.cli.output import BAD, OK, WARN, indented, line, plural, row, table
from landbridge.cli.session import Session, told
from landbridge.connector import Account
from landbridge.errors import ConfigError, LandbridgeError
from landbridge.sync import Bridge, Company

# Some products answer their first question slowly; they are asked side by side.
_WORKERS = 8


@dataclass
class Checked:
    """What came of one thing that was looked at."""

    name: str
    says: str = ""
    findings: list[Finding] = field(default_factory=list)
    seconds: float | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> Exit:
        return gravest(one.code for one in self.findings)

    def as_dict(self) -> dict[str, Any]:
        said = {"name": self.name, "ok": not self.findings, "says": self.says, **self.details}
        return said | ({"seconds": round(self.seconds, 2)} if self.seconds is not None else {})


@command(
    app, "check",
    ("landbridge check", "Everything."),
    ("landbridge check chat wiki", "Only these two systems, beside the configuration."),
    panel=DAILY,
)  # fmt: skip
def check(
    session: Session,
    system: Annotated[
        list[str] | None, typer.Argument(help="Systems to ask; all where left out.", autocompletion=systems_of)
    ] = None,
) -> Exit:
    """Check the configuration, run the mappings' examples both ways, and ask each system whose account this is.

    One line per finding: file and line, what is wrong, what to do. Nothing is read into the hub or written anywhere.
    """
    try:
        company = session.company
    except ConfigError as error:
        broken = Checked("config", "cannot be used as it is", of_error(error))
        return _tell(session, [broken], [])
    for name in system or ():
        company.system(name)
    names = system or list(company.systems)
    config = [files(company), examples(company, names)]
    with session.bridge() as bridge:
        config.append(_hub(bridge))
        with session.progress() as progress:
            systems = ask(bridge, names, lambda left: progress.begin(f"asking {', '.join(left)}"))
    return _tell(session, config, systems)


def files(company: Company) -> Checked:
    flows = f"{plural(len(company.flows), 'flow')} ({', '.join(company.flows)})"
    return Checked("config", f"{plural(len(company.systems), 'system')}, {flows}")


def examples(company: Company, names: list[str]) -> Checked:
    """Of the connectors that these systems have; two accounts of one product share its mappings."""
    found = {mapping.file: mapping for name, mapping in company.mappings.items() if name.partition("/")[0] in names}
    count = sum(len(mapping.examples) for mapping in found.values())
    problems = [finding for mapping in found.values() for finding in of_examples(mapping)]
    return Checked("mappings", f"{plural(len(found), 'stream')}, {plural(count, 'example')} run both ways", problems)


def _hub(bridge: Bridge) -> Checked:
    return Checked("hub", bridge.hub.check())


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
    checked = Checked(name, details={"connector": system.connector, "streams": list(system.streams)})
    began = time.monotonic()
    try:
        connector = bridge.connector(name)
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
    checked.says = " · ".join(filter(None, (account.name, account.detail)))
    checked.details |= {"account": account.name, "missing": list(account.missing)}
    for missing in account.missing:
        text = f"{checked.name}: the account {account.name} lacks {missing}."
        checked.findings.append(Finding(text, "Give it this permission, or do without what needs it."))


def _tell(session: Session, config: list[Checked], systems: list[Checked]) -> Exit:
    every = [*config, *systems]
    findings = findings_of(every)
    data = {
        "config": [one.as_dict() for one in config],
        "systems": [one.as_dict() for one in systems],
        "findings": [finding.as_dict() for finding in findings],
    }
    session.show(data, *human(session, config, systems, findings))
    return gravest(one.code for one in every)


def findings_of(every: list[Checked]) -> list[Finding]:
    """Each once: two accounts of one product have the same mappings, and the same mistakes in them."""
    return list(dict.fromkeys(finding for one in every for finding in one.findings))


def human(session: Session, config: list[Checked], systems: list[Checked], findings: list[Finding]) -> list[Any]:
    parts: list[Any] = [_table(config)]
    if systems:
        parts += ["", _table(systems)]
    if not findings:
        return [*parts, "", line(OK, (" All is well.", "bold green"))]
    parts += ["", line((plural(len(findings), "finding"), "bold"))]
    for finding in findings:
        mark = WARN if finding.code is Exit.FINDINGS else BAD
        place = finding.place(session.home) if finding.file else ""
        parts.append(line(mark, " ", (f"{place}: " if place else "", "cyan"), finding.text))
        if finding.remedy:
            parts.append(indented(line((finding.remedy, "dim"))))
    return parts


def _table(found: list[Checked]) -> Any:
    made = table("", "", "", "", "#", wide=3)
    for one in found:
        mark = OK if not one.findings else WARN if one.code is Exit.FINDINGS else BAD
        took = f"{one.seconds:.1f} s" if one.seconds is not None else ""
        row(made, mark, (one.name, "bold"), (one.details.get("connector", ""), "dim"), one.says, (took, "dim"))
    return made
