"""Who was told that a private space is read, and who has opted out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from landbridge.store import bulk, locks
from landbridge.store.clock import later, now
from landbridge.store.tables import notice, opt_out, record
from landbridge.store.upsert import insert_missing

# Seconds after which whoever tried to tell them counts as dead: nobody knows then whether they were told.
PATIENCE = 600


class Notice(NamedTuple):
    """One notice; `key` is the message's, None where nobody knows whether it was sent. `at` is when it was first tried."""

    system: str
    space: str
    saying: str
    marker: str
    key: str | None
    at: str
    tried_at: str


_NOTICE = select(*(notice.c[name] for name in Notice._fields))
_THIS = (
    (notice.c.system == bindparam("of_system"))
    & (notice.c.space == bindparam("of_space"))
    & (notice.c.saying == bindparam("of_saying"))
)


def notices(conn: Connection, system: str) -> list[Notice]:
    """All of a system, ended policies' too."""
    return [Notice._make(row) for row in conn.execute(_NOTICE.where(notice.c.system == system))]


def take(conn: Connection, system: str, space: str, saying: str, marker: str) -> tuple[Notice, bool] | None:
    """The notice, for us to give, and whether an earlier try may have given it; None where it is given or under way."""
    moment = now()
    new = Notice(system, space, saying, marker, None, moment, moment)
    if conn.scalar(insert_missing(conn, notice).values(**new._asdict()).returning(notice.c.at)):
        return new, False
    known = Notice._make(conn.execute(_NOTICE.where(_THIS), _values(new)).one())
    if known.key is not None or known.tried_at > later(-PATIENCE):
        return None
    again = update(notice).where(_THIS, notice.c.tried_at == known.tried_at).values(tried_at=moment)
    return (known, True) if conn.execute(again, _values(new)).rowcount else None


def given(conn: Connection, of: Notice, key: str) -> None:
    conn.execute(update(notice).where(_THIS).values(key=key), _values(of))


def not_given(conn: Connection, of: Notice) -> None:
    """It surely was not: it may be tried again at once."""
    conn.execute(notice.delete().where(_THIS), _values(of))


def _values(of: Notice) -> dict[str, str]:
    return {"of_system": of.system, "of_space": of.space, "of_saying": of.saying}


def opted_out(conn: Connection) -> frozenset[str]:
    """Ids of the people who have opted out."""
    return frozenset(conn.scalars(select(opt_out.c.person)))


def put_opt_out(conn: Connection, person: str, actor: str) -> bool:
    """Were they in until now?"""
    values = {"person": person, "actor": actor, "at": now()}
    return bool(conn.scalar(insert_missing(conn, opt_out).values(**values).returning(opt_out.c.at)))


def take_back_opt_out(conn: Connection, person: str) -> bool:
    """Were they out until now?"""
    return bool(conn.execute(opt_out.delete().where(opt_out.c.person == person)).rowcount)


_FORGET = update(record).where(record.c.id.in_(bindparam("ids", expanding=True)))


def forget(conn: Connection, ids: Iterable[int], *, pending: bool = False) -> None:
    """Nothing of what these records say is kept; `pending`: what came of them is to be taken back."""
    wanted, moment = sorted(ids), now()
    if not wanted:
        return
    locks.exclusive(conn, locks.LOG)
    gone: dict[str, Any] = {
        "claim": {}, "base": None, "merged": False, "fingerprint": None, "gone_at": moment, "pending": pending,
        "changed_at": moment,
    }  # fmt: skip
    for chunk in bulk.chunks(wanted):
        conn.execute(_FORGET.values(**gone), {"ids": chunk})
