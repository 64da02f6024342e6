"""Between plan and write: brakes, decisions of people about them, and the batches that may go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from landbridge.store import audit, decisions, deliveries, records
from landbridge.store.clock import later
from landbridge.store.deliveries import Delivery
from landbridge.sync.bridge import Bridge
from landbridge.sync.routes import Flow

BATCH = 200
BRAKED = ("delete", "disable")
_UNWRITTEN = ("planned", "uncertain", "sending", "set_aside")
# Seconds. What could not be written by then is looked at with fresh eyes.
APPROVED_FOR = 86_400
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
    with bridge.hub.begin() as conn:
        apply_answers(conn, found)
        for target in found.targets:
            ready = deliveries.of_flow(conn, flow, ("planned", "uncertain"), target)
            approved = _approved(conn, found, target)
            braked = [one for one in ready if one.op in BRAKED and one.id not in approved]
            most = _limit(conn, found, target)
            held = braked if len(braked) > most else []
            for one in held:
                deliveries.set_state(
                    conn, one.id, "held", reason="A brake holds it until a person decides.", marker=one.marker
                )
            waiting = deliveries.of_flow(conn, flow, ("held",), target)
            if waiting:
                guarded.held.append(_ask(conn, found, target, waiting, most, run))
            else:
                _no_longer_asked(conn, f"{flow}:{target}")
            held_ids = {one.id for one in held}
            guarded.free += batches(target, [one for one in ready if one.id not in held_ids])
    return guarded


def _approved(conn: Connection, flow: Flow, target: str) -> set[int]:
    """What a person let through and is not written yet; once all of it is, or a day later, it is asked again."""
    subject = f"{flow.name}:{target}"
    found = decisions.find(conn, "brake", subject)
    if found is None or found.answer != "approve":
        return set()
    open_ids = {one.id for one in deliveries.of_flow(conn, flow.name, _UNWRITTEN, target) if one.op in BRAKED}
    left = _ids(found.details) & open_ids
    if not left or (found.decided_at or "") < later(-APPROVED_FOR):
        decisions.close(conn, "brake", subject)
        return set()
    return left


def _no_longer_asked(conn: Connection, subject: str) -> None:
    found = decisions.find(conn, "brake", subject)
    if found is not None and found.state == "open":
        decisions.close(conn, "brake", subject)


def _ids(details: dict[str, Any]) -> set[int]:
    return {int(one) for one in str(details["fingerprint"]).split(",")}


def _limit(conn: Connection, flow: Flow, target: str) -> int:
    """The smaller of `most` and max(`least`, `share` of what is known of the target)."""
    system, _, stream = target.partition("/")
    brake = flow.brake
    known = records.known(conn, system, stream, cap=int(brake.most / brake.share) + 1)
    return min(brake.most, max(brake.least, int(known * brake.share)))


def _ask(conn: Connection, flow: Flow, target: str, waiting: list[Delivery], most: int, run: str) -> dict[str, Any]:
    ops = ", ".join(
        f"{sum(one.op == op for one in waiting)} {op}" for op in BRAKED if any(one.op == op for one in waiting)
    )
    text = (
        f"{flow.name} would {ops} in {target}; the brake is at {most}. "
        "Is that meant? A wrong filter or a half-empty source looks just like this."
    )
    ids = sorted(one.id for one in waiting)
    if decisions.answer_of(conn, "brake", f"{flow.name}:{target}"):
        # All answers are carried out by now: what is held again is a question again, even if it is the same.
        decisions.close(conn, "brake", f"{flow.name}:{target}")
    decision = decisions.ask(
        conn, "brake", f"{flow.name}:{target}", text, ["approve", "reject"],
        {"count": len(ids), "limit": most, "run": run, "fingerprint": ",".join(map(str, ids))}, flow=flow.name, target=target,
    )  # fmt: skip
    return {"decision": decision, "text": text, "batches": batches(target, waiting)}


def release(bridge: Bridge, flow: str, decision_ids: list[int], approved: bool, by: str) -> list[Batch]:
    """Record the answer to brakes; approved ones are free, rejected ones are dropped until something changes."""
    released: list[Batch] = []
    with bridge.hub.begin() as conn:
        for decision_id in decision_ids:
            asked = decisions.get(conn, decision_id)
            if asked is not None and asked.state == "open":
                decisions.decide(conn, decision_id, "approve" if approved else "reject", by)
        for target, ids in apply_answers(conn, bridge.company.flow(flow)).items():
            ready = [one for one in deliveries.of_flow(conn, flow, ("planned",), target) if one.id in ids]
            released += batches(target, ready)
    return released


def apply_answers(conn: Connection, flow: Flow) -> dict[str, set[int]]:
    """Carry out what people decided about this flow's brakes, wherever they did; target → freed delivery ids."""
    freed: dict[str, set[int]] = {}
    for decision in decisions.unapplied(conn, ("brake",)):
        if decision.flow != flow.name or decision.target is None:
            continue
        asked = _ids(decision.details)
        state = "planned" if decision.answer == "approve" else "dropped"
        for one in deliveries.of_flow(conn, flow.name, ("held",), decision.target):
            if one.id in asked:
                reason = None if state == "planned" else f"Rejected by {decision.decided_by}."
                deliveries.set_state(conn, one.id, state, reason=reason)
                freed.setdefault(decision.target, set()).add(one.id)
        audit.append(
            conn,
            decision.decided_by or "?",
            f"brake.{decision.answer}",
            f"{flow.name}:{decision.target}",
            {"count": len(asked)},
        )
        decisions.applied(conn, decision.id)
    return freed


def batches(target: str, ready: list[Delivery]) -> list[Batch]:
    """Whole partitions, so that order inside one is kept, in batches of at most about 200."""
    by_partition: dict[str, list[int]] = {}
    for one in sorted(ready, key=lambda one: (one.position, one.id)):
        by_partition.setdefault(one.partition, []).append(one.id)
    found: list[list[int]] = []
    for ids in by_partition.values():
        if found and len(found[-1]) + len(ids) <= BATCH:
            found[-1].extend(ids)
        else:
            found.append(list(ids))
    return [{"target": target, "ids": ids} for ids in found]
