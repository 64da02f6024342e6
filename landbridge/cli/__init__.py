"""The command line: `landbridge …`."""

from __future__ import annotations

# Each of these registers its commands.
from landbridge.cli import (  # noqa: F401
    check,
    decide,
    doctor,
    history,
    hub,
    plan,
    reference,
    run,
    sandbox,
    schema,
    setaside,
    status,
    unlink,
)
from landbridge.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    app()
