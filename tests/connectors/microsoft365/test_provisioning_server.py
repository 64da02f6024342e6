"""Entra to Matrix: the company's accounts on a real Synapse, counted through its own API; Entra is the emulator."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.matrix.connector import Matrix
from connectors.microsoft365.entra import Entra
from landbridge.connector import Connection
from landbridge.connector.config import connection_from
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, Report, load_company, run_flow
from sandbox.synapse import SERVER_NAME, Synapse
from tests.connectors.microsoft365.conftest import Watched
from tests.connectors.microsoft365.test_provisioning import FLOW, LENA, ROOT, RUBEN, SYSTEMS
from tests.servers import brought_up

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def synapse() -> Iterator[Synapse]:
    with brought_up(Synapse) as system:
        yield system


@pytest.fixture
def run(tmp_path: Path, synapse: Synapse, entra: Entra) -> Iterator[Callable[[], Report]]:
    """One run of the flow, from Entra's delta to the accounts on Synapse."""
    (tmp_path / "config" / "flows").mkdir(parents=True)
    (tmp_path / "config" / "systems.yaml").write_text(SYSTEMS.replace("chat_app", "matrix, streams: [users]"))
    (tmp_path / "config" / "flows" / "people.yaml").write_text(FLOW.replace("chat/people", "chat/users"))
    for name in ("entra", "matrix"):
        shutil.copytree(ROOT / "mappings" / name, tmp_path / "mappings" / name)
    hub = Hub(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    hub.migrate()

    def connection(name: str) -> Connection:
        return connection_from(name, synapse.connections()["chat"])

    bridge = Bridge(load_company(tmp_path), hub, connection)
    chat = Matrix(Matrix.Config.of(connection("chat")))
    for name, system in (("directory", entra), ("chat", chat)):
        system.open_file = bridge.open_file
        bridge._connectors[name] = system
    yield lambda: run_flow(bridge, "people")
    chat.close()
    hub.close()


def accounts(synapse: Synapse) -> dict[str, dict[str, Any]]:
    """As Synapse's administrators see them."""
    data = synapse.connections()["chat"]
    answer = requests.get(
        f"{data['host']}/_synapse/admin/v2/users",
        params={"limit": "1000", "locked": "true", "deactivated": "true"},
        headers={"Authorization": f"Bearer {data['extra']['admin_token']}"},
        timeout=30,
    )
    return {one["name"]: one for one in answer.json()["users"]}


def test_joiners_and_a_leaver_reach_synapse_by_delta_with_an_expired_token_in_between(
    graph: Watched, synapse: Synapse, run: Callable[[], Report]
) -> None:
    name = {id: f"@{one['userPrincipalName'].partition('@')[0]}:{SERVER_NAME}" for id, one in graph.users.items()}
    run()
    assert set(name.values()) <= accounts(synapse).keys()
    assert not any(accounts(synapse)[one]["locked"] for one in name.values())

    graph.add_user(
        RUBEN, displayName="Ruben Neu", givenName="Ruben", surname="Neu", employeeId="E0901", accountEnabled=True,
        userPrincipalName="ruben.neu@halbrueck.example", mail="ruben.neu@halbrueck.example", userType="Member",
    )  # fmt: skip
    run()
    assert accounts(synapse)[f"@ruben.neu:{SERVER_NAME}"]["displayname"] == "Ruben Neu"

    graph.deltas.expire()
    graph.set_user(LENA, accountEnabled=False)
    graph.remove_user(RUBEN, for_good=True)
    run()
    found = accounts(synapse)
    assert [found[one]["locked"] for one in (name[LENA], f"@ruben.neu:{SERVER_NAME}")] == [True, True]
    assert [reply.status for _, reply in graph.exchanges if reply.status == 410] == [410]
    assert sum(one["locked"] for one in found.values()) == 2
