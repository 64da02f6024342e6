"""What is wrong with a company's configuration, found without asking any system."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from landbridge.cli.exits import Exit
from landbridge.cli.output import place
from landbridge.connector import Account, Connection, Connector, conn_type, meant_for
from landbridge.errors import ConfigError
from landbridge.mapping import Mapping, load_yaml
from landbridge.sync import Company, Flow, System
from landbridge.sync.routes import Route

# Seconds. More than this, and "changed since" begins to miss what was changed.
SKEW = 60.0
# Before a certificate ends, somebody else has to be asked for the next one.
EXPIRES_SOON = timedelta(days=30)
_PLACE = re.compile(r"^(?P<file>\S.*?):(?:(?P<line>\d+):)? (?P<text>.*)$")


@dataclass(frozen=True)
class Finding:
    """One thing to mend, where it is, and how; `code` is what a command ends with because of it."""

    text: str
    remedy: str = ""
    file: str = ""
    line: int | None = None
    code: Exit = Exit.FINDINGS

    @property
    def place(self) -> str:
        """file:line, as an editor and a terminal open it."""
        return f"{place(self.file)}:{self.line}" if self.line else place(self.file)

    def as_dict(self) -> dict[str, Any]:
        return {name: said for name, said in asdict(self).items() if name != "code"}


def of_error(error: ConfigError) -> list[Finding]:
    """An error may speak of several files, a line each; the last carries the remedy."""
    *lines, last = str(error.args[0]).splitlines()
    found = [_parsed(text) for text in lines]
    return [*found, Finding(**{**_place(last), "remedy": error.remedy}, code=Exit.USAGE)]


def _parsed(text: str) -> Finding:
    return Finding(**_place(text), code=Exit.USAGE)


def _place(text: str) -> dict[str, Any]:
    found = _PLACE.match(text)
    if found is None or not found["file"].endswith((".yaml", ".json")):
        return {"text": text}
    return {"text": found["text"], "file": found["file"], "line": int(found["line"]) if found["line"] else None}


def of_examples(mapping: Mapping) -> list[Finding]:
    """The mapping's examples, run both ways."""
    return [Finding(**_place(problem)) for problem in mapping.run_examples()]


def of_connection(system: System, connection: Connection) -> Iterator[Finding]:
    """A connection of another product may have all the fields that are asked for, filled with what is not meant."""
    other = meant_for(connection.type)
    if other not in (None, system.connector):
        text = (
            f"{system.name}: its connection {connection.id!r} is made for {other}, its connector is {system.connector}."
        )
        remedy = f"Name another one in config/systems.yaml, or make its type {conn_type(system.connector)}."
        yield Finding(text, remedy)


def of_clock(name: str, connector: Connector) -> Iterator[Finding]:
    """Does the system, as far as it has said, know what time it is?"""
    ahead = connector.skew
    if ahead is not None and abs(ahead) > SKEW:
        yield Finding(clock_text(name, ahead), "Set both machines' clocks by NTP.")


def of_expiry(name: str, account: Account) -> Iterator[Finding]:
    """What has to be replaced before long, or nobody can sign in any more."""
    for what, end in account.expires.items():
        if end - datetime.now(UTC) < EXPIRES_SOON:
            text = f"{name}: the {what} in its connection ends on {end:%Y-%m-%d}."
            yield Finding(text, "Make the next one known to the system, then put it into the connection.")


def clock_text(who: str, ahead: float) -> str:
    return f"{who} has a clock that is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} ours."


def of_streams(company: Company, system: System, connector: Connector) -> Iterator[Finding]:
    """Do mappings and connector speak of the same streams?"""
    streams = connector.streams()
    known = f"Streams of {system.connector}: {', '.join(streams)}."
    for name, mapping in company.mappings.items():
        if not name.startswith(f"{system.name}/"):
            continue
        stream = streams.get(mapping.stream)
        if stream is None:
            yield Finding(f"The connector has no stream {mapping.stream!r}.", known, mapping.file, 1)
        elif stream.kind != mapping.kind:
            text = f"The connector's {mapping.stream} holds {stream.kind}s, the mapping says {mapping.kind}."
            yield Finding(text, f"Write `kind: {stream.kind}`.", mapping.file, 1)
        for field in mapping.fields.values():
            if field.ref and field.ref not in streams:
                yield Finding(f"{field.path} refers to {field.ref!r}, no stream.", known, mapping.file, field.line)


def of_targets(flow: Flow, system: str, connector: Connector) -> Iterator[Finding]:
    """Can the connector write what the flow wants to show there?"""
    where = load_yaml(Path(flow.file))
    for target in dict.fromkeys(route.target for route in flow.routes if route.system == system):
        line = where.line("to", target)
        for op in dict.fromkeys(op for route in flow.routes if route.target == target for op in _needed(flow, route)):
            if not connector.can_write(target.partition("/")[2], op):
                yield Finding(f"{target} cannot {op} records.", _instead(op), flow.file, line)


def _needed(flow: Flow, route: Route) -> Iterator[str]:
    if route.kind != "space" or flow.kind == "space" or route.shape:
        yield "create"  # a place that the flow only writes to may be there already: it is found by its name
    if leaver := route.config.leaver:
        yield "disable"
        if leaver.delete:
            yield "delete"


def _instead(op: str) -> str:
    if op == "create":
        return "Show it in another stream, or write the connector's method."
    return "What the system cannot do is planned, dropped and shown; leave it out under `leaver`."
