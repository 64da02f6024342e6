"""The configuration of one company, joined: systems, mappings, and flows compiled to routes.

A flow has no code. It becomes routes (which kind is shown in which stream, in which shape, under which condition),
sources (which streams say what a kind is) and membership rules; the engine knows nothing else about it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from landbridge.connector.registry import mapping_folders
from landbridge.errors import ConfigError, did_you_mean
from landbridge.mapping import Expression, Mapping, Template, YamlFile, load_mappings, load_yaml, validated
from landbridge.model import ref_fields
from landbridge.policy import PolicyConfig
from landbridge.sync.compile import compile_flow
from landbridge.sync.config import FlowConfig, SystemConfig, SystemsFile
from landbridge.sync.refs import NEEDED
from landbridge.sync.routes import Flow, MembershipRule, Route, Source

__all__ = ["Company", "Expression", "Flow", "MembershipRule", "Route", "Source", "System", "Template", "load_company"]


@dataclass(frozen=True)
class System:
    """One system; `streams` are those that are read, `connection` is the id of its connection."""

    name: str
    connector: str
    connection: str
    streams: tuple[str, ...]
    config: SystemConfig

    @property
    def every(self) -> timedelta:
        return self.config.every

    @property
    def workers(self) -> int:
        return self.config.workers


@dataclass(frozen=True)
class Company:
    """Everything that configuration says; immutable, cheap to load, knows no connector class and no database."""

    home: Path
    systems: dict[str, System]
    flows: dict[str, Flow]
    mappings: dict[str, Mapping] = field(repr=False)
    policy: PolicyConfig = PolicyConfig()

    def mapping(self, stream: str) -> Mapping:
        """The mapping of "system/stream". Raises ConfigError."""
        found = self.mappings.get(stream)
        if found is None:
            raise ConfigError(
                f"{stream} has no mapping.", remedy=f"Mapped streams: {', '.join(sorted(self.mappings))}."
            )
        return found

    def system(self, name: str) -> System:
        """Raises ConfigError that lists the systems."""
        if name not in self.systems:
            raise ConfigError(f"There is no system {name!r}.", remedy=did_you_mean(name, self.systems, "Systems"))
        return self.systems[name]

    def flow(self, name: str) -> Flow:
        """Raises ConfigError that lists the flows."""
        if name not in self.flows:
            raise ConfigError(f"There is no flow {name!r}.", remedy=did_you_mean(name, self.flows, "Flows"))
        return self.flows[name]

    def stream_of_kind(self, system: str, kind: str) -> str | None:
        """The system's one stream of this kind ("chat/users"), None where it has none or several."""
        found = [name for name, one in self.mappings.items() if name.startswith(f"{system}/") and one.kind == kind]
        return found[0] if len(found) == 1 else None

    def naming(self, target: str) -> tuple[str, ...]:
        """The fields in which records of the target's system can name one of the target's, and need not."""
        system, _, stream = target.partition("/")
        mappings = [one for name, one in self.mappings.items() if name.partition("/")[0] == system]
        return tuple(sorted({
            path for mapping in mappings for path, found in mapping.fields.items()
            if found.ref == stream and path in mapping.writable and path in ref_fields(mapping.kind)
            and path != "author" and path not in NEEDED.get(mapping.kind, ())
        }))  # fmt: skip

    @cached_property
    def sources(self) -> dict[str, tuple[Source, ...]]:
        """Per kind the streams that say what it is, in order of authority.

        Spaces are wherever people made them; any other kind is only what a flow names as its source, so an account or
        a page that Landbridge merely reads never becomes an entity by itself.
        """
        found: dict[str, dict[str, Source]] = {}
        for flow in self.flows.values():
            for source in flow.says:
                found.setdefault(source.kind, {}).setdefault(source.stream, source)
        for stream, mapping in self.mappings.items():
            if mapping.kind == "space":
                found.setdefault(mapping.kind, {}).setdefault(stream, Source(stream, mapping.kind))
        return {kind: tuple(streams.values()) for kind, streams in found.items()}

    def decides(self, kind: str, path: str) -> bool:
        """Does it matter which of several values of the field holds? Rooms keep their own where no flow writes it to them."""
        return kind != "space" or any(
            path in paths and self.mapping(stream).kind == kind for stream, paths in self._shown.items()
        )

    def shown(self, stream: str) -> frozenset[str]:
        """The fields of "system/stream" that are written to it where they changed elsewhere; none where no flow shows it."""
        return self._shown.get(stream, frozenset())

    @cached_property
    def _shown(self) -> dict[str, frozenset[str]]:
        targets = {
            route.target for flow in self.flows.values() for route in flow.routes
            # A room that a template names is made once, and nothing is written to it afterwards.
            if not route.shape and (route.kind != "space" or flow.kind == "space")
        }  # fmt: skip
        return {
            stream: frozenset(path for path in mapping.writable if mapping.fields[path].strength != "weak")
            for stream, mapping in self.mappings.items()
            if stream in targets
        }

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        return tuple(route for flow in self.flows.values() for route in flow.routes)

    def flows_showing(self, kind: str) -> Iterator[Flow]:
        return (flow for flow in self.flows.values() if any(route.kind == kind for route in flow.routes))

    @cached_property
    def match_fields(self) -> dict[str, tuple[str, ...]]:
        """Per kind the identifier fields that a flow names, strongest first."""
        return {flow.kind: flow.match for flow in self.flows.values() if flow.match}

    @cached_property
    def confidence(self) -> dict[str, MappingABC[str, float]]:
        """Per kind how sure an equal value of an identifier makes us, as the same flow says."""
        return {flow.kind: flow.confidence for flow in self.flows.values() if flow.match}


