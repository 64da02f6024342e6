"""HubSpot's emulator and the connector to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.hubspot.connector import HubSpot
from landbridge.connector import Connection
from sandbox.emulators.base import serving
from sandbox.emulators.hubspot import HubSpotEmulator

TOKEN = "pat-eu1-0000aaaa-bbbb-cccc"


@pytest.fixture
def emulator() -> HubSpotEmulator:
    emulator = HubSpotEmulator(token=TOKEN)
    emulator.burst = emulator.searches = 100_000
    return emulator


@pytest.fixture
def hubspot(emulator: HubSpotEmulator) -> Iterator[HubSpot]:
    with serving(emulator) as url:
        connector = HubSpot(HubSpot.Config.of(connection(url)))
        yield connector
        connector.close()


def connection(url: str, **extra: Any) -> Connection:
    return Connection("crm", "landbridge_hubspot", url, password=TOKEN, extra={"deletions_minutes": 0, **extra})
