"""An answer of another shape, in place of any answer: a clear error, and no read that passes for whole without being it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import responses

from connectors.ldap.connector import Ldap
from connectors.matrix.connector import Matrix
from connectors.mediawiki.connector import MediaWiki
from connectors.slack.connector import Slack
from connectors.tryton.connector import Tryton
from connectors.wordpress.connector import WordPress
from landbridge.connector import Complete, Connection, Connector, Failure, Item, Record, Stream, reads
from landbridge.errors import LandbridgeError, TransientError
from landbridge.http import Client, Retries
from sandbox.emulators.base import Request
from sandbox.emulators.slack import Slack as SlackEmulator
from sandbox.emulators.slack_workspace import BOT, BOT_USER
from tests.connectors import ldap_wire, test_ldap, test_mediawiki, tryton_replay
from tests.connectors.matrix.replay import ANNA, CONNECTION, ROOM
from tests.connectors.matrix.replay import Server as Synapse
from tests.connectors.wordpress import site as wordpress_site

Reply = tuple[int, dict[str, str], str]
JSON, HTML = {"Content-Type": "application/json"}, {"Content-Type": "text/html"}
SHAPES: dict[str, Reply] = {
    "an empty object": (200, JSON, "{}"),
    "another object": (200, JSON, '{"status": "ok"}'),
    "an empty list": (200, JSON, "[]"),
    "a list": (200, JSON, '["ok"]'),
    "null": (200, JSON, "null"),
    "a text": (200, JSON, '"ok"'),
    "a number": (200, JSON, "3"),
    "HTML": (200, HTML, "<h1>Back soon</h1>"),
    "nothing": (200, JSON, ""),
}
Write = Callable[[Any], Any]


@dataclass
class System:
    """A connector and the stand-in for its system; `writes` are made on it, `unsized` says nowhere how much there is."""

    cls: type[Connector]
    connection: Any
    server: Callable[[], Any]
    writes: dict[str, Write] = field(default_factory=dict)
    unsized: bool = False


SLACK = Connection("chat", "landbridge_slack", "http://slack.example", None, "token")


class Emulated:
    """A small workspace."""

    def __init__(self) -> None:
        self.slack = SlackEmulator(unlimited=True)
        anna = self.slack.space.user("anna", "Anna Müller", email="anna@halbrueck.example")["id"]
        room = self.slack.space.channel("help", [BOT_USER, anna], creator=anna)["id"]
        self.slack.space.say(room, BOT_USER, "x", ts="1.000001", bot_id=BOT)
        self.slack.space.say(room, anna, "y", "1.000001", ts="1.000002")
        self.slack.space.group("IT", "it", "", (anna,))

    def __call__(self, request: requests.PreparedRequest) -> Reply:
        body = request.body if isinstance(request.body, bytes) else (request.body or "").encode()
        reply = self.slack.answer(Request(str(request.method), str(request.url), request.headers, body))
        assert reply
        return reply.status, dict(reply.sent_headers), reply.content.decode()


NOTE = {"opportunity": 1, "message": tryton_replay.RECORDED["POST ir.note"]["message"]}
PAGE = str(test_mediawiki.made()["pageid"])
COMMENT, USER = (str(wordpress_site.RECORDED[stream][0]["id"]) for stream in ("comments", "users"))
SYSTEMS = {
    "matrix": System(
        Matrix, CONNECTION, Synapse,
        {"create": lambda chat: chat.create_message({"room_id": ROOM, "sender": ANNA, "body": "Hi"}, "lb1")},
    ),
    "mediawiki": System(
        MediaWiki, test_mediawiki.CONNECTION, test_mediawiki.Wiki,
        {"create": lambda wiki: wiki.create_page({"title": "Answers/New", "text": "x"}, "lb1"),
         "update": lambda wiki: wiki.update_page(PAGE, {"text": "x", "title": "Answers/New"}, "lb1"),
         "delete": lambda wiki: wiki.delete_page(PAGE, "lb1")},
    ),
    "slack": System(
        Slack, SLACK, Emulated,
        {"create": lambda chat: chat.create_message({"channel": "C000000001", "user": "U000000001", "text": "x"}, "lb1"),
         "update": lambda chat: chat.update_message("C000000001/1.000001", {"blocks": "[]", "text": "x"}, "lb1"),
         "disable": lambda chat: chat.archive_room("C000000001", "lb1"),
         "delete": lambda chat: chat.delete_message("C000000001/1.000001", "lb1")},
    ),
    "tryton": System(
        Tryton, tryton_replay.CONNECTION, tryton_replay.Server,
        {"create": lambda crm: crm.create_note(NOTE, "lb1")},
        unsized=True,
    ),
    "wordpress": System(
        WordPress, wordpress_site.CONNECTION, wordpress_site.Site,
        {"update": lambda cms: cms.update_comment(COMMENT, {"content": "<p>x</p>"}, "lb1"),
         "disable": lambda cms: cms.disable_user(USER, "lb1")},
    ),
}  # fmt: skip


class Misanswering:
    """Does what it is asked for; the answer of this number, from 1 on, has another shape."""

    def __init__(self, server: Any, number: int, shape: Reply) -> None:
        self.server, self.number, self.shape, self.asked = server, number, shape, 0

    def __call__(self, request: requests.PreparedRequest) -> Reply:
        self.asked += 1
        answer: Reply = self.server(request)
        return self.shape if self.asked == self.number else answer


@contextmanager
def speaking(system: System, number: int = 0, shape: Reply = (200, {}, "")) -> Iterator[tuple[Any, Misanswering]]:
    server = Misanswering(system.server(), number, shape)
    if system.cls is MediaWiki:
        server.server.pages.append(test_mediawiki.made())
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "PUT", "DELETE"):
            mock.add_callback(method, re.compile(".*"), callback=server)
        connector = system.cls(system.cls.Config.of(system.connection))
        for client in (connector.client, *([connector.admin] if isinstance(connector, Matrix) else [])):
            client._retries = Retries(attempts=1)
        yield connector, server
        connector.close()


def whole(items: Iterator[Item]) -> dict[str, Any] | None:
    """Key → what was read; None where it says itself that it is not whole."""
    found = list(items)
    if any(isinstance(item, Failure) for item in found) or Complete() not in found:
        return None
    return {item.key: item.native for item in found if isinstance(item, Record)}


def is_clear(error: LandbridgeError) -> bool:
    """Names what was asked, what was expected and what to do; holds nothing of what was answered."""
    return "Back soon" not in str(error) and "expect" in str(error) and bool(error.remedy)


@pytest.mark.parametrize("name", SYSTEMS)
def test_2_a_read_whose_answer_has_another_shape_is_no_read(name: str) -> None:
    system, wrong = SYSTEMS[name], []
    for stream in system.cls.streams():
        with speaking(system) as (connector, server):
            wanted, count = whole(connector.read(stream)), server.asked
        assert wanted
        for number, (shape, reply) in ((n, one) for n in range(1, count + 1) for one in SHAPES.items()):
            if system.unsized and shape == "an empty list":
                continue
            with speaking(system, number, reply) as (connector, _):
                try:
                    found = whole(connector.read(stream))
                except LandbridgeError as error:
                    if not is_clear(error):
                        wrong.append(f"{stream}: {shape} as answer {number} of {count}: {error}")
                    continue
                except Exception as error:
                    found = {"": repr(error)}
            if found not in (None, wanted):
                wrong.append(f"{stream}: {shape} as answer {number} of {count}: {found}")
    assert wrong == []


@pytest.mark.parametrize(("name", "what"), [(name, what) for name, one in SYSTEMS.items() for what in one.writes])
def test_a_write_whose_answer_has_another_shape_is_uncertain_or_done(name: str, what: str) -> None:
    system, wrong = SYSTEMS[name], []
    with speaking(system) as (connector, server):
        system.writes[what](connector)
        count = server.asked
    for number, (shape, reply) in ((n, one) for n in range(1, count + 1) for one in SHAPES.items()):
        with speaking(system, number, reply) as (connector, _):
            try:
                system.writes[what](connector)
            except LandbridgeError:
                continue
            except Exception as error:
                wrong.append(f"{shape} as answer {number} of {count}: {error!r}")
    assert wrong == []


@pytest.mark.parametrize("number", [1, 2])
def test_2_a_directory_that_speaks_another_language_loses_nobody(number: int) -> None:
    recording = json.loads(ldap_wire.RECORDINGS.read_text())["full"]
    recording[0][str(number)] = b"HTTP/1.1 200 OK\r\n\r\n<h1>Back soon</h1>".hex()
    with ldap_wire.replayed(recording) as host:
        directory = Ldap(Ldap.Config.of(test_ldap.connection(host, timeout=1)))
        with pytest.raises(TransientError) as caught:
            list(directory.read("people"))
    assert "Back soon" not in str(caught.value)


class Careless(Connector):
    """As somebody may write one: it takes every answer for what it should be."""

    system = "careless"
    notes = Stream("notes", ("id",), "message")

    def make_client(self) -> Client:
        return Client("http://notes.example")

    @reads(notes)
    def read_notes(self, cursor: Any) -> Iterator[Item]:
        for one in self.client.get("notes").json()["notes"]:
            yield Record(str(one["id"]), {"text": one["text"].strip()})
        yield Complete()


@pytest.mark.parametrize("body", ["{}", "[]", "null", '{"notes": 3}', '{"notes": [{"id": 1, "text": null}]}'])
def test_a_connector_that_expects_the_best_says_where_it_stumbled(body: str) -> None:
    with responses.RequestsMock() as mock:
        mock.get("http://notes.example/notes", body)
        with pytest.raises(TransientError) as caught:
            list(Careless(None).read("notes"))
    text = str(caught.value)
    assert text.startswith(
        "careless/notes: the answer to GET notes.example/notes has not the shape that test_answers.py:"
    )
    assert "tell the connector's author" in text
    assert caught.value.__suppress_context__, "a chain would show what was answered"
