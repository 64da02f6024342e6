"""The Slack connector against an emulator that others have made. It knows POST only, no limits and no user groups."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.slack.connector import Slack
from landbridge.connector.config import connection_from
from landbridge.errors import NotFound
from landbridge.http.call import Call
from sandbox.emulate import Emulate
from tests.connectors.reading import natives_of, read
from tests.servers import brought_up

pytestmark = pytest.mark.server
HELLO = '[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"Hello"}]}]}]'


@pytest.fixture(scope="module")
def emulate() -> Iterator[Emulate]:
    with brought_up(Emulate) as system:
        yield system


@pytest.fixture
def slack(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    monkeypatch.setattr("connectors.slack.api.LIMITS", {})
    made = Slack(Slack.Config.of(connection_from("slack", emulate.connections()["slack_emulate"])))
    send = made.client._transport.send

    def posting(call: Call) -> Any:
        """Slack answers GET and POST alike, this emulator does not."""
        form = dict(call.params or {})
        return send(
            replace(call, method="POST", params=None, body=form)
            if call.method == "GET" and "/api/" in call.url
            else call
        )

    monkeypatch.setattr(made.client._transport, "send", posting)
    yield made
    made.close()


def test_people_channels_and_members(slack: Slack) -> None:
    people = {one["name"]: one for one in natives_of(slack, "users").values()}
    assert people["anna.mueller"]["email"] == "anna.mueller@halbrueck.example"
    room = slack.create_room({"name": "case-7", "private": False, "topic": "Ladders"}, "r1")
    assert natives_of(slack, "rooms")[room["id"]] == room
    assert slack.find("rooms", {"name": "case-7"}, "r1") == room
    member = {"room": room["id"], "user": people["anna.mueller"]["id"]}
    slack.writer("memberships", "create")(member, "r2")
    assert member in natives_of(slack, "memberships").values()
    (key,) = [key for key, one in natives_of(slack, "memberships").items() if one == member]
    slack.writer("memberships", "delete")(key, "r3")
    assert member not in natives_of(slack, "memberships").values()
    assert slack.update_room(room["id"], {"name": "case-8"}, "r4")["name"] == "case-8"
    assert [slack.archive_room(room["id"], "r5")["archived"] for _ in range(2)] == [True, True]
    assert slack.reopen_room(room["id"], "r6")["archived"] is False


def test_messages_threads_edits_and_removals(slack: Slack) -> None:
    anna = next(one["id"] for one in natives_of(slack, "users").values() if one["name"] == "anna.mueller")
    room = slack.create_room({"name": "talk", "private": False}, "r1")["id"]
    said = {"channel": room, "user": anna, "blocks": HELLO, "text": "Hello"}
    root = slack.create_message(said, "m1")
    reply = slack.create_message({**said, "text": "Reply", "thread": root["id"]}, "m2")
    records, _, cursor = read(slack, "messages")
    assert {key: one.marker for key, one in records.items() if one.native["channel"] == room} == {
        root["id"]: "m1", reply["id"]: "m2",
    }  # fmt: skip
    assert records[root["id"]].native == root
    assert (records[reply["id"]].native["thread"], records[reply["id"]].native["user"]) == (root["id"], anna)
    assert slack.find("messages", said, "m1") == root
    assert slack.find("messages", {**said, "thread": root["id"]}, "m2") == records[reply["id"]].native
    changed = slack.update_message(root["id"], {"blocks": HELLO.replace("Hello", "Bye"), "text": "Bye"}, "m3")
    assert read(slack, "messages", cursor)[0][root["id"]].native == changed
    slack.delete_message(reply["id"], "m4")
    slack.delete_message(reply["id"], "m4")
    assert reply["id"] not in natives_of(slack, "messages")
    with pytest.raises(NotFound):
        slack.update_message(reply["id"], {"text": "x"}, "m5")


def test_it_listens_on_loopback_only(emulate: Emulate) -> None:
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex((socket.gethostbyname(socket.gethostname()), emulate.facts()["port"])) != 0 or (
            socket.gethostbyname(socket.gethostname()).startswith("127.")
        )
