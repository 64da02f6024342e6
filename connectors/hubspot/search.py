"""HubSpot's search by change time, in steps that its limit of 10,000 results does not touch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from landbridge.errors import ExpiredCursor, IncompleteRead
from landbridge.http import Next, Pages


@dataclass(frozen=True, kw_only=True)
class ChangedById(Pages):
    """Each page is a search of its own, for what follows the last id: no offset ever comes near the limit.

    A batch update gives many thousand records one and the same time, so time alone could not go on from there.
    """

    changed: str
    since: datetime
    properties: tuple[str, ...]
    items: str = "results"
    size: int = 200

    def first(self) -> dict[str, Any]:
        return {
            "limit": self.size,
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(self.properties),
            "filterGroups": self._filters(),
        }

    def next(self, params: Any, body: Any, headers: Any, count: int) -> Next | None:
        if not count:
            return None
        ids = [int(one.get("id") or 0) for one in body["results"]]
        if ids != sorted(ids) or not ids[0]:
            # What is not in this order would be passed over by the next page.
            raise IncompleteRead("the records of a page are not in the order of their ids.")
        return Next({"filterGroups": self._filters(_filter("hs_object_id", "GT", str(ids[-1])))})

    def _filters(self, *more: dict[str, str]) -> list[dict[str, Any]]:
        moment = str(int(self.since.timestamp() * 1000))
        return [{"filters": [_filter(self.changed, "GTE", moment), *more]}]


def _filter(name: str, operator: str, value: str) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": value}


def time_of(cursor: Any, name: str) -> datetime | None:
    """A time of the cursor, None for a full read. Raises ExpiredCursor for a cursor that is not ours."""
    if cursor is None:
        return None
    try:
        return datetime.fromisoformat(cursor[name])
    except (KeyError, TypeError, ValueError):
        raise ExpiredCursor("The stored cursor is not one of this connector.") from None
