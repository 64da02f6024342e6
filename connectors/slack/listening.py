"""What Slack tells by itself, over Socket Mode or by calling us: an event is a hint, and what it is of is read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, cached_property, partial
from time import time
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from connectors.slack.natives import Json, key
from connectors.slack.posting import Messages
from landbridge.connector import Heard, Item, News, Pushed, if_there, needed
from landbridge.errors import AuthError, NotFound, RecordError, ScopeError

if TYPE_CHECKING:
    from connectors.slack.socket import Socket

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


class Listening(Messages):
    """Slack delivers what is not acknowledged within three seconds up to three times more."""

    def listen(self, seconds: float) -> Sequence[News]:
        """Over Socket Mode. Whenever the connection is new, messages are to be read: what was missed is not told again."""
        found: list[News] = []
        for request in self._socket.taken(seconds):
            if request is None:
                found.append(News(self.messages.name))
                continue
            kept = partial(self._socket.acknowledge, request.envelope_id)
            try:
                news = parse(request.payload, self.ours).news if request.type == "events_api" else ()
            except RecordError:
                news = ()
            found += [replace(one, kept=kept) for one in news]  # of one event there is one at most
            if not news:
                kept()
        return found

    def receive(self, pushed: Pushed) -> Heard:
        """By the Events API's HTTP requests."""
        remedy = "Say the app's signing secret in the connection."
        secret = needed(self.config.signing_secret, "Slack's requests cannot be checked.", remedy)
        return parse(payload_of(pushed, secret.get_secret_value()), self.ours)

    def again(self, stream: str, told: Collection[str]) -> Iterator[Item]:
        """One call for all that was told of one channel or thread, as far as it lies on one page; else one each."""
        places: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for one in told:
            channel, thread, ts = one.split("/")
            places[channel, thread].add(ts)
        for (channel, thread), wanted in places.items():
            yield from self._guarded_again(channel, thread, wanted)

    # Steps of the above

    @cached_property
    def _socket(self) -> Socket:
        from connectors.slack.socket import Socket  # slack-sdk, which whoever only reads and writes need not load

        problem = "Slack cannot be listened to without a token for Socket Mode."
        remedy = "Say the app-level token (xapp-…) in the connection, or take Slack's requests by --http."
        socket = Socket(partial(self._address, needed(self.config.app_token, problem, remedy)))
        try:
            socket.open()
        except BaseException:
            socket.close()
            raise
        return socket

    def _address(self, token: SecretStr) -> str:
        """Where to connect; good for one connection."""
        with self.make_client(token) as client:
            return client.post("api/apps.connections.open", safe=True).part("url", str)

    def _guarded_again(self, channel: str, thread: str, wanted: set[str]) -> Iterator[Item]:
        """What cannot be seen (any more) is told by the next read; only an event says that it was removed."""
        place = "" if thread == NO_THREAD else thread
        with suppress(NotFound, ScopeError):
            if self._is_private(channel) and channel not in self.private_spaces:
                return
            found = self.between(channel, min(wanted), max(wanted), thread=place) if thread else {}
            for ts in sorted(wanted):
                raw = found.get(ts) or if_there(self.one, channel, ts)
                if raw is not None:
                    yield from self._item(channel, raw)

    @cached_property
    def _is_private(self) -> Callable[[str], bool]:
        """Asked once of each channel: that hardly ever changes, and the next read asks again."""
        return cache(lambda channel: bool(self.channel(channel).get("is_private")))


def place(channel: Any, ts: Any, thread: Any = "") -> str:
    """A message as `again` is told of it: where it stands, its thread where that is known, and its own time."""
    return f"{channel}/{thread or ''}/{ts}"


def payload_of(pushed: Pushed, secret: str, *, now: Callable[[], float] = time) -> Json:
    """The body as Slack has signed it, not longer than five minutes ago. Raises AuthError, RecordError."""
    stamp, signature = (pushed.headers.get(f"X-Slack-{name}", "") for name in ("Request-Timestamp", "Signature"))
    if not stamp.isdecimal() or not _is_signed(pushed.body, stamp, signature, secret, now):
        raise AuthError(
            "An event is not signed by Slack, or is too old.",
            remedy="Check the app's signing secret and this machine's clock.",
        )
    return pushed.part("", dict)


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
