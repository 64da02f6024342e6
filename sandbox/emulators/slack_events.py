"""What Slack tells apps by itself: Socket Mode over a WebSocket, and the Events API's signed requests."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import requests

from sandbox.emulators.slack_web import Web, api
from sandbox.emulators.slack_workspace import BOT_USER, TEAM, Json

if TYPE_CHECKING:
    from websockets.sync.server import Server, ServerConnection


class Events(Web):
    """An event that nobody has acknowledged is kept, until `deliver_again` sends it a second time.

    `deaf` leaves acknowledgements unheard, as if they had been lost. `hooks` are addresses for the Events API.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.signing_secret, self.hooks, self.deaf = f"secret-{self.token}", list[str](), False
        self.unacknowledged: dict[str, Json] = {}
        self.acknowledged: list[str] = []
        self.space.tell = self._tell
        self._sockets: list[ServerConnection] = []
        self._server: Server | None = None
        self._events = itertools.count(1)

    @api("apps.connections.open", 3)
    def apps_connections_open(self, args: Json) -> Json:
        from websockets.sync.server import serve  # a library that only this needs

        if self._server is None:
            self._server = serve(self._connected, "127.0.0.1", 0)
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return {"url": f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/link/?ticket=t"}

    def deliver_again(self) -> None:
        for envelope in list(self.unacknowledged.values()):
            self._send({**envelope, "retry_attempt": 1, "retry_reason": "timeout"})

    def refresh(self) -> None:
        """As Slack does every few hours: a connection is to be replaced."""
        self._send({"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "applink"}})

    def hang_up(self) -> None:
        """Ends the connections, and no others are made."""
        if self._server is not None:
            self._server.shutdown()
            for socket in self._sockets:
                socket.close()

    # steps of the above

    def _tell(self, channel: str, event: Json) -> None:
        """Only of channels that the app is in."""
        found = self.space.channels[channel]
        if BOT_USER not in found["_members"]:
            return
        kind = "im" if found["is_im"] else "group" if found["is_private"] else "channel"
        where = {} if event["type"] != "message" else {"channel": channel, "channel_type": kind}
        number = next(self._events)
        payload = {
            "token": "unused", "team_id": TEAM, "api_app_id": "A0LANDBRIDGE", "type": "event_callback",
            "event": {**event, **where, "event_ts": self.space.now()}, "event_id": f"Ev{number:010}",
            "event_time": int(self.clock()), "authed_users": [BOT_USER],
        }  # fmt: skip
        envelope = {"envelope_id": f"envelope-{number}", "type": "events_api", "payload": payload,
                    "accepts_response_payload": False, "retry_attempt": 0, "retry_reason": ""}  # fmt: skip
        if self._sockets:
            self.unacknowledged[f"envelope-{number}"] = envelope
            self._send(envelope)
        for hook in self.hooks:
            threading.Thread(target=self.push, args=(hook, payload), daemon=True).start()

    def push(self, hook: str, payload: Json) -> requests.Response:
        """One request of the Events API, signed."""
        body, stamp = json.dumps(payload), str(int(self.clock()))
        digest = hmac.new(self.signing_secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}",
                   "Content-Type": "application/json"}  # fmt: skip
        return requests.post(hook, data=body, headers=headers, timeout=60)

    def _send(self, message: Json) -> None:
        """To one of the connections, as Slack does."""
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed, IndexError):
            self._sockets[-1].send(json.dumps(message))

    def _connected(self, socket: ServerConnection) -> None:
        socket.send(json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0LANDBRIDGE"}}))
        self._sockets.append(socket)
        from websockets.exceptions import ConnectionClosed

        try:
            for said in socket:
                told = json.loads(said) if str(said).startswith("{") else {}
                if "envelope_id" in told and not self.deaf:
                    self.unacknowledged.pop(told["envelope_id"], None)
                    self.acknowledged.append(told["envelope_id"])
        except ConnectionClosed:
            pass  # without a good-bye, as connections end
        finally:
            self._sockets.remove(socket)
