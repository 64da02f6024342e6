"""What has come to the hub in a period; ids of entities begin with their time (UUIDv7), so a period is a range of them."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from landbridge.store.clock import parse
from landbridge.store.tables import entity, record, reference, set_aside

_MESSAGES = (
    select(reference.c.source)
    .where(
        reference.c.target == bindparam("space"), reference.c.field == "space",
        reference.c.source >= bindparam("first"), reference.c.source < bindparam("last"),
    )
    .order_by(reference.c.source)
    .limit(bindparam("most"))
)  # fmt: skip
_SPACES = (
    select(reference.c.target)
    .join(entity, entity.c.id == reference.c.source)
    .where(
        entity.c.kind == "message", entity.c.id >= bindparam("first"), entity.c.id < bindparam("last"),
        reference.c.field == "space", reference.c.target > bindparam("after"),
    )
    .distinct()
    .order_by(reference.c.target)
    .limit(bindparam("most"))
)  # fmt: skip
_PEOPLE = (
    select(entity.c.id)
    .where(entity.c.kind == "person", entity.c.deleted_at.is_(None), entity.c.id > bindparam("after"))
    .order_by(entity.c.id)
    .limit(bindparam("most"))
)
_TURNED_AWAY = (
    select(record.c.entity)
    .join(
        set_aside,
        (set_aside.c.system == record.c.system)
        & (set_aside.c.stream == record.c.stream)
        & (set_aside.c.key == record.c.key),
    )
    .where(
        record.c.system == bindparam("system"), record.c.stream == bindparam("stream"), record.c.entity.is_not(None),
        record.c.entity > bindparam("after"), set_aside.c.stands.is_not(None),
    )
    .distinct()
    .order_by(record.c.entity)
    .limit(bindparam("most"))
)  # fmt: skip


def messages(conn: Connection, space: str, since: str, until: str, limit: int) -> list[str]:
    """The ids of what refers to the space and came in this period, oldest first."""
    return list(conn.scalars(_MESSAGES, {"space": space, **_range(since, until), "most": limit}))


def spaces(conn: Connection, since: str, until: str, limit: int, after: str = "") -> list[str]:
    """The next spaces in which messages came in this period, by id."""
    return list(conn.scalars(_SPACES, {**_range(since, until), "after": after, "most": limit}))


def people(conn: Connection, limit: int, after: str = "") -> list[str]:
    """The next of all people who are there, by id."""
    return list(conn.scalars(_PEOPLE, {"after": after, "most": limit}))


def turned_away(conn: Connection, system: str, stream: str, limit: int, after: str = "") -> list[str]:
    """The next entities shown by a record of this stream that came back or was declined, also where it is gone since."""
    return list(conn.scalars(_TURNED_AWAY, {"system": system, "stream": stream, "after": after, "most": limit}))


def _range(since: str, until: str) -> dict[str, str]:
    return {"first": _first_id(since), "last": _first_id(until)}


def _first_id(moment: str) -> str:
    """No id of that millisecond or later stands before it (RFC 9562, 5.7)."""
    told = f"{int(parse(moment).timestamp() * 1000):012x}"
    return f"{told[:8]}-{told[8:]}"
