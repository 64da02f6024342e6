"""The Matrix connector without a server: recorded answers replayed, and what a server rarely does on demand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import responses

from connectors.matrix import reading, users
from connectors.matrix.connector import Matrix
from tests.connectors.matrix.replay import CONNECTION, Server


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in (responses.GET, responses.POST, responses.PUT):
            mock.add_callback(method, re.compile("http://chat.example/.*"), found)
        yield found


@pytest.fixture
def matrix() -> Iterator[Matrix]:
    made = Matrix(Matrix.Config.of(CONNECTION))
    yield made
    made.close()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGES", replace(reading.PAGES, size=2))
    monkeypatch.setattr(reading, "ABOUT", replace(reading.ABOUT, size=1))
    monkeypatch.setattr(users, "LISTED", replace(users.LISTED, size=2))
