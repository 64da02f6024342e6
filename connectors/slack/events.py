"""What the Events API and Socket Mode deliver, checked and read without I/O: an event is a hint, the API is the truth."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import time
from typing import Any

import orjson
from slack_sdk.signature import Clock, SignatureVerifier

from connectors.slack.natives import Json, key
from landbridge.connector import Gone
from landbridge.errors import AuthError, RecordError

REACTIONS = frozenset({"reaction_added", "reaction_removed"})
# What is private between people is not read, so it is not listened to either.
DIRECT = frozenset({"im", "mpim"})


@dataclass(frozen=True)
class Told:
    """`answer` is what to send back with 200, within 3 seconds; `again` are keys of messages to read again."""

    answer: str = ""
    event: str = ""
    again: tuple[str, ...] = ()
    gone: tuple[Gone, ...] = ()


class Inbox:
    """Slack delivers an event up to four times until it is answered; each counts once. Not for several threads."""

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._seen: OrderedDict[str, None] = OrderedDict()

    def take(self, payload: Json) -> Told:
        """Raises RecordError where it is none of Slack's payloads."""
        told = parse(payload)
        if told.event in self._seen:
            return Told()
        if told.event:
            self._seen[told.event] = None
            if len(self._seen) > self._size:
                self._seen.popitem(last=False)
        return told


def payload_of(body: bytes, headers: Mapping[str, str], secret: str, *, now: Callable[[], float] = time) -> Json:
    """The body as Slack has signed it, not longer than five minutes ago. Raises AuthError, RecordError."""
    lower = {name.lower(): value for name, value in headers.items()}
    stamp, signature = lower.get("x-slack-request-timestamp", ""), lower.get("x-slack-signature", "")
    verifier = SignatureVerifier(secret, clock=_Clock(now))
    if not stamp.isdecimal() or not verifier.is_valid(body, stamp, signature):
        raise AuthError(
            "An event is not signed by Slack, or is too old.",
            remedy="Check the app's signing secret and this machine's clock.",
        )
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise RecordError("An event is not a JSON object.")
    return found


def parse(payload: Json) -> Told:
    """What a payload of the Events API means; Socket Mode delivers the same inside an envelope."""
    if payload.get("type") == "url_verification":
        return Told(answer=str(payload.get("challenge") or ""))
    event, number = payload.get("event"), payload.get("event_id")
    if payload.get("type") != "event_callback" or not isinstance(event, dict) or not isinstance(number, str):
        raise RecordError("An event has not the form of Slack's.")
    if event.get("channel_type") in DIRECT:
        return Told(event=number)
    if event.get("type") == "message":
        return _message(event, number)
    if event.get("type") in REACTIONS:
        item = event.get("item") or {}
        return Told(event=number, again=_keys(item.get("channel"), item.get("ts")))
    return Told(event=number)


def _message(event: Json, number: str) -> Told:
    """A new reply also changes what its root says of the thread, but nothing that is kept."""
    channel, subtype = event.get("channel"), event.get("subtype")
    if subtype == "message_deleted":
        return Told(event=number, gone=tuple(map(Gone, _keys(channel, event.get("deleted_ts")))))
    inner = event.get("message") if subtype in ("message_changed", "message_replied") else event
    return Told(event=number, again=_keys(channel, (inner or {}).get("ts")))


def _keys(channel: Any, ts: Any) -> tuple[str, ...]:
    return (key(channel, ts),) if isinstance(channel, str) and isinstance(ts, str) else ()


class _Clock(Clock):
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def now(self) -> float:
        return self._now()
