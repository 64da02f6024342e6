"""What an entity is now: combined from all that its records say, once for each entity of a batch."""

from __future__ import annotations

from typing import Any

from landbridge.model import ref_fields
from landbridge.store.held_entities import HeldEntity
from landbridge.store.held_records import HeldRecord
from landbridge.sync import refs
from landbridge.sync.combine import Said, combine, placed, unsigned
from landbridge.sync.derive import AUDIENCE, Deriver
from landbridge.sync.desire import FIXED
from landbridge.sync.disputes import dispute
from landbridge.sync.linking import Linker
from landbridge.sync.routes import CORRECTION, PLACES

_NOTHING: frozenset[Any] = frozenset()
_ANSWERS = frozenset({"thread", "reply_to"})


class Combiner:
    """For one batch whose records are linked; `changed` is what came of it."""

    def __init__(self, linker: Linker, deriver: Deriver) -> None:
        self.unit, self.company, self.report = linker.unit, linker.company, linker.report
        self.linker, self.deriver = linker, deriver
        # Entity → (changed fields, is it new or gone), for everything that is derived.
        self.changed: dict[str, tuple[set[str], bool]] = {}

    def combine_all(self, affected: dict[str, list[HeldRecord]]) -> None:
        """`affected`: entities with the records that ask for it."""
        self._prefetch(affected)
        for entity in self._answered_first(affected):
            self._combine(entity, affected[entity])

    def _prefetch(self, affected: dict[str, list[HeldRecord]]) -> None:
        unit = self.unit
        unit.records.load_of(affected)
        unit.entities.load([*affected, *self.linker.late])
        rows = [row for entity in affected for row in unit.records.of_entity(entity)]
        unit.records.load_links(ref for row in rows for ref in self.linker.refs_of(row))
        unit.entities.load(filter(None, (self._answered(row) for row in rows)))
        unit.unresolved.load(row.id for row in rows)
        unit.identifiers.load(row.id for row in rows if row.pending)
        known = [entity for entity in affected if not unit.entities.is_new(entity)]
        unit.references.load(known)
        unit.questions.load_of("conflict", (entity for entity in known if len(unit.records.of_entity(entity)) > 1))

    def _answered(self, row: HeldRecord) -> str | None:
        """The message that this one replies to, whose thread it may belong to."""
        ref = row.claim.get("reply_to") if row.kind == "message" and not row.claim.get("thread") else None
        return self.unit.records.linked_to((row.system, ref["stream"], ref["key"])) if refs.is_ref(ref) else None

    def _answered_first(self, affected: dict[str, list[HeldRecord]]) -> dict[str, None]:
        """The affected entities in the order in which to combine them: a reply takes its thread from what it answers."""
        order: dict[str, None] = {}
        for entity, rows in affected.items():
            chain, seen = [entity], {entity}
            for row in rows:
                answered = self._answered(row)
                while answered in affected and answered not in order and answered not in seen:
                    chain.append(answered)
                    seen.add(answered)
                    answered = next(filter(None, map(self._answered, affected[answered])), None)
            order.update(dict.fromkeys(reversed(chain)))
        return order

    def _combine(self, entity_id: str, asking: list[HeldRecord]) -> None:
        unit, entity = self.unit, self.unit.entities.get(entity_id)
        for row in asking:
            if row.gone_at:
                unit.records.rest(row)
        opened = [row for row in asking if row.kind == "space" and _seen_by_others(row)]
        if opened and not unit.entities.is_new(entity_id):  # one of its rooms, whatever is said of it elsewhere
            unit.plan_referrers_again(entity_id)
        if entity is None or entity.rule is not None:  # what is derived is said by its rule, whatever its copies say
            for row in opened:
                unit.records.settle(row)
            for row in asking:
                unit.records.rest(row)
            self.linker.late.append(entity_id)
            return
        live = [
            row for row in unit.records.of_entity(entity_id)
            if row.gone_at is None and row.kind == entity.kind and row.role != CORRECTION
        ]  # fmt: skip
        if not any(row.role == "source" for row in live):
            self._delete(entity, asking)
            return
        said = self._said(entity, live)
        merged = combine(said, entity.data, entity.origin)
        before, made = entity.data, not entity.data
        changed = _changed(before, merged.data)
        if asked := dispute(unit.questions, self.company, entity, merged.conflicts, said, changed):
            self.report.counts["undecided"] += asked
        revived = entity.deleted_at is not None
        if revived:
            unit.entities.restore(entity_id)
        if changed or merged.origin != entity.origin:
            unit.entities.update(entity_id, merged.data, merged.origin, changed)
        if changed or revived:
            self.report.counts["merged"] += 1
            unit.refer(entity_id, refs.references(ref_fields(entity.kind), merged.data))
            if "thread" in changed and entity.kind == "message" and not made:
                self._moved(entity_id, before.get("thread"))
            self.changed[entity_id] = (changed, made)
        else:
            self.deriver.touched.setdefault(entity_id, entity.kind)

    def _said(self, entity: HeldEntity, live: list[HeldRecord]) -> list[Said]:
        """What each contributor says, in order of authority; from here on it is the common state."""
        said, told = [], self._told_at_home(live) if len(live) > 1 else set()
        for row in live:
            source, rank = self.linker.source(row), self.linker.rank(row)
            if source is None or rank is None:
                continue
            if self.linker.is_given_away(row):
                before = self._threaded(row, self.linker.resolved_as(row, row.base or {}))
                said.append(Said(source, rank, before, before))
                continue
            retold = row.pending and row.base is row.claim and _alone(row, live)
            if row.pending:
                self.linker.identify(row)
            claim, missing = self.linker.resolved(row)
            self.unit.unresolved.replace(row.id, frozenset(missing) if missing else _NOTHING)
            claim, base = self._threaded(row, claim), None
            if row.base is row.claim:
                base = self._threaded_before(entity, source.stream, claim)
            elif row.base is not None:
                base = self._threaded(row, self.linker.resolved_as(row, row.base))
                base = self._threaded_before(entity, source.stream, base)
            sent = row.sent and self.linker.resolved_as(row, row.sent)
            one = Said(source, rank, claim, base, sent, self.company.shown(source.stream), retold)
            if row.kind == "message" and row.role == "copy":
                one = placed(unsigned(one, entity.data), told)
            said.append(one)
            self.unit.records.settle(row)
        return sorted(said, key=lambda one: one.rank) if len(said) > 1 else said

    def _told_at_home(self, live: list[HeldRecord]) -> set[str]:
        """Of what stays as it is when a message is copied: what the message itself has, also where it is not known here yet.

        What it answers is told also where it answers nothing any more, by a system that can say so. Where it stands is
        never told by a copy: what was said about a post was not said in the room where it is shown.
        """
        told = set(PLACES)
        for row in live:
            if row.kind == "message" and row.role == "source":
                told.update(row.claim, _ANSWERS & self.company.mapping(f"{row.system}/{row.stream}").fields.keys())
        return (told | ({"thread"} if "reply_to" in told else set())) & FIXED["message"]

    def _threaded(self, row: HeldRecord, message: dict[str, Any]) -> dict[str, Any]:
        """A plain reply belongs to the thread of what it answers, also where the tool does not call it one."""
        answered = message.get("reply_to") if row.kind == "message" else None
        if not isinstance(answered, str) or message.get("thread"):
            return message
        found = self.unit.entities.get(answered)
        return message | {"thread": found.data.get("thread") or found.id} if found else message

    def _threaded_before(self, entity: HeldEntity, stream: str, message: dict[str, Any]) -> dict[str, Any]:
        """Likewise what it said before: its own thread is then the one that it took, which may have moved since."""
        taken = entity.data.get("thread") if entity.kind == "message" and message.get("reply_to") else None
        if taken is None or taken == message.get("thread") or entity.origin.get("thread") != stream:
            return message
        return message | {"thread": taken}

    def _moved(self, message: str, left: str | None) -> None:
        """It stands in another thread now, and so does what answers it, in whatever batch that was merged."""
        if left:
            self.deriver.said_in(left)
        answers = self.unit.referrers(message, ("reply_to",))
        self.unit.records.load_of(answers)
        for answer in answers:
            self.unit.records.wake(row.id for row in self.unit.records.of_entity(answer) if row.gone_at is None)

    def _delete(self, entity: HeldEntity, asking: list[HeldRecord]) -> None:
        """No source says that it exists any more."""
        for row in asking:
            self.unit.records.rest(row)
        if not entity.deleted_at:
            self.unit.entities.delete(entity.id)
            self.report.counts["deleted"] += 1
            self.changed[entity.id] = (set(), True)


def _alone(row: HeldRecord, live: list[HeldRecord]) -> bool:
    """The only one of its stream, which an origin names."""
    return sum((one.system, one.stream) == (row.system, row.stream) for one in live) == 1


def _seen_by_others(row: HeldRecord) -> bool:
    """Has somebody opened or closed the place, or invited guests, since it was merged last?"""
    base = row.base or {}
    return any(base.get(path) != row.claim.get(path) for path in AUDIENCE)


def _changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    if not before:
        return set(after)
    return {path for path in before.keys() | after.keys() if before.get(path, ...) != after.get(path, ...)}
