"""Slack tells by itself, over Socket Mode and by requests of its own; the emulator speaks both."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.slack import listening, reading
from connectors.slack.connector import Slack
from landbridge.connector import Connection, Gone, News, Pushed, ReadsAgain, Receives, Record, Watches
from landbridge.errors import AuthError, ConfigError, TransientError
from sandbox.company import halbrueck
from sandbox.emulators.base import Reply, serving
from sandbox.emulators.slack import Slack as Emulator
from sandbox.emulators.slack_workspace import BOT_USER
from tests.waiting import until

TOKEN = "xoxb-5ecret-5ecret"


class Desk:
    """An emulator, and a connector that listens to it."""

    def __init__(self, emulator: Emulator, url: str) -> None:
        self.emulator, self.space, self.url = emulator, emulator.space, url
        self.people = [key for key in self.space.users if key != BOT_USER]
        self.channel = next(key for key, one in self.space.channels.items() if BOT_USER in one["_members"])
        self.slack = self.connector()

    def connector(self, **extra: Any) -> Slack:
        told = {"app_token": self.emulator.app_token, "signing_secret": self.emulator.signing_secret, **extra}
        given = {name: value for name, value in told.items() if value}
        return Slack(Slack.Config.of(Connection("slack", "landbridge_slack", self.url, None, TOKEN, extra=given)))

    def say(self, text: str, thread: str | None = None) -> str:
        return str(self.space.say(self.channel, self.people[0], text, thread)["ts"])

    def heard(self, count: int = 1, seconds: float = 30.0) -> list[News]:
        """At least so many news."""
        found: list[News] = []
        until = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < until:
            found += self.slack.listen(0.5)
        return found

    def again(self, *told: str) -> list[Any]:
        return list(self.slack.again("messages", told))

    def texts(self, *told: str) -> list[str]:
        return [item.native["text"] for item in self.again(*told) if isinstance(item, Record)]

    def place(self, ts: str, thread: str = listening.NO_THREAD) -> str:
        return listening.place(self.channel, ts, thread)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Without Slack's limits."""
    monkeypatch.setattr("connectors.slack.api.LIMITS", {})
    emulator = Emulator(token=TOKEN, unlimited=True)
    emulator.seed(halbrueck())
    with serving(emulator) as url:
        made = Desk(emulator, url)
        yield made
        made.slack.close()
        emulator.hang_up()


def test_what_it_can_do(desk: Desk) -> None:
    assert all(isinstance(desk.slack, ability) for ability in (Watches, Receives, ReadsAgain))


def test_a_message_is_told_read_again_and_acknowledged_only_when_it_is_kept(desk: Desk) -> None:
    assert desk.heard() == [News("messages")]  # nobody has listened before
    root = desk.say("Hello")
    reply = desk.say("Hello you", root)
    told = desk.heard(2)
    assert [one.again for one in told] == [(desk.place(root),), (desk.place(reply, root),)]
    assert desk.texts(*(one.again[0] for one in told)) == ["Hello", "Hello you"]
    assert len(desk.emulator.unacknowledged) == 2
    for one in told:
        one.kept()
    until(lambda: not desk.emulator.unacknowledged)


def test_what_nobody_acknowledged_comes_again(desk: Desk) -> None:
    desk.heard()
    desk.say("Hello")
    first = desk.heard()
    desk.emulator.deliver_again()
    assert desk.heard() == first
    desk.emulator.deaf = True
    first[0].kept()
    desk.emulator.deliver_again()
    assert desk.heard() == first


def test_after_a_new_connection_the_stream_is_read_as_a_whole(desk: Desk) -> None:
    desk.heard()
    desk.emulator.refresh()
    assert desk.heard() == [News("messages")]
    ts = desk.say("Still there")
    assert desk.heard()[0].again == (desk.place(ts),)


def test_of_what_is_not_read_nothing_is_told(desk: Desk) -> None:
    desk.heard()
    direct = desk.space.channel("dm", [BOT_USER, desk.people[0]], creator=desk.people[0], private=True)
    direct["is_im"] = True
    desk.space.say(direct["id"], desk.people[0], "Between us")
    elsewhere = desk.space.channel("elsewhere", desk.people[:2], creator=desk.people[0])
    desk.space.say(elsewhere["id"], desk.people[0], "Not with the app")
    desk.slack.create_message({"channel": desk.channel, "text": "Ours", "blocks": "[]"}, "m1")
    ts = desk.say("Heard")
    assert [one.again for one in desk.heard()] == [(desk.place(ts),)]
    until(lambda: len(desk.emulator.unacknowledged) == 1)


