"""What a process does that is killed in the middle of it; `landbridge.testing.crashpoints` wants it in a module."""

from __future__ import annotations

import os
from pathlib import Path

from landbridge.sync import load_company, open_bridge, read


def reads(home: str, connections: str, hub: str, system: str, stream: str) -> None:
    """Read one stream of a real server into this hub."""
    os.environ["LANDBRIDGE_CONNECTIONS"] = connections
    with open_bridge(load_company(Path(home)), url=hub) as bridge:
        read(bridge, system, stream)
