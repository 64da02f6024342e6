"""Entities that no system says: computed memberships, spaces named by a template, notices of a changed field.

Each has a deterministic `rule` text, so deriving again finds it; cost follows what changed, through the reverse index.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from landbridge.store import entities
from landbridge.store.clock import now
from landbridge.store.entities import EntityRow
from landbridge.sync.company import Company
from landbridge.sync.routes import Flow, MembershipRule, Route

RULE = "rule"
AUDIENCE = {"audience", "visibility", "guests_present", "state"}


class Deriver:
    """Follows one entity's change to everything computed from it; `touched` collects what a target may have to show."""

    def __init__(self, conn: Connection, company: Company, run: str) -> None:
        self.conn, self.company, self.run = conn, company, run
        self.touched: dict[str, str] = {}

    def after(self, entity: EntityRow, fields: Iterable[str], created: bool) -> None:
        """`fields` are the changed paths; a deleted entity derives nothing any more."""
        self.touched[entity.id] = entity.kind
        changed = set(fields)
        for flow in self.company.flows.values():
            for rule in flow.memberships:
                if rule.kind == entity.kind:
                    self._members(flow, rule, entity)
            if entity.kind == flow.kind and flow.announce and not created and not entity.deleted_at:
                self._notices(flow, entity, changed)
            for route in flow.routes_of(entity.kind):
                if "space" in route.templates and not entity.deleted_at:
                    self.space_for(route, entity.data)
        if not created and changed & AUDIENCE:
            # Who may see a place may see what was said there.
            for source, _ in entities.referrers(self.conn, entity.id, ["space", "thread"]):
                self.touched.setdefault(source, "message")
        if entity.kind == "person":
            self._people_of(entity.id, "owner")
        elif entity.kind == "membership" and isinstance(entity.data.get("group"), str):
            self._people_of(entity.data["group"], "team")
        elif entity.kind == "message" and isinstance(entity.data.get("thread"), str):
            self.touched.setdefault(entity.data["thread"], "message")

    def _people_of(self, target: str, field: str) -> None:
        """Cases whose owner or team is `target` have their members computed again."""
        for source, _ in entities.referrers(self.conn, target, [field]):
            found = entities.get(self.conn, source)
            for flow in self.company.flows.values():
                for rule in flow.memberships:
                    if found and rule.kind == found.kind == "case" and field in rule.fields:
                        self._members(flow, rule, found)

    def _members(self, flow: Flow, rule: MembershipRule, entity: EntityRow) -> None:
        """Pairs (container, person) that the rule wants now, against those it made before."""
        prefix = f"{flow.name}:{rule.kind}-member:"
        field = "person" if rule.kind == "person" else "group"
        before = {
            str(found.rule): found
            for source, _ in entities.referrers(self.conn, entity.id, [field])
            if (found := entities.get(self.conn, source)) and (found.rule or "").startswith(prefix)
        }
        wanted = {f"{prefix}{group}:{person}": (group, person) for group, person in self._wanted(rule, entity)}
        for name, (group, person) in wanted.items():
            if name not in before or before[name].deleted_at:
                self._put(name, "membership", {"group": group, "person": person, "role": "member"})
        for name, found in before.items():
            if name not in wanted and not found.deleted_at:
                entities.delete(self.conn, found.id, self.run)
                self._follow(found.id, ["group", "person"])

    def _wanted(self, rule: MembershipRule, entity: EntityRow) -> set[tuple[str, str]]:
        if entity.deleted_at:
            return set()
        values = [entity.data[field] for field in rule.fields if isinstance(entity.data.get(field), str)]
        if rule.kind == "person":
            return {(value, entity.id) for value in values} if _active(entity) else set()
        people: set[str] = set()
        for found in entities.get_many(self.conn, values).values():
            if found.kind == "person":
                people.add(found.id)
            elif found.kind == "group":
                people.update(self._people_in(found.id))
        active = [person for person in entities.get_many(self.conn, sorted(people)).values() if _active(person)]
        return {(entity.id, person.id) for person in active}

    def _people_in(self, group: str) -> set[str]:
        ids = [source for source, _ in entities.referrers(self.conn, group, ["group"])]
        found = entities.get_many(self.conn, ids).values()
        return {str(one.data["person"]) for one in found if one.kind == "membership" and not one.deleted_at}

    def _notices(self, flow: Flow, entity: EntityRow, changed: set[str]) -> None:
        for field in flow.announce:
            if field in changed and entity.data.get(field) is not None:
                body = f"{field.capitalize()}: **{entity.data[field]}**"
                rule = f"{flow.name}:notice:{entity.id}:{field}:{entity.version}"
                self._put(rule, "message", {"space": entity.id, "body": body, "sent_at": now()})

    def space_for(self, route: Route, data: dict[str, Any]) -> str:
        """The entity of the space that the route's template names: one that is there already, else a derived one."""
        name = route.templates["space"](data)
        hits = entities.matches(self.conn, "space", "alias", [name.casefold()])
        linked = [hit.entity for hit in hits if hit.entity and hit.system == route.system]
        if linked:
            return str(linked[0])
        rule = f"{route.system}:space:{name}"
        found = entities.by_rule(self.conn, rule)
        if found is not None and not found.deleted_at:
            return found.id
        return self._put(rule, "space", {"name": name, "alias": name, "type": "channel", "visibility": "public"})

    def _put(self, rule: str, kind: str, data: dict[str, Any]) -> str:
        found = entities.by_rule(self.conn, rule)
        if found is None:
            entity = entities.new_id()
            entities.create(self.conn, entity, kind, data, dict.fromkeys(data, RULE), None, rule, self.run)
        else:
            entity = found.id
            entities.restore(self.conn, entity, self.run)
        references = {
            field: [data[field]] for field in ("group", "person", "space") if field in data and kind != "space"
        }
        entities.set_references(self.conn, entity, references)
        self._follow(entity, list(data))
        return entity

    def _follow(self, entity: str, fields: list[str]) -> None:
        found = entities.get(self.conn, entity)
        if found is not None:
            self.after(found, fields, created=True)


def _active(person: EntityRow) -> bool:
    return person.data.get("active") is not False and not person.deleted_at
