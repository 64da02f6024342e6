"""A real Tryton, seeded with the whole company, and the connector as each of its accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.tryton.connector import Tryton
from landbridge.connector.config import connection_from
from sandbox import tryton as sandbox
from sandbox.tryton_desk import HRDesk
from tests.connectors.tryton.reading import Make
from tests.servers import brought_up


@pytest.fixture(scope="session")
def system() -> Iterator[sandbox.Tryton]:
    with brought_up(sandbox.Tryton) as system:
        yield system


@pytest.fixture
def make(system: sandbox.Tryton) -> Iterator[Make]:
    """A connector as `hr` or `crm`; further words change the connection's extra."""
    made: list[Tryton] = []

    def build(account: str, **extra: Any) -> Tryton:
        data = system.connections()[account]
        made.append(Tryton(Tryton.Config.of(connection_from(account, data | {"extra": data["extra"] | extra}))))
        return made[-1]

    yield build
    for one in made:
        one.close()


@pytest.fixture
def hr(make: Make) -> Tryton:
    return make("hr")


@pytest.fixture
def crm(make: Make) -> Tryton:
    return make("crm")


@pytest.fixture
def desk(system: sandbox.Tryton) -> HRDesk:
    return HRDesk(system.client())
