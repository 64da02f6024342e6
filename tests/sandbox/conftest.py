"""A folder per test module that also unprivileged servers may enter, and servers that end with the tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.processes import owned


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "server: starts a real third-party server")


@pytest.fixture(scope="module")
def sandbox_home() -> Iterator[Path]:
    """Not tmp_path: pytest closes that to other users, and some servers refuse to run as root."""
    home = Path(tempfile.mkdtemp(prefix="landbridge-sandbox-", dir="/tmp"))
    home.chmod(0o755)
    with owned():
        yield home
    shutil.rmtree(home)
