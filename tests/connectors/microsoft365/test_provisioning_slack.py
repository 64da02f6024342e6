"""Entra to Slack: accounts by Slack's SCIM API, looked at through its Web API; both are emulators."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.microsoft365.entra import Entra
from connectors.scim.connector import Scim
from connectors.slack.connector import Slack
from landbridge.connector import Connection
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, Report, load_company, read, run_flow
from sandbox.emulators.base import serving
from sandbox.emulators.slack import Slack as Emulator
from tests.connectors.microsoft365.conftest import Watched
from tests.connectors.microsoft365.test_provisioning import LENA, ROOT, RUBEN, SYSTEMS
from tests.connectors.reading import natives_of
from tests.shared import SHARED

FLOW = """\
flow: people
purpose: Everyone who works here has an account in Slack, from the first day to the last.
kind: person
from: {directory/users: {}}
match: [employee_number, emails]
to: {chat/users: {only: active, leaver: {disable: at once}}}
"""
TOKEN = "xoxb-5ecret"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A workspace in which nobody has an account yet."""
    made = Emulator(token=TOKEN, unlimited=True)
    with serving(made) as url:
        made.url = url  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def run(tmp_path: Path, entra: Entra, emulator: Any) -> Iterator[Callable[[], Report]]:
    """One run of the flow, from Entra's delta to the accounts in Slack."""
    (tmp_path / "config" / "flows").mkdir(parents=True)
    (tmp_path / "config" / "systems.yaml").write_text(
        SYSTEMS.replace("chat_app", "scim, streams: [users], rate: 1000/s")
    )
    (tmp_path / "config" / "flows" / "people.yaml").write_text(FLOW)
    for name in ("entra", "scim"):
        shutil.copytree(ROOT / "mappings" / name, tmp_path / "mappings" / name)

    def connection(name: str) -> Connection:
        return Connection(name, "landbridge_scim", f"{emulator.url}/scim/v2", None, emulator.admin_token)

    hub = Hub(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    hub.migrate()
    bridge = Bridge(load_company(tmp_path), hub, connection)
    entra.open_file, bridge._connectors["directory"] = bridge.open_file, entra
    yield lambda: run_flow(bridge, "people")
    run_flow(bridge, "people")  # who is whose manager, as far as that had to wait
    read(bridge, "chat", "users", full=True)
    before = len(written(emulator))
    assert not run_flow(bridge, "people").moved  # in the end both say the same
    assert len(written(emulator)) == before
    bridge.close()
    hub.close()


def written(emulator: Emulator) -> list[str]:
    return [one.method for one in emulator.seen if one.method != "GET"]


def accounts(emulator: Any) -> dict[str, Any]:
    """As everybody in Slack sees them, by the address."""
    slack = Slack(Slack.Config.of(Connection("slack", "landbridge_slack", emulator.url, None, TOKEN)))
    try:
        return {one["email"]: one for one in natives_of(slack, "users").values() if not one["bot"]}
    finally:
        slack.close()


def test_joiners_and_a_leaver_reach_slack_by_delta_with_an_expired_token_in_between(
    graph: Watched, emulator: Emulator, run: Callable[[], Report]
) -> None:
    run()
    mail = graph.users[LENA]["mail"]
    assert set(accounts(emulator)) == {one["mail"] for one in graph.users.values()}
    assert not any(one["deleted"] for one in accounts(emulator).values())

    # By delta: a joiner, and a change of title, which is told as such.
    graph.add_user(
        RUBEN, displayName="Ruben Neu", givenName="Ruben", surname="Neu", employeeId="E0901", accountEnabled=True,
        userPrincipalName="ruben.neu@halbrueck.example", mail="ruben.neu@halbrueck.example", userType="Member",
    )  # fmt: skip
    graph.set_user(LENA, jobTitle="Head of Sales")
    before = len(written(emulator))
    run()
    assert written(emulator)[before:].count("POST") == 1
    assert accounts(emulator)["ruben.neu@halbrueck.example"]["real_name"] == "Ruben Neu"
    assert accounts(emulator)[mail]["title"] == "Head of Sales"

    # While the token ends, one leaves and one is removed for good: a full read sees both, and nobody else loses anything.
    graph.deltas.expire()
    graph.set_user(LENA, accountEnabled=False)
    graph.remove_user(RUBEN, for_good=True)
    run()
    gone = {address for address, one in accounts(emulator).items() if one["deleted"]}
    assert gone == {mail, "ruben.neu@halbrueck.example"}
    assert [reply.status for _, reply in graph.exchanges if reply.status == 410] == [410]

    graph.set_user(LENA, accountEnabled=True)
    run()
    assert not accounts(emulator)[mail]["deleted"]


def test_an_account_that_is_there_is_taken_over_and_a_lost_answer_makes_no_second_one(
    graph: Watched, emulator: Emulator, run: Callable[[], Report]
) -> None:
    lena = emulator.space.user("lvogt", "Lena", email=graph.users[LENA]["mail"])
    emulator.lose("/scim/v2/Users")
    for _ in range(2):
        run()
    assert len(accounts(emulator)) == len(graph.users)
    assert lena["profile"]["first_name"] == "Lena"


def test_the_emulators_resources_have_the_attributes_of_the_standard(emulator: Any) -> None:
    folder = SHARED / "contracts" / "scim"
    if not folder.exists():
        pytest.skip("LANDBRIDGE_SHARED does not name the folder with the vendors' contracts")
    import json

    named = {one["name"] for one in json.loads((folder / "rfc7643-8.7.1-schema-user.json").read_text())["attributes"]}
    emulator.space.user("lena", "Lena", email="lena@example.org")
    scim = Scim(
        Scim.Config.of(Connection("s", "landbridge_scim", f"{emulator.url}/scim/v2", None, emulator.admin_token))
    )
    (page,) = scim.listed("Users")
    scim.close()
    assert set(page.items[0]) - {"schemas", "id", "externalId", "meta"} <= named
