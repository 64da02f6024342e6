"""The connector and the WordPress that it talks to."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import responses

from connectors.wordpress.connector import WordPress
from tests.connectors.wordpress.site import CONNECTION, SITE, Site


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "DELETE"):
            mock.add_callback(method, re.compile(f"{SITE}/wp-json/.*"), callback=site)
        yield site


@pytest.fixture
def wordpress(site: Site) -> Iterator[WordPress]:
    connector = WordPress(WordPress.Config.of(CONNECTION))
    yield connector
    connector.close()
