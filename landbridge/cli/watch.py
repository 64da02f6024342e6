"""`landbridge watch`: a process that listens to systems, beside what is read on schedule."""

from __future__ import annotations

import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Annotated, Any

import typer

from landbridge.cli.app import app
from landbridge.cli.asset_events import AssetEvents
from landbridge.cli.command import command
from landbridge.cli.complete import systems_of
from landbridge.cli.exits import Exit, code_of, gravest
from landbridge.cli.listing import DAILY
from landbridge.cli.progress import Progress
from landbridge.cli.run import attempt, ordered, outcome
from landbridge.cli.session import Session, failure, told
from landbridge.connector import Receives, Subscribes, Watches, connector_class
from landbridge.errors import ConfigError, Fenced
from landbridge.sync import Bridge, Company, run_flow
from landbridge.sync.receiver import Letterbox, receiving
from landbridge.sync.watching import Follow, Listen, watch


@command(
    app, "watch",
    ("landbridge watch", "All systems that can be listened to; their flows run here."),
    ("landbridge watch chat --airflow airflow", "One system; Airflow, by its connection of this name, runs the flows."),
    ("landbridge watch crm --http 127.0.0.1:8790", "Takes what crm sends to /crm, behind a proxy with TLS."),
    panel=DAILY,
)  # fmt: skip
def watch_systems(
    session: Session,
    system: Annotated[
        list[str] | None, typer.Argument(help="Systems; all that can where left out.", autocompletion=systems_of)
    ] = None,
    http: Annotated[
        str | None, typer.Option("--http", metavar="HOST:PORT", help="Take what systems send us here, at /<system>.")
    ] = None,
    airflow: Annotated[
        str | None, typer.Option("--airflow", metavar="CONNECTION", help="Wake the flows in Airflow; run none here.")
    ] = None,
) -> Exit:
    """Listen to systems that tell what happens, and let the flows follow at once.

    It stands beside what is read on schedule and replaces none of it: what is told is a hint, and what is missed while
    nobody listens is seen by the next read. It ends by Ctrl-C or SIGTERM, after the flow that is running.
    """
    names = _chosen(session.company, system or [], http is not None)
    with session.bridge() as bridge, session.progress() as progress, stopping() as stop:
        listening, boxes = _listening(bridge, _reached(bridge, names, system or []), http is not None)
        with receiving(http, boxes) if http else nullcontext(0) as port:
            session.note(f"Listening to {', '.join(listening)}{f', port {port}' if port else ''}.")
            follow = _in_airflow(session, airflow) if airflow else partial(_here, bridge, progress)
            failures = watch(bridge, listening, follow, stop)
    shown = {name: dict(zip(("message", "remedy"), told(error), strict=True)) for name, error in failures.items()}
    session.show({"listened": list(listening), "failures": shown}, *(failure(*one) for one in failures.items()))
    return gravest(map(code_of, failures.values()))


def _chosen(company: Company, wanted: list[str], by_http: bool) -> list[str]:
    """Those asked for, each of which has to be able to tell; else all that are."""
    able = [name for name, one in company.systems.items() if _tells(one.connector, by_http)]
    for name in wanted:
        company.system(name)
        if name not in able:
            raise ConfigError(
                f"{name} ({company.system(name).connector}) cannot tell what happens in it.",
                remedy=f"Those that can: {', '.join(able) or 'none'}. Everything else is read on schedule.",
            )
    if not able:
        raise ConfigError("No system can tell what happens in it.", remedy="Read them on schedule.")
    return wanted or able


def _tells(connector: str, by_http: bool) -> bool:
    cls = connector_class(connector)
    return issubclass(cls, Watches) or (by_http and issubclass(cls, Receives))


def _reached(bridge: Bridge, names: list[str], wanted: list[str]) -> list[str]:
    """Without those that nobody has asked for and that no address is known for: they are left to the schedule."""
    found = [(name, bridge.connector(name)) for name in names]
    reached = [name for name, one in found if name in wanted or not isinstance(one, Subscribes) or one.address]
    if not reached:
        raise ConfigError("No system knows an address at which we can be told.", remedy="Say it in its connection.")
    return reached


def _listening(bridge: Bridge, names: list[str], by_http: bool) -> tuple[dict[str, Listen], dict[str, Letterbox]]:
    """How each is listened to; with --http those that can send are waited for."""
    listening: dict[str, Listen] = {}
    boxes: dict[str, Letterbox] = {}
    for name in names:
        connector = bridge.connector(name)
        if by_http and isinstance(connector, Receives):
            boxes[name] = Letterbox(connector)
            listening[name] = boxes[name].listen
        elif isinstance(connector, Watches):
            listening[name] = connector.listen
    return listening, boxes


def _here(bridge: Bridge, progress: Progress, streams: frozenset[str]) -> Collection[str]:
    """Run the flows that these streams feed; those of a flow that broke off are left."""
    left: set[str] = set()
    for name in ordered(bridge.company):
        if concerned := streams.intersection(bridge.company.flow(name).sources):
            progress.begin(name)
            done = attempt(name, partial(run_flow, bridge, name, reading=False))
            if isinstance(done.error, Fenced):  # the later run sees to it
                continue
            (progress.failed if done.error else progress.done)(
                name, told(done.error)[0] if done.error else outcome(done)
            )
            left |= concerned if not done.report else set()
    progress.begin("listening")
    return left


def _in_airflow(session: Session, connection: str) -> Follow:
    return AssetEvents(session.connections()(connection), session.note)


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Set by SIGTERM and Ctrl-C as long as the block lasts; a second one ends the process as usual."""
    stop = threading.Event()
    before: dict[int, Any] = {}

    def end(number: int, frame: Any) -> None:
        if stop.is_set() and callable(before.get(number)):
            before[number](number, frame)
        stop.set()

    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
