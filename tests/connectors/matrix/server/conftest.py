"""A real Synapse, seeded with the whole company."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.matrix.connector import Matrix
from landbridge.connector.config import connection_from
from sandbox.synapse import Synapse
from tests.connectors.matrix.server.desk import PNG, Desk, Make
from tests.servers import brought_up


@pytest.fixture(scope="session")
def synapse() -> Iterator[Synapse]:
    with brought_up(Synapse) as system:
        yield system


@pytest.fixture
def make(synapse: Synapse) -> Iterator[Make]:
    made: list[Matrix] = []

    def build(login: str = "", **extra: Any) -> Matrix:
        data = synapse.connections()["chat"]
        data |= {"extra": data["extra"] | extra, "login": login or data["login"]}
        made.append(Matrix(Matrix.Config.of(connection_from("chat", data))))
        made[-1].open_file = lambda attachment: iter([PNG[:20], PNG[20:]])
        return made[-1]

    yield build
    for one in made:
        one.close()


@pytest.fixture
def matrix(make: Make) -> Matrix:
    return make()


@pytest.fixture
def desk(synapse: Synapse) -> Desk:
    return Desk(synapse)
