"""What a person says about what was set aside: try it again, or not any more. Each stands in the audit."""

from __future__ import annotations

from sqlalchemy import Connection

from landbridge.store import audit, deliveries, setaside
from landbridge.store.deliveries import Delivery


def retry_record(conn: Connection, system: str, stream: str, key: str, by: str) -> None:
    """With the next read, the schedule begun anew."""
    setaside.retry(conn, system, stream, [key])
    audit.append(conn, by, "set-aside-retry", f"{system}/{stream}", {"key": key})


def drop_record(conn: Connection, system: str, stream: str, key: str, by: str) -> None:
    """Until its system says something new of it."""
    setaside.remove(conn, system, stream, key)
    audit.append(conn, by, "set-aside-drop", f"{system}/{stream}", {"key": key})


def retry_delivery(conn: Connection, one: Delivery, by: str) -> None:
    """With the flow's next run, the schedule begun anew; what may have been made is looked for first."""
    may_be_there = one.op == "create" and one.marker
    deliveries.set_state(conn, one.id, "uncertain" if may_be_there else "planned", attempts=0)
    _note(conn, "retry", one, by)


def drop_delivery(conn: Connection, one: Delivery, by: str) -> None:
    """Until its entity changes."""
    deliveries.set_state(conn, one.id, "dropped", reason=f"Dropped by a person. {one.reason or ''}".strip())
    _note(conn, "drop", one, by)
    deliveries.wake(conn, [one.entity])


def _note(conn: Connection, action: str, one: Delivery, by: str) -> None:
    audit.append(conn, by, f"set-aside-{action}", one.target, {"delivery": one.id, "entity": one.entity})
