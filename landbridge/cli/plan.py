"""`landbridge plan`: a dry run, shown field by field."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from landbridge.cli.app import app
from landbridge.cli.command import command
from landbridge.cli.complete import flows_of
from landbridge.cli.exits import Exit
from landbridge.cli.listing import DAILY
from landbridge.cli.output import ago, counts, indented, is_ref, line, plural, row, table, value
from landbridge.cli.session import Session
from landbridge.store import records, runs
from landbridge.sync import Flow, Intended, merge, preview
from landbridge.sync.preview import label

_OPS = {
    "create": ("+", "green"), "enable": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red"),
    "disable": ("-", "red"), "none": ("=", "dim"),
}  # fmt: skip
# More are not even counted: a plan of this size is looked at in the pages, or with --json.
_COUNTED = 1_000
_WHO, _FIELD = 24, 18
Names = dict[tuple[str, str, str], str]
_WRITTEN = ("planned", "uncertain")
_STOPPED = {"held": Exit.DECISION, "blocked": Exit.FINDINGS, "undecided": Exit.FINDINGS}


@command(
    app,
    "plan",
    ("landbridge plan people", "What the next run of people would write."),
    ("landbridge plan news --limit 200", "Show up to 200 writes of each target."),
    ("landbridge plan people --json", "The same for a program, with every value in full."),
    ("landbridge plan people --merge", "After a first read of very much: a dry run cannot hold it all in memory."),
    panel=DAILY,
)
def plan_flow(
    session: Session,
    flow: Annotated[str, typer.Argument(help="A flow of config/flows/.", autocompletion=flows_of)],
    limit: Annotated[
        int, typer.Option(min=1, help="Show at most so many writes of each target; all are counted.")
    ] = 20,
    merge_first: Annotated[
        bool, typer.Option("--merge", help="Merge what was read, for good, before; it writes to no system.")
    ] = False,
) -> Exit:
    """Show what a run would write, per target and field, without writing anything or moving a cursor.

    No run waits for it. It starts from what was read so far: `read` the sources first to see what is newer.
    """
    found = session.company.flow(flow)
    with session.bridge() as bridge:
        with session.progress() as progress:
            if merge_first:
                progress.begin("merging")
                merge(bridge, flow)
            progress.begin("merging and planning in memory")
            intended = preview(bridge, flow, max(_COUNTED, limit) + 1)
        with bridge.hub.read() as conn:
            read_at = _read_at(conn, found)
            names = names_of(conn, intended)
    more = len(intended) > max(_COUNTED, limit)
    targets = grouped(intended)
    data = {
        "flow": flow,
        "read_at": read_at,
        "counts": {target: _counts(ones) for target, ones in targets.items()},
        "more": more,
        "writes": [as_data(one) for ones in targets.values() for one in ones[:limit]],
    }
    session.show(data, *_human(found, read_at, targets, limit, more, names))
    states = {one.state for one in intended}
    return next((code for state, code in _STOPPED.items() if state in states), Exit.OK)


def _read_at(conn: Connection, flow: Flow) -> str | None:
    """The last time that any of the flow's streams was read."""
    states = [one for one in runs.checkpoints(conn) if f"{one.system}/{one.stream}" in flow.sources]
    return max((one.read_at for one in states if one.read_at), default=None)


def grouped(intended: list[Intended]) -> dict[str, list[Intended]]:
    ones = sorted(intended, key=lambda one: one.target)
    return {target: list(of_target) for target, of_target in groupby(ones, key=lambda one: one.target)}


def names_of(conn: Connection, intended: list[Intended]) -> Names:
    """How the records that fields refer to are called: their keys say nothing to a person."""
    keys: dict[tuple[str, str], set[str]] = {}
    for one in intended:
        for said in (side for pair in one.fields.values() for side in pair if is_ref(side)):
            keys.setdefault((one.target.partition("/")[0], said["stream"]), set()).add(said["key"])
    return {
        (system, stream, key): label(found.claim or {})
        for (system, stream), wanted in keys.items()
        for key, found in records.by_keys(conn, system, stream, wanted).items()
    }


