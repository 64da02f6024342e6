"""A flow file compiled to routes, sources and rules; every mistake is reported with file and line."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from landbridge.errors import ConfigError
from landbridge.mapping import Expression, Mapping, Template, YamlFile, compile_expression, compile_template
from landbridge.sync.config import DigestConfig, FlowConfig, TargetConfig
from landbridge.sync.marks import bare, marks_on
from landbridge.sync.routes import CONFIDENCE, DIGEST, PLACES, Flow, MembershipRule, Route, Source

# How a flow's own kind is shown elsewhere: projection → (from kinds, the target stream's kind).
PROJECTIONS = {
    "announcement": (("document",), "message"), "room": (("case",), "space"), "article": (("message", "document"), "document"),
    "digest": (("message",), "message"),
}  # fmt: skip
# Of which kind what is shown is, where it is not of the flow's own: nobody said a digest.
SHOWN = {DIGEST: "document"}
# Where a message of the flow belongs to it: by its thread or by its space.
VIA = {"document": "thread", "case": "space", "message": "thread"}
# How often a flow looks whether a digest is due, where it does not say so itself.
OFTEN = timedelta(minutes=15)


def marked(data: MappingABC[str, Any], emoji: str) -> bool:
    """Has anyone put this reaction on the message?"""
    return bare(emoji) in marks_on(data)


def thread_marked(data: MappingABC[str, Any], emoji: str) -> bool:
    """Has anyone put this reaction on an answer in the thread that this opens? (`~marks`: how the engine gathers them.)"""
    marks: Callable[[], set[str]] = data.get("~marks", set)
    return bare(emoji) in marks()


FUNCTIONS: dict[str, Callable[..., Any]] = {"marked": marked, "thread_marked": thread_marked}


@dataclass(frozen=True)
class _Compiler:
    config: FlowConfig
    yaml: YamlFile
    mappings: MappingABC[str, Mapping]
    systems: tuple[str, ...]

    def fail(self, message: str, *keys: str, remedy: str = "") -> ConfigError:
        return ConfigError(message, file=self.yaml.file, line=self.yaml.line(*keys), remedy=remedy)

    def stream(self, name: str, kind: str | None, *keys: str) -> str:
        """Check "system/stream" (or a bare system, with its one stream of the kind) and return it in full."""
        system, slash, _ = name.partition("/")
        if system not in self.systems:
            raise self.fail(f"There is no system {system!r}.", *keys, remedy=f"Systems: {', '.join(self.systems)}.")
        if not slash and kind:
            return self.only_stream(system, kind, *keys)
        if name not in self.mappings:
            known = sorted(stream for stream in self.mappings if stream.startswith(f"{system}/"))
            raise self.fail(f"{name} has no mapping.", *keys, remedy=f"Mapped: {', '.join(known) or 'none'}.")
        found = self.mappings[name].kind
        if kind and found != kind:
            raise self.fail(f"{name} holds {found}s, a {kind} stream is expected here.", *keys)
        return name

    def only_stream(self, system: str, kind: str, *keys: str) -> str:
        found = self.of_kind(system, kind)
        if len(found) != 1:
            many = f"several ({', '.join(found)}): name one" if found else "none"
            raise self.fail(f"{system} has no single {kind} stream, but {many}.", *keys)
        return found[0]

    def of_kind(self, system: str, kind: str) -> list[str]:
        """Without messages that stand nowhere: nobody can answer a letter."""
        found = {name: one for name, one in self.mappings.items() if name.startswith(f"{system}/") and one.kind == kind}
        return [name for name, one in found.items() if kind != "message" or not one.fields.keys().isdisjoint(PLACES)]

    def context(self, streams: list[str]) -> tuple[str, ...]:
        """What the flow's streams refer to, directly or not, and the flow's targets, where people may edit what we wrote."""
        found = list(dict.fromkeys(streams))
        for name in found:
            system = name.partition("/")[0]
            refs = [f"{system}/{field.ref}" for field in self.mappings[name].fields.values() if field.ref]
            found += [ref for ref in dict.fromkeys(refs) if ref in self.mappings and ref not in found]
        return tuple(found)

    def condition(self, text: str | None, *keys: str) -> Expression | None:
        if text is None:
            return None
        return compile_expression(
            text, file=self.yaml.file, line=self.yaml.line(*keys), functions=FUNCTIONS, what="only"
        )

    def templates(self, config: TargetConfig, *keys: str) -> dict[str, Template]:
        texts = {name: getattr(config, name) for name in ("space", "name", "path")}
        return {
            name: compile_template(text, file=self.yaml.file, line=self.yaml.line(*keys, name))
            for name, text in texts.items()
            if text
        }

    def scope(self) -> tuple[Source, ...]:
        found: list[Source] = []
        for name, source in self.config.from_.items():
            stream = self.stream(name, self.config.kind, "from", name)
            authority = source.authority if source else ()
            only = self.condition(source.only if source else None, "from", name, "only")
            creates = source.creates if source and source.creates is not None else not found
            found.append(Source(stream, self.config.kind, authority, only, creates))
        return tuple(found)

    def main_routes(self) -> list[Route]:
        shape, kind = self.config.as_ or "", self.config.kind
        if shape and kind not in PROJECTIONS[shape][0]:
            raise self.fail(f"as: {shape} shows a {' or '.join(PROJECTIONS[shape][0])}, but kind is {kind}.", "as")
        routes = []
        for name, target in self.config.to.items():
            config = target or TargetConfig()
            stream = self.stream(name, PROJECTIONS[shape][1] if shape else kind, "to", name)
            only = self.condition(config.only, "to", name, "only")
            templates = self.templates(config, "to", name)
            if shape == DIGEST:
                self.check_digest(name, stream, only)
            shown = SHOWN.get(shape, kind)
            routes.append(Route(self.config.flow, shown, shape, stream, only, config=config, templates=templates))
        return routes

    def check_digest(self, name: str, stream: str, only: Expression | None) -> None:
        """To one person each nothing is sent by accident."""
        if "to" in self.mappings[stream].writable and only is None:
            remedy = 'Say it of a person, e.g. only: title == "Fitter".'
            raise self.fail(f"{stream} writes to single people: `only` has to say whom.", "to", name, remedy=remedy)

    def digest(self) -> DigestConfig | None:
        """When digests are sent; a flow that sends none has no such time."""
        if self.config.as_ == DIGEST:
            return self.config.digest or DigestConfig()
        if self.config.digest is not None:
            raise self.fail("digest: says when digests are sent, but the flow sends none.", "digest",
                            remedy="Add `as: digest`, or leave it out.")  # fmt: skip
        return None

    def space_routes(self, routes: list[Route]) -> list[Route]:
        """A target whose space is named by a template also creates that space."""
        return [
            Route(self.config.flow, "space", "", self.only_stream(route.system, "space", "to", route.target))
            for route in routes
            if "space" in route.templates
        ]

    def group_routes(self) -> list[Route]:
        routes = []
        for name, groups in self.config.groups.items():
            self.stream(name, "group", "groups", name)
            target = self.stream(groups.to, "space", "groups", name, "to")
            routes.append(Route(self.config.flow, "group", "room", target))
        return routes

    def memberships(self, routes: list[Route]) -> tuple[list[MembershipRule], list[Route]]:
        rules, shown = [], []
        for name, groups in self.config.groups.items():
            rules.append(MembershipRule(self.config.flow, "person", (groups.members,)))
            shown.append(self.stream(groups.to, "space", "groups", name, "to").partition("/")[0])
        for route in routes:
            if route.config.members and not route.via:
                rules.append(MembershipRule(self.config.flow, route.kind, route.config.members))
                shown.append(route.system)
        targets = [self.only_stream(system, "membership", "to") for system in dict.fromkeys(shown)]
        return rules, [Route(self.config.flow, "membership", "", target, via="group") for target in targets]

    def message_routes(self) -> list[Route]:
        """Answers: each message stream of the flow shows the messages of the others."""
        via = VIA.get(self.config.kind, "")
        origins: dict[str, Expression | None] = {}
        if self.config.replies != "none":
            for name in (*self.config.to, *self.config.from_):
                origins[self.only_stream(name.partition("/")[0], "message", "replies")] = None
        for name, messages in self.config.messages.items():
            stream = self.stream(name, "message", "messages", name)
            origins[stream] = self.condition(messages.only if messages else None, "messages", name, "only")
        shown_in = {name.partition("/")[0] for name in self.config.to}
        back = {"both": True, "in": True, "out": False, "none": True}[self.config.replies]
        forth = {"both": True, "in": False, "out": True, "none": True}[self.config.replies]
        told = {
            name.partition("/")[0]: TargetConfig(corrections=to.corrections)
            for name, to in self.config.to.items()
            if to
        }
        return [
            Route(
                self.config.flow, "message", "", target, via=via, origins=origins,
                config=told.get(target.partition("/")[0], TargetConfig()),
            )
            for target in origins
            if (forth if target.partition("/")[0] in shown_in else back)
        ]  # fmt: skip


def compile_flow(
    config: FlowConfig, yaml: YamlFile, mappings: MappingABC[str, Mapping], systems: tuple[str, ...]
) -> Flow:
    """Raises ConfigError that names file and line."""
    compiler = _Compiler(config, yaml, mappings, systems)
    if config.spaces and config.kind != "message":
        raise compiler.fail(f"spaces: says which messages are meant, but kind is {config.kind}.", "spaces")
    scope = compiler.scope()
    main = compiler.main_routes()
    rules, member_routes = compiler.memberships(main)
    messages = compiler.message_routes()
    groups = [Source(compiler.stream(name, "group", "groups", name), "group") for name in config.groups]
    talk = [Source(stream, "message") for route in messages[:1] for stream in route.origins]
    says = {source.stream: replace(source, only=None) for source in (*scope, *groups, *talk)}
    routes = (*compiler.space_routes(main), *compiler.group_routes(), *main, *member_routes, *messages)
    return Flow(
        name=config.flow,
        purpose=config.purpose,
        kind=config.kind,
        scope=scope,
        says=tuple(says.values()),
        routes=routes,
        memberships=tuple(rules),
        announce=config.announce,
        match=tuple(config.match),
        confidence={**CONFIDENCE, **(config.match if isinstance(config.match, dict) else {})},
        every=config.every or (OFTEN if config.as_ == DIGEST else None),
        brake=config.brake,
        file=yaml.file,
        spaces=frozenset(name.casefold() for name in config.spaces),
        context=compiler.context([*says, *(route.target for route in routes)]),
        digest=compiler.digest(),
    )
