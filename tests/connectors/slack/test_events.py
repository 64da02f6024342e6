"""What Slack delivers by itself: signatures, the first question, and what each event means."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from connectors.slack.listening import parse, payload_of
from landbridge.connector import Heard, News, Pushed
from landbridge.errors import AuthError, RecordError
from tests.shared import SHARED

SECRET, NOW = "8f742231b10e8888abcd99yyyzzz85a5", 1_795_000_000
OURS = frozenset(("B1", "U1"))


def signed(body: bytes, *, secret: str = SECRET, at: int = NOW) -> dict[str, str]:
    digest = hmac.new(secret.encode(), f"v0:{at}:{body.decode()}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={digest}"}


def callback(number: str = "Ev1", **event: Any) -> dict[str, Any]:
    return {"type": "event_callback", "event_id": number, "event": event}


def test_only_what_slack_signed_lately_is_read() -> None:
    body = json.dumps(callback(type="message")).encode()
    assert payload_of(Pushed({}, signed(body), body), SECRET, now=lambda: NOW) == json.loads(body)
    for headers in ({}, signed(body, secret="other"), signed(body, at=NOW - 400), signed(body + b" "),
                    signed(body) | {"X-Slack-Request-Timestamp": "now"}):  # fmt: skip
        with pytest.raises(AuthError) as caught:
            payload_of(Pushed({}, headers, body), SECRET, now=lambda: NOW)
        assert SECRET not in str(caught.value)
    with pytest.raises(RecordError):
        payload_of(Pushed({}, signed(b"[]"), b"[]"), SECRET, now=lambda: NOW)


def test_the_first_question_is_answered() -> None:
    assert parse({"type": "url_verification", "token": "x", "challenge": "3eZbrw"}, OURS) == Heard(answer="3eZbrw")


def again(place: str) -> Heard:
    return Heard((News("messages", again=(place,)),))


@pytest.mark.parametrize(
    ("event", "heard"),
    [
        ({"type": "message", "channel": "C1", "ts": "1.2", "text": "x"}, again("C1/-/1.2")),
        ({"type": "message", "channel": "C1", "ts": "1.2", "thread_ts": "1.1"}, again("C1/1.1/1.2")),
        ({"type": "message", "channel": "C1", "ts": "1.2", "bot_id": "B1", "subtype": "bot_message"}, Heard()),
        ({"type": "message", "subtype": "message_changed", "channel": "C1", "message": {"ts": "1.1"}, "ts": "1.2"},
         again("C1//1.1")),
        ({"type": "message", "subtype": "message_changed", "channel": "C1", "ts": "1.3",
          "message": {"ts": "1.2", "thread_ts": "1.1", "bot_id": "B1"}}, again("C1/1.1/1.2")),
        ({"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": "1.1", "ts": "1.2"},
         Heard((News("messages", gone=("C1/1.1",)),))),
        ({"type": "reaction_removed", "item": {"type": "message", "channel": "C1", "ts": "1.1"}}, again("C1//1.1")),
        ({"type": "reaction_added", "item": {"type": "file"}}, Heard()),
        ({"type": "message", "channel": "D1", "channel_type": "im", "ts": "1.2"}, Heard()),
        ({"type": "message", "subtype": "message_deleted", "channel": "C1"}, Heard()),
        ({"type": "channel_rename", "channel": {"id": "C1"}}, Heard((News("rooms"),))),
        ({"type": "member_joined_channel", "user": "U1", "channel": "C1"}, Heard((News("messages"),))),
        ({"type": "member_joined_channel", "user": "U2", "channel": "C1"}, Heard()),
        ({"type": "team_join", "user": {"id": "U1"}}, Heard()),
    ],
)  # fmt: skip
def test_what_an_event_means(event: dict[str, Any], heard: Heard) -> None:
    assert parse(callback(**event), OURS) == heard


@pytest.mark.parametrize("payload", [{}, {"type": "event_callback"}, callback() | {"event": "x"}])
def test_what_is_none_of_slacks(payload: dict[str, Any]) -> None:
    with pytest.raises(RecordError):
        parse(payload, OURS)


def test_events_of_a_real_workspace() -> None:
    if not (folder := SHARED / "samples" / "slack" / "vercel-chat").exists():
        pytest.skip("LANDBRIDGE_SHARED does not name the folder with the vendors' recordings")
    told = []
    for number, payload in enumerate(_events(json.loads((folder / "slack.json").read_text()))):
        event = payload["event"]
        found = parse({"event_id": str(number), **payload}, OURS)
        assert found == again(f"{event['channel']}/{event.get('thread_ts', '-')}/{event['ts']}")
        told.append(found)
    assert told


def _events(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, dict):
        return []
    inner = [one for value in found.values() for one in _events(value)]
    return [found] if found.get("type") == "event_callback" and found["event"].get("type") == "message" else inner
