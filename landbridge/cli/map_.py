"""`landbridge map`: a mapping drafted from a recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from landbridge.cli.app import app
from landbridge.cli.command import command
from landbridge.cli.complete import kinds_of, streams_of, systems_of
from landbridge.cli.exits import Exit
from landbridge.cli.listing import SETUP
from landbridge.cli.output import OK, WARN, indented, line, place, plural, row, table, value
from landbridge.cli.session import Session
from landbridge.connector import connector_class
from landbridge.errors import ConfigError, did_you_mean
from landbridge.mapping import parse_mapping
from landbridge.mapping.draft import draft
from landbridge.mapping.drafted import Draft, Source
from landbridge.model import KINDS
from landbridge.testing import recording as recordings


@command(
    app, "map",
    ("landbridge map hr employees person", "Write mappings/<connector>/employees.yaml from its recording."),
    ("landbridge map hr employees person --print", "Only show what would be written."),
    panel=SETUP,
)  # fmt: skip
def map_stream(
    session: Session,
    system: Annotated[str, typer.Argument(help="A system, or a connector.", autocompletion=systems_of)],
    stream: Annotated[str, typer.Argument(help="A stream that was recorded.", autocompletion=streams_of)],
    kind: Annotated[str, typer.Argument(help="What it holds: person, document, …", autocompletion=kinds_of)],
    show: Annotated[bool, typer.Option("--print", help="Show the file, write none.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a mapping that is there.")] = False,
) -> Exit:
    """Draft a mapping from a recording: what is recognised, what is not, and examples that hold.

    Fields are recognised by their usual names and by the shape of their values. Each line of the draft was tried on
    every record, both ways where it is written both ways. What is not recognised stands in comments.
    """
    connector = _connector(session, system)
    streams = {name: one.kind for name, one in connector_class(connector).streams().items()}
    if streams and stream not in streams:
        raise ConfigError(f"{connector} has no stream {stream!r}.", remedy=did_you_mean(stream, streams, "Streams"))
    if kind in KINDS and streams.get(stream, kind) != kind:
        raise ConfigError(
            f"{connector}'s {stream} holds {streams[stream]}s.",
            remedy=f"`landbridge map {system} {stream} {streams[stream]}`; else change its stream in the connector first.",
        )
    kept = recordings.place(session.home, connector, stream)
    if not kept.exists():
        remedy = f"`landbridge try {system} {stream} --record` makes one."
        raise ConfigError("There is no recording to draft from.", file=str(kept), remedy=remedy)
    recording = recordings.load(kept)
    source = Source(connector, stream, kind, recording.key, list(recording.natives), streams | {stream: kind})
    made = draft(source, kept.name)
    path = session.home / "mappings" / connector / f"{stream}.yaml"
    if not (force or show):
        _refuse_another(session, connector, stream, path)
    if not show:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made.text, encoding="utf-8")
    problems = parse_mapping(made.text, str(path)).run_examples()
    data = {
        "file": str(path), "written": not show, "text": made.text,
        "fields": {one.path: one.expression for one in made.lines},
        "left": [one.path for one in made.left], "empty": list(made.empty), "problems": problems,
    }  # fmt: skip
    if show and not session.as_json:
        typer.echo(made.text, nl=False)
    else:
        session.show(data, *_human(made, path, problems))
    return Exit.FINDINGS if problems else Exit.OK


def _refuse_another(session: Session, connector: str, stream: str, path: Path) -> None:
    """The connector's distribution may bring one; a file in the company's folder would stand before it, unnoticed."""
    used = (session.company.mappings.get(f"{one.name}/{stream}") for one in session.company.systems.values()
            if one.connector == connector)  # fmt: skip
    brought = next((mapping.file for mapping in used if mapping is not None), None)
    if path.exists() or brought:
        raise ConfigError(
            "This mapping is there already.", file=str(path) if path.exists() else brought or "",
            remedy=f"Look at a draft with --print, or --force it into {place(path)}.",
        )  # fmt: skip


def _connector(session: Session, name: str) -> str:
    """A system's connector; a connector may be named itself."""
    systems = session.company.systems
    if name in systems:
        return systems[name].connector
    return connector_class(name).system


def _human(made: Draft, path: Path, problems: list[str]) -> Iterator[Any]:
    yield line((place(path), "bold"), (f"  a draft: {plural(len(made.lines), 'field')} recognised", "dim"))
    fields = table("field", "", "native", wide=2)
    for one in made.lines:
        row(fields, (one.path, "cyan"), "←" if one.direction == "in" else "⇄", one.expression)
    yield indented(fields)
    if made.left:
        yield ""
        yield line(
            WARN, f" not recognised: {plural(len(made.left), 'native path')}", ("  in the file as comments", "dim")
        )
        rest = table("", "", "", wide=2)
        for leaf in made.left:
            row(rest, leaf.path, (leaf.shape, "dim"), (value(leaf.values[0], 40) if leaf.values else "", "dim"))
        yield indented(rest)
    yield ""
    for text in problems:
        yield line(WARN, f" {text}")
    if not problems:
        yield line(OK, " its examples hold both ways", ("  read it before you use it", "dim"))
