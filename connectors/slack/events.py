"""What the Events API and Socket Mode deliver, checked and read without I/O: an event is a hint, the API is the truth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from time import time
from typing import Any

import orjson

from connectors.slack.natives import Json, key
from landbridge.connector import Heard, News
from landbridge.errors import AuthError, RecordError

MESSAGES, ROOMS = "messages", "rooms"
# In place of a thread: it is known that the message is in none.
NO_THREAD = "-"
REACTIONS = frozenset({"reaction_added", "reaction_removed"})
# What is private between people is not read, so it is not listened to either.
DIRECT = frozenset({"im", "mpim"})
OF_ROOMS = frozenset(
    f"{kind}_{what}"
    for kind in ("channel", "group")
    for what in ("created", "rename", "archive", "unarchive", "deleted")
)


def place(channel: Any, ts: Any, thread: Any = "") -> str:
    """A message as `again` is told of it: where it stands, its thread where that is known, and its own time."""
    return f"{channel}/{thread or ''}/{ts}"


def payload_of(body: bytes, headers: Mapping[str, str], secret: str, *, now: Callable[[], float] = time) -> Json:
    """The body as Slack has signed it, not longer than five minutes ago. Raises AuthError, RecordError."""
    lower = {name.lower(): value for name, value in headers.items()}
    stamp, signature = lower.get("x-slack-request-timestamp", ""), lower.get("x-slack-signature", "")
    if not stamp.isdecimal() or not _is_signed(body, stamp, signature, secret, now):
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


def parse(payload: Json, ours: Collection[str]) -> Heard:
    """What a payload of the Events API means; Socket Mode delivers the same inside an envelope.

    `ours` is by which Slack says that the app has said something itself: what it wrote it knows already.
    """
    if payload.get("type") == "url_verification":
        return Heard(answer=str(payload.get("challenge") or ""))
    event = payload.get("event")
    if payload.get("type") != "event_callback" or not isinstance(event, dict):
        raise RecordError("An event has not the form of Slack's.")
    kind = event.get("type")
    if event.get("channel_type") in DIRECT:
        return Heard()
    if kind == "message":
        return _message(event, ours)
    if kind in REACTIONS:
        item = event.get("item") or {}
        return _again(item.get("channel"), item)
    if kind in OF_ROOMS:
        return Heard((News(ROOMS),))
    if kind == "member_joined_channel" and event.get("user") in ours:
        return Heard((News(MESSAGES),))
    return Heard()


def _message(event: Json, ours: Collection[str]) -> Heard:
    """A new reply also changes what its root says of the thread, but nothing that is kept."""
    channel, subtype = event.get("channel"), event.get("subtype")
    if subtype == "message_deleted":
        ts = event.get("deleted_ts")
        known = isinstance(channel, str) and isinstance(ts, str)
        return Heard((News(MESSAGES, gone=(key(str(channel), str(ts)),)),) if known else ())
    if subtype in ("message_changed", "message_replied"):
        return _again(channel, event.get("message") or {})
    if {event.get("bot_id"), event.get("user")} & set(ours):
        return Heard()
    return _again(channel, event, known=True)


def _again(channel: Any, told: Json, *, known: bool = False) -> Heard:
    """`known`: what is said of no thread is in none."""
    ts, thread = told.get("ts"), told.get("thread_ts")
    if not isinstance(channel, str) or not isinstance(ts, str):
        return Heard()
    return Heard((News(MESSAGES, again=(place(channel, ts, thread or (NO_THREAD if known else "")),)),))


def _is_signed(body: bytes, stamp: str, signature: str, secret: str, now: Callable[[], float]) -> bool:
    """By slack-sdk, which whoever only reads and writes need not load."""
    from slack_sdk.signature import Clock, SignatureVerifier

    clock = Clock()
    clock.now = now  # type: ignore[method-assign]
    return bool(SignatureVerifier(secret, clock=clock).is_valid(body, stamp, signature))
