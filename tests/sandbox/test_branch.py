"""What the demo says of its branch, quickly: a second Slack stands for the company's chat."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from connectors.slack.connector import Slack
from landbridge.connector import Connection
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, load_company, run_flow
from sandbox.company import halbrueck
from sandbox.demo.branch import CLOSED, HOST, JOINED, Workspace
from sandbox.demo.branch_day import ASKER
from sandbox.demo.company import BRANCH, REPOSITORY
from sandbox.emulators.base import serving
from sandbox.emulators.slack import Slack as Emulator
from sandbox.emulators.slack_workspace import BOT_USER
from sandbox.slack_client import SlackDesk

SECRET = "We may go down to 2,900 euros."
PEOPLE = """\
flow: people
purpose: It is known who speaks.
kind: person
from: {chat/users: {}, branch/users: {creates: true}}
match: [emails]
"""


@pytest.fixture
def desks(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SlackDesk, SlackDesk, Bridge]]:
    """The branch's, and chat's, in which both rooms are open."""
    monkeypatch.setattr("connectors.slack.api.LIMITS", {})
    (tmp_path / "config" / "flows").mkdir(parents=True)
    (tmp_path / "mappings").symlink_to(REPOSITORY / "mappings")
    shutil.copy(BRANCH / "flows" / "branch.yaml", tmp_path / "config" / "flows")
    (tmp_path / "config" / "flows" / "people.yaml").write_text(PEOPLE)
    systems = yaml.safe_load((BRANCH / "systems.yaml").read_text())["systems"]
    (tmp_path / "config" / "systems.yaml").write_text(
        yaml.safe_dump({"systems": {**systems, "chat": systems["branch"]}})
    )
    branch, chat = Workspace(token="xoxb-branch", unlimited=True), Emulator(token="xoxb-chat", unlimited=True)
    branch.seed(halbrueck())
    members = [BOT_USER, *(chat.space.person(halbrueck().by_user_name[name])["id"] for name in (HOST, ASKER))]
    for alias in (JOINED, CLOSED):
        chat.space.channel(alias, members, creator=members[1])
    with serving(branch) as branch_url, serving(chat) as chat_url:
        bridge = Bridge(load_company(tmp_path), hub)
        for name, url, emulator in (("branch", branch_url, branch), ("chat", chat_url, chat)):
            connection = Connection(name, "landbridge_slack", url, None, emulator.token)
            bridge._connectors[name] = Slack(Slack.Config.of(connection))
        yield SlackDesk(branch_url, branch.token), SlackDesk(chat_url, chat.token), bridge
        bridge.close()


def test_a_question_is_answered_and_what_is_closed_stays(desks: tuple[SlackDesk, SlackDesk, Bridge]) -> None:
    branch, chat, bridge = desks
    esra, host = branch.acting_as(ASKER), chat.acting_as(HOST)

    def run() -> None:
        for flow in ("people", "branch"):
            run_flow(bridge, flow)

    asked = esra.say(JOINED, "Which ladder do we bring?")
    esra.say(CLOSED, SECRET)
    run()
    (question,) = [one for one in host.messages(JOINED) if one["text"] == "Which ladder do we bring?"]
    host.say(JOINED, "The rail.", thread=question["ts"])
    run()
    assert [one["text"].rpartition(": ")[2] for one in esra.thread(JOINED, asked)[1:]] == ["The rail."]
    assert host.messages(CLOSED) == []
    assert not [one for one in host.messages(JOINED) if SECRET in one["text"]]
    host.say(CLOSED, "Anybody may read this.")
    run()
    assert [one["text"].rpartition(": ")[2] for one in esra.messages(CLOSED)] == ["Anybody may read this.", SECRET]
