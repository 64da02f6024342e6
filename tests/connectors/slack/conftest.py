"""Slack without its limits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from connectors.slack.connector import Slack
from landbridge.http import Client, LocalThrottle, Retries
from landbridge.http import client as client_module
from sandbox.company import halbrueck
from sandbox.emulators.base import serving
from sandbox.emulators.slack import Slack as Emulator
from tests.connectors.slack.workshop import TOKEN, Workshop, small


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """Without limits and without waiting; a test of those brings its own."""
    monkeypatch.setattr("connectors.slack.api.LIMITS", {})
    monkeypatch.setattr("landbridge.connector.base.LocalThrottle", partial(LocalThrottle, sleep=lambda _: None))
    usual = client_module.Client.__init__.__kwdefaults__ | {"retries": Retries(first=0, sleep=lambda _: None)}
    monkeypatch.setattr(client_module.Client.__init__, "__kwdefaults__", usual)
    emulator = Emulator(token=TOKEN, unlimited=True)
    emulator.seed(halbrueck())
    with serving(emulator) as url:
        yield Workshop(emulator, url)


@pytest.fixture
def slack(shop: Workshop) -> Iterator[Slack]:
    made = shop.connector()
    yield made
    made.close()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Client.pages
    monkeypatch.setattr(Client, "pages", lambda self, path, pages, **more: whole(self, path, small(pages), **more))
