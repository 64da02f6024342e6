"""landbridge watch: who is listened to, who runs the flows, and how it ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import requests
import responses

from landbridge.cli.asset_events import AssetEvents
from landbridge.cli.exits import Exit
from landbridge.connector import Connection, Heard, News, Pushed
from landbridge.errors import AuthError, ConfigError
from landbridge.sync import Bridge, Report, run_flow
from landbridge.testing.memory import Memory
from tests.cli.conftest import Cli
from tests.sync.conftest import World, account

AIRFLOW = Connection("airflow", "http", "http://airflow.example", "lb", "5ecret")


class Chat(Memory):
    """Has one thing to tell, and ends the process when a flow has run, as an operator would, or by an error at once."""

    ending: Any = signal.SIGTERM
    has_run: threading.Event

    def listen(self, seconds: float) -> Sequence[News]:
        if not self.calls:
            self.calls.append(("listen", ""))
            return [News("messages"), News("people")]
        if isinstance(self.ending, Exception):
            raise self.ending
        if self.has_run.wait(0.05) and self.ending is not None:
            ending, self.ending = self.ending, None
            os.kill(os.getpid(), ending)
        return []


class Crm(Memory):
    """Sends."""

    def receive(self, pushed: Pushed) -> Heard:
        return Heard(answer="heard")


class Mute(Crm):
    """Sends only where it is asked to, and nobody has said where to."""

    address = None

    def subscribe(self) -> Sequence[News]:
        raise ConfigError("No address.")


@pytest.fixture
def chat(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    """The only system that can be listened to; the crm can send."""
    monkeypatch.setattr("landbridge.sync.watching.WAIT", 0.1)
    classes = {"chat_app": Chat, "crm_app": Crm}
    monkeypatch.setattr("landbridge.cli.watch.connector_class", lambda name: classes.get(name, Memory))
    world.chat.__class__, world.crm.__class__ = Chat, Crm
    has_run = threading.Event()

    def run(bridge: Bridge, flow: str, *, reading: bool) -> Report:
        report = run_flow(bridge, flow, reading=reading)
        if flow == "news":
            has_run.set()
        return report

    world.chat.has_run = has_run  # type: ignore[attr-defined]
    monkeypatch.setattr("landbridge.cli.watch.run_flow", run)
    yield world.chat  # type: ignore[misc]
    world.chat.__class__, world.crm.__class__ = Memory, Memory


def test_flows_run_at_once_and_sigterm_ends_it_cleanly(cli: Cli, world: World, chat: Chat) -> None:
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    found = cli("watch", "--json")
    assert found.code == Exit.OK
    assert found.data == {"listened": ["chat"], "failures": {}}
    assert "Listening to chat." in found.err
    assert account(world, "chat", "bert")  # the flow has read it, and linked it
    with world.bridge.hub.read() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM run WHERE subject = 'news' AND state = 'done'").scalar()
        assert not conn.exec_driver_sql("SELECT count(*) FROM run WHERE state = 'running'").scalar()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers


def test_why_nobody_listens_any_more_is_the_exit_code(cli: Cli, chat: Chat) -> None:
    chat.ending = AuthError("The token is refused.")
    found = cli("watch", "chat")
    assert found.code == Exit.CREDENTIALS
    assert "The token is refused" in found.out


def test_who_cannot_be_listened_to(cli: Cli, chat: Chat) -> None:
    found = cli("watch", "hr", "--json")
    assert found.code == Exit.USAGE
    assert "chat" in found.data["error"]["remedy"]
    assert cli("watch", "nobody").code == Exit.USAGE
    assert cli("watch", "crm").code == Exit.USAGE  # it sends, so it needs an address


def test_what_is_sent_is_taken_at_the_systems_own_address(
    cli: Cli, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[requests.Response] = []

    def note(session: Any, text: str) -> None:
        port = text.rpartition(" ")[2].strip(".")
        post = threading.Thread(
            target=lambda: answers.append(requests.post(f"http://127.0.0.1:{port}/crm", data=b"", timeout=30))
        )
        post.start()
        post.join()

    monkeypatch.setattr("landbridge.cli.session.Session.note", note)
    found = cli("watch", "--http", "127.0.0.1:0", "--json")
    assert found.data["listened"] == ["chat", "crm"]
    assert [one.text for one in answers] == ["heard"]


def test_what_no_address_is_known_for_is_left_to_the_schedule_unless_it_is_named(
    cli: Cli, world: World, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes = {"chat_app": Chat, "crm_app": Mute}
    monkeypatch.setattr("landbridge.cli.watch.connector_class", lambda name: classes.get(name, Memory))
    world.crm.__class__ = Mute
    found = cli("watch", "--http", "127.0.0.1:0", "--json")
    assert (found.code, found.data) == (Exit.OK, {"listened": ["chat"], "failures": {}})
    found = cli("watch", "crm", "--http", "127.0.0.1:0", "--json")
    assert (found.code, list(found.data["failures"])) == (Exit.USAGE, ["crm"])


def test_airflow_is_told_instead_and_told_again_where_it_does_not_answer() -> None:
    notes: list[str] = []
    with responses.RequestsMock() as mock:
        mock.post("http://airflow.example/auth/token", json={"access_token": "t0ken"}, status=201)
        assets = {"assets": [{"id": 7, "name": "chat/messages"}, {"id": 8, "name": "chat/people"}], "total_entries": 2}
        mock.get("http://airflow.example/api/v2/assets", json=assets)
        wanted = responses.matchers.json_params_matcher({"asset_id": 7, "extra": {"told": True}})
        mock.post("http://airflow.example/api/v2/assets/events", json={}, match=[wanted])
        airflow = AssetEvents(AIRFLOW, notes.append)
        assert airflow(frozenset({"chat/messages", "chat/unknown"})) == set()
        assert mock.calls[-1].request.headers["Authorization"] == "Bearer t0ken"
        mock.post("http://airflow.example/api/v2/assets/events", status=403, json={})
        assert airflow(frozenset({"chat/people"})) == {"chat/people"}
    assert "5ecret" not in "".join(notes)
    assert len(notes) == 1


def test_airflow_needs_a_login() -> None:
    with pytest.raises(ConfigError, match="login"):
        AssetEvents(Connection("airflow", "http", "http://airflow.example"), print)
