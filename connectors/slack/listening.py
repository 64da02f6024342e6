"""What Slack tells by itself, over Socket Mode or by calling us, and the messages that it tells of, read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from connectors.slack import events
from connectors.slack.posting import Messages
from landbridge.connector import Heard, Item, News, Pushed, if_there
from landbridge.errors import ConfigError, NotFound, RecordError, ScopeError
from landbridge.http import BearerToken

if TYPE_CHECKING:
    from connectors.slack.socket import Socket


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
                news = events.parse(request.payload, self.ours).news if request.type == "events_api" else ()
            except RecordError:
                news = ()
            found += [replace(one, kept=kept) for one in news]  # of one event there is one at most
            if not news:
                kept()
        return found

    def receive(self, pushed: Pushed) -> Heard:
        """By the Events API's HTTP requests."""
        secret = self.config.signing_secret
        if secret is None:
            raise ConfigError(
                "Slack's requests cannot be checked.", remedy="Say the app's signing secret in the connection."
            )
        payload = events.payload_of(pushed.body, pushed.headers, secret.get_secret_value())
        return events.parse(payload, self.ours)

    def again(self, stream: str, told: Collection[str]) -> Iterator[Item]:
        """One call for all that was told of one channel or thread, as far as it lies on one page; else one each."""
        places: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for one in told:
            channel, thread, ts = one.split("/")
            places[channel, thread].add(ts)
        for (channel, thread), wanted in places.items():
            yield from self._guarded_again(channel, thread, wanted)

    def close(self) -> None:
        super().close()
        if "_socket" in self.__dict__:
            self._socket.close()

    # Steps of the above

    @cached_property
    def _socket(self) -> Socket:
        if self.config.app_token is None:
            raise ConfigError(
                "Slack cannot be listened to without a token for Socket Mode.",
                remedy="Say the app-level token (xapp-…) in the connection, or take Slack's requests by --http.",
            )
        from connectors.slack.socket import Socket  # slack-sdk, which whoever only reads and writes need not load

        socket = Socket(self._address)
        try:
            socket.open()
        except BaseException:
            socket.close()
            raise
        return socket

    def _address(self) -> str:
        """Where to connect; good for one connection."""
        token = self.config.app_token
        with self.make_client(BearerToken.fixed(token.get_secret_value() if token else "")) as client:
            method = "apps.connections.open"
            return client.post(f"api/{method}", safe=True, limit=self.limits.of(method)).part("url", str)

    def _guarded_again(self, channel: str, thread: str, wanted: set[str]) -> Iterator[Item]:
        """What cannot be seen (any more) is told by the next read; only an event says that it was removed."""
        place = "" if thread == events.NO_THREAD else thread
        with suppress(NotFound, ScopeError):
            if self._is_private(channel) and channel not in self.private_spaces:
                return
            found = self.between(channel, min(wanted), max(wanted), thread=place) if thread else {}
            for ts in sorted(wanted):
                raw = found.get(ts) or if_there(self.one, channel, ts)
                if raw is not None:
                    yield from self._item(channel, raw)

    def _is_private(self, channel: str) -> bool:
        """Asked once of each: that hardly ever changes, and the next read asks again."""
        if channel not in self._private:
            raw = self.ask("conversations.info", channel=channel).part("channel", dict)
            self._private[channel] = bool(raw.get("is_private"))
        return self._private[channel]

    @cached_property
    def _private(self) -> dict[str, bool]:
        return {}
