"""`landbridge hub`: the database that remembers."""

from __future__ import annotations

from landbridge.cli.app import group
from landbridge.cli.command import command
from landbridge.cli.output import OK, line
from landbridge.cli.session import Session
from landbridge.errors import LandbridgeError
from landbridge.store import audit
from landbridge.store.hub import Hub

app = group("hub")


@command(app, "migrate", ("landbridge hub migrate", "After an upgrade; does nothing where nothing is to do."))
def migrate(session: Session) -> None:
    """Create the hub's tables, or bring them up to date. It is the database that LANDBRIDGE_HUB names.

    Without LANDBRIDGE_HUB it is a SQLite file in the company's folder: enough for a team.
    """
    with session.hub() as hub:
        with session.progress() as progress:
            progress.begin("migrating the hub")
            hub.migrate()
        _show(session, hub)


@command(app, "check", ("landbridge hub check", "Version, schema, and whether the audit is whole."))
def check(session: Session) -> None:
    """Say whether the hub can be used as it is, and whether anything in its audit was changed or is missing."""
    with session.hub() as hub:
        _show(session, hub, verify=True)


def _show(session: Session, hub: Hub, *, verify: bool = False) -> None:
    state = hub.check()
    where = hub.url.render_as_string(hide_password=True)
    data = {"url": where, "state": state}
    lines = [line(OK, f" {state}", (f"  {where}", "dim"))]
    if verify:
        with session.progress() as progress, hub.read() as conn:
            progress.begin("verifying the audit's chain")
            broken = audit.verify(conn)
            data |= {
                "audit": "whole" if broken is None else f"broken at entry {broken}",
                "audit_last": audit.last_hash(conn),
            }
        if broken is not None:
            raise _tampered(broken)
        lines.append(line(OK, " audit whole", (f"  last seal {data['audit_last']}", "dim")))
    session.show(data, *lines)


def _tampered(entry: int) -> LandbridgeError:
    return LandbridgeError(
        f"The audit is broken at entry {entry}: it was changed, or one before it is missing.",
        remedy="Compare it with a backup, and find out who can write to the hub's database.",
    )
