"""What a step works with: the configuration, the hub and the connectors, opened once and closed together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from landbridge.connector import Connection, Connector, HasFiles, connector_class, load_connection
from landbridge.errors import ConfigError, LandbridgeError, RecordError
from landbridge.store import runs
from landbridge.store.hub import Hub
from landbridge.store.quota import HubThrottle
from landbridge.sync.company import Company
from landbridge.sync.private import Permitted


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

    def connection(self, system: str) -> Connection:
        """Of the system, as it is told just now. Raises ConfigError."""
        return self._connections(self.company.system(system).connection)

    def _make(self, name: str) -> Connector:
        system = self.company.system(name)
        cls = connector_class(system.connector)
        window = system.config.window
        seconds = None if window is None else window.total_seconds()
        throttle = HubThrottle(self.hub, name, rate=system.config.rate, window=seconds)
        connector = cls(cls.Config.of(self.connection(name), system.config.options), throttle)
        connector.open_file = self.open_file
        connector.private_spaces = Permitted(self.hub, self.company, name)
        return connector

    @contextmanager
    def working(self, run: str, counts: Mapping[str, int]) -> Iterator[None]:
        """While inside, the run gives signs of life; that it failed is noted, also where it was interrupted."""
        try:
            with runs.Beating(self.hub, run):
                yield
        except BaseException as error:
            # Ctrl-C and SIGTERM too: a run must not seem to be running when nobody works on it any more.
            with suppress(LandbridgeError), self.hub.begin() as conn:
                runs.finish(conn, run, "failed", dict(counts), _told(error))
            raise

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


def _told(error: BaseException) -> str:
    """Our own errors name no person; what a connector or a library says of one might."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, LandbridgeError) else f"{name}."


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
