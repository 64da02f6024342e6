"""A dry run: merge and plan as a real run would, over a snapshot, and show what would come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from landbridge.store import entities
from landbridge.store.deliveries import Delivery
from landbridge.store.entities import EntityRow
from landbridge.sync.bridge import Bridge
from landbridge.sync.collector import seldom_collecting
from landbridge.sync.foresight import Foresight
from landbridge.sync.known import Stored
from landbridge.sync.refs import record_in


@dataclass(frozen=True)
class Intended:
    """One write that a run would make, or why it would not; `fields`: path → (as it is, as it would be)."""

    target: str
    op: str
    state: str
    entity: str
    kind: str
    name: str
    key: str | None
    fields: dict[str, tuple[Any, Any]]
    reason: str


def preview(bridge: Bridge, flow: str, limit: int = 1000) -> list[Intended]:
    """What `run` would write now, from what was read so far. Raises ConfigError where too much is still to be merged.

    It reads one snapshot: no writer waits for it, and neither can it write anything nor move a cursor.
    """
    with bridge.hub.read() as conn:
        foresight = Foresight(conn, bridge.company, bridge.company.flow(flow))
        with seldom_collecting():
            foresight.merge()
            foresight.plan(limit)
        return [intended(foresight.known, one) for one in foresight.writes(limit)]


def intended(known: Stored, delivery: Delivery) -> Intended:
    """What a delivery would write, over what is `known`."""
    entity = known.entities([delivery.entity]).get(delivery.entity)
    system, _, stream = delivery.target.partition("/")
    row = record_in(known.records_of([delivery.entity])[delivery.entity], system, stream)
    claim = (row.claim if row else None) or {}
    wanted = delivery.desired or {}
    return Intended(
        delivery.target, delivery.op, delivery.state, delivery.entity,
        entity.kind if entity else "", label(entity.data) if entity else "", row.key if row else None,
        {path: (claim.get(path), wanted.get(path)) for path in delivery.fields or ()}, delivery.reason or "",
    )  # fmt: skip


def label(data: dict[str, Any]) -> str:
    """How a person would call the entity."""
    spelled = " ".join(filter(None, (data.get("name.given"), data.get("name.family"))))
    texts = (data.get(field) for field in ("display_name", "title", "subject", "name", "alias", "body"))
    return next((str(text) for text in (spelled, *texts) if text), "")[:80]


def name_of(conn: Connection, found: EntityRow) -> str:
    """What a person would call it; a membership by who is in what, anything nameless by the start of its id."""
    named = label(found.data)
    if not named and found.kind == "membership":
        ends = entities.get_many(conn, [str(found.data.get(end)) for end in ("person", "group")])
        named = " in ".join(
            label(ends[end].data) for end in map(str, map(found.data.get, ("person", "group"))) if end in ends
        )
    return named or found.id
