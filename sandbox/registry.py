"""The systems by name. Loaded only when asked for: one system's missing program does not hide the others."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.system import System

SYSTEMS = {
    "tryton": "sandbox.tryton:Tryton",
    "synapse": "sandbox.synapse:Synapse",
    "wordpress": "sandbox.wordpress:WordPress",
    "mediawiki": "sandbox.mediawiki:MediaWiki",
    "slapd": "sandbox.slapd:Slapd",
    "sshd": "sandbox.sshd:Sshd",
    "dovecot": "sandbox.dovecot:Dovecot",
    "postgresql": "sandbox.postgresql:PostgreSQL",
    "scim": "sandbox.scim:Scim",
    "slack": "sandbox.emulators.slack:SlackSystem",
    "slack-emulate": "sandbox.emulate:Emulate",
    "bamboohr": "sandbox.emulators.bamboohr:BambooHR",
    "hubspot": "sandbox.emulators.hubspot:HubSpot",
    "salesforce": "sandbox.emulators.salesforce:Salesforce",
    "graph": "sandbox.emulators.graph:GraphSystem",
    "airflow": "sandbox.airflow:Airflow",
    "discourse": "sandbox.emulators.discourse:DiscourseSystem",
    "branch": "sandbox.demo.branch:Branch",
}
# What the company works with, the slowest first. PostgreSQL is no part of it: it serves a hub and its tests.
COMPANY = ("tryton", "synapse", "wordpress", "mediawiki", "slapd")
# Whom `make demo` joins with it.
BRANCH = "branch"
# These are given the connections of the others, so they come up after them and go down before them.
LAST = ("airflow",)


def load(name: str, root: Path) -> System:
    if name not in SYSTEMS:
        raise SandboxError(f"There is no sandbox system {name!r}.", remedy=f"Choose from: {', '.join(SYSTEMS)}.")
    module, _, cls = SYSTEMS[name].partition(":")
    system: System = getattr(import_module(module), cls)(root / name)
    return system
