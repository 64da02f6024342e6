"""`landbridge try`: a few records as they are now, and a recording of how they were read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from pydantic import BaseModel, SecretStr
from rich.padding import Padding
from rich.table import Table

from landbridge.cli.app import app
from landbridge.cli.command import command
from landbridge.cli.complete import streams_of, systems_of
from landbridge.cli.exits import Exit
from landbridge.cli.listing import SETUP
from landbridge.cli.output import BAD, OK, WAIT, WARN, clean, indented, line, place, plural, row, table, unbroken, value
from landbridge.cli.session import Session, person, told
from landbridge.connector import Connector, Failure, Gone, Item, Record
from landbridge.connector.marks import Op
from landbridge.errors import ConfigError, LandbridgeError, RecordError, did_you_mean
from landbridge.mapping import Mapping
from landbridge.mapping.shapes import Leaf, Step
from landbridge.model import validate
from landbridge.store import audit
from landbridge.testing import recording as recordings
from landbridge.testing.recording import Recording
from landbridge.testing.scrubbed import scrubbed
from landbridge.testing.scrubbing import Scrubber

_MOST = 40
_PATH = 26


@dataclass
class Tried:
    """One record: as the system says it, and as the mapping does; `error` where one of the two could not be had."""

    key: str | None
    native: dict[str, Any] = field(default_factory=dict)
    claim: dict[str, Any] | None = None
    lossy: tuple[str, ...] = ()
    filtered: bool = False
    error: str = ""


@command(
    app, "try",
    ("landbridge try hr", "Which streams there are."),
    ("landbridge try hr employees", "The first three records, native and mapped."),
    ("landbridge try chat messages --limit 10 --json", "Ten, for a program."),
    ("landbridge try hr employees --record", "Also keep the exchanges for the connector's tests."),
    panel=SETUP,
)  # fmt: skip
def try_stream(
    session: Session,
    system: Annotated[str, typer.Argument(help="A system of config/systems.yaml.", autocompletion=systems_of)],
    stream: Annotated[
        str | None,
        typer.Argument(help="One of its streams; they are listed where left out.", autocompletion=streams_of),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many records to read.")] = 3,
    record: Annotated[
        bool, typer.Option("--record", help="Keep the exchanges as a recording, without people and secrets.")
    ] = False,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="With --record: keep people, for systems whose people are invented.")
    ] = False,
) -> Exit:
    """Read a few records live and show them, as the system says them and as the mapping makes of them.

    Nothing is read into the hub or written anywhere. A recording goes into tests/, its people get invented names (the
    same person the same name everywhere), its texts other words, its secrets other letters; then it is played back to
    see that it gives the same records. `landbridge map` drafts a mapping from it.
    """
    if as_is and not record:
        raise ConfigError("--as-is says how to keep a recording.", remedy="Add --record.")
    found = session.company.system(system)
    with session.bridge() as bridge:
        connector = bridge.connector(system)
        if stream is None:
            return _listed(session, system, connector)
        kind = _kind(connector, stream)
        with bridge.hub.begin() as conn:
            audit.append(conn, person(), "try-stream", f"stream:{system}/{stream}", {"limit": limit})
        began = time.monotonic()
        # Also where nothing is kept: what is recorded is gone with the command.
        with session.progress() as progress, recordings.recorded() as exchanges:
            progress.begin(f"reading {system}/{stream}")
            items = recordings.items(connector, stream, limit)
        took = time.monotonic() - began
        mapping = bridge.company.mappings.get(f"{system}/{stream}")
        tried = [_tried(item, mapping) for item in items]
        kept = _keep(session, connector, stream, limit, exchanges, items, as_is) if record else None
    data = {
        "system": system, "stream": stream, "connector": found.connector, "kind": kind,
        "mapping": mapping.file if mapping else None, "records": [_as_data(one) for one in tried],
        "recording": kept.as_dict() if kept else None,
    }  # fmt: skip
    head = line((f"{system}/{stream}", "bold"), (f"  {found.connector} · {kind} · {plural(len(tried), 'record')}"
                                                 f" in {took:.1f} s", "dim"))  # fmt: skip
    shown = [head, *_human(tried, mapping), *(kept.told() if kept else ())]
    if tried and mapping is None:
        shown += _unmapped(system, stream, kind, found.connector, recorded=kept is not None)
    session.show(data, *shown)
    broken = any(one.error for one in tried) or (kept is not None and bool(kept.problem))
    return Exit.FINDINGS if broken else Exit.OK


def _listed(session: Session, system: str, connector: Connector) -> Exit:
    """What there is to try."""
    streams: list[dict[str, Any]] = [
        {"stream": name, "kind": one.kind, "mapped": f"{system}/{name}" in session.company.mappings,
         "writes": [op for op in get_args(Op) if connector.can_write(name, op)]}
        for name, one in connector.streams().items()
    ]  # fmt: skip
    shown = table("stream", "kind", "writes", "", wide=2)
    for one in streams:
        writes = ", ".join(one["writes"]) or ("only read", "dim")
        row(shown, (one["stream"], "bold"), one["kind"], writes, ("" if one["mapped"] else "no mapping yet", "dim"))
    session.show({"system": system, "connector": connector.system, "streams": streams}, shown)
    return Exit.OK


def _kind(connector: Connector, stream: str) -> str:
    streams = connector.streams()
    if stream not in streams:
        raise ConfigError(
            f"{connector.system} has no stream {stream!r}.", remedy=did_you_mean(stream, streams, "Streams")
        )
    return streams[stream].kind


def _tried(item: Item, mapping: Mapping | None) -> Tried:
    if isinstance(item, Gone):
        return Tried(item.key, error="The system says that it was deleted.")
    if isinstance(item, Failure):
        return Tried(item.key, error=told(item.error)[0])
    assert isinstance(item, Record)
    tried = Tried(item.key, item.native)
    if mapping is None:
        return tried
    try:
        tried.filtered = not mapping.accepts(item.native)
        if not tried.filtered:
            into = mapping.into(item.native)
            tried.claim, tried.lossy = validate(mapping.kind, into.claim), into.lossy
    except RecordError as error:
        tried.error = str(error)
    return tried


def _as_data(one: Tried) -> dict[str, Any]:
    return {
        "key": one.key, "native": one.native, "claim": one.claim, "lossy": list(one.lossy),
        "filtered": one.filtered, "error": one.error or None,
    }  # fmt: skip


# The recording


@dataclass(frozen=True)
class Kept:
    """Where a recording went, and what is wrong with it."""

    path: Path
    exchanges: int
    records: int
    scrubbed: bool
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": str(self.path), "exchanges": self.exchanges, "records": self.records, "scrubbed": self.scrubbed,
            "replays": not self.problem and bool(self.exchanges), "problem": self.problem or None,
        }  # fmt: skip

    def told(self) -> Iterator[Any]:
        held = f"{plural(self.exchanges, 'exchange')}, {plural(self.records, 'record')}"
        yield ""
        without = ", without people and secrets" if self.scrubbed else ""
        yield unbroken(OK, f" kept in {place(self.path)}")
        yield indented(line((f"{held}{without}", "dim")))
        if self.problem:
            yield line(WARN, f" {self.problem}")
            yield indented(
                line(("Its records can be used; the test of the exchanges has to be written by hand.", "dim"))
            )
        elif self.exchanges:
            yield line(OK, f" played back, it gives the same {plural(self.records, 'record')}")
        else:
            yield line(
                WAIT, (" This connector does not speak through the HTTP client: only its records are kept.", "dim")
            )


def _keep(
    session: Session, connector: Connector, stream: str, limit: int,
    exchanges: list[recordings.Exchange], items: list[Item], as_is: bool,
) -> Kept:  # fmt: skip
    found = connector.streams()[stream]
    natives = tuple(item.native for item in items if isinstance(item, Record))
    if not natives:
        raise ConfigError(
            f"{stream} holds nothing that could be recorded.", remedy="Put a record into the system first."
        )
    scrubber = Scrubber(list(_secrets(connector.config)), recordings.host_of(exchanges), keep_people=as_is)
    name = connector.system
    config = recordings.config_of(connector)
    real = Recording(name, stream, found.kind, found.key, config, tuple(exchanges), natives)
    made = scrubbed(real, scrubber)
    problem = ""
    if exchanges:
        made, problem = _played_back(made, type(connector), limit)
    path = recordings.place(session.home, name, stream)
    made.write(path)
    return Kept(path, len(made.exchanges), len(made.natives), not as_is, problem)


def _played_back(made: Recording, cls: type[Connector], limit: int) -> tuple[Recording, str]:
    """With the records that the connector makes of the scrubbed answers, where it makes as many of them."""
    try:
        again = recordings.player(cls, made)
        with closing(again), recordings.replayed(made):
            natives = recordings.natives(again, made.stream, limit)
    except LandbridgeError as error:
        return made, f"Played back, it does not give the same: {told(error)[0]}"
    if len(natives) != len(made.natives):
        return made, f"Played back, it gives {plural(len(natives), 'record')} instead of {len(made.natives)}."
    return replace(made, natives=natives), ""


def _secrets(config: Any) -> Iterator[str]:
    if isinstance(config, SecretStr):
        yield config.get_secret_value()
    elif isinstance(config, BaseModel):
        for inner in vars(config).values():
            yield from _secrets(inner)
    elif isinstance(config, dict | list | tuple):
        for inner in config.values() if isinstance(config, dict) else config:
            yield from _secrets(inner)


# What a person sees


def _human(tried: list[Tried], mapping: Mapping | None) -> Iterator[Any]:
    if not tried:
        yield line(WAIT, (" The system has nothing there, or nothing that this account may see.", "dim"))
    for one in tried:
        yield ""
        mark = BAD if one.error else OK
        yield line(mark, (f" {one.key or 'without a key'}", "bold"))
        if one.native:
            yield indented(_pairs("native", dict(paths(one.native))))
        if one.error:
            yield indented(line((one.error, "red")))
        elif one.filtered:
            yield indented(line(("filtered by the mapping's `only`", "dim")))
        elif one.claim is not None:
            yield indented(_pairs(f"mapped to a {mapping.kind if mapping else ''}", one.claim))
            if one.lossy:
                yield indented(line(WARN, f" lost on the way: {', '.join(one.lossy)}"))


def _unmapped(system: str, stream: str, kind: str, connector: str, *, recorded: bool) -> Iterator[Any]:
    """What to type next; each on a line of its own, to be copied."""
    yield ""
    yield unbroken(
        WAIT, (f" No mapping yet: mappings/{connector}/ has none for this stream. To have one drafted:", "dim")
    )
    if not recorded:
        yield unbroken((f"  landbridge try {system} {stream} --record", "cyan"))
    yield unbroken((f"  landbridge map {system} {stream} {kind}", "cyan"))


def _pairs(title: str, data: dict[str, Any]) -> Padding:
    made: Table = table(title, "", wide=1)
    made.columns[0].width = _PATH
    for path, said in list(data.items())[:_MOST]:
        row(made, (path, "cyan"), value(said, 200))
    if len(data) > _MOST:
        row(made, ("…", "dim"), (f"{len(data) - _MOST} more; all with --json", "dim"))
    return indented(made, 0)


def paths(data: Any, at: tuple[Step, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Each leaf with the path that a mapping would give it; of a list of objects the first, of texts all in one."""
    if isinstance(data, dict) and data:
        for name, inner in data.items():
            yield from paths(inner, (*at, clean(name)))
    elif isinstance(data, list) and data and isinstance(data[0], dict):
        yield from paths(data[0], (*at, 0))
        if len(data) > 1:
            yield f"{Leaf(at).path}[1…]", f"{len(data) - 1} more"
    else:
        yield Leaf(at).path, data
