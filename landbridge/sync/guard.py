"""Between plan and write: brakes, decisions of people about them, and the batches that may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from landbridge.store import audit, brakes, decisions, partitions, records
from landbridge.store.brakes import Counted
from landbridge.store.clock import later
from landbridge.sync.bridge import Bridge
from landbridge.sync.company import Company
from landbridge.sync.routes import Flow

# Deliveries that one task writes; a partition is written whole by whoever comes first.
BATCH = 1_000
# Seconds. What could not be written by then is looked at with fresh eyes.
APPROVED_FOR = 86_400
_HELD = "A brake holds it until a person decides."
Batch = dict[str, Any]


@dataclass
class Guarded:
    """`free` batches may be written; each of `held` waits for the decision it names."""

    free: list[Batch] = field(default_factory=list)
    held: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {"free": self.free, "held": self.held}


def guard(bridge: Bridge, flow: str, run: str) -> Guarded:
    """Hold back the deletes and disables of a target where they exceed the brake; everything else is free."""
    found = bridge.company.flow(flow)
    guarded = Guarded()
    with bridge.hub.read() as conn:
        braked = brakes.concerning(conn, flow)
        guarded.free += batches(conn, flow, [one for one in found.targets if one not in braked])
    for target in filter(braked.__contains__, found.targets):
        while not _target(bridge, found, target, run, guarded):
            pass
    # What the first targets get is often what the next ones refer to.
    guarded.free.sort(key=lambda one: found.targets.index(one["target"]))
    return guarded


def _target(bridge: Bridge, flow: Flow, target: str, run: str, guarded: Guarded) -> bool:
    """False where an answer came in between: it is about what was held then, so it is carried out first."""
    with bridge.hub.begin() as conn:
        apply_answers(conn, flow, target)
    with bridge.hub.begin() as conn:
        _expire(conn, flow, target)
    with bridge.hub.begin() as conn:
        brakes.alone(conn, target)
        asked = decisions.find(conn, "brake", f"{flow.name}:{target}")
        if asked is not None and asked.state == "decided":
            return False
        if held := _brake(conn, bridge.company, flow, target, run):
            guarded.held.append(held)
        guarded.free += batches(conn, flow.name, [target])
    return True


def _brake(conn: Connection, company: Company, flow: Flow, target: str, run: str) -> dict[str, Any] | None:
    """Hold, or let pass, what no person was asked about; the question about what is held."""
    brake, counted, most = flow.brake, Counted(0, 0, 0), 0
    before = later(-brake.window.total_seconds())
    if brakes.any_open(conn, flow.name, target):
        counted, most = brakes.count(conn, target, before), _limit(conn, company, flow, target)
        # While a question is open, what comes after it may well have the same cause: it joins the question.
        if counted.causes > most or counted.all > brake.most or brakes.any_held(conn, flow.name, target):
            brakes.hold(conn, flow.name, target, _HELD)
        else:
            brakes.let_pass(conn, flow.name, target)
    oldest = max(one.brake.window.total_seconds() for one in company.flows.values())
    brakes.forget(conn, target, later(-oldest))
    ops, stands = brakes.held(conn, flow.name, target)
    if not ops:
        _no_longer_asked(conn, f"{flow.name}:{target}")
        return None
    return _ask(conn, company, flow, target, ops, stands, brakes.count(conn, target, before), run)


def _expire(conn: Connection, flow: Flow, target: str) -> None:
    """In a transaction of its own: it takes the log, and whoever holds deliveries wants that after them."""
    brakes.alone(conn, target)
    found = decisions.find(conn, "brake", f"{flow.name}:{target}")
    if found and found.answer == "approve" and (found.decided_at or "") < later(-APPROVED_FOR):
        brakes.withdraw(conn, flow.name, target)
        decisions.close(conn, "brake", f"{flow.name}:{target}")


def _no_longer_asked(conn: Connection, subject: str) -> None:
    found = decisions.find(conn, "brake", subject)
    if found is not None and found.state == "open":
        decisions.close(conn, "brake", subject)


def _limit(conn: Connection, company: Company, flow: Flow, target: str) -> int:
    """The smaller of `most` and max(`least`, `share` of what is known of the target).

    Memberships are counted by the people who lose them, so they are compared with the people.
    """
    system, _, stream = target.partition("/")
    if company.mapping(target).kind == "membership" and (people := company.stream_of_kind(system, "person")):
        stream = people.partition("/")[2]
    brake = flow.brake
    known = records.known(conn, system, stream, cap=int(brake.most / brake.share) + 1)
    return min(brake.most, max(brake.least, int(known * brake.share)))


def _ask(
    conn: Connection, company: Company, flow: Flow, target: str, ops: dict[str, int], stands: str, counted: Counted,
    run: str,
) -> dict[str, Any]:  # fmt: skip
    most = _limit(conn, company, flow, target)
    wanted = " and ".join(f"{op} {ops[op]}" for op in ("disable", "delete") if op in ops)
    lately = f", after {counted.written} lately" if counted.written else ""
    text = (
        f"{flow.name} would {wanted} in {target}{lately}; the brake is at {most}. "
        "Is that meant? A wrong filter or a half-empty source looks just like this."
    )
    subject = f"{flow.name}:{target}"
    if decisions.answer_of(conn, "brake", subject):
        # All answers are carried out by now: what is held again is a question again, even if it is the same.
        decisions.close(conn, "brake", subject)
    details = {"count": sum(ops.values()), "causes": counted.causes, "limit": most, "run": run, "fingerprint": stands}
    decision = decisions.ask(
        conn, "brake", subject, text, ["approve", "reject"], details, flow=flow.name, target=target
    )
    return {"decision": decision, "text": text}


def release(bridge: Bridge, flow: str, decision_ids: list[int], approved: bool, by: str) -> list[Batch]:
    """Record the answer to brakes; approved ones are free, rejected ones are dropped until something changes."""
    found = bridge.company.flow(flow)
    released: list[Batch] = []
    for decision_id in decision_ids:
        with bridge.hub.begin() as conn:
            asked = decisions.get(conn, decision_id)
            if asked is not None and asked.state == "open":
                decisions.decide(conn, decision_id, "approve" if approved else "reject", by)
        with bridge.hub.begin() as conn:
            if asked is not None and asked.target and apply_answers(conn, found, asked.target):
                released += batches(conn, flow, [asked.target])
    return released


def apply_answers(conn: Connection, flow: Flow, target: str) -> int:
    """Carry out what people decided about this target, wherever they did; how many deliveries it sets free.

    Only the guard holds, and it brings the question up to date with it: what is held is what the answer is about.
    """
    brakes.alone(conn, target)
    decision = decisions.find(conn, "brake", f"{flow.name}:{target}")
    if decision is None or decision.state != "decided":
        return 0
    approved, by = decision.answer == "approve", decision.decided_by or "?"
    count = brakes.answer(conn, flow.name, target, approved=approved, by=by)
    audit.append(conn, by, f"brake.{decision.answer}", f"{flow.name}:{target}", {"count": count})
    decisions.applied(conn, decision.id)
    return count if approved else 0


def batches(conn: Connection, flow: str, targets: Sequence[str]) -> list[Batch]:
    """All that may be written now, by ranges of ids."""
    return [
        {"target": target, "first": first, "last": last, "count": count}
        for target, first, last, count in partitions.pages(conn, flow, targets, BATCH)
    ]
