"""What HubSpot's refusals mean where the status alone does not tell."""

from __future__ import annotations

from landbridge.errors import ConfigError, LandbridgeError, RateLimited, ScopeError
from landbridge.http import Answer, get_path
from landbridge.http.retry import retry_after

# Nobody can wait for a day's allowance inside a call: longer than any patience, so that the run stops and comes again.
DAY_IS_OVER = 3600.0
# Seconds, by the limit that was met.
WINDOWS = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
MIGRATING = 477


def error_of(answer: Answer) -> LandbridgeError | None:
    """None leaves it to the status."""
    if answer.status in (429, MIGRATING):
        return _limited(answer)
    if answer.status == 403 and get_path(answer.json(), "category") == "MISSING_SCOPES":
        return ScopeError(f"{answer.where}: the private app lacks a scope.", remedy=_scopes(answer))
    if answer.status == 400 and b"PROPERTY_DOESNT_EXIST" in answer.body:
        return ConfigError(
            f"{answer.where}: HubSpot does not know a property that is written.",
            remedy="Make the property of the connection's marker_property, or correct the mapping.",
        )
    return None


def _limited(answer: Answer) -> RateLimited:
    after = retry_after(answer.headers)
    if answer.status == MIGRATING:
        return RateLimited(f"{answer.where}: HubSpot is moving this account to another data centre.",
                           after=DAY_IS_OVER if after is None else after)  # fmt: skip
    policy = str(get_path(answer.json(), "policyName"))
    if policy == "DAILY":
        return RateLimited(f"{answer.where}: the account's calls of this day are used up.", after=DAY_IS_OVER)
    return RateLimited(f"{answer.where}: 429 Too Many Requests.", after=WINDOWS.get(policy) if after is None else after)


def _scopes(answer: Answer) -> str:
    named = get_path(answer.json(), "errors.0.context.requiredGranularScopes")
    names = ", ".join(sorted(map(str, named))) if isinstance(named, list) else "what the README lists"
    return f"Add to the private app: {names}."
