"""Two chats are one: what is said in Slack is in Matrix, and back, as soon as it is told, without a scheduled read."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.matrix.connector import Matrix
from connectors.slack.connector import Slack
from landbridge.connector import Connection
from landbridge.connector.config import connection_from
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, load_company, run_flow, watch
from landbridge.testing.memory import Memory
from sandbox.emulators.base import serving
from sandbox.emulators.slack import Slack as Emulator
from sandbox.emulators.slack_workspace import BOT_USER
from sandbox.synapse import SERVER_NAME, Synapse
from tests.servers import brought_up

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
TOKEN = "xoxb-5ecret"
SYSTEMS = """\
systems:
  hr: {connector: hr_app}
  intranet: {connector: cms_app, audience: company}
  slack: {connector: slack, rate: 1000/s}
  matrix: {connector: matrix, streams: [users, rooms, messages], rate: 1000/s}
"""
PEOPLE = """\
flow: people
purpose: Everyone who works here is known, and has an account in Matrix.
kind: person
from:
  hr/people: {authority: [name, emails, title, active]}
  slack/users: {}
match: [emails]
to:
  intranet/people: {only: active}
  matrix/users: {only: active}
"""
NEWS = """\
flow: news
purpose: News are told in both chats, which talk about them as one.
kind: document
from: {intranet/posts: {only: state == "published"}}
as: announcement
to:
  slack/messages: {space: "news-{category}"}
  matrix/messages: {space: "news-{category}"}
