"""Undo a wrong link: what would follow, the undoing itself, and the memory that keeps matching from doing it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from landbridge.errors import ConfigError
from landbridge.store import audit, decisions, entities, locks, records, runs
from landbridge.store.clock import now
from landbridge.store.records import Row
from landbridge.sync.apart import Parted, Parting, name_of
from landbridge.sync.bridge import Bridge
from landbridge.sync.company import Company
from landbridge.sync.planner import Planner
from landbridge.sync.preview import Intended, label
from landbridge.sync.refs import record_in

_LINK = "link:"
# So many entities are planned to show what follows; more are counted only.
_PLANNED = 2_000
_SHOWN = ("planned", "uncertain", "held", "waiting", "blocked", "undecided", "set_aside")


@dataclass(frozen=True)
class Unlinked:
    """`writes` are what the next runs of the flows will write because of it; `more` entities were not looked at."""

    parted: Parted
    writes: list[Intended]
    more: int = 0
    decision: int | None = None


class _TakenBack(Exception):
    """Ends the transaction of a dry run."""


def foresee(bridge: Bridge, record: int, to: str | None = None) -> Unlinked:
    """What `unlink` would do, down to each target's fields; nothing is kept. Raises ConfigError."""
    found: list[Unlinked] = []
    try:
        with bridge.hub.begin() as conn:
            run = runs.start(conn, "unlink", "foreseen").id
            parted = _part(conn, bridge.company, record, to, "foreseen", run)[0]
            touched = list(parted.touched)
            writes = _planned(conn, bridge.company, touched[:_PLANNED], run)
            found.append(Unlinked(parted, writes, max(0, len(touched) - _PLANNED)))
            raise _TakenBack
    except _TakenBack:
        return found[0]


def unlink(bridge: Bridge, record: int, by: str, to: str | None = None, of: str | None = None) -> Unlinked:
    """All of it in one transaction; the targets are mended by the flows' next runs. Raises ConfigError.

    `of` is the entity that it was seen to be linked to.
    """
    with bridge.hub.begin() as conn:
        run = runs.start(conn, "unlink", f"record:{record}").id
        parted, decision = _part(conn, bridge.company, record, to, by, run)
        if of is not None and parted.record.entity != of:
            raise ConfigError(f"Record {record} is not linked to {of}.", remedy="Load the page again.")
        counts = {"fields": len(parted.fields), "taken_back": len(parted.buried), "merged": len(parted.repointed)}
        runs.finish(conn, run, "done", counts)
        details = {"record": record, "to": parted.to, "decision": decision, **counts}
        audit.append(conn, by, "unlink", f"entity:{parted.record.entity}", details)
    return Unlinked(parted, [], decision=decision)


def record_of_decision(conn: Connection, id: int) -> int:
    """The record that this answer to a doubtful match has linked. Raises ConfigError."""
    found = decisions.get(conn, id)
    if found is None or found.kind != "match" or found.record is None or not (found.answer or "").startswith(_LINK):
        raise ConfigError(
            f"Decision {id} has linked no record.", remedy="Name the record: `landbridge unlink SYSTEM/STREAM KEY`."
        )
    return found.record


def _part(
    conn: Connection, company: Company, record: int, to: str | None, by: str, run: str
) -> tuple[Parted, int | None]:
    locks.exclusive(conn, locks.LOG)  # first: whose it is may be changed only by who has it
    row = records.get_many(conn, [record]).get(record)
    if row is None or row.entity is None:
        raise ConfigError("This record belongs to no entity.", remedy="There is no link to undo.")
    _may_part(conn, row, to)
    decision = _remember(conn, row, row.entity, by)
    return Parting(conn, company, run).move(row, to), decision


def _may_part(conn: Connection, row: Row, to: str | None) -> None:
    if to is not None:
        target = entities.get(conn, to)
        if target is None or target.kind != row.kind or to == row.entity:
            raise ConfigError(
                f"The record cannot go to {to}.",
                remedy=f"Choose another {row.kind}: see `landbridge entities {row.kind}`.",
            )
        return
    entity = entities.get(conn, row.entity or "")
    others = [one for one in records.of_entity(conn, row.entity or "") if one.id != row.id and one.gone_at is None]
    made_by_it = entity is not None and entity.rule is None and entity.kind == row.kind and row.role == "source"
    if made_by_it and not any(one.role == "source" for one in others):
        named = ", ".join(f"{name_of(one)} {one.key}" for one in others) or "no other is linked to it"
        raise ConfigError(
            f"Only {name_of(row)} {row.key} says that this {row.kind} exists.",
            remedy=f"Unlink the one that does not belong to it ({named}), or say where this one goes with --to.",
        )


def _remember(conn: Connection, row: Row, entity: str, by: str) -> int:
    """Not the same: matching never links this pair again by itself, until a person says otherwise."""
    decisions.close(conn, "match", f"record:{row.id}")
    id = decisions.ask(
        conn, decisions.APART, decisions.apart_subject(row.id, entity),
        f"{name_of(row)} {row.key} was unlinked by a person. Is it the same {row.kind} after all?",
        ["apart", "same"], {"fingerprint": now()}, target=name_of(row), entity=entity, record=row.id,
    )  # fmt: skip
    decisions.decide(conn, id, "apart", by)
    decisions.applied(conn, id)
    return id


def _planned(conn: Connection, company: Company, ids: list[str], run: str) -> list[Intended]:
    """What the flows decide about these entities now."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for flow in company.flows.values():
        for row in Planner(company, flow, run).rows(conn, ids):
            rows[row["target"], row["entity"], row["shape"]] = row
    return [_intended(conn, row) for row in rows.values() if row["state"] in _SHOWN]


def _intended(conn: Connection, row: dict[str, Any]) -> Intended:
    entity, wanted = entities.get(conn, row["entity"]), row["desired"] or {}
    known = record_in(records.of_entity(conn, row["entity"]), *row["target"].split("/", 1))
    claim = (known.claim if known else None) or {}
    return Intended(
        row["target"], row["op"], row["state"], row["entity"], entity.kind if entity else "",
        label(entity.data) if entity else "", known.key if known else None,
        {path: (claim.get(path), wanted.get(path)) for path in row["fields"] or ()}, row["reason"] or "",
    )  # fmt: skip
