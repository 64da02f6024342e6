"""A dry run: merge and plan as a real run would, in one transaction that is taken back at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from landbridge.store import deliveries, entities, records
from landbridge.store.deliveries import Delivery
from landbridge.store.entities import EntityRow
from landbridge.sync.bridge import Bridge
from landbridge.sync.merge import merge
from landbridge.sync.plan import plan
from landbridge.sync.refs import record_in

_SHOWN = ("planned", "uncertain", "held", "waiting", "blocked", "undecided")


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


class _TakenBack(Exception):
    """Ends the transaction of a dry run."""


class _Within:
    """A hub whose every transaction is the one that will be taken back."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    @contextmanager
    def begin(self, *, repeatable: bool = True) -> Iterator[Connection]:
        yield self._conn

    read = begin


class _Dry(Bridge):
    """Its runs were never there, so they give no signs of life."""

    @contextmanager
    def working(self, run: str, counts: Mapping[str, int]) -> Iterator[None]:
        yield


def preview(bridge: Bridge, flow: str, limit: int = 1000) -> list[Intended]:
    """What `run` would write now, from what was read so far; nothing is written and no cursor moves."""
    found: list[Intended] = []
    try:
        with bridge.hub.begin() as conn:
            dry = _Dry(bridge.company, _Within(conn))  # type: ignore[arg-type]  # only begin() and read() are used
            merge(dry, flow)
            plan(dry, flow)
            shown = deliveries.of_flow(conn, flow, _SHOWN, limit=limit)
            found = [_intended(conn, one) for one in shown]
            raise _TakenBack
    except _TakenBack:
        return found


def _intended(conn: Connection, delivery: Delivery) -> Intended:
    entity = entities.get(conn, delivery.entity)
    system, _, stream = delivery.target.partition("/")
    row = record_in(records.of_entity(conn, delivery.entity), system, stream)
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
