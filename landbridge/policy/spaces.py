"""Private spaces and direct messages: read only where config/policy.yaml names them, for a purpose, by somebody, until a day."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

# So long before its end a policy's owner is reminded of it.
SOON = timedelta(days=14)
GIVEN = re.compile(r"given on (\d{4}-\d{2}-\d{2}) by \S.*")


class PrivateSpace(BaseModel):
    """A private space that may be read; those who are in it are told, and can opt out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str = Field(description="the system, as config/systems.yaml calls it")
    space: str = Field(
        min_length=1,
        description="the space's key in that system, as `landbridge try` shows it, e.g. chats/19:…@thread.v2",
    )
    purpose: str = Field(min_length=10, description="what for, in a sentence that those who are in it read")
    owner: str = Field(min_length=2, description="who answers for it, and whom to ask")
    until: date = Field(description="the last day on which it is read")
    notice: str | None = Field(
        None,
        description='where Landbridge cannot speak in the space: who has told those who are in it, "given on 2026-11-01 by …"',
    )

    @field_validator("notice")
    @classmethod
    def _says_when_and_who(cls, said: str | None) -> str | None:
        if said is None or _day_of(said) <= date.today():
            return said
        raise ValueError(
            'expected "given on <a day that has come> by <who>", such as "given on 2026-11-01 by Vera Lang"'
        )

    @property
    def in_force(self) -> bool:
        return date.today() <= self.until

    @property
    def told(self) -> str:
        """What those who are in it read."""
        return (
            f"What is said here is read by Landbridge until {self.until}, and may be shown in other systems to those who "
            f"may see it here. Purpose: {self.purpose.rstrip('.')}. Responsible: {self.owner}. Whoever does not want that tells "
            "them: what they say here is left out from then on."
        )


def is_private(space: dict[str, Any]) -> bool:
    """Whether a space's claim says that it is for few: direct messages, and what only its members see."""
    return space.get("type") == "direct" or space.get("visibility") in ("members", "hidden")


def _day_of(notice: str) -> date:
    """The last of all days where it says none."""
    found = GIVEN.fullmatch(notice)
    try:
        return date.fromisoformat(found[1]) if found else date.max
    except ValueError:
        return date.max
