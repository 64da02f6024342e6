"""The command line: `landbridge …`."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Only the command that is asked for is imported; the help of all needs none of them."""
    from landbridge.cli.app import app, list_all
    from landbridge.cli.listing import COMMANDS, load

    asked = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    if asked in COMMANDS:
        load(asked)
    elif "_LANDBRIDGE_COMPLETE" in os.environ:
        load()
    else:
        list_all()
    signal.signal(signal.SIGTERM, _end)
    app()


def _end(number: int, frame: Any) -> None:
    """As Ctrl-C: what is going on is taken back, and its run ends."""
    sys.exit(128 + number)
