"""HubSpot's search by change time, in steps that its limit of 10,000 results does not touch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from landbridge.http import KeysetPages

SIZE = 200


def changed_since(since: datetime, changed: str, properties: tuple[str, ...]) -> KeysetPages:
    """Each page is a search of its own, for what follows the last id: no offset ever comes near the limit.

    A batch update gives many thousand records one and the same time, so time alone could not go on from there.
    """
    moment = _filter(changed, "GTE", str(int(since.timestamp() * 1000)))

    def query(last: str | None) -> dict[str, Any]:
        following = [_filter("hs_object_id", "GT", last)] if last else []
        return {
            "limit": SIZE,
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(properties),
            "filterGroups": [{"filters": [moment, *following]}],
        }

    return KeysetPages(items="results", query=query)


def _filter(name: str, operator: str, value: str) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": value}
