"""Who would see an entity in a target, and whether they may: asked before each write, and of what is shown already."""

from __future__ import annotations

from landbridge.model import Audience, Scope
from landbridge.policy import refusal
from landbridge.store.entities import EntityRow
from landbridge.store.records import Row
from landbridge.sync.desire import Desired
from landbridge.sync.routes import Flow, Route
from landbridge.sync.view import View

# Kinds whose content has an audience; people, groups and rooms are shown by the purpose of their flow.
GATED = ("document", "case", "message")


def too_wide(view: View, flow: Flow, route: Route, entity: EntityRow, desired: Desired) -> str:
    """Why it may not be shown there now; empty where it may."""
    return _refusal(view, flow, route, desired, view.audience(entity), _target(view, route, entity, desired))


def narrowed(view: View, flow: Flow, route: Route, entity: EntityRow, desired: Desired) -> bool:
    """Was it meant for fewer since it was shown? What is unknown, or a target that opened up, takes nothing back.

    Guests who join a room, and a case's own room made public, stop what is new; what they find there stays.
    """
    mine, theirs = view.audience(entity), _target(view, route, entity, desired)
    row = _place(view, route, desired)
    if mine is None or theirs is None or (row is not None and row.role == "room"):
        return False
    return bool(_refusal(view, flow, route, desired, mine, theirs.model_copy(update={"guests": False})))


def place(view: View, route: Route, entity: EntityRow, desired: Desired) -> str | None:
    """The entity that decides who would see it there: the room, or what it belongs to."""
    row = _place(view, route, desired)
    return row.entity if row else entity.data.get(route.via)


def _refusal(
    view: View, flow: Flow, route: Route, desired: Desired, mine: Audience | None, theirs: Audience | None
) -> str:
    place = desired.fields.get("space")
    space = place["key"] if isinstance(place, dict) else None
    return refusal(view.company.policy, flow.name, route.target, space, mine, theirs)


def _place(view: View, route: Route, desired: Desired) -> Row | None:
    place = desired.fields.get("space")
    return view.by_key(route.system, place["stream"], place["key"]) if isinstance(place, dict) else None


def _target(view: View, route: Route, entity: EntityRow, desired: Desired) -> Audience | None:
    if route.shape == "room":
        return Audience.members(entity.id)
    if isinstance(desired.fields.get("space"), dict):
        row = _place(view, route, desired)
        return view.audience_of_record(row) if row else None
    if isinstance(person := entity.data.get("person"), str):
        return Audience.members(person)
    container = view.entity(entity.data.get(route.via)) if route.via else None
    if container is not None:
        return view.audience(container)
    scope = view.company.system(route.system).config.audience
    return Audience(scope=scope) if scope is not Scope.NOBODY else None
