"""The hub as the pages see it: opened once per api-server worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from sqlalchemy import Connection

from landbridge.store.hub import Hub
from landbridge.sync.bridge import hub_url
from landbridge.sync.company import Company, load_company
from landbridge_airflow.connections import hub_url as connected_hub_url


@cache
def _hub(url: str) -> Hub:
    return Hub(url)


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


def _open() -> tuple[Company, Hub]:
    company = load_company()
    hub = _hub(connected_hub_url() or hub_url(company))
    hub.check()
    return company, hub
