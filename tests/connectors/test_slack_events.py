"""What Slack delivers by itself: signatures, the first question, what comes twice, and what each event means."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from connectors.slack.events import Inbox, Told, parse, payload_of
from landbridge.connector import Gone
from landbridge.errors import AuthError, RecordError
from tests.connectors import vendor

SECRET, NOW = "8f742231b10e8888abcd99yyyzzz85a5", 1_795_000_000


def signed(body: bytes, *, secret: str = SECRET, at: int = NOW) -> dict[str, str]:
    digest = hmac.new(secret.encode(), f"v0:{at}:{body.decode()}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={digest}"}


def callback(number: str = "Ev1", **event: Any) -> dict[str, Any]:
    return {"type": "event_callback", "event_id": number, "event": event}


def test_only_what_slack_signed_lately_is_read() -> None:
    body = json.dumps(callback(type="message")).encode()
    assert payload_of(body, signed(body), SECRET, now=lambda: NOW) == json.loads(body)
    for headers in ({}, signed(body, secret="other"), signed(body, at=NOW - 400), signed(body + b" "),
                    signed(body) | {"X-Slack-Request-Timestamp": "now"}):  # fmt: skip
        with pytest.raises(AuthError) as caught:
            payload_of(body, headers, SECRET, now=lambda: NOW)
        assert SECRET not in str(caught.value)
    with pytest.raises(RecordError):
        payload_of(b"[]", signed(b"[]"), SECRET, now=lambda: NOW)


def test_the_first_question_is_answered() -> None:
    assert parse({"type": "url_verification", "token": "x", "challenge": "3eZbrw"}) == Told(answer="3eZbrw")


def test_an_event_counts_once() -> None:
    inbox = Inbox(size=2)
    event = callback(type="message", channel="C1", ts="1.2")
    assert inbox.take(event).again == ("C1/1.2",)
    assert inbox.take(event) == Told()
    for number in ("Ev2", "Ev3"):
        inbox.take(callback(number, type="message", channel="C1", ts="1.2"))
    assert inbox.take(event).again == ("C1/1.2",)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"type": "message", "channel": "C1", "ts": "1.2", "text": "x"}, Told(event="Ev1", again=("C1/1.2",))),
        ({"type": "message", "subtype": "message_changed", "channel": "C1", "message": {"ts": "1.1"}, "ts": "1.2"},
         Told(event="Ev1", again=("C1/1.1",))),
        ({"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": "1.1", "ts": "1.2"},
         Told(event="Ev1", gone=(Gone("C1/1.1"),))),
        ({"type": "reaction_removed", "item": {"type": "message", "channel": "C1", "ts": "1.1"}},
         Told(event="Ev1", again=("C1/1.1",))),
        ({"type": "reaction_added", "item": {"type": "file"}}, Told(event="Ev1")),
        ({"type": "message", "channel": "D1", "channel_type": "im", "ts": "1.2"}, Told(event="Ev1")),
        ({"type": "team_join", "user": {"id": "U1"}}, Told(event="Ev1")),
    ],
)  # fmt: skip
def test_what_an_event_means(event: dict[str, Any], told: Told) -> None:
    assert parse(callback(**event)) == told


@pytest.mark.parametrize(
    "payload", [{}, {"type": "event_callback"}, callback() | {"event": "x"}, callback() | {"event_id": 1}]
)
def test_what_is_none_of_slacks(payload: dict[str, Any]) -> None:
    with pytest.raises(RecordError):
        parse(payload)


def test_events_of_a_real_workspace() -> None:
    if not (folder := vendor.SHARED / "samples" / "slack" / "vercel-chat").exists():
        pytest.skip("LANDBRIDGE_SHARED does not name the folder with the vendors' recordings")
    told = []
    for number, payload in enumerate(_events(json.loads((folder / "slack.json").read_text()))):
        found = parse({"event_id": str(number), **payload})
        event = payload["event"]
        assert found.again == (f"{event['channel']}/{event['ts']}",)
        told.append(found)
    assert told


def _events(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, dict):
        return []
    inner = [one for value in found.values() for one in _events(value)]
    return [found] if found.get("type") == "event_callback" and found["event"].get("type") == "message" else inner
