"""`landbridge run` and `landbridge read`: what Airflow does on schedule, done now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

import typer
from rich.text import Text
from sqlalchemy import Connection

from landbridge.cli.app import app
from landbridge.cli.command import command
from landbridge.cli.complete import flows_of, streams_of, systems_of
from landbridge.cli.exits import Exit, code_of, code_of_counts, gravest
from landbridge.cli.listing import DAILY
from landbridge.cli.output import BAD, OK, WAIT, WARN, counts, line, plural, row, table
from landbridge.cli.progress import Progress
from landbridge.cli.session import Session, failure, told, trace
from landbridge.errors import AuthError, ConfigError, did_you_mean
from landbridge.store import decisions
from landbridge.sync import Bridge, Company, Flow, Report, read, run_flow
from landbridge.sync.running import FAILED

# People first: what is said and written refers to them.
_KINDS = ("person", "group", "space", "document", "case", "message")
# What comes after a step has ended; a read announces itself.
_NEXT = {"read": "merge", "merge": "plan", "plan": "guard"}
_MOST = 500


@dataclass
class Done:
    """What came of one flow or stream."""

    subject: str
    seconds: float = 0.0
    report: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None

    @property
    def code(self) -> Exit:
        return code_of(self.error) if self.error else code_of_counts(self.report["counts"])

    def as_dict(self) -> dict[str, Any]:
        said: dict[str, Any] = {"subject": self.subject, "seconds": round(self.seconds, 2), **self.report}
        if self.error:
            message, remedy = told(self.error)
            said["error"] = {"type": type(self.error).__name__, "message": message, "remedy": remedy}
        return said


def ordered(company: Company) -> list[str]:
    """All flows in the order in which one run of each does most."""
    return sorted(company.flows, key=lambda name: (_KINDS.index(company.flow(name).kind), name))


@command(
    app, "run",
    ("landbridge run", "All flows, people first."),
    ("landbridge run people news", "These two, in this order."),
    ("landbridge run people --no-read", "From what was read so far; asks no source."),
    panel=DAILY,
)  # fmt: skip
def run(
    session: Session,
    flow: Annotated[
        list[str] | None, typer.Argument(help="Flows in the order to run; all where left out.", autocompletion=flows_of)
    ] = None,
    no_read: Annotated[bool, typer.Option("--no-read", help="Do not read the sources first.")] = False,
) -> Exit:
    """Read, merge, plan, guard and write: what the flows' DAGs do, done now.

    A flow that fails stops no other. What a brake holds back is written after a person has decided: see `decide`.
    """
    names = flow or ordered(session.company)
    for name in names:
        session.company.flow(name)
    done: list[Done] = []
    # A stream that feeds several flows is read once.
    fresh: set[str] = set()
    with session.bridge() as bridge:
        for name in names:
            with session.progress(name) as progress:
                step = partial(_flow, bridge, name, progress, reading=not no_read, fresh=fresh)
                done.append(attempt(name, step))
        with bridge.hub.read() as conn:
            asked = open_questions(conn, [session.company.flow(name) for name in flow or ()])
    said = {"flows": [one.as_dict() for one in done], "decisions": asked}
    session.show(said, *_summary(done), *([question_hint(asked)] if asked else []))
    return gravest([*(one.code for one in done), Exit.FINDINGS if asked else Exit.OK])


def open_questions(conn: Connection, flows: Sequence[Flow] = ()) -> int:
    """How many decisions wait, all or those of these flows and their streams; stops where nobody would read on."""
    asked = decisions.open_decisions(conn, _MOST)
    streams = {stream for flow in flows for stream in (*flow.sources, *flow.targets)}
    names = {flow.name for flow in flows}
    return sum(
        not flows or (one.flow in names if one.flow else bool(streams & {one.target, *one.options})) for one in asked
    )


def question_hint(count: int) -> Text:
    waits = "waits" if count == 1 else "wait"
    return line(WARN, f" {plural(count, 'decision')} {waits} for a person: ", ("landbridge decide", "cyan"))


def _flow(bridge: Bridge, name: str, progress: Progress, *, reading: bool, fresh: set[str]) -> Report:
    writing: set[str] = set()

    def tell(step: str, outcome: str) -> None:
        # A write is announced with the size of its batch, everything else with nothing.
        if not outcome or (step.startswith("write ") and step not in writing):
            writing.add(step)
            progress.begin(f"{step} {outcome}".strip())
            return
        writing.discard(step)
        (progress.failed if outcome.startswith(FAILED) else progress.done)(step, outcome)
        progress.begin(_NEXT.get(step.partition(" ")[0], "write"))

    progress.begin("read" if reading else "merge")
    return run_flow(bridge, name, reading=reading, fresh=fresh, progress=tell, so_far=progress.so_far)


@command(
    app, "read",
    ("landbridge read hr", "What changed in each stream of hr."),
    ("landbridge read hr employees", "One stream."),
    ("landbridge read hr --full", "Everything anew; notices also what was deleted."),
    panel=DAILY,
)  # fmt: skip
def read_system(
    session: Session,
    system: Annotated[str, typer.Argument(help="A system of config/systems.yaml.", autocompletion=systems_of)],
    stream: Annotated[
        str | None, typer.Argument(help="One of its streams; all where left out.", autocompletion=streams_of)
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Everything, not only what changed.")] = False,
) -> Exit:
    """Read a system into the hub; nothing is written to any system.

    A stream that cannot be read stops no other. Records that cannot be mapped are set aside and shown.
    """
    streams = _streams(session, system, stream)
    done: list[Done] = []
    with session.bridge() as bridge, session.progress() as progress:
        for name in streams:
            subject = f"{system}/{name}"
            progress.begin(subject)
            tell = partial(progress.so_far, subject)
            done.append(attempt(subject, partial(read, bridge, system, name, full=full, tell=tell)))
            if isinstance(done[-1].error, AuthError | ConfigError):
                break
    session.show({"streams": [one.as_dict() for one in done]}, *_summary(done))
    return gravest(one.code for one in done)


def _streams(session: Session, system: str, stream: str | None) -> tuple[str, ...]:
    known = session.company.system(system).streams
    if stream is None:
        return known
    if stream not in known:
        raise ConfigError(f"{system} has no stream {stream!r} to read.", remedy=did_you_mean(stream, known, "Streams"))
    return (stream,)


def attempt(subject: str, step: Any) -> Done:
    """What came of one step; whatever it raises stops nothing else."""
    began, done = time.monotonic(), Done(subject)
    try:
        report: Report = step()
        done.report, done.error = report.as_dict(), next(iter(report.failures), None)
    except Exception as error:  # also a mistake of ours: the other flows go on, and the code says so
        trace(error)
        done.error = error
    done.seconds = time.monotonic() - began
    return done


def _summary(done: list[Done]) -> list[Any]:
    found = table("", "", "", "#", wide=2)
    below: list[Any] = []
    for one in done:
        row(found, _mark(one), (one.subject, "bold"), outcome(one), (f"{one.seconds:.1f} s", "dim"))
        below += [line(WARN, f" {one.subject}: {warning}") for warning in one.report.get("warnings", [])]
        if one.error:
            below.append(failure(one.subject, one.error))
    return [found, *below]


def _mark(one: Done) -> tuple[str, str]:
    if one.error:
        return BAD
    if one.code is not Exit.OK:
        return WARN
    return OK if one.report["moved"] else WAIT


def outcome(one: Done) -> str:
    """In a few words."""
    if one.error:
        return f"failed in part ({counts(one.report['counts'])})" if one.report.get("moved") else "failed"
    return counts(one.report["counts"]) if one.report["moved"] else one.report["reason"]
