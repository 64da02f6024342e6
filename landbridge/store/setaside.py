"""Records that could not be read or mapped: kept with the reason and tried again, so that one stops nobody.

What was sent and came back, or was declined, is kept here as well. It says nothing about how its record reads, so it
stands until a person drops it, however well that reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from landbridge.store import bulk
from landbridge.store.clock import later, now
from landbridge.store.tables import set_aside
from landbridge.store.upsert import upsert

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_WAITS = (5 * _MINUTE, _HOUR, 6 * _HOUR)
_GIVE_UP_AFTER = 28 * _DAY
# Later than any other time, so that it is never due; still listed, until a person retries or drops it.
NEVER = "9999-12-31T00:00:00.000000Z"
# What stands until a person drops it: it failed where only a person can help, or who got it wants no other, which is no
# failure. Of two about one record the later in this list stays.
FAILED, DECLINED = "failed", "declined"
_GRAVER = (None, FAILED, DECLINED)


class Bad(NamedTuple):
    """What is to be set aside: a record as its system says it (None where it could not even be read), and why.

    `stands`: FAILED or DECLINED, None for what reading it again may mend.
    """

    key: str
    native: dict[str, Any] | None
    reason: str
    stands: str | None = None


class SetAside(NamedTuple):
    """A record that waits for its next try; NEVER where all tries are used up."""

    system: str
    stream: str
    key: str
    native: dict[str, Any] | None
    reason: str
    attempts: int
    next_at: str
    first_at: str
    stands: str | None = None


_SET_ASIDE = select(*(set_aside.c[name] for name in SetAside._fields))
_OF_STREAM = (set_aside.c.system == bindparam("system")) & (set_aside.c.stream == bindparam("stream"))
_SOME = select(select(set_aside.c.key).where(_OF_STREAM).exists())
_REMOVE = set_aside.delete().where(_OF_STREAM, set_aside.c.key.in_(bindparam("keys", expanding=True)))
_SETTLE = _REMOVE.where(set_aside.c.stands.is_(None))
_AMONG = select(set_aside.c.key).where(_OF_STREAM, set_aside.c.key.in_(bindparam("keys", expanding=True)))
_DUE = _SET_ASIDE.where(_OF_STREAM, set_aside.c.next_at <= bindparam("moment")).order_by(set_aside.c.next_at)
_DUE = _DUE.limit(bindparam("most"))
_KEY = ("system", "stream", "key")
IS_WRONG = set_aside.c.stands.is_distinct_from(DECLINED)


def put(conn: Connection, system: str, stream: str, bad: Iterable[Bad]) -> None:
    """Set aside, once more: tries follow after 5 minutes, 1 hour, 6 hours, then daily up to 28 days."""
    moment, last = now(), {one.key: one for one in sorted(bad, key=lambda one: _GRAVER.index(one.stands))}
    for chunk in bulk.chunks(sorted(last)):
        known = {row.key: row for row in conn.execute(_SET_ASIDE.where(_is(system, stream, chunk)))}
        kept = (_once_more(system, stream, last[key], known.get(key), moment) for key in chunk)
        conn.execute(upsert(conn, set_aside, _KEY, SetAside._fields), [one._asdict() for one in kept])


def _once_more(system: str, stream: str, bad: Bad, known: Any, moment: str) -> SetAside:
    if known and _GRAVER.index(known.stands) > _GRAVER.index(bad.stands):
        return SetAside._make(known)
    first_at, attempts = (known.first_at, known.attempts + 1) if known else (moment, 1)
    at = NEVER if bad.stands else next_try(attempts, first_at, moment)
    return SetAside(system, stream, bad.key, bad.native, bad.reason, attempts, at, first_at, bad.stands)


def next_try(attempts: int, first_at: str, moment: str) -> str:
    """When to try again after so many failures."""
    wait = _WAITS[attempts - 1] if attempts <= len(_WAITS) else _DAY
    at = later(wait, since=moment)
    return at if at <= later(_GIVE_UP_AFTER, since=first_at) else NEVER


def next_try_after(attempts: int) -> str:
    """The same schedule for deliveries, which count their tries: 5 minutes, 1 hour, 6 hours, then daily to 28 days."""
    if attempts > len(_WAITS) + _GIVE_UP_AFTER // _DAY:
        return NEVER
    return later(_WAITS[attempts - 1] if attempts <= len(_WAITS) else _DAY)


def retry(conn: Connection, system: str, stream: str, keys: Iterable[str]) -> int:
    """A person wants these tried now, and the schedule begun anew; of how many that can be done."""
    count = 0
    for chunk in bulk.chunks(sorted(set(keys))):
        again = set_aside.update().where(_is(system, stream, chunk), set_aside.c.stands.is_(None))
        count += conn.execute(again.values(attempts=0, next_at=now(), first_at=now())).rowcount
    return count


def settle(conn: Connection, system: str, stream: str, *keys: str) -> None:
    """These were read well, or are gone: what was wrong with them is over, what stands is not."""
    for chunk in bulk.chunks(sorted(set(keys))):
        conn.execute(_SETTLE, {"system": system, "stream": stream, "keys": chunk})


def remove(conn: Connection, system: str, stream: str, *keys: str) -> None:
    """As only a person may, whatever is said of them."""
    for chunk in bulk.chunks(sorted(set(keys))):
        conn.execute(_REMOVE, {"system": system, "stream": stream, "keys": chunk})


def among(conn: Connection, system: str, stream: str, keys: Sequence[str]) -> set[str]:
    """Those of the keys that are set aside."""
    if not conn.scalar(_SOME, {"system": system, "stream": stream}):
        return set()
    found: set[str] = set()
    for chunk in bulk.chunks(keys):
        found.update(conn.scalars(_AMONG, {"system": system, "stream": stream, "keys": chunk}))
    return found


def due(conn: Connection, system: str, stream: str, limit: int = 500) -> Sequence[SetAside]:
    """Those whose next try has come, longest waiting first."""
    asked = {"system": system, "stream": stream, "moment": now(), "most": limit}
    return [SetAside._make(row) for row in conn.execute(_DUE, asked)]


def counts(conn: Connection) -> dict[tuple[str, str], int]:
    """How many are set aside, by (system, stream); what was declined is nothing to look at."""
    columns = (set_aside.c.system, set_aside.c.stream)
    counted = select(*columns, func.count()).where(IS_WRONG).group_by(*columns)
    return {(row[0], row[1]): row[2] for row in conn.execute(counted)}


def get(conn: Connection, system: str, stream: str, key: str) -> SetAside | None:
    row = conn.execute(_SET_ASIDE.where(_is(system, stream, [key]))).first()
    return SetAside._make(row) if row else None


def _is(system: str, stream: str, keys: Iterable[str]) -> Any:
    return (set_aside.c.system == system) & (set_aside.c.stream == stream) & set_aside.c.key.in_(keys)


def list(conn: Connection, system: str | None = None, limit: int = 500) -> Sequence[SetAside]:
    """Newest first, and last what was declined: there may be many of these, and nobody has to look at them."""
    rows = _SET_ASIDE.order_by(IS_WRONG.desc(), set_aside.c.first_at.desc()).limit(limit)
    if system is not None:
        rows = rows.where(set_aside.c.system == system)
    return [SetAside._make(row) for row in conn.execute(rows)]
