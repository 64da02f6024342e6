"""Slack in a flow, on both databases: news of the intranet are announced, and the dialogue about them goes both ways."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.slack.connector import Slack
from landbridge.connector import Connection
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, load_company, read, run_flow
from landbridge.testing.memory import Memory
from sandbox.emulators.base import serving
from sandbox.emulators.slack import Slack as Emulator
from sandbox.emulators.slack_workspace import BOT_USER

ROOT = Path(__file__).parents[3]
TOKEN = "xoxb-5ecret"
SYSTEMS = """\
systems:
  hr: {connector: hr_app}
  intranet: {connector: cms_app, audience: company}
  chat: {connector: slack}
"""
PEOPLE = """\
flow: people
purpose: Everyone who works here is known.
kind: person
from:
  hr/people: {authority: [name, emails, title, active]}
  chat/users: {}
match: [emails]
to:
  intranet/people: {only: active}
"""
NEWS = (ROOT / "tests" / "sync" / "company" / "config" / "flows" / "news.yaml").read_text()


class Intranet(Memory):
    """Its files are their own names."""

    def open(self, locator: str) -> Iterator[bytes]:
        yield locator.encode()


class Office:
    """One post of Anna's, announced in #news-it, where Bert is as well."""

    def __init__(self, emulator: Emulator, bridge: Bridge) -> None:
        self.emulator, self.space, self.bridge = emulator, emulator.space, bridge
        self.hr, self.intranet = Memory("hr"), Intranet("intranet")
        bridge._connectors |= {"hr": self.hr, "intranet": self.intranet}
        for number, (login, name) in enumerate((("anna", "Anna Müller"), ("bert", "Bert O'Brien"))):
            given, _, family = name.partition(" ")
            mail = f"{login}@example.org"
            self.hr.put("people", number=str(number), login=login, mail=mail, given=given, family=family, active=True)
            self.space.user(login, name, email=mail, id=f"U00{login.upper()}")
        self.news = self.space.channel("news-it", ["U00ANNA", "U00BERT", BOT_USER], creator="U00ANNA")["id"]

    def run(self) -> None:
        for flow in ("people", "news"):
            run_flow(self.bridge, flow)

    def comments(self) -> list[str]:
        return [str(one["text"]) for one in self.intranet.all("comments")]

    def writes(self) -> int:
        ours = ("chat.postMessage", "chat.update", "chat.delete")
        return len(self.intranet.calls) + sum(len(self.emulator.asked(method)) for method in ours)


@pytest.fixture
def office(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr("connectors.slack.api.LIMITS", {})
    (tmp_path / "config" / "flows").mkdir(parents=True)
    (tmp_path / "config" / "systems.yaml").write_text(SYSTEMS)
    (tmp_path / "config" / "flows" / "people.yaml").write_text(PEOPLE)
    (tmp_path / "config" / "flows" / "news.yaml").write_text(NEWS)
    for app in ("hr_app", "cms_app"):
        shutil.copytree(ROOT / "tests" / "sync" / "company" / "mappings" / app, tmp_path / "mappings" / app)
    with (tmp_path / "mappings" / "cms_app" / "comments.yaml").open("r+") as file:
        text = file.read().replace("  guest: guest\n", "  guest: guest\n  attachments: files\n")
        file.seek(0)
        file.write(text)
    shutil.copytree(ROOT / "mappings" / "slack", tmp_path / "mappings" / "slack")
    emulator = Emulator(token=TOKEN, unlimited=True)
    with serving(emulator) as url:
        bridge = Bridge(load_company(tmp_path), hub)
        slack = Slack(Slack.Config.of(Connection("chat", "landbridge_slack", url, None, TOKEN)))
        slack.open_file, bridge._connectors["chat"] = bridge.open_file, slack
        yield Office(emulator, bridge)
        bridge.close()


@pytest.fixture
def post(office: Office) -> str:
    office.run()
    anna = next(one["id"] for one in office.intranet.all("people") if one["login"] == "anna")
    key = office.intranet.put(
        "posts",
        title="New *printer*",
        body="It prints.",
        author=anna,
        state="published",
        category="it",
        url="http://cms/1",
    )
    office.run()
    return key


def test_a_dialogue_goes_both_ways_and_comes_to_rest(office: Office, post: str) -> None:
    root = office.space.messages[office.news][0]
    assert (root["username"], root["bot_id"]) == ("Anna Müller", "B0LANDBRIDGE")
    reply = office.space.say(office.news, "U00BERT", "At *last*! :tada:", root["ts"])
    bert = next(one["id"] for one in office.intranet.all("people") if one["login"] == "bert")
    office.intranet.put("comments", post=post, author=bert, text="Where?", at="2026-01-02T10:01:00Z")
    office.run()
    assert sorted(office.comments()) == ["At **last**! 🎉", "Where?"]
    answered = office.space.thread(office.news, root["ts"])
    assert [one["text"] for one in answered if one.get("username") == "Bert O'Brien"] == ["Where?"]
    office.space.edit(office.news, reply["ts"], "At last.")
    office.intranet.put("posts", id=post, body="It prints in colour.")
    office.run()
    assert "At last." in office.comments()
    assert "in colour" in office.space.messages[office.news][0]["text"]
    office.space.remove(office.news, reply["ts"])
    read(office.bridge, "chat", "messages", full=True)
    office.run()
    assert office.comments() == ["Where?"]
    before = office.writes()
    read(office.bridge, "chat", "messages", full=True)
    office.run()
    assert office.writes() == before


def test_attachments_go_both_ways(office: Office, post: str) -> None:
    root = office.space.messages[office.news][0]
    said = office.space.say(
        office.news, "U00BERT", "Here", root["ts"], files=[office.space.file("F01", "up.txt", b"up")]
    )
    bert = next(one["id"] for one in office.intranet.all("people") if one["login"] == "bert")
    picture = {"name": "ladder.png", "media_type": "image/png", "url": "ladder"}
    office.intranet.put("comments", post=post, author=bert, text="Look", files=[picture])
    office.run()
    comment = next(one for one in office.intranet.all("comments") if one["text"] == "Here")
    assert [one["name"] for one in comment["files"]] == ["up.txt"]
    assert b"".join(office.bridge.open_file(comment["files"][0])) == b"up"
    (shown,) = [one for one in office.space.thread(office.news, root["ts"]) if one["text"] == "Look"]
    assert [office.space.contents[one["id"]] for one in shown["files"]] == [b"ladder"]
    assert shown["username"] == "Bert O'Brien"
    before = office.writes()
    office.space.edit(office.news, said["ts"], "Here it is")
    office.run()
    office.run()
    assert office.writes() == before + 1


def test_a_lost_answer_posts_nothing_twice(office: Office) -> None:
    office.run()
    office.emulator.lose("chat.postMessage")
    office.intranet.put("posts", title="Once", body="x", state="published", category="it", url="http://cms/2")
    for _ in range(3):
        office.run()
    assert len([one for one in office.space.messages[office.news] if "Once" in one["text"]]) == 1
