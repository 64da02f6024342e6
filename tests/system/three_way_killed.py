"""What a process does that is killed in the middle of passing on what was said; `crashpoints` wants it in a module."""

from __future__ import annotations

import os
from pathlib import Path

from connectors.slack import api
from landbridge.connector.config import load_connection
from landbridge.mail import outbox
from landbridge.sync import load_company, open_bridge, run_flow


def passes_on(home: str, hub: str) -> None:
    """Both flows once; Slack's limits are not kept, since the emulator has none here."""
    api.LIMITS = {}
    # The transport of the sandbox puts a mail into the list before it says that it has it: none is ever on its way.
    outbox.ON_ITS_WAY = 0
    os.environ["LANDBRIDGE_CONNECTIONS"] = f"{home}/connections.json"
    with open_bridge(load_company(Path(home)), load_connection, hub) as bridge:
        for flow in ("people", "talk"):
            run_flow(bridge, flow)
