"""A Graph emulator of our own per test, every exchange of which is checked against Microsoft's description."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import pytest

from connectors.microsoft365.entra import Entra
from connectors.microsoft365.graph import Graph as Connected
from connectors.microsoft365.sharepoint import SharePoint
from connectors.microsoft365.teams import Teams
from connectors.microsoft365.viva_engage import VivaEngage
from landbridge.connector import Connection
from sandbox.company import halbrueck
from sandbox.emulators.base import Reply, Request, serving
from sandbox.emulators.graph import CLIENT, TENANT, Graph
from tests.connectors.microsoft365.contract import problems_of

Made = TypeVar("Made", bound=Connected)
SECRET = "s3cr3t-of-the-application"


class Watched(Graph):
    """Keeps what it answered."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.exchanges: list[tuple[Request, Reply]] = []
        self.url = ""

    def answer(self, request: Request) -> Reply | None:
        reply = super().answer(request)
        if reply is not None:
            self.exchanges.append((request, reply))
        return reply


@pytest.fixture
def graph() -> Iterator[Watched]:
    """The company's tenant."""
    emulator = Watched(token=SECRET)
    emulator.seed(halbrueck())
    with serving(emulator) as url:
        emulator.url = url
        yield emulator
    assert problems_of(emulator.exchanges) == []


def connection(graph: Watched, system: str, **extra: Any) -> Connection:
    told = {"tenant": TENANT, "authority": graph.url, "password": SECRET, **extra}
    password = told.pop("password")
    given = {name: value for name, value in told.items() if value is not None}
    return Connection(system, f"landbridge_{system}", graph.url, CLIENT, password, extra=given)


def connected(cls: type[Made], graph: Watched, **extra: Any) -> Made:
    return cls(cls.Config.of(connection(graph, cls.system, **extra)))


@pytest.fixture
def entra(graph: Watched) -> Iterator[Entra]:
    made = connected(Entra, graph, domain=TENANT)
    yield made
    made.close()


def sign_up(graph: Watched) -> None:
    """Landbridge's own account."""
    name = f"landbridge@{TENANT}"
    bot = graph.add_user("b07", displayName="Landbridge", userPrincipalName=name, accountEnabled=True)
    graph.refresh_tokens["bot"] = bot["id"]


@pytest.fixture
def teams(graph: Watched) -> Iterator[Teams]:
    """Reads as the application, speaks as Landbridge's own account."""
    sign_up(graph)
    made = connected(Teams, graph, refresh_token="bot")
    yield made
    made.close()


@pytest.fixture
def sharepoint(graph: Watched) -> Iterator[SharePoint]:
    made = connected(SharePoint, graph)
    yield made
    made.close()


@pytest.fixture
def engage(graph: Watched, monkeypatch: pytest.MonkeyPatch) -> Iterator[VivaEngage]:
    """Without its limit, which would make every test wait for half a minute."""
    monkeypatch.setattr("connectors.microsoft365.viva_engage.CALLS", 10_000)
    graph.engage_calls = 10_000
    sign_up(graph)
    made = connected(VivaEngage, graph, password=None, refresh_token="bot", engage=graph.url)
    yield made
    made.close()
