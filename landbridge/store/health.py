"""What is wrong in the hub and goes on by itself: runs that died, what waits too long, and how much room is left."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text

from landbridge.store import runs
from landbridge.store.clock import parse
from landbridge.store.hub import Hub
from landbridge.store.runs import Run
from landbridge.store.setaside import IS_WRONG
from landbridge.store.tables import decision, delivery, set_aside

# Of each subject only the newest runs are looked at; older ones that never ended disturb nobody.
_RECENT = 50
_MOST = 1_000
# Of deliveries, settled ones first.
STATES = (
    "done", "planned", "sending", "uncertain", "waiting", "scheduled", "held", "blocked", "undecided", "set_aside", "dropped",
)  # fmt: skip


class Room(NamedTuple):
    """Bytes: of the database, of SQLite's write-ahead log, and free where it lies (None where that cannot be told)."""

    size: int
    log: int
    free: int | None


class Waiting(NamedTuple):
    """How many of something have waited since before a moment, and since when the first."""

    where: str
    number: int
    since: str


def room(hub: Hub) -> Room:
    if hub.dialect == "sqlite":
        file = Path(str(hub.url.database))
        log = file.with_name(f"{file.name}-wal")
        return Room(file.stat().st_size, log.stat().st_size if log.exists() else 0, shutil.disk_usage(file.parent).free)
    with hub.read() as conn:
        return Room(int(conn.scalar(text("SELECT pg_database_size(current_database())")) or 0), 0, None)


def skew(conn: Connection) -> float:
    """Seconds by which the database's clock is ahead of ours; SQLite has none of its own."""
    if conn.dialect.name != "postgresql":
        return 0.0
    theirs = conn.scalar(text("SELECT clock_timestamp()"))
    assert isinstance(theirs, datetime)
    return (theirs - datetime.now(UTC)).total_seconds()


def dead_runs(conn: Connection, subjects: Iterable[str]) -> list[Run]:
    """Runs that have not ended although nobody works on them any more."""
    recent = (one for subject in dict.fromkeys(subjects) for one in runs.recent(conn, subject, _RECENT))
    return [one for one in recent if one.state == "running" and not runs.is_alive(conn, one.id)]


def old_set_aside(conn: Connection, before: str) -> list[Waiting]:
    """By stream, of what could not be read."""
    columns = (set_aside.c.system, set_aside.c.stream)
    counted = select(*columns, func.count(), func.min(set_aside.c.first_at)).where(
        set_aside.c.first_at < before, IS_WRONG
    )
    return [Waiting(f"{row[0]}/{row[1]}", row[2], row[3]) for row in conn.execute(counted.group_by(*columns))]


def old_deliveries(conn: Connection, flow: str, state: str, before: str) -> list[Waiting]:
    """By target, of a flow's deliveries that have been in a state for long; counting stops at a thousand."""
    some = (
        select(delivery.c.target, delivery.c.at)
        .where(delivery.c.state == state, delivery.c.flow == flow, delivery.c.at < before)
        .limit(_MOST)
        .subquery()
    )
    counted = select(some.c.target, func.count(), func.min(some.c.at)).group_by(some.c.target)
    return [Waiting(row[0], row[1], row[2]) for row in conn.execute(counted)]


class Counted(NamedTuple):
    """Deliveries by target and state; `more` are the states of which only the newest were counted."""

    targets: dict[str, dict[str, int]]
    more: frozenset[str]


def deliveries_of(conn: Connection, flow: str, most: int) -> Counted:
    """What a flow has written and has open; of each state at most so many are counted, so its cost has a bound."""
    targets: dict[str, dict[str, int]] = {}
    more = set()
    for state in STATES:
        some = (
            select(delivery.c.target)
            .where(delivery.c.state == state, delivery.c.flow == flow)
            .order_by(delivery.c.id.desc())
            .limit(most)
            .subquery()
        )
        counted = conn.execute(select(some.c.target, func.count()).group_by(some.c.target))
        found: dict[str, int] = {row[0]: row[1] for row in counted}
        for target, count in found.items():
            targets.setdefault(target, {})[state] = count
        if sum(found.values()) >= most:
            more.add(state)
    return Counted(targets, frozenset(more))


def open_questions(conn: Connection, before: str, *, brakes: bool) -> Waiting | None:
    """Of open decisions, brakes or all others."""
    of_kind = decision.c.kind == "brake" if brakes else decision.c.kind != "brake"
    waiting = decision.c.state == "open"
    counted = select(func.count(), func.min(decision.c.at)).where(waiting, of_kind, decision.c.at < before)
    row = conn.execute(counted).one()
    return Waiting("", row[0], row[1]) if row[0] else None


def older_than(moment: str | None, seconds: float) -> bool:
    """Never counts as old."""
    return moment is None or (datetime.now(UTC) - parse(moment)).total_seconds() > seconds
