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
from landbridge.http import Answer, Meaning, Meanings, get_path
from landbridge.http.retry import retry_after

# The allowance counts the last 24 hours: longer than any patience, so that the run stops and comes again.
ALLOWANCE_USED_UP = 3600.0
TOO_MANY_AT_ONCE = 30.0
RIGHTS = "Give the user the rights and fields that connectors/salesforce/README.md lists."
EDITION = "Check the edition, the API version and the connection."
MEANINGS = Meanings(
    Meaning(TransientError, "UNABLE_TO_LOCK_ROW", "somebody else is writing the record."),
    Meaning(TransientError, "QUERY_TIMEOUT", "the query took too long."),
    Meaning(TransientError, "SERVER_UNAVAILABLE", "the server is busy."),
    Meaning(TransientError, "INVALID_QUERY_LOCATOR", "the query has ended before its last page."),
    Meaning(RecordError, "INSUFFICIENT_ACCESS", "the user may not do this with this record.", RIGHTS),
    Meaning(RecordError, "INSUFFICIENT_ACCESS_OR_READONLY", "the user may not write this record.", RIGHTS),
    Meaning(RecordError, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "the user may not use what it refers to.",
            RIGHTS),
    Meaning(RecordError, "CANNOT_UPDATE_CONVERTED_LEAD", "a lead that was converted stays as it is."),
    Meaning(ConfigError, "MALFORMED_QUERY", "Salesforce does not understand the query.", EDITION),
    Meaning(ConfigError, "API_DISABLED_FOR_ORG", "this organisation has no API.", EDITION),
    Meaning(ConfigError, "API_CURRENTLY_DISABLED", "the API is switched off.", EDITION),
    Meaning(ConfigError, "UNSUPPORTED_API_VERSION", "Salesforce does not have this version of the API.", EDITION),
    Meaning(NotFound, "ENTITY_IS_DELETED", "the record was deleted."),
)  # fmt: skip
_COLUMN = re.compile(r"No such column '(\w+)' on ")


def error_of(answer: Answer) -> LandbridgeError | None:
    """None leaves it to the status."""
    if answer.status < 400:
        return None
    code, message = get_path(answer.json(), "0.errorCode"), str(get_path(answer.json(), "0.message"))
    if code == "REQUEST_LIMIT_EXCEEDED":
        wait = TOO_MANY_AT_ONCE if "oncurrent" in message else ALLOWANCE_USED_UP
        return RateLimited(f"{answer.where}: {answer.status} {code}.", after=retry_after(answer.headers) or wait)
    if code in ("INVALID_FIELD", "INVALID_TYPE"):
        named = _COLUMN.search(message)
        return ScopeError(f"{answer.where}: {answer.status} {code}{f': {named[1]}' if named else ''}.", remedy=RIGHTS)
    if "external ID field" in message:
        return ConfigError(f"{answer.where}: there is no such external id field.",
                           remedy="Make the field of the connection's marker_field, or let the user see it.")  # fmt: skip
    return MEANINGS.of(answer, code)