def test_edits_reactions_and_removals(desk: Desk) -> None:
    desk.heard()
    ts = desk.say("Helo")
    desk.space.edit(desk.channel, ts, "Hello")
    desk.space.react(desk.channel, ts, "tada", desk.people[1])
    told = desk.heard(3)
    (record,) = desk.again(*{place for one in told for place in one.again if place == desk.place(ts, "")})
    assert record.native["text"] == "Hello"
    assert record.native["reactions"] == {"🎉": [desk.people[1]]}
    desk.space.remove(desk.channel, ts)
    assert desk.heard() == [News("messages", gone=(f"{desk.channel}/{ts}",))]
    assert desk.again(desk.place(ts), desk.place(ts, "")) == []


def test_of_a_private_channel_nothing_is_read_again_unless_it_may_be_read(desk: Desk) -> None:
    board = desk.space.channel("board", [BOT_USER, desk.people[0]], creator=desk.people[0], private=True)
    ts = desk.space.say(board["id"], desk.people[0], "Salaries")["ts"]
    place = listening.place(board["id"], ts, listening.NO_THREAD)
    assert desk.again(place) == []
    assert not [one for one in desk.emulator.seen if "conversations." in one.path and not one.path.endswith(".info")]
    desk.slack.private_spaces = {board["id"]}
    assert desk.texts(place) == ["Salaries"]


def test_what_is_read_again_is_what_reading_yields(desk: Desk) -> None:
    root = desk.say("Root")
    reply = desk.say("Reply", root)
    by_reading = {item.key: item for item in desk.slack.read("messages") if isinstance(item, Record)}
    for item in desk.again(desk.place(root), desk.place(reply, root), desk.place(reply, "")):
        assert item == by_reading[item.key]


def test_many_messages_of_one_channel_are_one_call(desk: Desk) -> None:
    times = [desk.say(f"Message {number}") for number in range(30)]
    calls = len(desk.emulator.asked("conversations.history")) + len(desk.emulator.asked("conversations.replies"))
    assert len(desk.texts(*map(desk.place, times))) == 30
    assert (
        len(desk.emulator.asked("conversations.history")) + len(desk.emulator.asked("conversations.replies"))
        == calls + 1
    )


def test_what_lies_far_apart_is_still_found(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MESSAGES", replace(reading.MESSAGES, size=5))
    times = [desk.say(f"Message {number}") for number in range(12)]
    assert desk.texts(desk.place(times[0]), desk.place(times[-1])) == ["Message 0", "Message 11"]


def test_what_cannot_be_seen_any_more_is_left_to_the_next_read(desk: Desk) -> None:
    ts = desk.say("Hello")
    desk.space.channels[desk.channel]["_members"].remove(BOT_USER)
    assert desk.again(desk.place(ts), desk.place(ts, "")) == []


def test_a_removed_root_of_a_thread_is_gone(desk: Desk) -> None:
    root = desk.say("Root")
    desk.say("Reply", root)
    desk.space.remove(desk.channel, root)
    assert desk.again(desk.place(root)) == [Gone(f"{desk.channel}/{root}")]


def test_without_a_token_for_it_nobody_listens(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="app-level token"):
        desk.connector(app_token=None).listen(1)
    desk.emulator.script("apps.connections.open", Reply({"ok": False, "error": "invalid_auth"}))
    with pytest.raises(AuthError):
        desk.connector().listen(1)


def test_a_socket_that_cannot_be_reached_is_tried_again_later(desk: Desk) -> None:
    nowhere = Reply({"ok": True, "url": "ws://127.0.0.1:1/link/?ticket=5ecret"})
    desk.emulator.script("apps.connections.open", nowhere)
    with pytest.raises(TransientError) as caught:
        desk.slack.listen(1)
    assert "5ecret" not in str(caught.value)
    assert desk.heard() == [News("messages")]


def test_what_slack_sends_is_checked_and_means_the_same(desk: Desk) -> None:
    sent: list[Any] = []
    desk.emulator.push = lambda hook, payload: sent.append(payload)  # type: ignore[assignment]
    desk.emulator.hooks.append("unused")
    ts = desk.say("Hello")
    until(lambda: bool(sent))
    body = b'{"type": "url_verification", "challenge": "3eZbrw"}'
    for secret, fine in ((desk.emulator.signing_secret, True), ("other", False)):
        pushed = [signed(secret, one) for one in (body, json.dumps(sent[0]).encode())]
        if fine:
            assert desk.slack.receive(pushed[0]).answer == "3eZbrw"
            assert desk.slack.receive(pushed[1]).news == (News("messages", again=(desk.place(ts),)),)
            continue
        for one in pushed:
            with pytest.raises(AuthError):
                desk.slack.receive(one)
    with pytest.raises(ConfigError, match="signing secret"):
        desk.connector(signing_secret=None).receive(Pushed({}, {}, b""))


def signed(secret: str, body: bytes) -> Pushed:
    import hashlib
    import hmac

    stamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body.decode()}".encode(), hashlib.sha256).hexdigest()
    return Pushed({}, {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}, body)
