"""`landbridge set-aside`: what could not be read or written, to be tried again or dropped."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from landbridge.cli.app import group
from landbridge.cli.command import command
from landbridge.cli.output import OK, clock, line, plural, row, table
from landbridge.cli.session import Session, person
from landbridge.errors import ConfigError
from landbridge.store import again, deliveries, setaside
from landbridge.store.deliveries import Delivery
from landbridge.store.setaside import DECLINED, FAILED, NEVER, SetAside
from landbridge.sync import Company

# Of records, and of each target: who has more set aside than this has one cause, not so many.
_MOST = 1_000

app = group("set-aside")

Ids = Annotated[
    list[str],
    typer.Argument(
        metavar="ID...",
        help="Ids that `set-aside list` shows; system, system/stream or a flow for all of its; or `all`.",
    ),
]


@command(
    app, "list",
    ("landbridge set-aside list", "Everything, with reasons and the next try."),
    ("landbridge set-aside list chat", "What the system chat has to do with."),
)  # fmt: skip
def show_list(
    session: Session,
    only: Annotated[str, typer.Argument(help="A system, a stream or a flow.", metavar="[ONLY]")] = "all",
) -> None:
    """List what is set aside: records that could not be mapped, writes that a system refused.

    One such record stops nobody. It is tried again after 5 minutes, 1 hour, 6 hours, then daily for 28 days. Mails that
    came back, or were declined by who got them, stand here until a person drops them.
    """
    with session.reading() as conn:
        read, written = _found(conn, session.company, [only])
    data = {"read": [_record(one) for one in read], "written": [_delivery(one) for one in written]}
    session.show(data, *_human(data))


@command(
    app, "retry",
    ("landbridge set-aside retry 412", "One write, with the flow's next run."),
    ("landbridge set-aside retry hr/employees/60", "One record, with the next read."),
    ("landbridge set-aside retry all", "Everything, after its cause is mended."),
)  # fmt: skip
def retry(session: Session, ids: Ids) -> None:
    """Try again with the next read or run, and begin the schedule of tries anew.

    What came back, or was declined by who got it, no reading mends: that stays until it is dropped.
    """
    with session.writing() as conn:
        read, written = _wanted(conn, session.company, ids, spared=(DECLINED, FAILED))
        if written:
            again.retry_deliveries(conn, written, person())
        for one in read:
            again.retry_record(conn, one.system, one.stream, one.key, person())
    _told(session, "retried", read, written, "with the next read or run")


@command(
    app, "drop",
    ("landbridge set-aside drop 412", "Do not try this write again until its entity changes."),
    ("landbridge set-aside drop 'mail/letters/<lb0f…>'", "Somebody wants letters again, or has another address."),
)  # fmt: skip
def drop(session: Session, ids: Ids) -> None:
    """Do not try again: a record until its system says something new of it, a write until its entity changes.

    Who has declined letters gets them again only where theirs is named by its own id.
    """
    with session.writing() as conn:
        read, written = _wanted(conn, session.company, ids, spared=(DECLINED,))
        # Last, because it ends with the agenda.
        for one in read:
            again.drop_record(conn, one.system, one.stream, one.key, person())
        if written:
            again.drop_deliveries(conn, written, person())
    _told(session, "dropped", read, written, "until something changes")


def _wanted(
    conn: Connection, company: Company, ids: list[str], spared: Collection[str]
) -> tuple[list[SetAside], list[Delivery]]:
    """What the ids mean, where what is `spared` has to be named by its own. Raises ConfigError."""
    read, written = _found(conn, company, ids)
    read = [one for one in read if one.stands not in spared or _id(one) in ids]
    if not read and not written:
        raise ConfigError("Nothing like that is set aside.", remedy="See `landbridge set-aside list`.")
    return read, written


def _found(conn: Connection, company: Company, ids: list[str]) -> tuple[list[SetAside], list[Delivery]]:
    """What the ids mean; of each target the longest planned first."""
    read = [one for one in setaside.list(conn, limit=_MOST) if any(_is_record(one, id) for id in ids)]
    own = (setaside.get(conn, *id.split("/", 2)) for id in ids if id.count("/") >= 2)
    read += [one for one in own if one and one not in read]
    named = [found for id in ids if id.isdigit() and (found := deliveries.by_id(conn, int(id)))]
    targets = dict.fromkeys(target for flow in company.flows.values() for target in flow.targets)
    aside = [one for target in targets for one in deliveries.due(conn, target, ["set_aside"], NEVER, _MOST)]
    written = [one for one in named if one.state == "set_aside"]
    return read, written + [one for one in aside if any(_is_delivery(one, id) for id in ids)]


def _is_record(one: SetAside, id: str) -> bool:
    return id in ("all", one.system, f"{one.system}/{one.stream}", _id(one))


def _id(one: SetAside) -> str:
    return f"{one.system}/{one.stream}/{one.key}"


def _is_delivery(one: Delivery, id: str) -> bool:
    return id in ("all", one.flow, one.target, one.target.partition("/")[0])


def _record(one: SetAside) -> dict[str, Any]:
    """Without the native: it may hold more about people than a list should."""
    kept = {name: said for name, said in one._asdict().items() if name != "native"}
    return {
        "id": _id(one),
        **kept,
        "next_at": None if one.next_at == NEVER else one.next_at,
    }


def _delivery(one: Delivery) -> dict[str, Any]:
    return {
        "id": one.id, "flow": one.flow, "target": one.target, "op": one.op, "entity": one.entity, "reason": one.reason,
        "attempts": one.attempts, "next_at": None if one.next_at in (None, NEVER) else one.next_at, "since": one.at,
    }  # fmt: skip


def _human(data: dict[str, Any]) -> list[Any]:
    if not data["read"] and not data["written"]:
        return [line(OK, " Nothing is set aside.")]
    parts: list[Any] = []
    for title, what, thing in (("Not read", "read", "record"), ("Not written", "written", "write")):
        if not data[what]:
            continue
        found = table("id", "why", "tries#", "next try", wide=1)
        for one in data[what]:
            about = "" if what == "read" else f"{one['target']} {one['op']}: "
            row(
                found,
                f"  {one['id']}",
                f"{about}{one['reason'] or ''}",
                str(one["attempts"]),
                (_next(one["next_at"]), "dim"),
            )
        parts += [line((title, "bold"), (f"  {plural(len(data[what]), thing)}", "dim")), found, ""]
    hint = line(
        ("landbridge set-aside retry ID", "cyan"),
        (" tries again, ", "dim"),
        ("drop ID", "cyan"),
        (" forgets it.", "dim"),
    )
    return [*parts, hint]


def _next(moment: str | None) -> str:
    return clock(moment)[5:16] if moment else "never"


def _told(session: Session, done: str, read: list[SetAside], written: list[Delivery], when: str) -> None:
    data = {done: [_id(one) for one in read] + [one.id for one in written]}
    count = len(read) + len(written)
    session.show(data, line(OK, f" {count} {done}", (f", {when}.", "dim")))
