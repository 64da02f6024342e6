"""Who may see something, as a value that can be compared. Unknown means nobody."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Scope(StrEnum):
    """From the narrowest to the widest."""

    NOBODY = "nobody"
    MEMBERS = "members"
    COMPANY = "company"
    PUBLIC = "public"


class Audience(BaseModel):
    """A scope, and for `members` the containers (group, space, case) whose members are meant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scope: Scope = Scope.NOBODY
    of: tuple[str, ...] = ()
    guests: bool = False

    @classmethod
    def members(cls, *containers: str, guests: bool = False) -> Audience:
        return cls(scope=Scope.MEMBERS, of=tuple(sorted(containers)), guests=guests)


_WIDTH = {Scope.NOBODY: 0, Scope.MEMBERS: 1, Scope.COMPANY: 2, Scope.PUBLIC: 3}
NOBODY = Audience()
COMPANY = Audience(scope=Scope.COMPANY)
PUBLIC = Audience(scope=Scope.PUBLIC)


def within(target: Audience | None, entity: Audience | None) -> bool:
    """Is everyone in `target` allowed to see the entity? Unknown on either side is never allowed.

    Guests present in the target count as outside the company, so only a public entity may be shown there,
    except to the very members it came from.
    """
    if target is None or entity is None or Scope.NOBODY in (target.scope, entity.scope):
        return False
    if entity.scope is Scope.MEMBERS:
        return target.scope is Scope.MEMBERS and bool(target.of) and set(target.of) <= set(entity.of)
    if target.guests and not (target.of and target.of == entity.of):
        return entity.scope is Scope.PUBLIC
    return _WIDTH[target.scope] <= _WIDTH[entity.scope]
