"""`landbridge history` and `landbridge entities`: what the company knows of someone or something, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import typer
from rich.text import Text
from sqlalchemy import Connection, select

from landbridge.cli.app import app
from landbridge.cli.command import command
from landbridge.cli.complete import kinds_of
from landbridge.cli.find import entity_of
from landbridge.cli.listing import LOOK
from landbridge.cli.output import Cell, ago, clock, line, row, table, value
from landbridge.cli.session import Session, person
from landbridge.errors import ConfigError
from landbridge.model import KINDS
from landbridge.store import audit, entities, records
from landbridge.store.entities import EntityRow
from landbridge.store.history import Event, history
from landbridge.store.tables import entity as entity_table
from landbridge.sync.preview import name_of

_STYLE = {"change": "green", "record": "", "delivery": "cyan", "decision": "yellow", "answer": "yellow"}
_PAGE = 500
# So many are looked through in one go; --after goes on.
_LOOKED = 50_000


@command(
    app, "history",
    ("landbridge history anna.mueller@example.org", "A person, by an identifier."),
    ("landbridge history intranet/posts/17", "Whatever this record became."),
    ("landbridge history 0192f0c1-7a4e-7c3b-9d2e-5b1f0a9c8d7e", "By entity id."),
    panel=LOOK,
)  # fmt: skip
def show_history(
    session: Session,
    entity: Annotated[str, typer.Argument(help="Entity id, system/stream/key, e-mail address or other identifier.")],
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many events.")] = 50,
) -> None:
    """Show one entity: what is known, from which system, where it is shown, and what happened to it, newest first.

    That you looked is noted in the audit.
    """
    with session.bridge() as bridge:
        with bridge.hub.read() as conn:
            found = entity_of(conn, session.company, entity)
            linked = records.of_entity(conn, found.id)
            events = history(conn, found.id, limit + 1)
            named = name_of(conn, found)
            referred = _referred(conn, found)
        # By itself: nobody else can note anything while a transaction that has noted something goes on.
        with bridge.hub.begin() as conn:
            audit.append(conn, person(), "view-history", f"entity:{found.id}")
    more = len(events) > limit
    del events[limit:]
    shown_in = [
        {"record": f"{one.system}/{one.stream}/{one.key}", "role": one.role, "gone_at": one.gone_at} for one in linked
    ]
    data = {
        "entity": found._asdict(),
        "name": named,
        "records": shown_in,
        "events": [event._asdict() for event in events],
        "more": more,
    }
    older = [line(("… and older: raise --limit", "dim"))] if more else []
    session.show(data, *_human(found, named, shown_in, events, referred), *older)


def _referred(conn: Connection, found: EntityRow) -> dict[str, str]:
    """Names of the entities that fields refer to."""
    ids = [said for said in found.data.values() if isinstance(said, str) and len(said) == len(found.id)]
    return {id: name_of(conn, one) for id, one in entities.get_many(conn, ids).items()}


def _human(
    found: EntityRow, named: str, linked: list[dict[str, Any]], events: list[Event], referred: dict[str, str]
) -> list[Any]:
    gone = ("  deleted", "red") if found.deleted_at else ""
    head = line((named, "bold"), (f"  {found.kind} {found.id}", "dim"), gone)
    about = (f"version {found.version}, known since {clock(found.created_at)}, changed {ago(found.updated_at)}", "dim")
    fields = table("field", "value", "from", wide=1)
    for path, said in sorted(found.data.items()):
        shown = referred.get(said, "") if isinstance(said, str) else ""
        row(fields, f"  {path}", shown or value(said, 120), (_origin(found.origin.get(path)), "dim"))
    shown_in = table("record", "role", "")
    for one in linked:
        row(shown_in, f"  {one['record']}", (one["role"], "dim"), ("gone", "red") if one["gone_at"] else "")
    timeline = table("", "", "", wide=2)
    for event in events:
        row(timeline, (f"  {clock(event.at)}", "dim"), (event.what, _STYLE.get(event.what, "")), _said(event))
    return [head, line(about), "", fields, "", shown_in, "", timeline]


def _origin(said: Any) -> str:
    return str(said.get("record") or said.get("stream") or "") if isinstance(said, dict) else str(said or "")


def _said(event: Event) -> Text:
    details = event.details
    if event.what == "change":
        fields = ", ".join(details["fields"] or ())
        return line(event.text, (f"  {fields}", "dim"))
    if event.what == "record":
        return line(f"{event.where} {event.text}", (f"  {details['key']} as {details['role']}", "dim"))
    if event.what == "delivery":
        shape = f" as {details['shape']}" if details["shape"] else ""
        reason = f"  {details['reason']}" if details["reason"] else ""
        lossy = f"  not shown: {', '.join(map(str, details['lossy']))}" if details["lossy"] else ""
        return line(
            f"{event.where} {details['op']}{shape}: {event.text}", (f"  {details['flow']}{reason}{lossy}", "dim")
        )
    by = f"  by {details['by']}" if "by" in details else f"  decision {details['id']}, {details['state']}"
    return line(event.text, (by, "dim"))


@command(
    app, "entities",
    ("landbridge entities person", "The first fifty people."),
    ("landbridge entities space --match sales", "Rooms with sales in any of their fields."),
    ("landbridge entities person --limit 500 --json", "Page by page: each says with which --after to go on."),
    panel=LOOK,
)  # fmt: skip
def browse(
    session: Session,
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.", autocompletion=kinds_of, metavar="KIND")],
    match: Annotated[str | None, typer.Option(help="Only those with this text in a field.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many.")] = 50,
    deleted: Annotated[bool, typer.Option("--deleted", help="Also those that are deleted.")] = False,
    after: Annotated[str, typer.Option(metavar="ID", help="Go on behind this one.")] = "",
) -> None:
    """List what the company knows of one kind, oldest first. That you looked is noted in the audit."""
    if kind not in KINDS:
        raise ConfigError(f"There is no kind {kind!r}.", remedy=f"Kinds: {', '.join(KINDS)}.")
    shown: list[dict[str, Any]] = []
    last = ""
    with session.bridge() as bridge, session.progress() as progress:
        with bridge.hub.begin() as conn:
            audit.append(conn, person(), "list-entities", f"kind:{kind}", {"matched": match is not None})
        progress.begin(f"looking through every {kind}")
        with bridge.hub.read() as conn:
            for one in islice(_all(conn, kind, after), _LOOKED):
                if len(shown) == limit:
                    break
                last = one.id
                if (deleted or not one.deleted_at) and (match is None or _matches(one, match.casefold())):
                    shown.append(_short(conn, one))
            more = next(_all(conn, kind, last), None) is not None if last else False
    data = {"kind": kind, "more": more, "after": last if more else None, "entities": shown}
    session.show(data, *_list(kind, shown, last if more else ""))


def _all(conn: Connection, kind: str, after: str) -> Iterator[EntityRow]:
    """In the order of their ids, a page at a time."""
    columns = select(*(entity_table.c[name] for name in EntityRow._fields))
    while True:
        page = (
            columns.where(entity_table.c.kind == kind, entity_table.c.id > after)
            .order_by(entity_table.c.id)
            .limit(_PAGE)
        )
        found = [EntityRow._make(one) for one in conn.execute(page)]
        yield from found
        if len(found) < _PAGE:
            return
        after = found[-1].id


def _matches(one: EntityRow, text: str) -> bool:
    return any(text in str(said).casefold() for said in _leaves(one.data))


def _leaves(said: Any) -> Iterator[Any]:
    if isinstance(said, dict):
        for part in said.values():
            yield from _leaves(part)
    elif isinstance(said, list):
        for part in said:
            yield from _leaves(part)
    elif said is not None:
        yield said


def _short(conn: Connection, one: EntityRow) -> dict[str, Any]:
    linked = [f"{r.system}/{r.stream}/{r.key}" for r in records.of_entity(conn, one.id) if r.gone_at is None]
    return {
        "id": one.id,
        "name": name_of(conn, one),
        "updated_at": one.updated_at,
        "deleted_at": one.deleted_at,
        "records": linked,
    }


def _list(kind: str, shown: list[dict[str, Any]], after: str) -> list[Any]:
    hint = [line(("and more, behind ", "dim"), (f"--after {after}", "cyan"))] if after else []
    if not shown:
        return [line(f"No {kind} like that{' so far' if after else ''}."), *hint]
    found = table("name", "in", "changed", "id", wide=1)
    for one in shown:
        places = ", ".join(dict.fromkeys(record.partition("/")[0] for record in one["records"]))
        name: Cell = (one["name"], "dim strike") if one["deleted_at"] else one["name"]
        row(found, name, (places or "–", "dim"), (ago(one["updated_at"]), "dim"), (one["id"], "dim"))
    return [found, *hint]
