"""Entities that no system says: computed memberships, spaces named by a template, notices of a changed field.

Each has a deterministic `rule` text, so deriving again finds it; cost follows what changed, through the reverse index.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from landbridge.store.clock import now
from landbridge.store.held_entities import HeldEntity
from landbridge.store.unit import Unit
from landbridge.sync.company import Company
from landbridge.sync.routes import DIGEST, Flow, MembershipRule, Route

RULE = "rule"
AUDIENCE = {"audience", "visibility", "guests_present", "state"}


@dataclass(frozen=True)
class _Derived:
    """What is computed from the entities of one kind."""

    memberships: tuple[tuple[Flow, MembershipRule], ...]
    notices: tuple[Flow, ...]
    spaces: tuple[tuple[Flow, Route], ...]


class Deriver:
    """Follows one entity's change to everything computed from it; `touched` collects what a target may have to show."""

    def __init__(self, unit: Unit, company: Company) -> None:
        self.unit, self.company = unit, company
        self.touched: dict[str, str] = {}
        self._derived: dict[str, _Derived] = {}

    def prefetch(self, changed: Collection[HeldEntity]) -> None:
        """Look up together who refers to these in a way that `after` will ask for."""
        wanted: set[tuple[str, str]] = set()
        for one in changed:
            if not self.unit.entities.is_new(one.id):
                wanted.update((field, one.id) for field in self._fields_of(one.kind))
            if one.kind == "membership" and isinstance(one.data.get("group"), str):
                wanted.update((field, one.data["group"]) for field in self._case_fields)
        if self._keeps_documents:
            self.unit.entities.load(found for one in changed if isinstance(found := one.data.get("thread"), str))
        answered = {("thread", one.id) for one in changed if one.kind == "message" and one.deleted_at}
        self.unit.references.load_owners(wanted | answered)
        self.unit.entities.load(source for entry in wanted for source in self.unit.references.owners(entry))

    def after(self, entity: HeldEntity, fields: Collection[str], created: bool) -> None:
        """`fields` are the changed paths; a deleted entity derives nothing any more."""
        self.touched[entity.id] = entity.kind
        derived = self._of_kind(entity.kind)
        for flow, rule in derived.memberships:
            self._members(flow, rule, entity)
        for flow in derived.notices if not created and not entity.deleted_at else ():
            self._notices(flow, entity, fields)
        for flow, route in derived.spaces if not entity.deleted_at else ():
            if self._in_flow(flow, route, entity):
                self._space(route, entity.data)
        if not created and not AUDIENCE.isdisjoint(fields):
            self.unit.plan_referrers_again(entity.id)  # who may see a place may see what was said there
        if entity.kind == "message" and entity.deleted_at and self.unit.referrers(entity.id, ("thread",)):
            self.unit.plan_referrers_again(entity.id)  # what they answer is gone, and with it their copies
        if entity.kind == "person":
            self._cases_of(entity)
        elif entity.kind == "membership":
            self._cases_of_team(entity)
        elif entity.kind == "message" and isinstance(entity.data.get("thread"), str):
            self.said_in(entity.data["thread"])

    def said_in(self, thread: str) -> None:
        """What is said in a thread changes the page that keeps it, also where a document opens it."""
        opens = self.unit.entities.get(thread) if self._keeps_documents else None
        self.touched.setdefault(thread, "document" if opens and opens.kind == "document" else "message")

    def space_for(self, route: Route, data: dict[str, Any]) -> str:
        """The entity of the space that the route's template names, written at once where it is new."""
        name = route.templates["space"](data)
        there = self._space_named(route.system, name)
        if there is not None:
            return there
        self.unit = self.unit.alone()  # whoever was making it has done so now
        space = self._space(route, data)
        self.unit.flush()
        return space

    # --- what is derived from what -----------------------------------------------------------------------------

    def _of_kind(self, kind: str) -> _Derived:
        if kind not in self._derived:
            flows = self.company.flows.values()
            self._derived[kind] = _Derived(
                tuple((flow, rule) for flow in flows for rule in flow.memberships if rule.kind == kind),
                tuple(flow for flow in flows if flow.kind == kind and flow.announce),
                tuple(
                    (flow, route)
                    for flow in flows
                    for route in flow.routes_of(kind)
                    if "space" in route.templates and route.shape != DIGEST
                ),
            )
        return self._derived[kind]

    @cached_property
    def _keeps_documents(self) -> bool:
        return any(flow.archives == "document" for flow in self.company.flows.values())

    @cached_property
    def _case_rules(self) -> tuple[tuple[Flow, MembershipRule], ...]:
        return self._of_kind("case").memberships

    @cached_property
    def _case_fields(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(field for _, rule in self._case_rules for field in rule.fields))

    def _fields_of(self, kind: str) -> tuple[str, ...]:
        """In which fields others refer to it, where that matters."""
        if kind == "person":
            return ("person", *self._case_fields)
        return ("group",) if self._of_kind(kind).memberships else ()

    # --- memberships -------------------------------------------------------------------------------------------

    def _cases_of(self, person: HeldEntity) -> None:
        """The person may belong, or belong no longer, to the cases of which it is owner or in whose team it is."""
        if not self._case_rules:
            return
        for case in self._referrers(person.id, self._case_fields):
            self._member(case, person)
        for membership in self._referrers(person.id, ("person",)):
            if membership.kind == "membership" and not membership.deleted_at:
                for case in self._referrers(str(membership.data.get("group")), self._case_fields):
                    self._member(case, person)

    def _cases_of_team(self, membership: HeldEntity) -> None:
        """Who joins or leaves a team joins or leaves its cases: one person in each, however large the team."""
        group, person = membership.data.get("group"), membership.data.get("person")
        if self._case_rules and isinstance(group, str) and isinstance(person, str):
            found = self.unit.entities.get(person)
            for case in self._referrers(group, self._case_fields) if found else ():
                assert found is not None
                self._member(case, found)

    def _member(self, case: HeldEntity, person: HeldEntity) -> None:
        """Decide about this person in this case only."""
        for flow, rule in self._case_rules if case.kind == "case" else ():
            name = f"{_prefix(flow, rule)}{case.id}:{person.id}"
            wanted = not case.deleted_at and _active(person) and self._belongs(rule, case, person)
            self._set(name, wanted, case.id, person.id, self.unit.entities.by_rule(name))

    def _belongs(self, rule: MembershipRule, case: HeldEntity, person: HeldEntity) -> bool:
        named = {case.data[field] for field in rule.fields if isinstance(case.data.get(field), str)}
        return person.id in named or any(
            one.kind == "membership" and not one.deleted_at and one.data.get("group") in named
            for one in self._referrers(person.id, ("person",))
        )

    def _members(self, flow: Flow, rule: MembershipRule, entity: HeldEntity) -> None:
        """Pairs (container, person) that the rule wants now, against those it made before."""
        prefix = _prefix(flow, rule)
        before = {
            found.rule: found
            for found in self._referrers(entity.id, ("person" if rule.kind == "person" else "group",))
            if found.rule is not None and found.rule.startswith(prefix)
        }
        wanted = {f"{prefix}{group}:{person}": (group, person) for group, person in self._wanted(rule, entity)}
        for name, (group, person) in sorted(wanted.items()):
            self._set(name, True, group, person, before.get(name))
        for name, found in sorted(before.items()):
            if name not in wanted:
                self._set(name, False, "", "", found)

    def _set(self, name: str, wanted: bool, group: str, person: str, found: HeldEntity | None) -> None:
        there = found is not None and not found.deleted_at
        if wanted and not there:
            self._put(name, "membership", {"group": group, "person": person, "role": "member"}, found)
        elif found is not None and there and not wanted:
            self.unit.entities.delete(found.id)
            self.after(found, ("group", "person"), created=True)

    def _wanted(self, rule: MembershipRule, entity: HeldEntity) -> set[tuple[str, str]]:
        if entity.deleted_at:
            return set()
        values = [entity.data[field] for field in rule.fields if isinstance(entity.data.get(field), str)]
        if rule.kind == "person":
            return {(value, entity.id) for value in values} if _active(entity) else set()
        people: set[str] = set()
        self.unit.entities.load(values)
        for found in map(self.unit.entities.get, values):
            if found is not None and found.kind == "person":
                people.add(found.id)
            elif found is not None and found.kind == "group":
                people.update(self._people_in(found.id))
        self.unit.entities.load(people)
        return {(entity.id, one.id) for one in map(self.unit.entities.get, people) if one and _active(one)}

    def _people_in(self, group: str) -> set[str]:
        found = self._referrers(group, ("group",))
        return {str(one.data["person"]) for one in found if one.kind == "membership" and not one.deleted_at}

    def _referrers(self, target: str, fields: Sequence[str]) -> list[HeldEntity]:
        ids = self.unit.referrers(target, fields)
        self.unit.entities.load(ids)
        return [found for found in map(self.unit.entities.get, ids) if found is not None]

    # --- notices and spaces ------------------------------------------------------------------------------------

    def _notices(self, flow: Flow, entity: HeldEntity, changed: Collection[str]) -> None:
        for field in flow.announce:
            if field in changed and entity.data.get(field) is not None:
                body = f"{field.capitalize()}: **{entity.data[field]}**"
                rule = f"{flow.name}:notice:{entity.id}:{field}:{entity.version}"
                notice = {"space": entity.id, "body": body, "sent_at": now()}
                self._put(rule, "message", notice, self.unit.entities.by_rule(rule))

    def _in_flow(self, flow: Flow, route: Route, entity: HeldEntity) -> bool:
        """As far as is known while merging: where a mark decides, the space is made when what it is for is planned."""
        if route.only is not None and not route.only(entity.data):
            return False
        told = {f"{row.system}/{row.stream}" for row in self.unit.records.of_entity(entity.id) if row.gone_at is None}
        return any(
            source.creates and source.stream in told and (source.only is None or bool(source.only(entity.data)))
            for source in flow.scope if source.kind == entity.kind
        )  # fmt: skip

    def _space(self, route: Route, data: dict[str, Any]) -> str:
        """One that is there already, else a derived one."""
        name = route.templates["space"](data)
        there = self._space_named(route.system, name)
        if there is not None:
            return there
        rule = f"{route.system}:space:{name}"
        described = {"name": name, "alias": name, "type": "channel", "visibility": "public"}
        return self._put(rule, "space", described, self.unit.entities.by_rule(rule))

    def _space_named(self, system: str, name: str) -> str | None:
        for id in self.unit.identifiers.owners(("space", "alias", name.casefold())):
            found = self.unit.records.get(id)
            if found.entity and found.gone_at is None and found.system == system:
                return str(found.entity)
        space = self.unit.entities.by_rule(f"{system}:space:{name}")
        return space.id if space is not None and not space.deleted_at else None

    def _put(self, rule: str, kind: str, data: dict[str, Any], found: HeldEntity | None) -> str:
        if found is None:
            id = self.unit.create(kind, rule)
            self.unit.entities.update(id, data, dict.fromkeys(data, RULE), data)
        else:
            id = found.id
            self.unit.entities.restore(id)
        fields = ("group", "person", "space") if kind != "space" else ()
        self.unit.references.replace(id, frozenset((field, data[field]) for field in fields if field in data))
        entity = self.unit.entities.get(id)
        assert entity is not None
        self.after(entity, data, created=True)
        return id


def _prefix(flow: Flow, rule: MembershipRule) -> str:
    return f"{flow.name}:{rule.kind}-member:"


def _active(person: HeldEntity) -> bool:
    return person.data.get("active") is not False and not person.deleted_at
