"""What Salesforce's error codes mean where the status alone does not tell."""

from __future__ import annotations

import re

from landbridge.errors import (
    ConfigError,
    LandbridgeError,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.http import Answer, get_path
from landbridge.http.retry import retry_after

# The allowance counts the last 24 hours: longer than any patience, so that the run stops and comes again.
ALLOWANCE_USED_UP = 3600.0
TOO_MANY_AT_ONCE = 30.0
RIGHTS = "Give the user the rights and fields that connectors/salesforce/README.md lists."
PASSING = frozenset({"UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT", "SERVER_UNAVAILABLE", "INVALID_QUERY_LOCATOR"})
FORBIDDEN = frozenset({"INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY", "CANNOT_UPDATE_CONVERTED_LEAD",
                       "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"})  # fmt: skip
OURS = frozenset({"MALFORMED_QUERY", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED", "UNSUPPORTED_API_VERSION"})
_COLUMN = re.compile(r"No such column '(\w+)' on ")


def error_of(answer: Answer) -> LandbridgeError | None:
    """None leaves it to the status."""
    if answer.status < 400:
        return None
    code, message = str(get_path(answer.json(), "0.errorCode")), str(get_path(answer.json(), "0.message"))
    where = f"{answer.where}: {answer.status} {code}"
    if code == "REQUEST_LIMIT_EXCEEDED":
        wait = TOO_MANY_AT_ONCE if "oncurrent" in message else ALLOWANCE_USED_UP
        return RateLimited(f"{where}.", after=retry_after(answer.headers) or wait)
    if code in PASSING:
        return TransientError(f"{where}.")
    if code in FORBIDDEN:
        return RecordError(f"{where}.")
    if code in ("INVALID_FIELD", "INVALID_TYPE"):
        named = _COLUMN.search(message)
        return ScopeError(f"{where}{f': {named[1]}' if named else ''}.", remedy=RIGHTS)
    if code in OURS:
        return ConfigError(f"{where}.", remedy="Check the edition, the API version and the connection.")
    if "external ID field" in message:
        return ConfigError(f"{where}: there is no such external id field.",
                           remedy="Make the field of the connection's marker_field, or let the user see it.")  # fmt: skip
    return NotFound(f"{where}.") if code == "ENTITY_IS_DELETED" else None
