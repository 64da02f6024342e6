"""A Dovecot with the company's mailing lists, and what is cleared away after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.dovecot import Dovecot
from tests.connectors.email.server.desk import Desk
from tests.servers import brought_up


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    with brought_up(Dovecot) as system:
        yield system


@pytest.fixture(autouse=True)
def _desks() -> Iterator[None]:
    yield
    while Desk.opened:
        Desk.opened.pop().imap.shutdown()


_numbers = iter(range(1, 10_000))


@pytest.fixture
def marker() -> str:
    """Of a message that was never sent before."""
    return f"lb{next(_numbers):030x}"
