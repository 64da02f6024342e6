"""What a flow is once compiled: values that the engine's steps walk over."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from landbridge.mapping import Expression, Template
from landbridge.sync.config import Brake, DigestConfig, TargetConfig

# How sure an equal value of an identifier makes us, unless a flow says otherwise; below SURE a person is asked.
CONFIDENCE: MappingABC[str, float] = {
    "employee_number": 1.0, "emails": 0.95, "user_name": 0.9, "alias": 1.0, "code": 1.0, "number": 1.0,
}  # fmt: skip
WEAK = 0.5
# What stands in a place refers to it by one of these.
PLACES = ("space", "thread")
DIGEST = "digest"
# The role of a record that tells an edit of what another record shows: it says nothing of its own.
CORRECTION = "correction"
SURE = 0.9


@dataclass(frozen=True)
class Source:
    """A stream that says what entities of a kind are; `authority` are the fields it alone decides.

    One that does not create only adds to entities that others say exist: a directory does not hire anybody.
    """

    stream: str
    kind: str
    authority: tuple[str, ...] = ()
    only: Expression | None = None
    creates: bool = True

    @cached_property
    def _decided(self) -> dict[str, bool]:
        return {}

    def decides(self, path: str) -> bool:
        """Has it authority over this field, or over the one that holds it?"""
        known = self._decided.get(path)
        if known is None:
            known = any(path == field or path.startswith(f"{field}.") for field in self.authority)
            self._decided[path] = known
        return known


@dataclass(frozen=True)
class Route:
    """Entities of one kind shown in one target stream, in one shape ("" as themselves, else a projection).

    `via` is set where the scope is not the entity's own but that of what it belongs to: the entity its `thread` or
    `space` refers to must be in the flow. `origins` then says which systems' messages may pass, and under which condition.
    """

    flow: str
    kind: str
    shape: str
    target: str
    only: Expression | None = None
    via: str = ""
    origins: MappingABC[str, Expression | None] = field(default_factory=dict)
    config: TargetConfig = TargetConfig()
    templates: MappingABC[str, Template] = field(default_factory=dict)

    @property
    def system(self) -> str:
        return self.target.partition("/")[0]

    @property
    def stream(self) -> str:
        return self.target.partition("/")[2]


@dataclass(frozen=True)
class MembershipRule:
    """Who belongs to what, computed: a person's `fields` name the groups, or a case's `fields` name people and groups."""

    flow: str
    kind: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Flow:
    """One file of config/flows, compiled."""

    name: str
    purpose: str
    kind: str
    scope: tuple[Source, ...]
    says: tuple[Source, ...]
    routes: tuple[Route, ...]
    memberships: tuple[MembershipRule, ...]
    announce: tuple[str, ...]
    match: tuple[str, ...]
    confidence: MappingABC[str, float]
    every: timedelta | None
    brake: Brake
    file: str
    # Aliases of the spaces whose messages belong to it; all where empty.
    spaces: frozenset[str] = frozenset()

    @property
    def sources(self) -> tuple[str, ...]:
        """All streams whose change matters to this flow, also those that answers come back through."""
        return tuple(dict.fromkeys([*(s.stream for s in self.says), *self.context]))

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(route.target for route in self.routes))

    # Streams read only to know who and where: accounts and rooms of the systems that the flow touches.
    context: tuple[str, ...] = ()
    digest: DigestConfig | None = None

    @cached_property
    def reads_threads(self) -> bool:
        """Does planning what opens a thread need what was said in it?"""
        return self.kind == "message" or self.archives == "document"

    @property
    def archives(self) -> str:
        """The kind of which threads are kept as pages; empty where none are."""
        return next((route.kind for route in self.routes if route.shape == "article"), "")

    def routes_of(self, kind: str) -> tuple[Route, ...]:
        return tuple(route for route in self.routes if route.kind == kind)
