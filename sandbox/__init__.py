"""Starts real third-party systems on this machine, filled with one invented company, for the demo and the tests."""

from __future__ import annotations

from sandbox.commands import Progress, connections, down, status, up
from sandbox.company import Company, halbrueck
from sandbox.errors import SandboxError
from sandbox.pointing import pointed
from sandbox.registry import COMPANY, SYSTEMS
from sandbox.system import Health, System, sandbox_root

__all__ = [
    "COMPANY",
    "SYSTEMS",
    "Company",
    "Health",
    "Progress",
    "SandboxError",
    "System",
    "connections",
    "down",
    "halbrueck",
    "pointed",
    "sandbox_root",
    "status",
    "up",
]
