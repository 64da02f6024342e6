"""What every kind has in common.

Absent, null and empty are three things: a field that was never set is absent (a system says nothing about it),
`None` is null (a system says there is none) and `""` or `[]` is empty. `exclude_unset` keeps them apart.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from landbridge.model.audience import Audience

# Referenced kinds come before those that refer to them, so that one pass resolves most references.
KIND_ORDER = ("group", "person", "space", "case", "document", "message", "membership")


class Part(BaseModel):
    """A value inside an entity."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RecordRef(Part):
    """A reference as a system says it: the record of one of its own streams."""

    stream: str
    key: str


# An entity id once resolved through a link, a RecordRef while it is still a system's claim.
Ref = str | RecordRef


class EntityModel(BaseModel):
    """Base of the kinds; ids, origin and version stand beside the data in the hub."""

    model_config = ConfigDict(extra="forbid")
    kind: ClassVar[str]

    labels: list[str] | None = []
    audience: Audience | None = None
