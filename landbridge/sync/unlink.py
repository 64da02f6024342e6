"""Undo a wrong link: what would follow, the undoing itself, and the memory that keeps matching from doing it again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from landbridge.errors import ConfigError
from landbridge.store import audit, decisions, entities, locks, records, runs
from landbridge.store.clock import now
from landbridge.store.decisions import Question
from landbridge.store.deliveries import Delivery
from landbridge.store.records import Row
from landbridge.store.unit import Foreseen, Unit
from landbridge.sync.apart import Parted, Parting, name_of
from landbridge.sync.bridge import Bridge
from landbridge.sync.company import Company
from landbridge.sync.decide import Decider
from landbridge.sync.foresight import AsItWouldBe
from landbridge.sync.planner import Planner
from landbridge.sync.preview import Intended, intended

_LINK = "link:"
_RUN = "foreseen"
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


def foresee(bridge: Bridge, record: int, to: str | None = None) -> Unlinked:
    """What `unlink` would do, down to each target's fields, as the snapshot that it reads says. Raises ConfigError.

    The same code decides as in `unlink`, in memory: no writer waits for it, and it can write nothing.
    """
    with bridge.hub.read() as conn:
        row, entity = _linked(conn, record, to)
        unit = Foreseen(conn, _RUN)
        unit.questions.foresee(_same_after_all(row, entity), decisions.APART)
        parted = Parting(unit, bridge.company, _RUN).move(row, to)
        touched = list(parted.touched)
        writes = _planned(unit, bridge.company, touched[:_PLANNED])
        return Unlinked(parted, writes, max(0, len(touched) - _PLANNED))


def unlink(bridge: Bridge, record: int, by: str, to: str | None = None, of: str | None = None) -> Unlinked:
    """All of it in one transaction; the targets are mended by the flows' next runs. Raises ConfigError.

    `of` is the entity that it was seen to be linked to.
    """
    with bridge.hub.begin() as conn:
        run = runs.start(conn, "unlink", f"record:{record}").id
        locks.exclusive(conn, locks.LOG)  # first: whose it is may be changed only by who has it
        row, entity = _linked(conn, record, to)
        decision = _remember(conn, row, entity, by)
        parted = Parting(Unit(conn, run), bridge.company, run).move(row, to)
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


def _linked(conn: Connection, record: int, to: str | None) -> tuple[Row, str]:
    """The record and whose it is. Raises ConfigError where it may not be unlinked, or not for `to`."""
    row = records.get_many(conn, [record]).get(record)
    if row is None or row.entity is None:
        raise ConfigError("This record belongs to no entity.", remedy="There is no link to undo.")
    _may_part(conn, row, to)
    return row, row.entity


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
    asked = _same_after_all(row, entity)
    decisions.ask_all(conn, [asked])
    found = decisions.find(conn, asked.kind, asked.subject)
    assert found is not None
    decisions.decide(conn, found.id, decisions.APART, by)
    decisions.applied(conn, found.id)
    return found.id


def _same_after_all(row: Row, entity: str) -> Question:
    return Question(
        decisions.APART, decisions.apart_subject(row.id, entity),
        f"{name_of(row)} {row.key} was unlinked by a person. Is it the same {row.kind} after all?",
        [decisions.APART, "same"], {"fingerprint": now()}, target=name_of(row), entity=entity, record=row.id,
    )  # fmt: skip


def _planned(unit: Foreseen, company: Company, ids: list[str]) -> list[Intended]:
    """What the flows, one after the other, would decide about these entities."""
    known, found = AsItWouldBe(unit.conn, unit), dict[tuple[str, str, str], Delivery]()
    for flow in company.flows.values():
        decider = Decider(unit.conn, company, _RUN, known=known, unit=unit)
        noted = Planner(company, flow, _RUN).decide_all(decider, ids)
        known.keep(noted)
        for row in noted.rows:
            found[row["target"], row["entity"], row["shape"]] = known.planned[row["entity"]][
                row["target"], row["shape"]
            ]
    return [intended(known, one) for one in found.values() if one.state in _SHOWN]
