"""config/policy.yaml, and the one rule that no flow can switch off: audience(target) ⊆ audience(entity)."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from landbridge.model import Audience, Scope, within
from landbridge.policy.spaces import PrivateSpace


class AudienceException(BaseModel):
    """A wider audience than the rule allows; someone answers for it, and it ends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flow: str = Field(description="the flow that may show it")
    target: str = Field(description='the target stream, e.g. "wiki/pages"')
    space: str | None = Field(None, description="key of the one space meant; every space of the target where left out")
    owner: str = Field(description="who answers for it")
    reason: str = Field(min_length=3, description="why it is right")
    until: date = Field(description="the last day on which it holds")


class PolicyConfig(BaseModel):
    """config/policy.yaml"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    exceptions: tuple[AudienceException, ...] = Field((), description="exceptions from the audience rule")
    private_spaces: tuple[PrivateSpace, ...] = Field((), description="private spaces and direct messages that are read")


def refusal(
    policy: PolicyConfig, flow: str, target: str, space: str | None, entity: Audience | None, shown_to: Audience | None
) -> str:
    """Why the entity may not be shown to `shown_to`; empty where it may. Unknown means nobody."""
    if (within(shown_to, entity) and not _uninvited(entity, shown_to)) or _excepted(policy, flow, target, space):
        return ""
    if _uninvited(entity, shown_to):
        return "There are guests: what was said without them is shown to them only where everybody may see it."
    mine = entity.scope.value if entity else "unknown"
    theirs = shown_to.scope.value if shown_to else "unknown"
    return (
        f"Its audience is {mine}, that of {target} is {theirs}: it is not shown wider than it was meant. "
        "An exception in config/policy.yaml needs an owner, a reason and an end date."
    )


def _uninvited(entity: Audience | None, shown_to: Audience | None) -> bool:
    """Guests in the target who were not there where the entity comes from."""
    if entity is None or shown_to is None:
        return False
    return shown_to.guests and not entity.guests and entity.scope is not Scope.PUBLIC


def _excepted(policy: PolicyConfig, flow: str, target: str, space: str | None) -> bool:
    return any(
        one.flow == flow and one.target == target and one.space in (None, space) and date.today() <= one.until
        for one in policy.exceptions
    )
