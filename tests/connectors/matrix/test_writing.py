"""What the Matrix connector writes."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import requests

from connectors.matrix import contents
from connectors.matrix.connector import Matrix
from landbridge.errors import RecordError, ScopeError, TransientError
from tests.connectors.matrix.replay import (
    ADMIN_TOKEN,
    ANNA,
    BOT,
    LUKASZ,
    ROOM,
    SIOBHAN,
    STREAMS,
    TOKEN,
    Server,
    refused,
)
from tests.connectors.reading import natives_of


def test_a_message_is_sent_once_and_found_after_an_uncertain_outcome(server: Server, matrix: Matrix) -> None:
    native = {"room_id": ROOM, "sender": SIOBHAN, "body": "Einmal", "ts": 1790000000100}
    for failure in (requests.ConnectionError("broken"), (502, {}, "<html>")):
        server.script["/send/"] = [failure]
        with pytest.raises(TransientError) as caught:
            matrix.create_message(native, "lb1")
        assert caught.value.uncertain
    assert len(server.asked("PUT", "/send/")) == 2
    assert matrix.find("messages", native, "lb1") is None
    written = matrix.create_message(native, "lb1")
    assert matrix.find("messages", native, "lb1") == written
    assert natives_of(matrix, "messages")[written["id"]] == written
    sent = server.asked("PUT", "/send/")[-1]
    assert f"ts={native['ts']}" in str(sent.url)
    assert json.loads(sent.body or "")["landbridge.marker"] == "lb1"


def test_the_same_marker_of_another_author_is_another_transaction(server: Server, matrix: Matrix) -> None:
    for author in (SIOBHAN, LUKASZ, SIOBHAN):
        matrix.create_message({"room_id": ROOM, "sender": author, "body": "x"}, "lb1")
    paths = [str(request.url).split("?")[0] for request in server.asked("PUT", "/send/")]
    assert paths[0] == paths[2] != paths[1]


def test_an_author_enters_an_open_room_to_speak(server: Server, matrix: Matrix) -> None:
    server.script["/send/"] = [refused(403, "M_FORBIDDEN")]
    server.script["/join/"] = [(200, {}, json.dumps({"room_id": ROOM}))]
    said = matrix.create_message({"room_id": ROOM, "sender": SIOBHAN, "body": "x"}, "m")
    assert said["sender"] == SIOBHAN
    assert "user_id=%40siobhan" in str(server.asked("POST", "/join/")[0].url)


def test_in_a_closed_room_the_bot_speaks_for_who_is_not_in_it(server: Server, matrix: Matrix) -> None:
    server.script["/send/"] = [refused(403, "M_FORBIDDEN")]
    server.script["m.room.join_rules"] = [(200, {}, json.dumps({"join_rule": "invite"}))]
    native = {"room_id": ROOM, "sender": SIOBHAN, "body": "Hallo", "formatted_body": "<i>Hallo</i>"}
    said = matrix.create_message(native, "m")
    assert server.asked("POST", "/join/") == []
    assert (said["sender"], said["body"]) == (BOT, "Siobhán O'Brien: Hallo")
    assert said["formatted_body"] == "<strong>Siobhán O&#x27;Brien:</strong> <i>Hallo</i>"
    matrix.update_message(said["id"], {"body": "Neu"}, "m2")
    assert json.loads(server.asked("PUT", "/send/")[-1].body or "")["m.new_content"]["body"] == "Siobhán O'Brien: Neu"


def test_contents_hold_mentions_threads_and_answers() -> None:
    pill = '<a href="https://matrix.to/#/@anna.mueller:halbrueck.example">Anna</a> and <a href="https://matrix.to/#/!r/$e">that</a>'
    content = contents.message({"body": "Anna and that", "formatted_body": pill, "thread": "!r/$root"})
    assert content["m.mentions"] == {"user_ids": [ANNA]}
    assert content["m.relates_to"] == {
        "rel_type": "m.thread", "event_id": "$root", "is_falling_back": True, "m.in_reply_to": {"event_id": "$root"},
    }  # fmt: skip
    answer = contents.message({"body": "x", "thread": "!r/$root", "reply_to": "!r/$other"})["m.relates_to"]
    assert (answer["is_falling_back"], answer["m.in_reply_to"]) == (False, {"event_id": "$other"})
    assert "m.relates_to" not in contents.message({"body": "x", "formatted_body": "x", "thread": None})
    assert contents.edit("$e", {"body": "x", "formatted_body": pill})["m.mentions"] == {}


def test_bytes_are_counted_not_characters() -> None:
    long = "€" * 19_990
    content = contents.fitted(contents.message({"body": long, "formatted_body": f"<b>{long}</b>"}))
    assert content["formatted_body"] == f"<b>{long}</b>"
    assert content["body"] == "€" * contents.FALLBACK + "…"
    edit = contents.fitted(contents.edit("$e", {"body": long, "formatted_body": f"<b>{long}</b>"}))
    assert edit["m.new_content"]["formatted_body"] == f"<b>{long}</b>"
    with pytest.raises(RecordError, match="bytes"):
        contents.fitted(contents.message({"body": long * 2}))


@pytest.mark.parametrize(
    "native", [{"room_id": ROOM}, {"room_id": ROOM, "body": "", "formatted_body": ""}, {"body": "x"}]
)
def test_an_empty_or_homeless_message_is_not_sent(server: Server, matrix: Matrix, native: dict[str, Any]) -> None:
    with pytest.raises(RecordError):
        matrix.create_message(native, "m")
    assert server.seen == []


def test_no_secret_and_no_text_in_any_log(server: Server, matrix: Matrix, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for stream in STREAMS:
        try:
            list(matrix.read(stream))
        except RecordError:
            continue
    matrix.create_message({"room_id": ROOM, "sender": SIOBHAN, "body": "Vertraulich"}, "m")
    server.script["/send/"] = [refused(403, "M_FORBIDDEN")] * 3
    server.script["/join/"] = [refused(403, "M_FORBIDDEN")]
    with pytest.raises(ScopeError) as caught:
        matrix.create_message({"room_id": ROOM, "sender": SIOBHAN, "body": "Vertraulich"}, "m")
    said = caplog.text + str(caught.value) + repr(matrix.config)
    assert "GET chat.example/_matrix" in said
    assert not any(word in said for word in (TOKEN, ADMIN_TOKEN, "siobhan", "Siobh", "Vertraulich", "anna.mueller"))
