"""`landbridge policy`: which private spaces are read, and who has opted out."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from landbridge.cli.app import group
from landbridge.cli.command import command
from landbridge.cli.exits import Exit
from landbridge.cli.find import entity_of
from landbridge.cli.output import OK, WARN, line, plural, table, unbroken
from landbridge.cli.session import Session, person
from landbridge.errors import ConfigError
from landbridge.policy import PrivateSpace
from landbridge.store import privacy
from landbridge.sync import Company, give_notices, not_told
from landbridge.sync.opting import opt_in, opt_out
from landbridge.sync.private import place_of, saying

app = group("policy")

Person = Annotated[
    str, typer.Argument(metavar="PERSON", help="Entity id, system/stream/key, or an identifier such as an address.")
]


@command(app, "list", ("landbridge policy list", "Which private spaces are read, until when, and who was told."))
def show_list(session: Session) -> None:
    """List the private spaces that config/policy.yaml names, and whether they are read.

    A private space is read while its policy is in force and those who are in it were told.
    """
    company = session.company
    with session.reading() as conn:
        spaces = [_said_of(conn, company, one) for one in company.policy.private_spaces]
        out = len(privacy.opted_out(conn))
    shown = table("where", "system", "until", "state", wide=3)
    for one in spaces:
        shown.add_row(one["where"].removeprefix("config/"), one["system"], one["until"], one["state"])
    listed: list[Any] = [shown] if spaces else [line(OK, " No private space is read.")]
    parts = [*listed, line((f"Opted out: {out}.", "dim"))] if out else listed
    session.show({"private_spaces": spaces, "opted_out": out}, *parts)


@command(
    app, "notify",
    ("landbridge policy notify", "In all private spaces where nobody was told yet."),
    ("landbridge policy notify chat", "In those of one system."),
)  # fmt: skip
def notify(
    session: Session,
    system: Annotated[str | None, typer.Argument(metavar="[SYSTEM]", help="One system; all where left out.")] = None,
) -> Exit:
    """Tell those who are in private spaces that they will be read, once in each space; runs of flows do it by themselves.

    Where Landbridge cannot speak, it says what to do instead; the space stays unread until then.
    """
    with session.bridge() as bridge:
        names = [session.company.system(system).name] if system else list(session.company.systems)
        told = [one for name in names for one in give_notices(bridge, name)]
        problems = not_told(told, bridge)
        given = [place_of(bridge.company, one.policy) for one in told if one.given]
    shown: list[Any] = [line(OK, f" {where}: told.") for where in given]
    shown += [unbroken(WARN, f" {problem}") for problem in problems]
    session.show({"told": given, "problems": problems}, *(shown or [line(OK, " Nobody is to be told.")]))
    return Exit.FINDINGS if problems else Exit.OK


@command(
    app, "opt-out",
    ("landbridge policy opt-out anna@example.org", "What Anna says in private spaces is not read any more."),
)  # fmt: skip
def do_opt_out(session: Session, who: Person) -> None:
    """Leave out what a person says in private spaces; what was shown elsewhere is taken back by the flows' next runs."""
    with session.writing() as conn:
        entity = _person(conn, session.company, who)
        already = entity in privacy.opted_out(conn)
        count = opt_out(conn, session.company, entity, person())
    text = " Has opted out before." if already else f" Opted out; {plural(count, 'message')} will be taken back."
    session.show({"person": entity, "opted_out": True, "messages": count}, line(OK, text))


@command(
    app, "opt-in",
    ("landbridge policy opt-in anna@example.org", "Anna has changed her mind."),
)  # fmt: skip
def do_opt_in(session: Session, who: Person) -> None:
    """Take an opt-out back; the next read of each private space reads all of it again."""
    with session.writing() as conn:
        entity = _person(conn, session.company, who)
        changed = opt_in(conn, entity, person())
    text = " Opted in again." if changed else " Had not opted out."
    session.show({"person": entity, "opted_out": False}, line(OK, text))


def _person(conn: Connection, company: Company, who: str) -> str:
    found = entity_of(conn, company, who)
    if found.kind != "person":
        raise ConfigError(f"This is a {found.kind}, no person.", remedy="Only people opt out.")
    return found.id


def _said_of(conn: Connection, company: Company, one: PrivateSpace) -> dict[str, Any]:
    return {
        "where": place_of(company, one), "system": one.system, "space": one.space, "purpose": one.purpose,
        "owner": one.owner, "until": str(one.until), "state": _state(conn, one),
    }  # fmt: skip


def _state(conn: Connection, one: PrivateSpace) -> str:
    if not one.in_force:
        return "has ended, not read"
    if one.notice:
        return f"read; notice {one.notice}"
    known = [
        found for found in privacy.notices(conn, one.system) if (found.space, found.saying) == (one.space, saying(one))
    ]
    if any(found.key is not None for found in known):
        return f"read; told on {known[0].tried_at[:10]}"
    return "not read before those who are in it were told"
