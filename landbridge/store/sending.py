"""What is on its way: deliveries that a run has claimed, until it has kept what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select

from landbridge.store import bulk
from landbridge.store.clock import now
from landbridge.store.deliveries import Delivery
from landbridge.store.tables import delivery

# Spelled out: a set of many rows takes no list.
_OPEN = (delivery.c.state == "planned") | (delivery.c.state == "uncertain")
# One after the other by id, as all who lock several deliveries do.
_OURS = (
    select(delivery.c.id, delivery.c.again)
    .where(
        delivery.c.id.in_(bindparam("ids", expanding=True)), delivery.c.state == "sending", delivery.c.run == bindparam("run")
    )
    .order_by(delivery.c.id)
    .with_for_update()
)  # fmt: skip


def tries(one: Delivery, desired: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """What earlier tries, of which nobody knows what became, may have made of it besides `desired`, the first one first."""
    found = []
    for wanted in (*(one.tried or ()), one.desired):
        if wanted is not None and wanted != desired and wanted not in found:
            found.append(wanted)
    return found or None


def claim(conn: Connection, run: str, wanted: Mapping[int, Mapping[str, Any]]) -> int:
    """Take planned or uncertain ones for sending; how many there were, the others somebody has already.

    `wanted`: id → the marker and the columns that are as wanted now, the same ones for all.
    """
    fixed = {"state": "sending", "run": run, "reason": None, "awaits": None, "again": False, "at": now()}
    rows = [{**columns, **fixed, "of": id} for id, columns in wanted.items()]
    return conn.execute(_set(tuple(rows[0]), _OPEN), rows).rowcount if rows else 0


def hold(conn: Connection, run: str, ids: Iterable[int]) -> dict[int, bool]:
    """Lock those that this run is still sending; id → is it to be planned again?

    Left out where the run was taken for dead and another has gone on. Before any lock of the log.
    """
    found: dict[int, bool] = {}
    for chunk in bulk.chunks(sorted(ids)):
        found.update((row.id, bool(row.again)) for row in conn.execute(_OURS, {"ids": chunk, "run": run}))
    return found


def keep_outcomes(conn: Connection, outcomes: Mapping[int, Mapping[str, Any]]) -> None:
    """Of those that `hold` has locked: id → state, lossy, reason, next_at and what else is to be set, the same for all."""
    rows = [{**columns, "at": now(), "of": id} for id, columns in sorted(outcomes.items())]
    if rows:
        conn.execute(_set(tuple(rows[0])), rows)


def set_lossy(conn: Connection, lost: Mapping[int, Sequence[str]]) -> None:
    """What of each cannot be shown, where nothing had to be written to find out; they are locked."""
    if lost:
        conn.execute(_set(("lossy",)), [{"of": id, "lossy": list(names)} for id, names in sorted(lost.items())])


@cache
def _set(names: tuple[str, ...], only: ColumnElement[bool] | None = None) -> Any:
    """To be executed with rows of these columns, `of` being the id."""
    changed = delivery.update().where(delivery.c.id == bindparam("of"), *(() if only is None else (only,)))
    return changed.values({name: bindparam(name) for name in names if name != "of"})


def want_again(conn: Connection, entities: Iterable[str]) -> set[int]:
    """Have those that are being sent planned again once that is done; the ids of their deliveries."""
    found: set[int] = set()
    for chunk in bulk.chunks(sorted(set(entities))):
        sending = delivery.update().where(delivery.c.entity.in_(chunk), delivery.c.state == "sending")
        found.update(conn.scalars(sending.values(again=True).returning(delivery.c.id)))
    return found
