"""`landbridge unlink`: undo a wrong link, after showing all that followed from it."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from landbridge.cli.app import app
from landbridge.cli.command import command
from landbridge.cli.find import entity_of
from landbridge.cli.listing import DECIDE
from landbridge.cli.output import OK, WARN, indented, line, plural, row, table, value
from landbridge.cli.plan import Names, as_data, by_target, grouped, names_of
from landbridge.cli.session import Session, person
from landbridge.errors import ConfigError
from landbridge.store import audit, entities, records
from landbridge.sync import Company, Unlinked, foresee, unlink
from landbridge.sync.apart import Fields, Parted
from landbridge.sync.preview import name_of
from landbridge.sync.unlink import record_of_decision

# So many names of a kind are shown; the rest is counted.
_NAMED = 5


@command(
    app, "unlink",
    ("landbridge unlink directory/people 17", "What would be taken apart, and what each target would look like."),
    ("landbridge unlink directory/people 17 --yes", "Do it; the next runs mend the targets."),
    ("landbridge unlink hr/people 9 --to dora@example.org --yes", "Move it to whom it belongs."),
    ("landbridge unlink --decision 7", "Undo what an answer to a doubtful match has linked."),
    panel=DECIDE,
)  # fmt: skip
def unlink_record(
    session: Session,
    stream: Annotated[str | None, typer.Argument(metavar="[SYSTEM/STREAM]", help="The stream of the record.")] = None,
    key: Annotated[str | None, typer.Argument(metavar="[KEY]", help="The record's key there.")] = None,
    decision: Annotated[
        int | None, typer.Option("--decision", help="The record that this answered question has linked.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Where it belongs: entity id, system/stream/key or an identifier.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without this, it is only shown.")] = False,
) -> None:
    """Undo a wrong link between a record and what the company knows, with all that followed from it.

    The record goes where matching finds it a home, else it becomes an entity of its own. Fields of both are computed
    anew, what referred to it follows, and copies that stand where they do because of it are taken back.

    Matching never links the two again by itself; `landbridge decide` with the number that is printed undoes it.
    """
    with session.bridge() as bridge:
        with bridge.hub.begin() as conn:
            record, target = _meant(conn, session.company, stream, key, decision, to)
            audit.append(conn, person(), "view-unlink", f"record:{record}")
        with session.progress() as progress:
            progress.begin("looking at what follows")
            foreseen = foresee(bridge, record, target)
        with bridge.hub.read() as conn:
            names, called = names_of(conn, foreseen.writes), _called(conn, foreseen.parted)
        done = unlink(bridge, record, person(), target) if yes else None
    flows = _flows(session.company, foreseen.parted)
    data = _data(foreseen, called) | {"done": done is not None, "decision": done and done.decision, "flows": flows}
    parts = _shown(foreseen, names, called)
    session.show(data, *parts, "", *(_done(done, flows) if done else _offer(foreseen.parted, to)))


def _meant(
    conn: Connection, company: Company, stream: str | None, key: str | None, decision: int | None, to: str | None
) -> tuple[int, str | None]:
    target = entity_of(conn, company, to).id if to else None
    if decision is not None and stream is None:
        return record_of_decision(conn, decision), target
    if stream is None or key is None or decision is not None:
        raise ConfigError("Which record?", remedy="Name SYSTEM/STREAM and KEY, or --decision ID.")
    company.mapping(stream)
    system, _, name = stream.partition("/")
    found = records.get(conn, system, name, key)
    if found is None:
        raise ConfigError(
            f"The hub has no record {key} in {stream}.", remedy="`landbridge history` shows the records of an entity."
        )
    return found.id, target


def _called(conn: Connection, parted: Parted) -> dict[str, str]:
    """Entity id → its name, of those that still are what they were: nothing was kept of the rest."""
    ids = [*parted.repointed, *filter(None, (parted.record.entity, parted.to))]
    return {id: name_of(conn, found) for id, found in entities.get_many(conn, ids).items()}


def _flows(company: Company, parted: Parted) -> list[str]:
    return sorted({flow.name for kind in parted.touched.values() for flow in company.flows_showing(kind)})


def _data(found: Unlinked, called: dict[str, str]) -> dict[str, Any]:
    parted = found.parted
    return {
        "record": _record(parted), "from": parted.record.entity, "name": called.get(parted.record.entity or "", ""),
        "to": parted.to if parted.to in called else None, "home": parted.why,
        "fields": _sides(parted.fields), "gained": _sides(parted.gained), "repointed": parted.repointed,
        "taken_back": [f"{one.system}/{one.stream}/{one.key}" for one in parted.buried],
        "writes": [as_data(one) for one in found.writes], "more": found.more,
    }  # fmt: skip


def _sides(fields: Fields) -> dict[str, Any]:
    return {path: {"now": before, "afterwards": after} for path, (before, after) in sorted(fields.items())}


def _record(parted: Parted) -> str:
    return f"{parted.record.system}/{parted.record.stream}/{parted.record.key}"


def _shown(found: Unlinked, names: Names, called: dict[str, str]) -> list[Any]:
    parted = found.parted
    left = called.get(parted.record.entity or "", "")
    home = called.get(parted.to or "", "")
    where = f"{home} ({parted.why})" if home else parted.why
    parts: list[Any] = [
        line((_record(parted), "bold"), " leaves ", (left, "bold"), (f"  {parted.record.kind}", "dim")),
        line(("from then on it is ", "dim"), where),
    ]
    parts += _fields(f"{left} afterwards", parted.fields)
    parts += _fields(f"{home} afterwards", parted.gained) if home else []
    parts += _followers(parted, called)
    parts += ["", line(("What the next runs write because of it", "bold"))] if found.writes else []
    parts += by_target(grouped(found.writes), 20, names)
    return [*parts, *_untold(found)]


def _untold(found: Unlinked) -> list[Any]:
    if found.more:
        return ["", line(WARN, f" {plural(found.more, 'more entity')} touched, not planned here.")]
    return [] if found.writes else ["", line("No target shows anything else because of it.")]


def _fields(title: str, fields: Fields) -> list[Any]:
    if not fields:
        return []
    made = table("field", "now → afterwards", wide=1)
    for path, (before, after) in sorted(fields.items()):
        row(made, (path, "dim"), line((value(before, 30), "dim"), " → ", (value(after, 40), "green")))
    return ["", line((title, "bold")), indented(made)]


def _followers(parted: Parted, called: dict[str, str]) -> list[Any]:
    parts: list[Any] = []
    if parted.repointed:
        some = ", ".join(value(called.get(id, id), 24) for id in parted.repointed[:_NAMED])
        more = ", …" if len(parted.repointed) > _NAMED else ""
        verb = "refers" if len(parted.repointed) == 1 else "refer"
        parts += ["", line(f"{len(parted.repointed)} {verb} to this record, and follow it: ", (some + more, "dim"))]
    if parted.buried:
        streams = Counter(f"{one.system}/{one.stream}" for one in parted.buried)
        where = ", ".join(f"{count} in {stream}" for stream, count in streams.items())
        parts += ["", line(f"{plural(len(parted.buried), 'copy')} taken back: ", (where, "dim"))]
    return parts


def _offer(parted: Parted, to: str | None) -> list[Any]:
    stream = f"{parted.record.system}/{parted.record.stream}"
    chosen = f" --to {to}" if to else ""
    return [
        line(("Nothing is done yet. ", "dim")),
        line(("Do it: ", "dim"), (f"landbridge unlink {stream} {parted.record.key}{chosen} --yes", "cyan")),
    ]


def _done(done: Unlinked, flows: list[str]) -> list[Any]:
    return [
        line(OK, (" Unlinked", "green"), ", and never linked again by itself."),
        line(("Mend the targets now: ", "dim"), (f"landbridge run {' '.join(flows)}", "cyan")),
        line(("Undo it: ", "dim"), (f"landbridge decide {done.decision} same", "cyan")),
    ]
