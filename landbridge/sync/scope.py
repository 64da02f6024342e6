"""Is an entity to be shown on a route at all? Yes, no longer, or the route is not concerned with it (None)."""

from __future__ import annotations

from landbridge.store.entities import EntityRow
from landbridge.sync.digest import prefix, told
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
        return None
    if entity.deleted_at:
        return False
    if not view.in_flow(flow, container):
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
