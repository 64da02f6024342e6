"""`landbridge plan`: a dry run, shown field by field."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.text import Text

from landbridge.cli.app import DAILY, app
from landbridge.cli.command import command
from landbridge.cli.complete import flows_of
from landbridge.cli.exits import Exit
from landbridge.cli.output import Cell, ago, indented, line, plural, row, table, value
from landbridge.cli.session import Session
from landbridge.store import runs
from landbridge.sync import Intended, preview

_OPS = {
    "create": ("+", "green"), "enable": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red"),
    "disable": ("-", "red"), "none": ("=", "dim"),
}  # fmt: skip
_WRITTEN = ("planned", "uncertain")
_STOPPED = {"held": Exit.DECISION, "blocked": Exit.FINDINGS, "undecided": Exit.FINDINGS}


@command(
    app, "plan",
    ("landbridge plan people", "What the next run of people would write."),
    ("landbridge plan news --limit 500", "Show up to 500 writes."),
    ("landbridge plan people --json", "The same for a program, with every value in full."),
    panel=DAILY,
)  # fmt: skip
def plan_flow(
    session: Session,
    flow: Annotated[str, typer.Argument(help="A flow of config/flows/.", autocompletion=flows_of)],
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many writes.")] = 50,
) -> Exit:
    """Show what a run would write, per target and field, without writing anything or moving a cursor.

    It starts from what was read so far: `read` the sources first to see what is newer.
    """
    found = session.company.flow(flow)
    with session.bridge() as bridge:
        with session.progress() as progress:
            progress.begin("merging and planning, to be taken back")
            intended = preview(bridge, flow, limit + 1)
        with bridge.hub.read() as conn:
            read_at = [
                one.read_at
                for one in runs.checkpoints(conn)
                if f"{one.system}/{one.stream}" in found.sources and one.read_at
            ]
    more = len(intended) > limit
    shown = intended[:limit]
    data = {"flow": flow, "read_at": max(read_at, default=None), "more": more, "writes": [_data(one) for one in shown]}
    session.show(data, *_human(flow, max(read_at, default=None), shown, more))
    return next((code for state, code in _STOPPED.items() if any(one.state == state for one in shown)), Exit.OK)


def _data(one: Intended) -> dict[str, Any]:
    return asdict(one) | {"fields": {path: {"now": now, "wanted": to} for path, (now, to) in one.fields.items()}}


def _human(flow: str, read_at: str | None, shown: list[Intended], more: bool) -> list[Any]:
    parts: list[Any] = [
        line((flow, "bold"), (f"  dry run from what was read {ago(read_at)}; nothing is written", "dim"))
    ]
    for target, ones in groupby(sorted(shown, key=lambda one: one.target), key=lambda one: one.target):
        parts += ["", line((target, "bold cyan")), *_target(list(ones))]
    parts += ["", _totals(shown, more)]
    return parts


def _target(ones: list[Intended]) -> list[Any]:
    written = [one for one in ones if one.state in _WRITTEN]
    writes = table("", "who or what", "field", "now → wanted", wide=3)
    for one in written:
        _add(writes, one)
    others = Counter((one.state, one.op, one.kind, one.reason) for one in ones if one not in written)
    parts: list[Any] = [indented(writes)] if written else []
    for (state, op, kind, reason), count in others.items():
        who = plural(count, kind)
        names = [one.name for one in ones if (one.state, one.op, one.reason) == (state, op, reason) and one.name]
        if names:
            who += f" ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
        parts.append(
            indented(line((state, "yellow" if state != "waiting" else "dim"), f"  {op} {who}: ", (reason, "dim")))
        )
    return parts


def _add(writes: Any, one: Intended) -> None:
    mark, style = _OPS.get(one.op, ("?", ""))
    who: Cell = one.name or one.key or one.kind
    doubt = " (uncertain: asked first)" if one.state == "uncertain" else ""
    fields = list(one.fields.items()) or [("", (None, None))]
    for at, (path, (now, wanted)) in enumerate(fields):
        change = _change(one.op, now, wanted) if path else Text()
        first = line((f"{mark} {one.op}", style)) if at == 0 else Text()
        row(writes, first, f"{who}{doubt}" if at == 0 else "", (path, "dim"), change)


def _change(op: str, now: Any, wanted: Any) -> Text:
    after = (value(wanted, 60), "green")
    return line(after) if op == "create" and now is None else line((value(now, 30), "dim"), " → ", after)


def _totals(shown: list[Intended], more: bool) -> Text:
    if not shown:
        return line("Nothing: every target shows what it should.")
    ops = Counter(one.op for one in shown if one.state in _WRITTEN)
    states = Counter(one.state for one in shown if one.state not in _WRITTEN)
    parts = [f"{count} {op}" for op, count in ops.items()] + [f"{count} {state}" for state, count in states.items()]
    return line((", ".join(parts), "bold"), (", and more: raise --limit." if more else ".", "dim"))
