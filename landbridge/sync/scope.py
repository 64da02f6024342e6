"""Is an entity to be shown on a route at all? Yes, no longer, or the route is not concerned with it (None)."""

from __future__ import annotations

from collections.abc import Iterator

from landbridge.store.entities import EntityRow
from landbridge.sync.digest import prefix, told
from landbridge.sync.refs import is_ref
from landbridge.sync.routes import DIGEST, Flow, Route
from landbridge.sync.view import View

# When its entity leaves the scope: kind, shape → op. What is not listed stays: knowledge outlives its thread.
RETIRE = {
    ("membership", ""): "delete", ("message", ""): "delete", ("document", "announcement"): "delete",
    ("case", "room"): "disable", ("group", "room"): "disable",
}  # fmt: skip


def wanted(view: View, flow: Flow, route: Route, entity: EntityRow) -> bool | None:
    if route.shape == DIGEST:
        ours = str(entity.rule).startswith(prefix(route))
        return bool(told(view, route, entity)) if ours else None
    if route.via in ("thread", "space"):
        return _message_wanted(view, flow, route, entity)
    if route.kind == "membership" and flow.kind != "membership":
        return not entity.deleted_at if (entity.rule or "").startswith(f"{flow.name}:") else None
    if route.kind == "space" and flow.kind != "space":
        return not entity.deleted_at if (entity.rule or "").startswith(f"{route.system}:space:") else None
    if route.kind == "group" and flow.kind != "group":
        return not entity.deleted_at
    if entity.kind == "message" and entity.data.get("thread"):
        return None
    data = view.with_marks(entity)
    return view.in_flow(flow, entity) and (route.only is None or bool(route.only(data)))


def _message_wanted(view: View, flow: Flow, route: Route, entity: EntityRow) -> bool | None:
    """A message follows what it belongs to; taken back by its author, it is taken back everywhere."""
    container = view.entity(entity.data.get(route.via))
    if container is None or container.kind != flow.kind:
        return False if _has_left(view, flow, route, entity) else None
    if entity.deleted_at:
        return False
    if not view.in_flow(flow, container) or not _shown_there(view, flow, route, container):
        return False if _taken_back(flow, route, container) else None
    origin = view.origin_of(entity)
    if origin is None:
        return True if route.system in {one.system for one in flow.routes if one.kind == flow.kind} else None
    name = f"{origin.system}/{origin.stream}"
    if name not in route.origins:
        return None
    condition = route.origins[name]
    shown = name == route.target or condition is None or bool(condition(entity.data))
    return True if shown else None


def _has_left(view: View, flow: Flow, route: Route, entity: EntityRow) -> bool:
    """Did we show it here for what it belonged to, of which it says now that it does not?

    Where it stands now has to be known: as long as that is not, it may well be where it was.
    """
    before = view.delivery(route.target, entity.id, route.shape)
    row = view.record(entity.id, route.target) if before is not None and before.flow == flow.name else None
    if row is None or row.role == "source" or row.sent is None:
        return False
    origin = view.origin_of(entity)
    if entity.deleted_at or origin is None or view.entity(entity.data.get(route.via)) is not None:
        return True
    return not any(is_ref((origin.claim or {}).get(path)) for path in (route.via, "reply_to"))


def _shown_there(view: View, flow: Flow, route: Route, container: EntityRow) -> bool:
    """Does the flow show it in this system, or is it there without us, or by another flow? All answers to it ask that."""
    name = ("shown", flow.name, route.system, container.id)
    return view.once(name, lambda: _is_shown(view, flow, route, container))


def _is_shown(view: View, flow: Flow, route: Route, container: EntityRow) -> bool:
    if any(one.only is None or one.only(view.with_marks(container)) for one in _showing(flow, route, container)):
        return True
    there = (row for row in view.rows(container.id) if row.system == route.system and row.gone_at is None)
    return any(row.role == "source" or row.sent is None for row in there) or any(
        wanted(view, other, one, container)
        for other in view.company.flows.values() if other.name != flow.name
        for one in _showing(other, route, container)
    )  # fmt: skip


def _showing(flow: Flow, route: Route, container: EntityRow) -> Iterator[Route]:
    """The routes by which what the messages of this one belong to would get there."""
    return (one for one in flow.routes_of(container.kind) if one.system == route.system and not one.via)


def _taken_back(flow: Flow, route: Route, container: EntityRow) -> bool:
    """Is what shows the container in this system deleted with it? Then so is what was said there in its name."""
    return any(
        one.kind == container.kind and one.system == route.system and RETIRE.get((one.kind, one.shape)) == "delete"
        for one in flow.routes
    )


def wanted_by_others(view: View, flow: Flow, route: Route, entity: EntityRow) -> bool:
    """Another flow shows it in the same place: then it is not ours to take away."""
    return any(
        wanted(view, other, one, entity)
        for other in view.company.flows.values() if other.name != flow.name
        for one in other.routes_of(entity.kind) if (one.target, one.shape) == (route.target, route.shape)
    )  # fmt: skip