replies: both
"""


class Office:
    """A post that was announced in both chats, and who talks about it."""

    def __init__(self, emulator: Emulator, synapse: Synapse, bridge: Bridge) -> None:
        self.emulator, self.space, self.bridge = emulator, emulator.space, bridge
        self.hr, self.intranet = Memory("hr"), Memory("intranet")
        bridge._connectors |= {"hr": self.hr, "intranet": self.intranet}
        for number, (login, given, family) in enumerate((("eva", "Eva", "Wolf"), ("bo", "Bo", "Berg"))):
            mail = f"{login}@example.org"
            self.hr.put("people", number=f"W{number}", login=login, mail=mail, given=given, family=family, active=True)
            self.space.user(login, f"{given} {family}", email=mail, id=f"U00{login.upper()}")
        self.news = self.space.channel("news-it", ["U00EVA", "U00BO", BOT_USER], creator="U00EVA")["id"]
        data = synapse.connections()["chat"]
        self._matrix, self._token = data["host"], data["password"]

    def announce(self) -> None:
        for _ in range(2):
            run_flow(self.bridge, "people")
        eva = next(one["id"] for one in self.intranet.all("people") if one["login"] == "eva")
        post = {"author": eva, "state": "published", "category": "it", "url": "http://cms/1"}
        self.intranet.put("posts", title="Printer", body="It prints.", **post)
        for _ in range(2):
            run_flow(self.bridge, "news")
        self.root = self.space.messages[self.news][0]["ts"]
        matrix = self.bridge.connector("matrix")
        assert isinstance(matrix, Matrix)
        (self.room,) = [one for one in matrix.joined_rooms() if self.in_matrix(one)]
        (self.event,) = [one["event_id"] for one in self.in_matrix(self.room)]

    def in_slack(self) -> list[str]:
        return [one["text"] for one in self.space.thread(self.news, self.root)][1:]

    def in_matrix(self, room: str = "") -> list[Any]:
        """As one of them sees it."""
        path = f"{self._matrix}/_matrix/client/v3/rooms/{room or self.room}/messages"
        asked = {"dir": "f", "limit": "100", "user_id": f"@eva:{SERVER_NAME}"}
        found = requests.get(path, params=asked, headers=self._as_service, timeout=30).json().get("chunk", [])
        return [one for one in found if one["type"] == "m.room.message"]

    def say_in_matrix(self, text: str) -> None:
        thread = {"rel_type": "m.thread", "event_id": self.event}
        requests.put(
            f"{self._matrix}/_matrix/client/v3/rooms/{self.room}/send/m.room.message/t{time.time_ns()}",
            params={"user_id": f"@eva:{SERVER_NAME}"}, headers=self._as_service, timeout=30,
            json={"msgtype": "m.text", "body": text, "m.relates_to": thread},
        ).raise_for_status()  # fmt: skip

    @property
    def _as_service(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def follow(self, streams: frozenset[str]) -> Collection[str]:
        if streams & {"slack/messages", "matrix/messages"}:
            run_flow(self.bridge, "news", reading=False)
        return ()


@pytest.fixture(scope="module")
def synapse() -> Iterator[Synapse]:
    with brought_up(Synapse) as system:
        yield system


@pytest.fixture
def office(tmp_path: Path, synapse: Synapse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr("connectors.slack.api.LIMITS", {})
    monkeypatch.setattr("landbridge.sync.watching.WAIT", 1.0)
    (tmp_path / "config" / "flows").mkdir(parents=True)
    for name, text in (("systems", SYSTEMS), ("flows/people", PEOPLE), ("flows/news", NEWS)):
        (tmp_path / "config" / f"{name}.yaml").write_text(text)
    for app in ("hr_app", "cms_app"):
        shutil.copytree(ROOT / "tests" / "sync" / "company" / "mappings" / app, tmp_path / "mappings" / app)
    for name in ("slack", "matrix"):
        shutil.copytree(ROOT / "mappings" / name, tmp_path / "mappings" / name)
    hub = Hub(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    hub.migrate()
    emulator = Emulator(token=TOKEN, unlimited=True)

    def connection(name: str) -> Connection:
        if name == "matrix":
            return connection_from(name, synapse.connections()["chat"])
        return Connection(name, "landbridge_slack", url, None, TOKEN, extra={"app_token": emulator.app_token})

    with serving(emulator) as url:
        bridge = Bridge(load_company(tmp_path), hub, connection)
        yield Office(emulator, synapse, bridge)
        bridge.close()
        emulator.hang_up()
    hub.close()


def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    assert condition()


def test_a_reply_in_slack_is_in_matrix_and_one_in_matrix_in_slack(office: Office) -> None:
    office.announce()
    stop = threading.Event()
    slack, matrix = office.bridge.connector("slack"), office.bridge.connector("matrix")
    assert isinstance(slack, Slack) and isinstance(matrix, Matrix)
    listening = {"slack": slack.listen, "matrix": matrix.listen}
    thread = threading.Thread(target=watch, args=(office.bridge, listening, office.follow, stop))
    thread.start()
    try:
        until(lambda: office.emulator.asked("conversations.history") and office.emulator._sockets)
        office.space.say(office.news, "U00BO", "At last!", office.root)
        until(lambda: "At last!" in [one["content"]["body"] for one in office.in_matrix()])
        (shown,) = [one for one in office.in_matrix() if one["content"]["body"] == "At last!"]
        assert shown["sender"] == f"@bo:{SERVER_NAME}"
        assert shown["content"]["m.relates_to"]["event_id"] == office.event
        office.say_in_matrix("Where is it?")
        until(lambda: "Where is it?" in office.in_slack())
        # Told a second time, with the first answer lost, it is there once.
        office.emulator.deaf = True
        office.space.say(office.news, "U00BO", "Third floor.", office.root)
        office.emulator.deliver_again()
        until(lambda: "Third floor." in [one["content"]["body"] for one in office.in_matrix()])
        office.emulator.deliver_again()
        time.sleep(1)
    finally:
        stop.set()
        thread.join()
    run_flow(office.bridge, "news")
    said = [one["content"]["body"] for one in office.in_matrix()]
    assert [said.count(text) for text in ("At last!", "Where is it?", "Third floor.")] == [1, 1, 1]
    assert sorted(office.in_slack()) == ["At last!", "Third floor.", "Where is it?"]
