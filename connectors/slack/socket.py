"""Socket Mode: the connection is slack-sdk's, which keeps it up; addresses for it are asked for by the house's client."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from socket import SHUT_RDWR
from typing import Any

from requests.utils import get_environ_proxies, select_proxy
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from landbridge.errors import LandbridgeError, TransientError

log = logging.getLogger("landbridge.slack")
# slack-sdk's own words may hold what people have said.
QUIET = logging.getLogger("landbridge.slack.socket")
QUIET.setLevel(logging.CRITICAL)
LOST = "Slack's socket cannot be reached; it is tried again."


class Socket(SocketModeClient):
    """What arrives, in order: an envelope each, and None whenever a connection was made anew."""

    def __init__(self, address: Callable[[], str]) -> None:
        super().__init__(app_token="", logger=QUIET, concurrency=1)
        self._address = address
        self._came: SimpleQueue[SocketModeRequest | None] = SimpleQueue()
        self._failure: LandbridgeError | None = None
        self.message_listeners.append(self._greeted)
        self.socket_mode_request_listeners.append(lambda client, request: self._came.put(request))

    def connect_to_new_endpoint(self, force: bool = False) -> None:
        """One at a time, also where it is forced: of two made at once one would be open and read by nobody."""
        with self.connect_operation_lock:
            if not self.closed and (force or not self.is_connected()):
                self.wss_uri = self.issue_new_wss_url()
                self.connect()

    def issue_new_wss_url(self) -> str:
        """Asked for by slack-sdk whenever it connects, also in threads of its own, whose errors nobody sees."""
        try:
            address = self._address()
        except LandbridgeError as error:
            self._failure = error
            raise
        web = address.replace("ws", "http", 1)
        self.proxy = select_proxy(web, get_environ_proxies(web))
        return address

    def open(self) -> None:
        """Raises what the asking for an address raises, and TransientError where it leads nowhere."""
        self.connect_to_new_endpoint()
        if not self.is_connected():
            raise TransientError(LOST)

    def taken(self, seconds: float) -> Iterator[SocketModeRequest | None]:
        """All that has come; waits so long for the first. Raises what keeps the connection from coming back."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        try:
            yield self._came.get(timeout=seconds)
            while True:
                yield self._came.get_nowait()
        except Empty:
            if not self.is_connected():
                raise TransientError(LOST) from None

    def close(self) -> None:
        """Without waiting for what might still be said."""
        self.closed, self.auto_reconnect_enabled = True, False
        with suppress(AttributeError, OSError):
            self.current_session.sock.shutdown(SHUT_RDWR)  # type: ignore[union-attr]
        super().close()

    def disconnect(self) -> None:
        with suppress(AttributeError):  # slack-sdk's own thread may have closed it meanwhile
            super().disconnect()

    def acknowledge(self, envelope: str) -> None:
        """Where the connection is broken Slack delivers it once more."""
        try:
            self.send_socket_mode_response(SocketModeResponse(envelope_id=envelope))
        except (OSError, SlackClientError) as error:
            log.info("An event could not be acknowledged: %s.", type(error).__name__)

    def _greeted(self, client: Any, message: dict[str, Any], raw: str | None = None) -> None:
        if message.get("type") == "hello":
            self._came.put(None)
