"""What HubSpot's refusals mean where the status alone does not tell."""

from __future__ import annotations

from landbridge.errors import ConfigError, LandbridgeError, RateLimited, ScopeError
from landbridge.http import Answer, Meaning, Meanings, get_path

# Nobody can wait for a day's allowance inside a call: longer than any patience, so that the run stops and comes again.
DAY_IS_OVER = 3600.0
MEANINGS = Meanings(
    Meaning(ScopeError, "MISSING_SCOPES", "the private app lacks a scope."),
    Meaning(RateLimited, "477", "HubSpot is moving this account to another data centre.", after=DAY_IS_OVER),
    # By the limit that was met.
    Meaning(RateLimited, "SECONDLY", "429 Too Many Requests.", after=1.0),
    Meaning(RateLimited, "TEN_SECONDLY_ROLLING", "429 Too Many Requests.", after=10.0),
)


def error_of(answer: Answer) -> LandbridgeError | None:
    """None leaves it to the status."""
    if answer.status == 400 and b"PROPERTY_DOESNT_EXIST" in answer.body:
        return ConfigError(
            f"{answer.where}: HubSpot does not know a property that is written.",
            remedy="Make the property of the connection's marker_property, or correct the mapping.",
        )
    if answer.status == 429:
        policy = get_path(answer.json(), "policyName")
        if policy == "DAILY":
            return RateLimited(f"{answer.where}: the account's calls of this day are used up.", after=DAY_IS_OVER)
        return MEANINGS.of(answer, policy)
    return MEANINGS(answer, remedy=_scopes(answer) if answer.status == 403 else "")


def _scopes(answer: Answer) -> str:
    named = get_path(answer.json(), "errors.0.context.requiredGranularScopes")
    names = ", ".join(sorted(map(str, named))) if isinstance(named, list) else "what the README lists"
    return f"Add to the private app: {names}."