def load_company(home: Path | None = None) -> Company:
    """Read config/ and mappings/ below `home` (default: $LANDBRIDGE_HOME, else the nearest folder upwards with a config/).

    Connectors of other distributions bring mappings of their own. Raises ConfigError with file and line.
    """
    home = find_home(home)
    yaml = load_yaml(home / "config" / "systems.yaml")
    systems_file = validated(yaml, SystemsFile)
    found = _mappings(home, {one.connector for one in systems_file.systems.values()})
    systems = {name: _system(name, config, found, yaml) for name, config in systems_file.systems.items()}
    mappings = {
        f"{system.name}/{stream}": mapping
        for system in systems.values()
        for stream, mapping in _mapped(system.name, system.connector, found).items()
    }
    policy_file = home / "config" / "policy.yaml"
    policy = validated(load_yaml(policy_file), PolicyConfig) if policy_file.exists() else PolicyConfig()
    flows: dict[str, Flow] = {}
    for path in sorted((home / "config" / "flows").glob("*.yaml")):
        file = load_yaml(path)
        flow = compile_flow(validated(file, FlowConfig), file, mappings, tuple(systems))
        if flow.name in flows:
            raise ConfigError(f"A flow named {flow.name!r} exists already.", file=str(path), line=file.line("flow"))
        flows[flow.name] = flow
    return Company(home, systems, flows, mappings, policy)


def _mappings(home: Path, connectors: Collection[str]) -> dict[tuple[str, str], Mapping]:
    """What the connectors bring, and the company's own, which replace them stream by stream."""
    brought, own = mapping_folders(connectors), (home / "mappings").resolve()
    return load_mappings(*brought, *([own] if own.is_dir() or not brought else []))


def find_home(home: Path | None = None) -> Path:
    """The folder that holds config/systems.yaml."""
    if home or os.environ.get("LANDBRIDGE_HOME"):
        found = Path(home or os.environ["LANDBRIDGE_HOME"]).resolve()
        if not (found / "config" / "systems.yaml").exists():
            raise ConfigError(
                "config/systems.yaml is missing.", file=str(found), remedy="Name the folder that holds config/."
            )
        return found
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "config" / "systems.yaml").exists():
            return folder
    raise ConfigError(
        "No config/systems.yaml here or above.",
        remedy="Go to the folder that holds config/, or name it in LANDBRIDGE_HOME; docs/tutorial makes a first one.",
    )


def _mapped(name: str, connector: str, mappings: dict[tuple[str, str], Mapping]) -> dict[str, Mapping]:
    """Those of its connector; where that brings none, as its streams are configured, those under the system's name."""
    for folder in (connector, name):
        if found := {stream: mapping for (of, stream), mapping in mappings.items() if of == folder}:
            return found
    return {}


def _system(name: str, config: SystemConfig, mappings: dict[tuple[str, str], Mapping], yaml: YamlFile) -> System:
    mapped = sorted(_mapped(name, config.connector, mappings))
    streams = config.streams if config.streams is not None else tuple(mapped)
    for stream in streams:
        if stream not in mapped:
            raise ConfigError(
                f"{name} reads {stream!r}, which has no mapping.",
                file=yaml.file,
                line=yaml.line("systems", name, "streams"),
                remedy=f"Add mappings/{config.connector}/{stream}.yaml, or use one of: {', '.join(mapped) or 'none'}.",
            )
    return System(name, config.connector, config.connection or name, tuple(streams), config)
