"""Chats of Teams, from the policy that names one to its end: on the emulator, through the engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from landbridge.cli.check import ask
from landbridge.store.hub import Hub
from landbridge.store.tables import record
from landbridge.sync import Bridge, give_notices, load_company, not_told, read
from sandbox.emulators.base import Request
from sandbox.emulators.graph_directory import made_id
from tests.connectors.microsoft365.conftest import Watched, connection, sign_up

ROOT = Path(__file__).parents[3]
ANNA = made_id("anna.mueller")
TOMORROW, YESTERDAY = date.today() + timedelta(days=1), date.today() - timedelta(days=1)


class Office:
    """A company that has Teams, and a chat of Anna's."""

    def __init__(self, home: Path, graph: Watched, hub: Hub) -> None:
        self.home, self.graph = home, graph
        (home / "config").mkdir()
        (home / "mappings").symlink_to(ROOT / "mappings")
        (home / "config" / "systems.yaml").write_text("systems:\n  teams: {connector: teams, rate: 1000/s}\n")
        self.bridge = Bridge(load_company(home), hub, lambda name: connection(graph, name, refresh_token="bot"))
        graph.add_chat("c1", ANNA)
        graph.say("chats", "c1", ANNA, "Between us")

    def names_the_chat(self, until: date = TOMORROW, more: str = "") -> None:
        (self.home / "config" / "policy.yaml").write_text(
            "private_spaces:\n  - system: teams\n    space: chats/c1\n    purpose: Answers are kept where all find them.\n"
            f"    owner: Vera Lang\n    until: {until}\n{more}"
        )
        self.bridge.company = load_company(self.home)

    def reads(self) -> tuple[set[str], list[str]]:
        """The texts of chats that the hub has now, and what was asked of them."""
        self.graph.seen.clear()
        for stream in ("channels", "messages"):
            read(self.bridge, "teams", stream)
        with self.bridge.hub.read() as conn:
            found = conn.execute(
                select(record.c.key, record.c.claim).where(record.c.stream == "messages", record.c.gone_at.is_(None))
            )
            texts = {str(claim["body"]) for key, claim in found if key.startswith("chats/")}
        return texts, [one.path for one in self.graph.seen if "/chats/" in one.path]

    def checked(self) -> tuple[list[str], list[Request]]:
        """What `landbridge check` finds wrong, and what it has asked of chats."""
        self.graph.seen.clear()
        [checked] = ask(self.bridge, ["teams"], lambda left: None)
        findings = [f"{one.text} {one.remedy}" for one in checked.findings]
        return findings, [one for one in self.graph.seen if "/chats" in one.path]

    def told(self) -> list[str]:
        rows = self.graph.messages["chats", "c1"].values()
        return [str(row["body"]["content"]) for row in rows if row["from"]["user"]["id"] == "b07"]


@pytest.fixture
def office(graph: Watched, tmp_path: Path) -> Iterator[Office]:
    sign_up(graph)
    home = tmp_path / "home"
    os.mkdir(home)
    hub = Hub(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    hub.migrate()
    made = Office(home, graph, hub)
    yield made
    made.bridge.close()
    hub.close()


def test_a_chat_is_read_from_when_those_in_it_were_told_until_its_policy_ends(graph: Watched, office: Office) -> None:
    assert office.reads() == (set(), [])
    office.names_the_chat()
    assert office.reads() == (set(), [])
    graph.chats["c1"]["members"].append(graph.member("b07"))
    for _ in range(2):
        assert not_told(give_notices(office.bridge, "teams"), office.bridge) == []
    [notice] = office.told()
    assert f"until {TOMORROW}" in notice and "Vera Lang" in notice
    assert office.reads()[0] == {"Between us"}
    office.names_the_chat(until=YESTERDAY)
    graph.say("chats", "c1", ANNA, "Too late")
    assert office.reads() == ({"Between us"}, [])


def test_where_nobody_who_has_signed_in_is_in_the_chat_a_person_says_that_they_were_told(
    graph: Watched, office: Office
) -> None:
    office.names_the_chat()
    [problem] = not_told(give_notices(office.bridge, "teams"), office.bridge)
    assert "policy.yaml:2" in problem and "notice: given on" in problem
    assert office.reads() == (set(), [])
    office.names_the_chat(more="    notice: given on 2026-11-01 by Vera Lang\n")
    assert office.reads()[0] == {"Between us"}
    assert office.told() == []


def test_check_asks_for_the_right_to_read_chats_only_where_policy_names_one(graph: Watched, office: Office) -> None:
    graph.rights_taken = {"chats"}
    assert office.checked() == ([], [])
    office.names_the_chat(until=YESTERDAY)
    assert office.checked() == ([], [])
    office.names_the_chat()
    [finding], [asked] = office.checked()
    assert "lacks Chat.Read.All" in finding and "Give it this permission" in finding
    assert graph.exchanges[-1][0] is asked and graph.exchanges[-1][1].status == 403
    graph.rights_taken = set()
    findings, [_] = office.checked()
    assert findings == [] and graph.exchanges[-1][1].body == {"value": []}, "of what was said there nothing is told"


def test_a_chat_that_is_not_there_says_nothing_of_rights(graph: Watched, office: Office) -> None:
    office.names_the_chat()
    del graph.chats["c1"]
    findings, [_] = office.checked()
    assert findings == []
