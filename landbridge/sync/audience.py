"""Who would see an entity in a target, and whether they may: asked before each write, and of what is shown already."""

from __future__ import annotations

from typing import NamedTuple

from landbridge.model import Audience, Scope
from landbridge.policy import refusal
from landbridge.store.entities import EntityRow
from landbridge.store.records import Row
from landbridge.sync.desire import Desired
from landbridge.sync.routes import Flow, Route
from landbridge.sync.view import View

# Kinds whose content has an audience; people, groups and rooms are shown by the purpose of their flow.
GATED = ("document", "case", "message")


def too_wide(view: View, flow: Flow, route: Route, entity: EntityRow, desired: Desired, shown: Row | None) -> str:
    """Why it may not be shown there now, or as `shown` any further; empty where it may."""
    place = _place(view, route, desired, shown)
    return _refusal(view, flow, route, place, view.audience(entity), _target(view, route, entity, place))


def narrowed(view: View, flow: Flow, route: Route, entity: EntityRow, desired: Desired, shown: Row) -> bool:
    """Was it meant for fewer since it was shown? What is unknown, or a target that opened up, takes nothing back.

    Guests who join a room, and a case's own room made public, stop what is new; what they find there stays.
    """
    place = _place(view, route, desired, shown)
    mine, theirs = view.audience(entity), _target(view, route, entity, place)
    if mine is None or theirs is None or (place.row is not None and place.row.role == "room"):
        return False
    return bool(_refusal(view, flow, route, place, mine, theirs.model_copy(update={"guests": False})))


def decisive(view: View, route: Route, entity: EntityRow, desired: Desired, shown: Row | None) -> str | None:
    """The entity that decides who would see it there: the room, or what it belongs to."""
    row = _place(view, route, desired, shown).row
    return row.entity if row else entity.data.get(route.via)


class _Place(NamedTuple):
    """Its key, None where it has no room there; and its record, None where it is not known."""

    key: str | None
    row: Row | None


def _place(view: View, route: Route, desired: Desired, shown: Row | None) -> _Place:
    """Where it is to stand. What nothing places any more stands where it is, such as an answer whose post was removed."""
    place = desired.fields.get("space") or ((shown.claim or {}).get("space") if shown else None)
    if not isinstance(place, dict):
        return _Place(None, None)
    return _Place(place["key"], view.by_key(route.system, place["stream"], place["key"]))


def _refusal(
    view: View, flow: Flow, route: Route, place: _Place, mine: Audience | None, theirs: Audience | None
) -> str:
    return refusal(view.company.policy, flow.name, route.target, place.key, mine, theirs)


def _target(view: View, route: Route, entity: EntityRow, place: _Place) -> Audience | None:
    if route.shape == "room":
        return Audience.members(entity.id)
    if place.key is not None:
        row = place.row
        return view.audience_of_record(row) if row else None
    if isinstance(person := entity.data.get("person"), str):
        return Audience.members(person)
    container = view.entity(entity.data.get(route.via)) if route.via else None
    if container is not None:
        return view.audience(container)
    scope = view.company.system(route.system).config.audience
    return Audience(scope=scope) if scope is not Scope.NOBODY else None
