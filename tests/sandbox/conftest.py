"""A folder per test module that also unprivileged servers may enter, and servers that end with the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import open_folder


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "server: starts a real third-party server")


@pytest.fixture(scope="module")
def sandbox_home() -> Iterator[Path]:
    with open_folder("sandbox") as home:
        yield home
