"""How HubSpot words its answers: pages, filters, refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import eq, ge, gt
from typing import Any

from sandbox.emulators.base import Refused, Reply, Request

Row = dict[str, Any]
TESTS: dict[str, Callable[[int, int], bool]] = {"EQ": eq, "GT": gt, "GTE": ge}


def names(request: Request) -> list[str]:
    return [name for name in request.params.get("properties", "").split(",") if name]


def page(request: Request, rows: list[Row], most: int) -> Reply:
    limit, start = min(int(request.params.get("limit", 10)), most), int(request.params.get("after", 0))
    end = start + limit
    more = (
        {"paging": {"next": {"after": str(end), "link": f"{request.origin}{request.path}"}}} if end < len(rows) else {}
    )
    return Reply({"results": rows[start:end], **more})


def test(row: Row) -> Callable[[Row], bool]:
    def holds(filter: Row) -> bool:
        said, value = row["properties"].get(filter["propertyName"]), filter["value"]
        if said is None:
            return False
        if str(said)[4:5] == "-":  # a time, which filters name in milliseconds
            said = int(datetime.fromisoformat(said).timestamp() * 1000)
        return TESTS[filter["operator"]](int(said), int(value))

    return holds


def in_order(sorts: Any) -> bool:
    """HubSpot passes over in silence what is no sort to it, the texts of its own SDK's types too."""
    return bool(sorts == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}])


def refusal(status: int, category: str, message: str) -> Reply:
    id = "aeb5f871-7f07-4993-9211-075dc63e7cbf"
    return Reply({"status": "error", "message": message, "correlationId": id, "category": category}, status)


def limited(policy: str, message: str) -> Reply:
    body = {"status": "error", "message": message, "errorType": "RATE_LIMIT", "policyName": policy}
    return Reply(body, 429, {"X-HubSpot-RateLimit-Interval-Milliseconds": "10000"})


def standard_error(id: str) -> Row:
    return {
        "status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No tickets associated with {id}.", "context": {"fromObjectId": [id]}, "links": {}, "errors": [],
    }  # fmt: skip


def refused(status: int, category: str, message: str) -> Refused:
    return Refused(refusal(status, category, message).body, status)
