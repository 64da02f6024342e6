"""The company's configuration, less what cannot run on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parent.parent.parent
# Sandbox system → the systems of config/systems.yaml that it is.
PROVIDES = {
    "tryton": ("hr", "crm"),
    "synapse": ("chat",),
    "wordpress": ("intranet",),
    "mediawiki": ("wiki",),
    "slapd": ("directory",),
}


@dataclass(frozen=True)
class Reduced:
    """`home` holds config/ and mappings/; the repository itself where nothing is left out."""

    home: Path
    systems: tuple[str, ...]
    flows: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def without(absent: Iterable[str], root: Path) -> Reduced:
    """Leave the absent systems out of every file; a flow without a source or a target is left out as a whole."""
    left_out = []
    gone = {system for name in absent for system in PROVIDES[name]}
    systems = yaml.safe_load((REPOSITORY / "config" / "systems.yaml").read_text())["systems"]
    kept = {name: config for name, config in systems.items() if name not in gone}
    flows = {}
    for path in sorted((REPOSITORY / "config" / "flows").glob("*.yaml")):
        flow = _reduced_flow(yaml.safe_load(path.read_text()), gone)
        if flow["from"] and (flow["to"] or flow.get("groups")):
            flows[flow["flow"]] = flow
        else:
            left_out.append(flow["flow"])
    if not gone:
        return Reduced(REPOSITORY, tuple(kept), tuple(flows))
    home = root / "company"
    shutil.rmtree(home, ignore_errors=True)
    (home / "config" / "flows").mkdir(parents=True)
    (home / "mappings").symlink_to(REPOSITORY / "mappings")
    (home / "config" / "systems.yaml").write_text(yaml.safe_dump({"systems": kept}))
    for name, flow in flows.items():
        (home / "config" / "flows" / f"{name}.yaml").write_text(
            yaml.safe_dump(flow, allow_unicode=True, sort_keys=False)
        )
    return Reduced(home, tuple(kept), tuple(flows), tuple(left_out))


def _reduced_flow(flow: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    for part in ("from", "to", "groups", "messages"):
        if part in flow:
            flow[part] = {name: value for name, value in flow[part].items() if name.partition("/")[0] not in gone}
    return flow
