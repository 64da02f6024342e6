"""Tryton's REST interface without I/O: its JSON, its paging, and what its refusals mean."""

from __future__ import annotations

import base64
import re
from datetime import UTC, date, datetime
from typing import Any

import orjson

from landbridge.errors import ConfigError, LandbridgeError, NotFound, RecordError, ScopeError
from landbridge.http import Answer, KeysetPages, get_path

# A list of clauses, each a list such as ["id", ">", 7] or ["OR", …].
Domain = list[Any]
# Leavers, future joiners and closed departments are hidden unless they are asked for.
CONTEXT: dict[str, Any] = {"active_test": False}
RIGHTS = "Give the account the rights that connectors/tryton/README.md lists."
_NO_ACCESS = re.compile(r"not allowed to (access|search on) ")
_BY_RULE = re.compile(r"not allowed to [a-z ]+ records ")
_NOT_THERE = re.compile(r"that don't exist")
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z_.]+")


def encoded(data: Any) -> str:
    """Domains, orders and contexts travel as base64 of JSON."""
    return base64.urlsafe_b64encode(orjson.dumps(data)).decode("ascii")


def headers() -> dict[str, str]:
    """Refusals are told apart by their prose, which comes in the account's language unless another is asked for."""
    return {"X-Tryton-Context": encoded(CONTEXT), "Accept-Language": "en"}


def decoded(value: Any) -> Any:
    """The JSON with ISO 8601 for Tryton's objects of dates and times, which are UTC."""
    if isinstance(value, list):
        return [decoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    parts = {name: part for name, part in value.items() if name != "__class__"}
    match value.get("__class__"):
        case "date":
            return date(**parts).isoformat()
        case "datetime":
            return iso(datetime(**parts, tzinfo=UTC))
    return {name: decoded(one) for name, one in value.items()}


def iso(time: datetime) -> str:
    """Of one width, so that times compare as text."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def moment(time: datetime) -> dict[str, Any]:
    """A time as domains compare it: naive UTC."""
    utc = time.astimezone(UTC)
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{name: getattr(utc, name) for name in names}}


def by_id(domain: Domain, size: int) -> KeysetPages:
    """A record deleted meanwhile moves no other out of sight."""

    def query(last: Any) -> dict[str, Any]:
        following = [["id", ">", last]] if last is not None else []
        return {"s": size, "o": encoded([["id", "ASC"]]), "d": encoded([*domain, *following])}

    return KeysetPages(query=query)


def refusal(answer: Answer, known: frozenset[str]) -> LandbridgeError | None:
    """Tryton refuses with 400 and prose, and fails with 500 where the module with a model or field is not activated."""
    if answer.status == 400:
        message = str(get_path(answer.json(), "message"))
        if _NO_ACCESS.search(message):
            return ScopeError(f"{answer.where}: the account has no access.", remedy=RIGHTS)
        if _BY_RULE.search(message):
            return RecordError(f"{answer.where}: a rule keeps the account from this record.", remedy=RIGHTS)
        if _NOT_THERE.search(message):
            return NotFound(f"{answer.where}: the record is not there.")
    if answer.status == 500 and (said := _PARAGRAPH.search(answer.text)):
        names = ", ".join(sorted(set(_NAME.findall(said[1])) & known))
        if names:
            return ConfigError(
                f"{answer.where}: this Tryton does not know {names}.",
                remedy="Activate the Tryton module that brings it; connectors/tryton/README.md names the modules.",
            )
    return None


def require(row: dict[str, Any], fields: tuple[str, ...], where: str) -> None:
    """Raises ScopeError where a field did not come.

    Tryton leaves out in silence what the account may not read; taken for absence, that would empty what is known.
    """
    for field in fields:
        if not _came(row, field.split(".")):
            raise ScopeError(f"{where}: the account may not read the field {field}.", remedy=RIGHTS)


def _came(value: Any, steps: list[str]) -> bool:
    if not steps or value is None:
        return True
    if isinstance(value, list):
        return all(_came(one, steps) for one in value)
    return isinstance(value, dict) and steps[0] in value and _came(value[steps[0]], steps[1:])
