"""The one error of the sandbox."""

from __future__ import annotations

from landbridge.errors import LandbridgeError


class SandboxError(LandbridgeError):
    """A sandbox system cannot be installed, started or seeded; no other system is affected."""
