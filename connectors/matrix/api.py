"""What all streams of Matrix share: the connection, its two tokens, what refusals mean, and following rooms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from secrets import token_hex
from typing import Any

import orjson
from pydantic import SecretStr

from connectors.matrix.config import MatrixConfig
from connectors.matrix.natives import MARKER
from landbridge.connector import Finding, if_allowed
from landbridge.connector.files import carried
from landbridge.errors import AuthError, ExpiredCursor, LandbridgeError, RateLimited, RecordError, ScopeError
from landbridge.http import Answer, BearerToken, Client, OffsetPages, get_path

CLIENT = "_matrix/client/v3"
ADMIN = "_synapse/admin"
ROOM = f"{CLIENT}/rooms/{{room}}"
MAX_PHOTO = 10 * 2**20
JOIN_RULES, CREATED = "m.room.join_rules", "m.room.create"
EVERY_ROOM = OffsetPages(param="from", items="rooms", total="total_rooms", size=500)
NOTHING: dict[str, Any] = {"not_types": ["*"]}

Json = dict[str, Any]


def refusal(answer: Answer) -> LandbridgeError | None:
    """What a status alone does not say."""
    if answer.status == 401 and answer.code == "M_USER_LOCKED":
        return ScopeError(f"{answer.where}: the account acted for is locked.")
    if answer.status == 401:
        field = "admin_token" if f"/{ADMIN}" in answer.where else "password (the service's as_token)"
        return AuthError(f"{answer.where}: the token is refused.", remedy=f"Renew the connection's {field}.")
    if answer.status == 429:
        wait = get_path(answer.json(), "retry_after_ms")
        return RateLimited(f"{answer.where}: too many requests.", after=wait / 1000) if isinstance(wait, int) else None
    if answer.status == 400 and answer.where.endswith("/sync") and "since=" in answer.url:
        return ExpiredCursor(f"{answer.where}: the server does not know this position.")
    return None


class Api(Finding):
    """Calls as Landbridge's own account, as others of the company, and as administrator."""

    Config = MatrixConfig
    config: MatrixConfig

    def make_client(self) -> Client:
        """Without a name Synapse would take the service's sender for the caller."""
        return self._client(self.config.password, user_id=self.config.login)

    @cached_property
    def admin(self) -> Client:
        return self._client(self.config.admin_token)

    def _client(self, token: SecretStr, **params: str) -> Client:
        auth = BearerToken.fixed(token.get_secret_value())
        return Client(self.config.host.rstrip("/"), auth=auth, throttle=self.throttle, error_map=refusal, params=params)

    def now(self) -> str:
        """The position from which on everything is new."""
        return str(self.sync(None, {"rooms": []})["next_batch"])

    def sync(self, since: str | None, room: Json, wait: float = 0.0) -> Json:
        """What happened since, in the rooms that Landbridge is in; waits so many seconds for something to happen."""
        quiet = {"ephemeral": NOTHING, "account_data": NOTHING}
        # Synapse answers the same question the same for two minutes, so none is the same.
        wanted = {"room": {**quiet, **room}, "presence": NOTHING, "account_data": NOTHING, "asked": token_hex(8)}
        params = {"timeout": int(wait * 1000), "filter": orjson.dumps(wanted).decode(), "since": since}
        answer = self.client.get(f"{CLIENT}/sync", params=params)
        answer.part("next_batch", str)
        return answer.part("", dict)

    def get(self, path: str, **values: str) -> Answer:
        """As Landbridge; `values` fill the path."""
        return self.client.get(path, path_params=values)

    def post(self, path: str, body: Json, user: str = "", **values: str) -> Answer:
        """Of what does the same however often it is sent."""
        return self.client.post(path, path_params=values, params=_by(user), json=body, safe=True)

    def put(self, path: str, body: Json, user: str = "", **values: str) -> Answer:
        return self.client.put(path, path_params=values, params=_by(user), json=body)

    def joined_rooms(self) -> list[str]:
        return sorted(self.get(f"{CLIENT}/joined_rooms").part("joined_rooms", list))

    def join(self, room: str, user: str = "") -> None:
        self.post(f"{CLIENT}/join/{{room}}", {}, user, room=room).part("room_id", str)

    def state(self, room: str, kind: str, key: str = "", **params: Any) -> Json | None:
        """The content of one state event, None where there is none."""
        path = f"{ROOM}/state/{{kind}}{'/{key}' if key else ''}"
        values = {"room": room, "kind": kind, **({"key": key} if key else {})}
        found = self.client.find(path, path_params=values, params=params)
        return found.part("", dict) if found else None

    def set_state(self, room: str, kind: str, content: Json) -> None:
        self.put(f"{ROOM}/state/{{kind}}", content, room=room, kind=kind)

    def join_open_rooms(self) -> list[str]:
        """Enters what any colleague may enter; returns the rooms that Landbridge is in but may not read.

        A room that has put Landbridge out is left alone. The list of rooms is the administrators': the public one is empty
        unless the server is told to publish rooms.
        """
        mine, closed = set(self.joined_rooms()), []
        for room in self.admin.items(f"{ADMIN}/v1/rooms", EVERY_ROOM):
            id = room["room_id"]
            if id in mine and room.get("join_rules") != "public" and self._is_closed(id):
                closed.append(id)
            elif id not in mine and self.config.join == "public" and self._is_open(room) and not self._put_out(id):
                with suppress(RecordError, ScopeError):
                    self.join(id)
        return sorted(closed)

    def _is_closed(self, room: str) -> bool:
        """Asked of the room itself: the list may be behind, and what is passed over is not told again.

        A room that carries our marker is Landbridge's own, also before the hub knows that it was made.
        """
        if room in self.private_spaces or (self.state(room, JOIN_RULES) or {}).get("join_rule") == "public":
            return False
        made = self.state(room, CREATED, format="event") or {}
        return made.get("sender") != self.config.login or MARKER not in made.get("content", {})

    def _is_open(self, room: Json) -> bool:
        local = str(room.get("creator") or "").endswith(f":{self.config.server}")
        return local and room.get("join_rules") == "public" and not room.get("encryption")

    def _put_out(self, room: str) -> bool:
        found = if_allowed(self.state, room, "m.room.member", self.config.login, format="event")
        return found is not None and found["sender"] != self.config.login

    def upload(self, attachment: Json, limit: int = MAX_PHOTO) -> str:
        """The file's mxc:// address; its bytes are on disk meanwhile, since Synapse asks for the length in advance."""
        with carried(self.open_file, attachment, limit) as (file, _):
            headers = {"Content-Type": attachment.get("media_type") or "application/octet-stream"}
            answer = self.client.post("_matrix/media/v3/upload", data=file, headers=headers, safe=True)
        return answer.part("content_uri", str)

    def open(self, locator: str) -> Iterator[bytes]:
        """The bytes of an attachment whose locator is `server/media id`."""
        server, _, media = locator.partition("/")
        path = "_matrix/client/v1/media/download/{server}/{media}"
        return self.client.stream(path, path_params={"server": server, "media": media})


def _by(user: str) -> dict[str, str]:
    """In the name of somebody else than Landbridge's own account."""
    return {"user_id": user} if user else {}
