"""The systems by name. Loaded only when asked for: one system's missing program does not hide the others."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.system import System

SYSTEMS = {
    "slapd": "sandbox.slapd:Slapd",
    "synapse": "sandbox.synapse:Synapse",
    "tryton": "sandbox.tryton:Tryton",
    "wordpress": "sandbox.wordpress:WordPress",
    "mediawiki": "sandbox.mediawiki:MediaWiki",
    "postgresql": "sandbox.postgresql:PostgreSQL",
}
# PostgreSQL is no part of the company: it serves the tests, and a hub that someone wants to run on it.
DEMO = ("slapd", "synapse", "tryton", "wordpress", "mediawiki")


def load(name: str, root: Path) -> System:
    if name not in SYSTEMS:
        raise SandboxError(f"There is no sandbox system {name!r}.", remedy=f"Choose from: {', '.join(SYSTEMS)}.")
    module, _, cls = SYSTEMS[name].partition(":")
    system: System = getattr(import_module(module), cls)(root / name)
    return system
