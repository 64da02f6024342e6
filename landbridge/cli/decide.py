"""`landbridge decide`: the questions that only a person can answer."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from landbridge.cli.app import app
from landbridge.cli.command import command
from landbridge.cli.listing import DECIDE
from landbridge.cli.output import OK, Cell, ago, indented, line, value
from landbridge.cli.session import Session, person
from landbridge.errors import ConfigError
from landbridge.store import decisions, entities, records
from landbridge.store.decisions import Decision
from landbridge.sync.preview import name_of

_LINK = "link:"


@command(
    app, "decide",
    ("landbridge decide", "The open questions and their possible answers."),
    ("landbridge decide 7", "One question with all it is about."),
    ("landbridge decide 7 approve", "Answer it; it is carried out with the flow's next run."),
    ("landbridge decide 7 reject --by vera", "In the name of whoever decided."),
    panel=DECIDE,
)  # fmt: skip
def decide(
    session: Session,
    id: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="Number of the question; all open ones where left out.")
    ] = None,
    answer: Annotated[str | None, typer.Argument(metavar="[ANSWER]", help="One of its options.")] = None,
    by: Annotated[str | None, typer.Option(help="Who decided; you where left out.")] = None,
) -> None:
    """List open questions, or answer one: ambiguous matches, disputed fields, edited pages, tripped brakes.

    A question is asked once, and again only when the facts change. Answers stand in the audit.
    """
    if id is not None and answer is not None:
        _answer(session, id, answer, by or person())
        return
    with session.reading() as conn:
        asked = decisions.open_decisions(conn, 500) if id is None else [_one(conn, id)]
        names = {one.id: _names(conn, one) for one in asked}
    data = [one._asdict() | {"names": names[one.id]} for one in asked]
    parts = [part for one in asked for part in _human(one, names[one.id], full=id is not None)]
    session.show(data if id is None else data[0], *(parts or [line(OK, " No question is open.")]))


def _one(conn: Connection, id: int) -> Decision:
    found = decisions.get(conn, id)
    if found is None:
        raise ConfigError(f"There is no decision {id}.", remedy="See `landbridge decide` for those that are open.")
    return found


def _answer(session: Session, id: int, answer: str, by: str) -> None:
    with session.writing() as conn:
        decided = decisions.decide(conn, id, answer, by)
    run = f"landbridge run {decided.flow}" if decided.flow else "landbridge run"
    session.show(decided._asdict(), line(OK, f" Decision {id}: {answer}, by {by}. Carried out by ", (run, "cyan")))


def _names(conn: Connection, one: Decision) -> dict[str, str]:
    """What the options and the subject are called."""
    ids = [option.removeprefix(_LINK) for option in one.options if option.startswith(_LINK)]
    found = entities.get_many(conn, [*ids, *([one.entity] if one.entity else [])])
    names = {id: name_of(conn, entity) for id, entity in found.items()}
    row = records.get_many(conn, [one.record]).get(one.record) if one.record is not None else None
    if row is not None:
        names["record"] = f"{row.system}/{row.stream}/{row.key}"
    return names


def _human(one: Decision, names: dict[str, str], *, full: bool) -> list[Any]:
    about: list[Cell] = [(names[one.entity], "bold")] if one.entity in names else []
    head = line((f"{one.id:>4}  ", "bold cyan"), *about, " " * bool(about), (f"{one.kind}, {ago(one.at)}", "dim"))
    parts: list[Any] = [head, indented(line(one.question), 6)]
    for name, said in one.details.items() if full else ():
        if name != "fingerprint":
            parts.append(indented(line((f"{name}: ", "dim"), value(said, 400)), 6))
    if one.state != "open":
        return [*parts, indented(line((f"{one.state}: {one.answer or '–'}, by {one.decided_by or '–'}", "dim")), 6)]
    for option in one.options:
        meaning = names.get(option.removeprefix(_LINK), "")
        command_ = f"landbridge decide {one.id} {option if ' ' not in option else repr(option)}"
        parts.append(indented(line((command_, "cyan"), (f"  {meaning}" if meaning else "", "dim")), 6))
    return [*parts, ""]
