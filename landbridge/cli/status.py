"""`landbridge status`: how fresh, how much, what is open."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text
from sqlalchemy import Connection

from landbridge.cli.app import app
from landbridge.cli.command import command
from landbridge.cli.complete import flows_of
from landbridge.cli.exits import Exit
from landbridge.cli.listing import LOOK
from landbridge.cli.output import OK, WARN, Cell, ago, indented, line, number, row, table
from landbridge.cli.run import open_questions, ordered, question_hint
from landbridge.cli.session import Session
from landbridge.store import agenda, health, quota, records, runs, setaside
from landbridge.sync import Company, Flow, System

# Counting stops here: beyond, "how many" is a question for the database, not for a glance.
_MOST = 10_000
_AGENDA_MOST = 1_000
# These need a person, or at least a look.
_OPEN = {"held": "bold red", "blocked": "yellow", "undecided": "yellow", "set_aside": "yellow", "uncertain": "yellow"}

Json = dict[str, Any]


@command(
    app, "status",
    ("landbridge status", "Systems, flows, and what waits for a person."),
    ("landbridge status people", "One flow and the streams it reads."),
    ("landbridge status --json || alert", "For monitoring: exit code 1 or 5 where something is open."),
    panel=LOOK,
)  # fmt: skip
def status(
    session: Session,
    flow: Annotated[
        str | None, typer.Argument(help="Only this flow; everything where left out.", autocompletion=flows_of)
    ] = None,
) -> Exit:
    """Show how fresh each system is, what each flow has written, and what is open. Asks no system."""
    company = session.company
    flows = [company.flow(name) for name in ([flow] if flow else ordered(company))]
    with session.reading() as conn:
        wanted = set(flows[0].sources) if flow else None
        data = {
            "systems": _systems(conn, company, wanted),
            "flows": [_flow(conn, one) for one in flows],
            "decisions": open_questions(conn, flows if flow else ()),
        }
    session.show(data, *_human(data))
    return _code(data)


def _systems(conn: Connection, company: Company, wanted: set[str] | None) -> list[Json]:
    aside, usage = setaside.counts(conn), {one.system: one for one in quota.usage(conn)}
    found = []
    for system in company.systems.values():
        streams = [
            _stream(conn, system, stream, aside)
            for stream in system.streams
            if wanted is None or f"{system.name}/{stream}" in wanted
        ]
        paused = usage[system.name].blocked if system.name in usage else 0.0
        if streams:
            found.append({"system": system.name, "paused_seconds": round(paused, 1), "streams": streams})
    return found


def _stream(conn: Connection, system: System, stream: str, aside: dict[tuple[str, str], int]) -> Json:
    state = runs.checkpoint_of(conn, system.name, stream)
    last = next(iter(runs.recent(conn, f"{system.name}/{stream}", limit=1)), None)
    return {
        "stream": stream,
        "records": records.known(conn, system.name, stream, cap=_MOST),
        "read_at": state.read_at if state else None,
        "full_at": state.full_at if state else None,
        "set_aside": aside.get((system.name, stream), 0),
        "failed": last.reason if last and last.state == "failed" else None,
    }


def _flow(conn: Connection, flow: Flow) -> Json:
    counted = health.deliveries_of(conn, flow.name, _MOST)
    last = next(iter(runs.recent(conn, flow.name, limit=1)), None)
    return {
        "flow": flow.name,
        "purpose": flow.purpose,
        "last_run": {"at": last.started_at, "state": last.state, "reason": last.reason} if last else None,
        "agenda": len(agenda.take(conn, flow.name, _AGENDA_MOST)),
        "targets": {target: {} for target in flow.targets} | counted.targets,
        # Of these states only the newest were counted.
        "more": sorted(counted.more),
    }


def _code(data: Json) -> Exit:
    states = {
        state for flow in data["flows"] for counts in flow["targets"].values() for state, n in counts.items() if n
    }
    if "held" in states:
        return Exit.DECISION
    streams = [stream for system in data["systems"] for stream in system["streams"]]
    wrong = any(stream["set_aside"] or stream["failed"] for stream in streams)
    return Exit.FINDINGS if wrong or data["decisions"] or states & _OPEN.keys() else Exit.OK


def _human(data: Json) -> list[Any]:
    streams = table("", "records#", "read", "full", "set aside#", wide=0)
    notes: list[Text] = []
    for system in data["systems"]:
        paused = f"  paused for {system['paused_seconds']:.0f} s" if system["paused_seconds"] else ""
        row(streams, line((system["system"], "bold"), (paused, "yellow")), "", "", "", "")
        for stream in system["streams"]:
            _add_stream(streams, stream)
            if stream["failed"]:
                name = f"{system['system']}/{stream['stream']}"
                notes.append(line(WARN, f" {name}: {stream['failed']}"))
    parts: list[Any] = [streams, *notes]
    for flow in data["flows"]:
        parts += ["", *_human_flow(flow)]
    return [*parts, "", *_hints(data)]


def _add_stream(streams: Any, stream: Json) -> None:
    aside: Cell = (str(stream["set_aside"]), "yellow") if stream["set_aside"] else ("–", "dim")
    read: Cell = ago(stream["read_at"]) if stream["read_at"] else ("never", "yellow")
    row(
        streams, f"  {stream['stream']}", number(stream["records"], _MOST), read, (ago(stream["full_at"]), "dim"), aside
    )


def _human_flow(flow: Json) -> list[Any]:
    last = flow["last_run"]
    ran = f"{'failed' if last['state'] == 'failed' else 'ran'} {ago(last['at'])}" if last else "has never run"
    agenda = f", {number(flow['agenda'], _AGENDA_MOST)} to look at" if flow["agenda"] else ""
    parts: list[Any] = [line((flow["flow"], "bold"), (f"  {ran}{agenda}", "dim"))]
    targets = table("", "", wide=1)
    for target, counts in flow["targets"].items():
        row(targets, f"  {target}", _states(counts, flow["more"]))
    return [*parts, targets]


def _states(counts: dict[str, int], more: list[str]) -> Text:
    if not counts:
        return line(("nothing yet", "dim"))
    parts: list[Cell] = []
    for state, count in counts.items():
        style = _OPEN.get(state, "green" if state == "done" else "")
        parts += [(f"{number(count, count if state in more else None)} {state.replace('_', ' ')}", style), "  "]
    return line(*parts)


def _hints(data: Json) -> list[Text]:
    states = [counts for flow in data["flows"] for counts in flow["targets"].values()]
    aside = sum(stream["set_aside"] for system in data["systems"] for stream in system["streams"])
    aside += sum(counts.get("set_aside", 0) for counts in states)
    hints = []
    if data["decisions"]:
        hints.append(question_hint(data["decisions"]))
    if aside:
        hints.append(line(WARN, f" {aside} set aside: ", ("landbridge set-aside list", "cyan")))
    for state in ("blocked", "uncertain"):
        if count := sum(counts.get(state, 0) for counts in states):
            hints.append(line(WARN, f" {count} {state}: ", ("landbridge plan FLOW", "cyan"), " says why"))
    return hints or [indented(line(OK, " Nothing waits for a person."), 0)]  # type: ignore[list-item]
