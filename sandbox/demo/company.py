"""The demo's company: the repository's configuration with what the branch brings, less what cannot run on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parent.parent.parent
# Laid over the repository's: of a file of the same name only what it says is other.
BRANCH = Path(__file__).parent / "config"
# Sandbox system → the systems of config/systems.yaml that it is.
PROVIDES = {
    "tryton": ("hr", "crm"),
    "synapse": ("chat",),
    "wordpress": ("intranet",),
    "mediawiki": ("wiki",),
    "slapd": ("directory",),
    "branch": ("branch",),
}


@dataclass(frozen=True)
class Reduced:
    """`home` holds config/ and mappings/; the repository itself where nothing is left out."""

    home: Path
    systems: tuple[str, ...]
    flows: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def without(absent: Iterable[str], root: Path, *, branch: bool = False) -> Reduced:
    """Leave the absent systems out of every file; a flow without a source or a target is left out as a whole."""
    gone = {system for name in absent for system in PROVIDES[name]}
    parts = [REPOSITORY / "config", *([BRANCH] if branch else [])]
    systems = _laid_over(parts, "systems.yaml")["systems"]
    kept = {name: config for name, config in systems.items() if name not in gone}
    flows, left_out = {}, []
    for file in sorted({path.name for part in parts for path in (part / "flows").glob("*.yaml")}):
        flow = _reduced_flow(_laid_over(parts, f"flows/{file}"), gone)
        if flow["from"] and (flow["to"] or flow.get("groups")):
            flows[flow["flow"]] = flow
        else:
            left_out.append(flow["flow"])
    if not gone and not branch:
        return Reduced(REPOSITORY, tuple(kept), tuple(flows))
    home = root / "company"
    _write(home, kept, flows)
    return Reduced(home, tuple(kept), tuple(flows), tuple(left_out))


def _laid_over(parts: Iterable[Path], file: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in parts:
        if (part / file).exists():
            found = _merged(found, yaml.safe_load((part / file).read_text()))
    return found


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = {
        name: _merged(below[name], above[name]) for name in below.keys() & above.keys() if isinstance(above[name], dict)
    }
    return {**below, **above, **both}


def _write(home: Path, systems: dict[str, Any], flows: dict[str, dict[str, Any]]) -> None:
    shutil.rmtree(home, ignore_errors=True)
    (home / "config" / "flows").mkdir(parents=True)
    (home / "mappings").symlink_to(REPOSITORY / "mappings")
    (home / "config" / "systems.yaml").write_text(yaml.safe_dump({"systems": systems}, sort_keys=False))
    for name, flow in flows.items():
        text = yaml.safe_dump(flow, allow_unicode=True, sort_keys=False)
        (home / "config" / "flows" / f"{name}.yaml").write_text(text)


def _reduced_flow(flow: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    for part in ("from", "to", "groups", "messages"):
        if part in flow:
            flow[part] = {name: value for name, value in flow[part].items() if name.partition("/")[0] not in gone}
    return flow
