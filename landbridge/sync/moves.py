"""Where we wrote a message, and whether it belongs there still: people move answers, and close what they stood under."""

from __future__ import annotations

from landbridge.store.records import Row
from landbridge.sync.desire import Desired
from landbridge.sync.refs import is_ref
from landbridge.sync.routes import PLACES
from landbridge.sync.view import View


def moved(row: Row, desired: Desired) -> bool:
    """Does it belong to another room or thread, or to none? It cannot be carried there, only taken back and written anew."""
    if row.role == "source" or not row.sent:
        return False
    sent, space, thread = _sent_to(row), desired.fields.get("space"), desired.fields.get("thread")
    if "space" in sent and is_ref(space) and space != sent["space"]:
        return True
    if row.kind != "message" or any(path == "thread" for path, _ in desired.missing):
        return False
    stands = thread is not None and thread == (row.claim or {}).get("thread")
    return thread != sent.get("thread") and not stands


def will_move(view: View, row: Row, desired: Desired) -> str | None:
    """The place where it belongs by now, which is not there yet."""
    if row.role == "source" or not row.sent:
        return None
    sent = _sent_to(row)
    for path, entity in desired.missing:
        before = view.by_key(row.system, sent[path]["stream"], sent[path]["key"]) if path in sent else None
        if before.entity != entity if before is not None else path == "thread" and path not in sent:
            return entity
    return None


def uprooted(view: View, row: Row) -> bool:
    """Was the room or thread gone by then? Who deletes a post says nothing about a reply that moves elsewhere."""
    places = [view.by_key(row.system, ref["stream"], ref["key"]) for ref in _sent_to(row).values()]
    return any(place and place.gone_at and place.gone_at <= (row.gone_at or "") for place in places)


def _sent_to(row: Row) -> dict[str, dict[str, str]]:
    return {path: ref for path in PLACES if is_ref(ref := (row.sent or {}).get(path))}
