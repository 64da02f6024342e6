"""How to point Landbridge at the emulators that are up: a company of their own, and the commands that use it."""

from __future__ import annotations

import shlex
from pathlib import Path

import yaml

from sandbox.emulators.system import EmulatedSystem
from sandbox.registry import SYSTEMS, load
from sandbox.system import sandbox_root

MAPPINGS = Path(__file__).parent.parent / "mappings"


def pointed(*, root: Path | None = None) -> list[str]:
    """The commands for a shell, one a line; none where no emulator is up.

    The configuration that they use is written anew, with a system for each connection of an emulator. The tokens stay
    in connections.json.
    """
    root = root or sandbox_root()
    found = {id: str(one["conn_type"]) for system in _up(root) for id, one in system.connections().items()}
    if not found:
        return []
    home = root / "try"
    (home / "config").mkdir(parents=True, exist_ok=True)
    if not (home / "mappings").is_symlink():
        (home / "mappings").symlink_to(MAPPINGS)
    systems = {id: {"connector": kind.removeprefix("landbridge_")} for id, kind in found.items()}
    (home / "config" / "systems.yaml").write_text(yaml.safe_dump({"systems": systems}, sort_keys=False))
    place, connections = shlex.quote(str(home)), shlex.quote(str(root / "connections.json"))
    first = next(iter(found))
    return [
        f"export LANDBRIDGE_HOME={place} LANDBRIDGE_CONNECTIONS={connections}",
        "landbridge check",
        f"landbridge try {first} {_stream(systems[first]['connector'])}",
    ]


def _up(root: Path) -> list[EmulatedSystem]:
    there = [load(name, root) for name in SYSTEMS if (root / name).exists()]
    return [one for one in there if isinstance(one, EmulatedSystem) and one.health().state == "up"]


def _stream(connector: str) -> str:
    """One that there is something in: who is there."""
    streams = [path.stem for path in sorted((MAPPINGS / connector).glob("*.yaml"))]
    return next((name for name in ("users", "owners", "employees") if name in streams), streams[0])
