"""The hub as the pages see it: opened once per api-server worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from sqlalchemy import Connection

from landbridge.store.hub import Hub
from landbridge.sync.bridge import Bridge, hub_url
from landbridge.sync.company import Company, load_company
from landbridge_airflow.connections import hub_url as connected_hub_url


@cache
def _hub(url: str) -> Hub:
    hub = Hub(url)
    # As the engine does: whoever opens the pages before the first run should not be told to type a command.
    hub.migrate()
    return hub


@contextmanager
def reading() -> Iterator[tuple[Company, Connection]]:
    """The configuration as it is now, and a snapshot of the hub."""
    company, hub = _open()
    with hub.read() as conn:
        yield company, conn


@contextmanager
def writing() -> Iterator[Connection]:
    _, hub = _open()
    with hub.begin() as conn:
        yield conn


def bridge() -> Bridge:
    """For what the engine does itself; no system can be asked from a page."""
    return Bridge(*_open())


def _open() -> tuple[Company, Hub]:
    company = load_company()
    return company, _hub(connected_hub_url() or hub_url(company))
