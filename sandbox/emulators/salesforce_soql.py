"""The little of SOQL that Landbridge speaks: one object, conditions joined by AND, an order, a limit."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from operator import eq, ge
from typing import Any

from sandbox.emulators.base import Refused

Row = dict[str, Any]
_QUERY = re.compile(
    r"SELECT (?P<fields>[\w, ]+) FROM (?P<object>\w+)(?: WHERE (?P<where>.+?))?"
    r"(?: ORDER BY (?P<order>\w+)(?P<down> DESC)?)?(?: LIMIT (?P<limit>\d+))?"
)
_CONDITION = re.compile(r"(?P<field>\w+) (?P<operator>=|>=) (?P<value>'.*'|\S+)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {"=": eq, ">=": ge}


def refused(code: str, message: str, status: int = 400) -> Refused:
    return Refused([{"errorCode": code, "message": message}], status)


def run(soql: str, objects: dict[str, dict[str, Row]], fields: dict[str, set[str]], *, deleted: bool) -> list[Row]:
    """The rows; `deleted` also those in the recycle bin. Raises Refused as Salesforce does."""
    query = _QUERY.fullmatch(soql)
    if not query or query["object"] not in objects:
        raise refused("MALFORMED_QUERY", "unexpected token")
    name, wanted = query["object"], [field.strip() for field in query["fields"].split(",")]
    for field in wanted:
        if field not in fields[name]:
            raise refused("INVALID_FIELD", f"No such column '{field}' on entity '{name}'.")
    rows = [row for row in objects[name].values() if deleted or not row.get("IsDeleted")]
    for condition in (query["where"] or "").split(" AND ") if query["where"] else ():
        rows = [row for row in rows if _holds(condition, row)]
    if query["order"]:
        rows.sort(key=lambda row: str(row[query["order"]]), reverse=bool(query["down"]))
    rows = rows[: int(query["limit"])] if query["limit"] else rows
    return [{"attributes": {"type": name}, **{field: row.get(field) for field in wanted}} for row in rows]


def _holds(condition: str, row: Row) -> bool:
    found = _CONDITION.fullmatch(condition)
    if not found:
        raise refused("MALFORMED_QUERY", "unexpected token")
    value, said = found["value"], row.get(found["field"])
    if value.startswith("'"):
        return _COMPARE[found["operator"]](said, value[1:-1].replace("\\'", "'"))
    return _COMPARE[found["operator"]](datetime.fromisoformat(str(said)), datetime.fromisoformat(value))
