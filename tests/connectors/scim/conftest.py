"""The connector, and the provider that it talks to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.scim.connector import Scim
from tests.connectors.scim.acting import connection, without_waiting
from tests.connectors.scim.provider import Provider, answering


@pytest.fixture
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    """Honest, or with these lies."""
    with answering(Provider(*getattr(request, "param", ()))) as found:
        yield found


@pytest.fixture
def scim(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scim]:
    without_waiting(monkeypatch)
    connector = Scim(Scim.Config.of(connection(page_size=5)))
    yield connector
    connector.close()
