"""The Graph emulator as the sandbox starts it."""

from __future__ import annotations

import pytest

from landbridge.connector import connector_class
from landbridge.connector.config import connection_from
from sandbox.emulators.graph import GraphSystem
from tests.servers import brought_up

CONNECTORS = ("entra", "teams", "sharepoint", "viva_engage")


@pytest.mark.server
def test_every_connector_of_microsoft_365_signs_in_and_reads() -> None:
    with brought_up(GraphSystem) as system:
        connections = system.connections()
        assert tuple(connections) == CONNECTORS
        assert system.health().state == "up"
        for name, stream in zip(CONNECTORS, ("memberships", "messages", "documents", "communities"), strict=True):
            cls = connector_class(name)
            made = cls(cls.Config.of(connection_from(name, connections[name])))
            assert (made.check().name, made.check().missing) == ("Halbrück & Söhne", ())
            assert len(list(made.read(stream))) > 1
            made.close()
    assert system.health().state != "up"
