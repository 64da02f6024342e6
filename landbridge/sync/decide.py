"""What to do about one entity on one route: nothing, write, wait, block or ask."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from landbridge.errors import RecordError
from landbridge.mapping import Mapping
from landbridge.model import GATHERED
from landbridge.store import entities, records
from landbridge.store.clock import later
from landbridge.store.decisions import Question
from landbridge.store.entities import EntityRow
from landbridge.store.questions import Questions
from landbridge.store.records import Row
from landbridge.store.unit import Unit
from landbridge.sync.audience import GATED, decisive, narrowed, too_wide
from landbridge.sync.company import Company
from landbridge.sync.derive import Deriver
from landbridge.sync.desire import Desired, desire, differing, edited_by_people, required
from landbridge.sync.known import Stored
from landbridge.sync.match import contradict
from landbridge.sync.moves import moved, uprooted, will_move
from landbridge.sync.refs import refs_of
from landbridge.sync.routes import DIGEST, Flow, Route
from landbridge.sync.scope import RETIRE, wanted, wanted_by_others
from landbridge.sync.view import View

# What a person removed from the target on purpose is not put back, except accounts and computed memberships.
PUT_BACK = ("person", "membership")
_UNDER_WAY = ("scheduled", "planned", "held", "uncertain", "set_aside")


@dataclass(frozen=True)
class Action:
    """`state` is what the delivery becomes: planned, waiting, blocked, undecided, scheduled, dropped, or done (nothing to do)."""

    op: str
    state: str
    record: Row | None = None
    desired: dict[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    reason: str = ""
    next_at: str | None = None
    partition: str = ""
    position: str = ""
    # The entity whose change may end a wait.
    awaits: str | None = None
    # For a delete or disable: what it is counted under by the brake, the entity itself where left out.
    cause: str | None = None
    # Afterwards it is wanted there again, in another place.
    moves: bool = False
    # What of the entity the target cannot show, however it is asked.
    lost: tuple[str, ...] = ()
    # Why files of it stay at their source.
    left: tuple[str, ...] = ()


DONE = Action("none", "done")


class Decider:
    """Decides for one transaction; `view` caches what it reads, and what it asks and finds gone is written by `flush`."""

    def __init__(
        self, conn: Connection, company: Company, run: str, *, known: Stored | None = None, unit: Unit | None = None
    ) -> None:
        self.conn, self.company = conn, company
        self.view = View(known or Stored(conn), company)
        self.deriver = Deriver(unit or Unit(conn, run), company)
        self.questions = Questions(conn)
        self._taken_back: set[int] = set()

    def flush(self) -> None:
        """After the deliveries and before the agenda: it takes the log."""
        self.questions.flush()
        for id in sorted(self._taken_back):
            records.take_back(self.conn, id)
        self._taken_back.clear()

    def decide(self, flow: Flow, route: Route, entity: EntityRow) -> Action | None:
        """None where the route is not concerned with this entity. Raises RecordError."""
        mapping = self.company.mapping(route.target)
        row, removed = self._record(route, entity)
        if route.shape == DIGEST and (row is not None or removed):
            return DONE  # sent as it was
        shown = wanted(self.view, flow, route, entity)
        if shown is None:
            return None
        if row is not None and self._is_anothers(row):
            return Action(
                "update", "undecided", row, reason="Its key may be somebody else's by now: a decision is open."
            )
        if not shown:
            return None if wanted_by_others(self.view, flow, route, entity) else self._retire(route, entity, row)
        if row is None and removed and entity.kind not in PUT_BACK:
            return Action("none", "dropped", reason=f"Removed in {route.target} by a person.")
        if row is not None and row.role == "source":
            return self._at_home(route, entity, mapping, row)
        desired = desire(self.view, self.deriver, route, entity, mapping, row)
        if desired.waits and row is None:
            # For an account only, which comes or is given up: its place is known, and what is behind it waits as well.
            waits = Action("create", "waiting", reason=f"Waits for {desired.waits}.", awaits=desired.awaits)
            known = not desired.missing
            return replace(waits, partition=desired.partition, position=desired.position) if known else waits
        gated = entity.kind in GATED
        # Before it waits for where it moves to: until then it is shown where more people may be by now.
        if gated and row is not None and narrowed(self.view, flow, route, entity, desired, row):
            return Action("delete", "planned", row, partition=self._old_partition(route, entity))
        if row is not None and (there := will_move(self.view, row, desired)):
            old = self._old_partition(route, entity)
            return Action("update", "waiting", row, reason=f"Waits for {desired.waits}.", partition=old, awaits=there)
        if row is not None and entity.kind not in PUT_BACK and moved(row, desired):
            # Before whatever is said there, and in their own order: each is shown in its new place once it is gone here.
            at = (self._old_partition(route, entity), f"0{desired.position}")
            return Action("delete", "planned", row, partition=at[0], position=at[1], moves=True)
        action = replace(self._shown(flow, route, entity, mapping, row, desired), lost=desired.lost, left=desired.left)
        if action.state == "planned" and gated and (reason := too_wide(self.view, flow, route, entity, desired, row)):
            return Action(
                action.op, "blocked", row, reason=reason, awaits=decisive(self.view, route, entity, desired, row)
            )
        return action

    def _is_anothers(self, row: Row) -> bool:
        """Read or merged, but no person has said yet whose it is: nothing is written to it, nor is it taken away."""
        merged = row.base is None or row.base is row.claim
        return (
            row.kind == "person" and not merged and contradict(self.company, row.kind, row.base or {}, row.claim or {})
        )

    def _record(self, route: Route, entity: EntityRow) -> tuple[Row | None, bool]:
        """(the live record that shows it in this shape, whether one that we wanted there was removed by others)"""
        roles = ("source", "copy") if not route.shape else (route.shape,)
        rows = [
            row for row in self.view.rows(entity.id)
            if (row.system, row.stream) == (route.system, route.stream) and row.role in roles
        ]  # fmt: skip
        live = [row for row in rows if row.gone_at is None]
        if live:
            return min(live, key=lambda row: (row.role != "source", row.id)), False
        ours = [row for row in rows if row.sent is not None and not uprooted(self.view, row)]
        before = self.view.delivery(route.target, entity.id, route.shape) if ours else None
        if before is None or (before.op, before.state) != ("delete", "uncertain"):
            return None, bool(ours)
        # Our own delete, of which the answer was lost: nobody else took it away.
        self._taken_back.update(row.id for row in ours)
        return None, False

    def labels(self, system: str, desired: dict[str, Any]) -> dict[str, str]:
        """Native account key → name, for the people mentioned in what is to be written."""
        people = self.company.stream_of_kind(system, "person")
        found = {}
        for _, stream, key in refs_of(desired, desired, system, people.partition("/")[2] if people else None):
            row = self.view.by_key(system, stream, key)
            if row is not None and row.kind == "person" and row.entity:
                found[key] = self.view.person_name(row.entity)
        return found

    # --- out of scope ------------------------------------------------------------------------------------------

    def _retire(self, route: Route, entity: EntityRow, row: Row | None) -> Action:
        if row is None or row.role == "source":
            return DONE
        if route.kind == "person":
            return self._leave(route, entity, row)
        op = RETIRE.get((route.kind, route.shape))
        if op is None or (op == "disable" and (row.claim or {}).get("archived")):
            return DONE
        return Action(
            op, "planned", row, partition=self._old_partition(route, entity), cause=self._cause(route, entity)
        )

    def _old_partition(self, route: Route, entity: EntityRow) -> str:
        before = self.view.delivery(route.target, entity.id, route.shape)
        return before.partition if before else entity.id

    def _cause(self, route: Route, entity: EntityRow) -> str | None:
        """A membership counts as the person who loses it, a message that goes with its container as the container."""
        if route.kind == "membership":
            return str(entity.data.get("person"))
        container = self.view.entity(entity.data.get(route.via)) if route.kind == "message" else None
        if container is None or entity.deleted_at or container.kind != self.company.flow(route.flow).kind:
            return None
        return container.id

    def _leave(self, route: Route, entity: EntityRow, row: Row) -> Action:
        """Disabled first; deleted only after the grace period, if the flow deletes at all."""
        leaver = route.config.leaver
        if leaver is None:
            return DONE
        before = self.view.delivery(route.target, entity.id, route.shape)
        if (row.claim or {}).get("active") is not False:
            return self._due("disable", leaver.disable.total_seconds(), row, before, entity)
        if leaver.delete is None:
            return DONE
        return self._due("delete", leaver.delete.total_seconds(), row, before, entity)

    @staticmethod
    def _due(op: str, wait: float, row: Row, before: Any, entity: EntityRow) -> Action:
        if before is not None and before.op == op and before.state in _UNDER_WAY:
            # Only `scheduled` has a time still to come; the others were due already.
            due = before.state != "scheduled" or before.next_at <= later(0)
            return Action(
                op, "planned" if due else "scheduled", row, next_at=None if due else before.next_at, partition=entity.id
            )
        if wait <= 0:
            return Action(op, "planned", row, partition=entity.id)
        return Action(
            op, "scheduled", row, next_at=later(wait), partition=entity.id, reason=f"{op} after its grace period."
        )

    # --- in scope ----------------------------------------------------------------------------------------------

    def _at_home(self, route: Route, entity: EntityRow, mapping: Mapping, row: Row) -> Action:
        """A record that is the entity's own origin is written only where somebody changed it elsewhere."""
        elsewhere = frozenset(path for path, stream in entity.origin.items() if stream not in (route.target, "rule"))
        elsewhere |= GATHERED & (row.sent or {}).keys()
        if entity.kind == "message" and self.view.chosen(entity, route.config.answer, route.target):
            elsewhere |= {"accepted"}
        if not elsewhere & mapping.writable:
            return DONE
        desired = desire(self.view, self.deriver, route, entity, mapping, row)
        paths = self._settled(entity, differing(mapping, row, desired.fields, home=elsewhere))
        if not paths:
            return DONE
        return Action(
            "update", "planned", row, desired.fields, tuple(paths), "", None, desired.partition, desired.position
        )

    def _shown(
        self, flow: Flow, route: Route, entity: EntityRow, mapping: Mapping, row: Row | None, desired: Desired
    ) -> Action:
        at = (None, desired.partition, desired.position)
        if row is not None and route.kind == "space" and entity.rule:
            return DONE  # made once; from then on it belongs to its people, who may rename or close it
        if row is None:
            required(desired.fields, mapping)
            return Action("create", "planned", None, desired.fields, tuple(desired.fields), "", *at)
        if entity.kind == "person" and (row.claim or {}).get("active") is False:
            return Action(
                "enable", "planned", row, desired.fields, tuple(differing(mapping, row, desired.fields)), "", *at
            )
        paths = self._settled(entity, differing(mapping, row, desired.fields))
        if not paths:
            return DONE
        if route.config.edited_by_people != "overwrite" and edited_by_people(mapping, row):
            return self._ask_before(flow, route, entity, row, desired, paths)
        return Action("update", "planned", row, desired.fields, tuple(paths), "", *at)

    def _settled(self, entity: EntityRow, paths: list[str]) -> list[str]:
        """Without the disputed ones: until a person decides, neither side's words are overwritten."""
        disputed = self.view.disputed(entity.id) if paths else ()
        return [path for path in paths if path not in disputed]

    def _ask_before(
        self, flow: Flow, route: Route, entity: EntityRow, row: Row, desired: Desired, paths: list[str]
    ) -> Action:
        """A person has edited what we wrote: our update is offered, not forced."""
        write = Action(
            "update", "planned", row, desired.fields, tuple(paths), "", None, desired.partition, desired.position
        )
        subject, state = edited(route.target, entity.id), entities.data_hash(desired.fields)
        answer = self.questions.answer_of("edited", subject)
        if answer and answer.details.get("fingerprint") == state:
            return write if answer.answer == "overwrite" else DONE
        if route.config.edited_by_people == "keep":
            return DONE
        new = ", ".join(paths)
        self.questions.ask(
            Question(
                "edited",
                subject,
                f"{route.target} {row.key} was edited by a person, and there is something new ({new}). Write it?",
                ["overwrite", "keep"],
                {"fields": {path: desired.fields[path] for path in paths}, "fingerprint": state},
                flow.name,
                route.target,
                entity.id,
                row.id,
            )
        )  # fmt: skip
        return Action("update", "undecided", row, reason="Edited by a person: a decision is open.")


def edited(target: str, entity: str) -> str:
    """The subject of the question whether our update may be written over a person's."""
    return f"{target}:{entity}"


def failed(error: RecordError) -> Action:
    """An entity that cannot be shown as it is; set aside with its reason, the others go on."""
    return Action("create", "set_aside", reason=str(error))