def _counts(ones: list[Intended]) -> dict[str, int]:
    """By operation where it would be done, by state where it would not."""
    return dict(Counter(one.op if one.state in _WRITTEN else one.state for one in ones))


def as_data(one: Intended) -> dict[str, Any]:
    return asdict(one) | {"fields": {path: {"now": now, "wanted": to} for path, (now, to) in one.fields.items()}}


def _human(
    flow: Flow, read_at: str | None, targets: dict[str, list[Intended]], limit: int, more: bool, names: Names
) -> list[Any]:
    read = f"what was read {ago(read_at)}" if read_at else "nothing: its sources were never read"
    freshness = f"  dry run from {read}; nothing is written"
    parts: list[Any] = [line((flow.name, "bold"), (freshness, "dim"))]
    parts += by_target(targets, limit, names)
    if not targets:
        if read_at:
            return [*parts, "", line("Nothing: every target shows what it should.")]
        sources = dict.fromkeys(stream.partition("/")[0] for stream in flow.sources)
        commands = (line((f"  landbridge read {system}", "cyan")) for system in sources)
        return [*parts, "", line("Read its sources first:"), *commands]
    return [*parts, "", line((f"Only the first {_COUNTED} are counted.", "yellow"))] if more else parts


def by_target(targets: dict[str, list[Intended]], limit: int, names: Names) -> list[Any]:
    """What would be written, and what would not and why, under the name of each target."""
    parts: list[Any] = []
    for target, ones in targets.items():
        head = line((target, "bold cyan"), (f"  {counts(_counts(ones))}", "dim"))
        parts += ["", head, *_written([one for one in ones if one.state in _WRITTEN], limit, names)]
        parts += _not_written([one for one in ones if one.state not in _WRITTEN])
    return parts


def _written(ones: list[Intended], limit: int, names: Names) -> list[Any]:
    if not ones:
        return []
    writes = table("", "who or what", "field", "now → wanted", wide=3)
    writes.columns[1].max_width, writes.columns[2].max_width = _WHO, _FIELD
    for one in ones[:limit]:
        _add(writes, one, names)
    left = len(ones) - limit
    return [indented(writes), *([indented(line((f"… and {left} more: raise --limit", "dim")))] if left > 0 else [])]


def _not_written(ones: list[Intended]) -> list[Any]:
    """Those with the same reason in one line, with some of their names."""
    parts: list[Any] = []
    for (state, op, kind, reason), count in Counter((one.state, one.op, one.kind, one.reason) for one in ones).items():
        same = (one for one in ones if (one.state, one.op, one.kind, one.reason) == (state, op, kind, reason))
        names = [value(one.name, _WHO) for one in same if one.name]
        who = plural(count, kind) + (f" ({', '.join(names[:3])}{', …' if count > 3 else ''})" if names else "")
        parts.append(
            indented(line((state, "dim" if state == "waiting" else "yellow"), f"  {op} {who}: ", (reason, "dim")))
        )
    return parts


def _add(writes: Table, one: Intended, names: Names) -> None:
    mark, style = _OPS.get(one.op, ("?", ""))
    doubt = " (uncertain: asked first)" if one.state == "uncertain" else ""
    who = value(one.name or one.key or one.kind, 2 * _WHO) + doubt
    for at, (path, (now, wanted)) in enumerate(list(one.fields.items()) or [("", (None, None))]):
        change = _change(one, now, wanted, names) if path else Text()
        row(writes, (f"{mark} {one.op}" if at == 0 else "", style), who if at == 0 else "", (path, "dim"), change)


def _change(one: Intended, now: Any, wanted: Any, names: Names) -> Text:
    before, after = (_called(one, said, names) for said in (now, wanted))
    to = (value(after, 60), "green")
    return line(to) if one.op == "create" and now is None else line((value(before, 30), "dim"), " → ", to)


def _called(one: Intended, said: Any, names: Names) -> Any:
    return (is_ref(said) and names.get((one.target.partition("/")[0], said["stream"], said["key"]))) or said
