"""Entra to chat: people get accounts, a leaver loses his at once, and an expired delta token in between loses nobody."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.microsoft365.entra import Entra
from landbridge.connector import Connection
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, Report, load_company, run_flow
from landbridge.testing.memory import Memory
from sandbox.emulators.graph_directory import made_id
from tests.connectors.microsoft365.conftest import Watched

ROOT = Path(__file__).parents[3]
SYSTEMS = "systems:\n  directory: {connector: entra, streams: [users]}\n  chat: {connector: chat_app}\n"
FLOW = """\
flow: people
purpose: Everyone who works here has an account in chat, from the first day to the last.
kind: person
from: {directory/users: {}}
match: [employee_number, emails]
to: {chat/people: {only: active, leaver: {disable: at once, delete: 30 days}}}
"""
LENA, RUBEN = made_id("lena.vogt"), "joiner"


@pytest.fixture
def chat() -> Memory:
    return Memory("chat")


@pytest.fixture
def run(tmp_path: Path, hub: Hub, entra: Entra, chat: Memory) -> Callable[[], Report]:
    """One run of the flow, from Entra's delta to the accounts in chat."""
    (tmp_path / "config" / "flows").mkdir(parents=True)
    (tmp_path / "config" / "systems.yaml").write_text(SYSTEMS)
    (tmp_path / "config" / "flows" / "people.yaml").write_text(FLOW)
    shutil.copytree(ROOT / "mappings" / "entra", tmp_path / "mappings" / "entra")
    shutil.copytree(ROOT / "tests" / "sync" / "company" / "mappings" / "chat_app", tmp_path / "mappings" / "chat_app")

    def no_connection(name: str) -> Connection:
        raise AssertionError(name)

    bridge = Bridge(load_company(tmp_path), hub, no_connection)
    for name, system in (("directory", entra), ("chat", chat)):
        system.open_file = bridge.open_file
        bridge._connectors[name] = system
    return lambda: run_flow(bridge, "people")


def accounts(chat: Memory) -> dict[str, Any]:
    return {one["number"]: one for one in chat.all("people")}


def test_a_leaver_and_a_joiner_by_delta_with_an_expired_token_in_between(
    graph: Watched, chat: Memory, run: Callable[[], Report]
) -> None:
    run()
    assert set(accounts(chat)) == {one["employeeId"] for one in graph.users.values()}
    number = graph.users[LENA]["employeeId"]
    assert accounts(chat)[number].get("active") is not False

    # By delta: a joiner, and nothing else is asked about.
    graph.add_user(
        RUBEN, displayName="Ruben Neu", givenName="Ruben", surname="Neu", employeeId="E0901", accountEnabled=True,
        userPrincipalName="ruben.neu@halbrueck.example", mail="ruben.neu@halbrueck.example", userType="Member",
    )  # fmt: skip
    asked = len(graph.seen)
    run()
    assert accounts(chat)["E0901"]["mail"] == "ruben.neu@halbrueck.example"
    assert len(graph.seen) - asked <= 2

    # While the token ends, one leaves and one is removed for good: a full read sees both.
    graph.deltas.expire()
    graph.set_user(LENA, accountEnabled=False)
    graph.remove_user(RUBEN, for_good=True)
    run()
    assert accounts(chat)[number]["active"] is False
    assert accounts(chat)["E0901"]["active"] is False
    assert [reply.status for _, reply in graph.exchanges if reply.status == 410] == [410]

    # By delta again: the leaver comes back.
    graph.set_user(LENA, accountEnabled=True)
    run()
    assert accounts(chat)[number]["active"] is True
    calls = len(chat.calls)
    run()
    assert len(chat.calls) == calls
