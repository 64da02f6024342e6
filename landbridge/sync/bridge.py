"""What a step works with: the configuration, the hub and the connectors, opened once and closed together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from landbridge.connector import Connection, Connector, HasFiles, connector_class, load_connection
from landbridge.errors import ConfigError, RecordError
from landbridge.store.hub import Hub
from landbridge.store.quota import HubThrottle
from landbridge.sync.company import Company


class Bridge:
    """One process's view of the company; its connectors are made when first asked for."""

    def __init__(self, company: Company, hub: Hub, connections: Callable[[str], Connection] = load_connection) -> None:
        self.company = company
        self.hub = hub
        self._connections = connections
        self._connectors: dict[str, Connector] = {}

    def connector(self, system: str) -> Connector:
        """The system's connector, ready to call. Raises ConfigError."""
        if system not in self._connectors:
            self._connectors[system] = self._make(system)
        return self._connectors[system]

    def _make(self, name: str) -> Connector:
        system = self.company.system(name)
        cls = connector_class(system.connector)
        throttle = HubThrottle(self.hub, name, rate=system.config.rate)
        connector = cls(cls.Config.of(self._connections(system.connection)), throttle)
        connector.open_file = self.open_file
        return connector

    def open_file(self, attachment: Mapping[str, Any]) -> Iterator[bytes]:
        """Stream the bytes of an attachment from the system that holds it."""
        system, _, locator = str(attachment.get("url") or "").partition(":")
        if system not in self.company.systems:
            raise RecordError("The attachment's url names no system of this company.")
        connector = self.connector(system)
        if not isinstance(connector, HasFiles):
            raise RecordError(f"{system} cannot open files.")
        return connector.open(locator)

    def close(self) -> None:
        for connector in self._connectors.values():
            connector.close()
        self._connectors.clear()


def hub_url(company: Company) -> str:
    """$LANDBRIDGE_HUB, else a SQLite file in the company's folder."""
    url = os.environ.get("LANDBRIDGE_HUB")
    if url:
        return url
    folder: Path = company.home / ".landbridge"
    folder.mkdir(mode=0o700, exist_ok=True)
    return f"sqlite:///{folder / 'hub.sqlite'}"


@contextmanager
def open_bridge(
    company: Company, connections: Callable[[str], Connection] = load_connection, url: str | None = None
) -> Iterator[Bridge]:
    """Open the hub (migrated to the current schema) and close everything at the end. Raises ConfigError."""
    if not company.systems:
        raise ConfigError("config/systems.yaml names no system.", remedy="Add at least one system.")
    hub = Hub(url or hub_url(company))
    bridge = Bridge(company, hub, connections)
    try:
        hub.migrate()
        yield bridge
    finally:
        bridge.close()
        hub.close()
