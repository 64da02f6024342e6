"""What systems tell by themselves: kept at once, followed by the flows, told twice or never without harm."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from queue import Empty, SimpleQueue
from typing import Any

import pytest

from landbridge.connector import Heard, Item, News, Pushed, Record
from landbridge.errors import AuthError, ConfigError, Fenced, RecordError, TransientError
from landbridge.store import records, runs
from landbridge.sync import keep_told, read, run_flow, watch
from landbridge.sync.receiver import Letterbox, receiving
from landbridge.testing.memory import Memory
from tests.sync.conftest import World, room_of
from tests.waiting import until

CHAT = "chat/messages"


class Telling(Memory):
    """Tells what is put into `told`; an error there is raised."""

    told: SimpleQueue[News | Exception]
    asked: list[str]

    def listen(self, seconds: float) -> Sequence[News]:
        try:
            one = self.told.get(timeout=min(seconds, 0.05))
        except Empty:
            return []
        if isinstance(one, Exception):
            raise one
        return [one]

    def again(self, stream: str, told: Collection[str]) -> Iterator[Item]:
        self.asked.append(f"again {stream}")
        for key in told:
            if native := self.state[stream].get(key):
                yield Record(key, deepcopy(native), native.get("marker"))

    def read(self, stream: str, cursor: Any = None) -> Iterator[Item]:
        self.asked.append(f"read {stream}")
        return super().read(stream, cursor)


class Office:
    """A chat that tells, and a post that was announced there."""

    def __init__(self, world: World, post: str) -> None:
        self.world, self.bridge, self.post = world, world.bridge, post
        self.chat = world.chat
        self.chat.__class__ = Telling
        self.chat.told, self.chat.asked = SimpleQueue(), []
        self.room, self.root = room_of(world, "news-it"), self.chat.all("messages")[0]["id"]
        self.kept: list[str] = []
        self.followed: list[str] = []

    def reply(self, text: str, **more: Any) -> str:
        """Somebody says something in the thread, and nobody is told of it yet."""
        given = {"room": self.room, "thread": self.root, "author": "@bert", "at": "2026-01-02T10:00:00Z", **more}
        return self.chat.put("messages", text=text, **given)

    def tell(self, *again: str, gone: tuple[str, ...] = (), stream: str = "messages") -> None:
        name = "+".join((*again, *gone)) or "whole"
        self.chat.told.put(News(stream, again, gone, lambda: self.kept.append(name)))

    def comments(self) -> list[str]:
        return sorted(one["text"] for one in self.world.intranet.all("comments"))

    def follow(self, streams: frozenset[str]) -> Collection[str]:
        self.followed += sorted(streams)
        if CHAT in streams:
            with suppress(Fenced):  # a later run sees to it
                run_flow(self.bridge, "news", reading=False)
        return ()

    @contextmanager
    def watched(self, follow: Callable[[frozenset[str]], Collection[str]] | None = None) -> Iterator[Any]:
        """Until the end of the block; what was said at the beginning has been followed by then."""
        stop, ended = threading.Event(), []
        listening = {"chat": self.chat.listen}

        def run() -> None:
            ended.append(watch(self.bridge, listening, follow or self.follow, stop))

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield ended
        finally:
            stop.set()
            thread.join()


@pytest.fixture
def office(world: World, post: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr("landbridge.sync.watching.WAIT", 0.1)
    return Office(world, post)


def test_a_reply_arrives_without_any_read(office: Office) -> None:
    with office.watched():
        office.tell(office.reply("At last!"))
        until(lambda: office.comments() == ["At last!"])
    assert office.chat.asked == ["again messages"]
    office.world.quiet()


def test_it_is_kept_before_its_system_is_told_so(office: Office) -> None:
    reply = office.reply("At last!")
    known: list[Any] = []

    def kept() -> None:
        with office.bridge.hub.read() as conn:
            known.append(records.get(conn, "chat", "messages", reply))

    with office.watched():
        office.chat.told.put(News("messages", (reply,), (), kept))
        until(lambda: known)
    assert known[0].claim["body"] == "At last!"


def test_what_is_told_twice_is_there_once(office: Office) -> None:
    reply = office.reply("Once")
    with office.watched():
        office.tell(reply)
        office.tell(reply)
        until(lambda: office.comments() == ["Once"])
        office.tell(reply)
        until(lambda: len(office.kept) == 3)
        read(office.bridge, "chat", "messages")
    office.world.run("news")
    assert office.comments() == ["Once"]
    office.world.quiet()


def test_two_processes_that_listen_do_nothing_twice(office: Office) -> None:
    """Each news goes to one of them, as a vendor deals them out; both run the flows."""
    replies = [office.reply(f"Reply {number}") for number in range(6)]
    with office.watched(), office.watched():
        for reply in replies:
            office.tell(reply)
        until(lambda: len(office.comments()) == 6)
        until(lambda: len(office.kept) == 6)
    assert office.comments() == [f"Reply {number}" for number in range(6)]
    office.world.quiet()


def test_what_was_removed_is_gone(office: Office) -> None:
    reply = office.reply("Nonsense")
    with office.watched():
        office.tell(reply)
        until(lambda: office.comments() == ["Nonsense"])
        office.chat.drop("messages", reply)
        office.tell(gone=(reply,))
        until(lambda: office.comments() == [])


def test_nobody_listened_for_a_while_and_the_next_read_closes_the_gap(office: Office) -> None:
    office.reply("While you were out")
    with office.watched():
        office.tell()
        until(lambda: office.comments() == ["While you were out"])
    assert office.kept == ["whole"]


def test_no_cursor_moves_and_no_read_is_fenced(office: Office) -> None:
    with office.bridge.hub.read() as conn:
        before = runs.checkpoint_of(conn, "chat", "messages")
    report = keep_told(office.bridge, "chat", "messages", [News("messages", (office.reply("Hello"),))])
    assert report.counts["new"] == 1
    with office.bridge.hub.read() as conn:
        assert runs.checkpoint_of(conn, "chat", "messages") == before
    assert not keep_told(office.bridge, "chat", "messages", [News("messages", ("nobody",))]).moved


def test_what_cannot_be_kept_now_is_read_later_and_told_only_then(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = office.reply("Slowly")
    again = Telling.again

    def broken(self: Telling, stream: str, told: Collection[str]) -> Iterator[Item]:
        monkeypatch.setattr(Telling, "again", again)
        raise TransientError("No answer.")
        yield

    monkeypatch.setattr(Telling, "again", broken)
    with office.watched():
        office.tell(reply)
        until(lambda: office.comments() == ["Slowly"])
        until(lambda: office.kept == [reply])
    assert "read messages" in office.chat.asked


def test_a_record_that_cannot_be_mapped_is_set_aside_and_told_as_kept(office: Office) -> None:
    bad, good = office.reply("Never", at="no time at all"), office.reply("Good")
    with office.watched():
        office.tell(bad)
        office.tell(good)
        until(lambda: office.comments() == ["Good"])
    assert office.kept == [bad, good]


def test_a_flow_that_fails_is_tried_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landbridge.sync.watching.LATER", 0.1)
    tries = []

    def follow(streams: frozenset[str]) -> Collection[str]:
        tries.append(streams)
        return streams if len(tries) < 3 else office.follow(streams)

    office.reply("In the end")
    read(office.bridge, "chat", "messages")  # by a process that died after it
    with office.watched(follow):
        until(lambda: office.comments() == ["In the end"])
    assert len(tries) >= 3


def test_trouble_that_passes_ends_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landbridge.sync.watching.LATER", 0.01)
    with office.watched():
        office.chat.told.put(TransientError("Gone for a moment."))
        office.tell(office.reply("Back"))
        until(lambda: office.comments() == ["Back"])


def test_what_trying_again_cannot_mend_ends_the_listening_and_is_told(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """At once, too: other systems may be listened to for days."""
    for error, said in (
        (AuthError("Refused.", remedy="Sign in."), "Refused. Sign in."),
        (ConfigError("Wrong."), "Wrong."),
        (TypeError("Anna's"), "TypeError"),
    ):
        with office.watched() as ended:
            office.chat.told.put(error)
            until(lambda ended=ended: ended)
        assert ended == [{"chat": error}]
        assert caplog.records[-1].getMessage() == f"chat is not listened to any more: {said}"


def test_news_of_a_stream_that_nobody_reads_are_nothing(office: Office) -> None:
    with office.watched():
        office.tell("x", stream="calendar")
        until(lambda: office.kept == ["x"])


class Sender:
    """Takes what bears the right key."""

    def receive(self, pushed: Pushed) -> Heard:
        lower = {name.lower(): value for name, value in pushed.headers.items()}
        if lower.get("x-key") != "5ecret":
            raise AuthError("Not signed.")
        if pushed.params.get("hello"):
            return Heard(answer=pushed.params["hello"])
        if not pushed.body:
            raise RecordError("Empty.")
        return Heard((News("messages", (pushed.body.decode(),)),))


@pytest.fixture
def door() -> Iterator[tuple[Letterbox, str]]:
    box = Letterbox(Sender())
    with receiving("127.0.0.1:0", {"chat": box}) as port:
        yield box, f"http://127.0.0.1:{port}"


def send(url: str, path: str = "chat", body: bytes = b"17", key: str = "5ecret", **params: str) -> Any:
    import requests

    return requests.post(f"{url}/{path}", data=body, headers={"X-Key": key}, params=params, timeout=30)


def test_a_push_is_answered_when_it_is_in_the_hub(door: tuple[Letterbox, str], office: Office) -> None:
    box, url = door
    stop = threading.Event()
    thread = threading.Thread(target=watch, args=(office.bridge, {"chat": box.listen}, office.follow, stop))
    thread.start()
    try:
        reply = office.reply("By post")
        assert send(url, body=reply.encode()).status_code == 200
        with office.bridge.hub.read() as conn:
            assert records.get(conn, "chat", "messages", reply)
        until(lambda: office.comments() == ["By post"])
    finally:
        stop.set()
        thread.join()


def test_what_nobody_keeps_in_time_is_not_taken(door: tuple[Letterbox, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landbridge.sync.receiver.PATIENCE", 0.05)
    assert send(door[1]).status_code == 503


def test_strangers_and_nonsense_are_refused(door: tuple[Letterbox, str]) -> None:
    box, url = door
    assert send(url, hello="3eZbrw").text == "3eZbrw"
    assert send(url, key="other").status_code == 401
    assert send(url, "crm").status_code == 404
    assert send(url, body=b"").status_code == 400
    assert send(url, body=b"x" * (2**20 + 1)).status_code == 413
    assert box.listen(0.01) == []


@pytest.mark.parametrize(("header", "status"), [("X-Nothing: 0", 200), ("Transfer-Encoding: chunked", 411)])
def test_who_sends_nothing_need_not_say_how_much(door: tuple[Letterbox, str], header: str, status: int) -> None:
    host, _, port = door[1].removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 30) as line:
        line.sendall(f"POST /chat?hello=3eZbrw HTTP/1.0\r\nX-Key: 5ecret\r\n{header}\r\n\r\n".encode())
        head, _, body = line.makefile("rb").read().partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    assert body == (b"3eZbrw" if status == 200 else b"")
    # What a stranger has made us say is no page.
    assert b"text/plain" in head and b"nosniff" in head


def test_an_address_that_is_taken_or_none() -> None:
    for address in ("127.0.0.1:nothing", "127.0.0.1:99999", "203.0.113.1:1"):
        with pytest.raises(ConfigError, match="host:port"), receiving(address, {}):
            pass
