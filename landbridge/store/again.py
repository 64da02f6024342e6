"""What a person says about what was set aside: try it again, or not any more. Each stands in the audit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from landbridge.errors import ConfigError
from landbridge.store import audit, deliveries, setaside
from landbridge.store.deliveries import Delivery


def retry_record(conn: Connection, system: str, stream: str, key: str, by: str) -> None:
    """With the next read, the schedule begun anew. Raises ConfigError."""
    if not setaside.retry(conn, system, stream, [key]):
        raise ConfigError(
            f"{system}/{stream}/{key} is not to be tried again: it is no longer set aside, or no reading mends it.",
            remedy="Look at it again; what came back or was declined can only be dropped.",
        )
    audit.append(conn, by, "set-aside-retry", f"{system}/{stream}", {"key": key})


def drop_record(conn: Connection, system: str, stream: str, key: str, by: str) -> None:
    """Until its system says something new of it."""
    setaside.remove(conn, system, stream, key)
    audit.append(conn, by, "set-aside-drop", f"{system}/{stream}", {"key": key})


def retry_deliveries(conn: Connection, wanted: Iterable[Delivery], by: str) -> None:
    """With the flow's next run, the schedule begun anew; what may have been made is looked for first. Raises ConfigError."""
    taken = [
        one
        for one in _in_order(wanted)
        if deliveries.give_back(
            conn, one.id, "uncertain" if one.op == "create" and one.marker else "planned", attempts=0
        )
    ]
    _note(conn, "retry", taken, by)


def drop_deliveries(conn: Connection, wanted: Iterable[Delivery], by: str) -> None:
    """Until their entities change. Raises ConfigError."""
    taken = [
        one
        for one in _in_order(wanted)
        if deliveries.give_back(conn, one.id, "dropped", reason=f"Dropped by a person. {one.reason or ''}".strip())
    ]
    _note(conn, "drop", taken, by)
    deliveries.wake(conn, [one.entity for one in taken])


def _in_order(wanted: Iterable[Delivery]) -> list[Delivery]:
    """All of them before the log and the agenda, as whoever plans them has it."""
    return sorted(wanted, key=lambda one: one.id)


def _note(conn: Connection, action: str, taken: Sequence[Delivery], by: str) -> None:
    """What a run has begun to send since the person looked is not among them, or it would be sent once more."""
    if not taken:
        raise ConfigError("Nothing of this is set aside any more.", remedy="Look at it again.")
    for one in taken:
        audit.append(conn, by, f"set-aside-{action}", one.target, {"delivery": one.id, "entity": one.entity})
