"""What `landbridge doctor` looks at in the configuration and the hub; each finding says what to type."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection

from landbridge.cli.exits import Exit
from landbridge.cli.findings import SKEW, Finding, clock_text
from landbridge.cli.output import ago, plural, size, words
from landbridge.mapping import load_yaml
from landbridge.policy import SOON
from landbridge.store import health, runs
from landbridge.store.clock import later, now
from landbridge.store.health import Waiting
from landbridge.store.hub import Hub
from landbridge.sync import Company
from landbridge.sync.private import allowed, place_of, policies_of

MEGABYTE = 2**20
# Less than this free is an error, less than the hub's own size a warning: a migration may need it twice.
LITTLE = 200 * MEGABYTE
LONG_LOG = 256 * MEGABYTE
HOUR, WEEK = 3_600, 7 * 86_400
# A stream is late when it was due twice over.
LATE = 2


def of_config(company: Company) -> Iterator[Finding]:
    """Files that nobody reads, systems that no flow uses, flows whose sources are not read."""
    flows = company.home / "config" / "flows"
    for path in sorted(flows.glob("*.y*ml")) if flows.exists() else ():
        if path.suffix != ".yaml":
            yield Finding(f"{path.name} is not read.", f"Name it {path.stem}.yaml, or remove it.", str(path))
    if not company.flows:
        yield Finding("There is no flow: nothing moves.", "Write config/flows/<name>.yaml.", str(flows))
    used = {stream for flow in company.flows.values() for stream in (*flow.sources, *flow.targets)}
    for system in company.systems.values():
        if company.flows and not any(stream.startswith(f"{system.name}/") for stream in used):
            yield Finding(f"No flow uses {system.name}.", "Name it in a flow, or take it out of config/systems.yaml.")
    for flow in company.flows.values():
        for source in flow.says:
            name, _, stream = source.stream.partition("/")
            if stream not in company.systems[name].streams:
                text = f"{flow.name} lives on {source.stream}, which is not read."
                yield Finding(text, f"Add {stream} to the streams of {name} in config/systems.yaml.", flow.file)


def of_policy(company: Company) -> Iterator[Finding]:
    """What has ended, ends soon, or speaks of nothing."""
    path = company.home / "config" / "policy.yaml"
    if not path.exists():
        return
    file = load_yaml(path)
    for at, one in enumerate(company.policy.exceptions):
        flow, name = company.flows.get(one.flow), f"The exception for {one.flow} in {one.target}"
        line = file.line("exceptions", at)
        yield from _ending(name, one.until, one.owner, file.file, line)
        if one.until >= date.today() and (flow is None or one.target not in flow.targets):
            text = f"{name} is for nothing: no such flow shows anything there."
            yield Finding(text, "Correct `flow` and `target`, or take it out.", file.file, line)
    for at, space in enumerate(company.policy.private_spaces):
        line = file.line("private_spaces", at)
        name = f"The policy for a private space of {space.system}"
        yield from _ending(name, space.until, space.owner, file.file, line)
        if space.system not in company.systems:
            text = f"{name} is for nothing: there is no such system."
            yield Finding(text, f"Correct `system` ({', '.join(company.systems)}), or take it out.", file.file, line)


def _ending(name: str, until: date, owner: str, file: str, line: int) -> Iterator[Finding]:
    ask = f"Ask its owner, {owner}: renew `until`, or take it out."
    if until < date.today():
        yield Finding(f"{name} has ended on {until}.", ask, file, line)
    elif until - date.today() <= SOON:
        yield Finding(f"{name} ends on {until}.", ask, file, line)


def of_notices(conn: Connection, company: Company) -> Iterator[Finding]:
    """Private spaces that would be read, if those who are in them were told."""
    for system in company.systems:
        named = allowed(conn, company, system).named
        for one in policies_of(company, system):
            if one.in_force and one.space not in named:
                text = f"Those who are in a private space of {system} were not told yet, so it is not read."
                remedy = f"`landbridge policy notify {system}` tells them, or says why it cannot."
                where, _, line = place_of(company, one).rpartition(":")
                yield Finding(text, remedy, str(company.home / where), int(line))


def of_room(hub: Hub) -> Iterator[Finding]:
    """Size, free disk and the write-ahead log."""
    found = health.room(hub)
    if found.free is not None and found.free < LITTLE:
        text = f"Only {size(found.free)} are free where the hub lies."
        yield Finding(text, "Make room: without it nothing can be read or written.", code=Exit.USAGE)
    elif found.free is not None and found.free < found.size:
        text = f"{size(found.free)} are free where the hub lies, less than its own {size(found.size)}."
        yield Finding(text, "Make room before the next upgrade: a migration may need as much again.")
    if found.log > LONG_LOG:
        text = f"SQLite's write-ahead log has grown to {size(found.log)}: some process reads without end."
        yield Finding(text, "Find it with `fuser` on the hub's file and end it; the log shrinks with the next run.")


def of_hub_clock(conn: Connection) -> Iterator[Finding]:
    ahead = health.skew(conn)
    if abs(ahead) > SKEW:
        yield Finding(clock_text("The hub's database", ahead), "Set both machines' clocks by NTP.")


def of_runs(conn: Connection, company: Company) -> Iterator[Finding]:
    for one in health.dead_runs(conn, subjects(company)):
        text = f"The {one.what} of {one.subject} that began {ago(one.started_at)} never ended: its process is gone."
        yield Finding(text, "`landbridge doctor --fix` notes its end; the next run goes on from there.")


def subjects(company: Company) -> list[str]:
    """What runs are of: streams that are read, flows that are merged and planned, and what flows write."""
    streams = [f"{one.name}/{stream}" for one in company.systems.values() for stream in one.streams]
    writes = [f"{flow.name} → {target}" for flow in company.flows.values() for target in flow.targets]
    return [*streams, *company.flows, *writes]


def of_streams(conn: Connection, company: Company) -> Iterator[Finding]:
    """What was not read for longer than it is due; a hub that has read nothing yet is one finding, not one per stream."""
    states = {f"{one.system}/{one.stream}": one for one in runs.checkpoints(conn) if not one.partition}
    if not any(one.read_at for one in states.values()):
        yield Finding("Nothing was ever read.", "`landbridge run`, or unpause the DAGs in Airflow.")
        return
    needed = {source for flow in company.flows.values() for source in flow.sources}
    for system in company.systems.values():
        for stream in system.streams:
            name = f"{system.name}/{stream}"
            state = states.get(name)
            moment = state.read_at if state else None
            if name in needed and health.older_than(moment, LATE * system.every.total_seconds()):
                last = next(iter(runs.recent(conn, name, limit=1)), None)
                why = f" ({last.reason})" if last and last.state == "failed" and last.reason else ""
                read = f"was read {ago(moment)}" if moment else "was never read"
                text = f"{name} {read}, due every {words(system.every)}{why}."
                yield Finding(text, f"`landbridge read {system.name} {stream}`, or look at read__{system.name}.")


def of_waiting(conn: Connection, company: Company) -> Iterator[Finding]:
    """What has waited for long: for a person, for its next try, or for an answer that was lost."""
    if brakes := health.open_questions(conn, now(), brakes=True):
        yield Finding(f"{plural(brakes.number, 'brake')} {_wait(brakes)} for a person.", "`landbridge decide`.")
    if asked := health.open_questions(conn, later(-WEEK), brakes=False):
        text = f"{plural(asked.number, 'question')} {_wait(asked)} for a person, longer than a week."
        yield Finding(text, "`landbridge decide`.")
    for one in health.old_set_aside(conn, later(-WEEK)):
        text = f"{plural(one.number, 'record')} of {one.where} could not be read for a week, since {ago(one.since)}."
        yield Finding(text, f"`landbridge set-aside list {one.where}`; then retry or drop.")
    for flow in company.flows:
        for one in health.old_deliveries(conn, flow, "set_aside", later(-WEEK)):
            text = f"{plural(one.number, 'write')} of {flow} in {one.where} failed for a week, since {ago(one.since)}."
            yield Finding(text, f"`landbridge set-aside list {one.where}`; then retry or drop.")
        for one in health.old_deliveries(conn, flow, "uncertain", later(-HOUR)):
            text = f"{plural(one.number, 'write')} of {flow} in {one.where}: uncertain since {ago(one.since)}."
            yield Finding(text, f"`landbridge run {flow}` looks them up; if they stay, `landbridge check`.")


def _wait(found: Waiting) -> str:
    return f"{'waits' if found.number == 1 else 'wait'} since {ago(found.since)}"


def said_of_room(hub: Hub) -> str:
    """The hub's size and place, in a few words."""
    found = health.room(hub)
    free = f", {size(found.free)} free" if found.free is not None else ""
    return f"{size(found.size)}{free}"
