"""A real scim2-server with the company in it: people with managers, departments with members."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.company import halbrueck
from sandbox.scim import ENTERPRISE, Scim
from tests.servers import running

pytestmark = pytest.mark.server
COMPANY = halbrueck()


@pytest.fixture(scope="module")
def scim(sandbox_home: Path) -> Iterator[Scim]:
    with running(Scim(sandbox_home / "scim")) as system:
        yield system


def listed(scim: Scim, path: str) -> list[dict[str, Any]]:
    (connection,) = scim.connections().values()
    headers = {"Authorization": f"Bearer {connection['password']}"}
    answer = requests.get(f"{connection['host']}/{path}", params={"count": 100}, headers=headers, timeout=10)
    answer.raise_for_status()
    return list(answer.json()["Resources"])


def test_the_whole_company_is_there_after_each_start(scim: Scim) -> None:
    """It keeps everything in memory only."""
    for _ in range(2):
        users = {user["userName"]: user for user in listed(scim, "Users")}
        assert users.keys() == {person.user_name for person in COMPANY.people}
        managed = [person.user_name for person in COMPANY.people if person.manager]
        assert all(users[name][ENTERPRISE]["manager"]["value"] for name in managed)
        groups = listed(scim, "Groups")
        assert sum(len(group.get("members", ())) for group in groups) == len(COMPANY.people)
        scim.stop()
        assert scim.health().state == "down"
        scim.start()
        scim.seed(COMPANY)
        scim.seed(COMPANY)


def test_nobody_gets_in_without_the_token(scim: Scim) -> None:
    assert requests.get(f"{scim.url}/Users", timeout=10).status_code == 401
    assert scim.health().state == "up"
