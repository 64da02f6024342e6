"""The command line: `landbridge …`."""

from __future__ import annotations

# Each of these registers its commands.
from landbridge.cli import check, decide, history, hub, plan, reference, run, sandbox, schema, setaside, status, unlink  # noqa: F401
from landbridge.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    app()
