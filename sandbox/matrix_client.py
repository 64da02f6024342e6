"""Chat as a colleague sees it: signed in as oneself, through Matrix's own API, never through Landbridge."""

from __future__ import annotations

import hashlib
import itertools
import time
from typing import Any
from urllib.parse import quote

import requests

Event = dict[str, Any]


class MatrixDesk:
    """Whoever runs the server: looks at accounts, and signs in as anybody."""

    def __init__(self, url: str, server: str, admin_token: str) -> None:
        self.url, self.server, self._token = url, server, admin_token

    def account(self, user_name: str) -> dict[str, Any] | None:
        """The account as the server's administration shows it; None where there is none."""
        answer = self._admin("GET", f"v2/users/{quote(self.user_id(user_name))}")
        return None if answer.status_code == 404 else dict(answer.json())

    def accounts(self) -> list[dict[str, Any]]:
        return list(self._admin("GET", "v2/users", params={"limit": 10000, "guests": "false"}).json()["users"])

    def devices(self, user_name: str) -> int:
        """How many sessions are open."""
        return int(self._admin("GET", f"v2/users/{quote(self.user_id(user_name))}/devices").json()["total"])

    def acting_as(self, user_name: str) -> MatrixClient:
        path = f"v1/users/{quote(self.user_id(user_name))}/login"
        token = self._admin("POST", path, json={}).json()["access_token"]
        return MatrixClient(self.url, self.server, token)

    def members(self, room_id: str) -> set[str]:
        """User names of those who are in the room."""
        found = self._admin("GET", f"v1/rooms/{quote(room_id)}/members").json()["members"]
        return {user.removeprefix("@").partition(":")[0] for user in found}

    def rooms(self) -> dict[str, str]:
        """Alias without server → room id."""
        rooms = self._admin("GET", "v1/rooms", params={"limit": 500}).json()["rooms"]
        return {
            str(room["canonical_alias"]).removeprefix("#").partition(":")[0]: str(room["room_id"])
            for room in rooms
            if room["canonical_alias"]
        }

    def forget(self, room_id: str) -> None:
        """As if it had never been; its alias is free again."""
        self._admin("DELETE", f"v1/rooms/{quote(room_id)}", json={"purge": True})

    def user_id(self, user_name: str) -> str:
        return f"@{user_name}:{self.server}"

    def _admin(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = requests.request(method, f"{self.url}/_synapse/admin/{path}", headers=headers, timeout=30, **more)
        if answer.status_code != 404:
            answer.raise_for_status()
        return answer


class MatrixClient:
    """One colleague's chat."""

    def __init__(self, url: str, server: str, token: str) -> None:
        self._url, self._server = f"{url}/_matrix/client", server
        self._headers = {"Authorization": f"Bearer {token}"}
        self._numbers = itertools.count(time.time_ns())

    def join(self, alias: str) -> str:
        """The room's id; refused with HTTPError where only members may join."""
        return str(self._call("POST", f"v3/join/{quote(f'#{alias}:{self._server}')}", json={})["room_id"])

    def open_room(self, alias: str, name: str, topic: str) -> str:
        """A room that every colleague may enter; its id."""
        wanted = {
            "preset": "public_chat",
            "visibility": "public",
            "room_alias_name": alias,
            "name": name,
            "topic": topic,
        }
        closed = {"type": "m.room.guest_access", "state_key": "", "content": {"guest_access": "forbidden"}}
        more = {"creation_content": {"m.federate": False}, "initial_state": [closed]}
        return str(self._call("POST", "v3/createRoom", json={**wanted, **more})["room_id"])

    def say(self, room_id: str, text: str, *, thread: str | None = None) -> str:
        content: dict[str, Any] = {"msgtype": "m.text", "body": text}
        if thread:
            content["m.relates_to"] = {"rel_type": "m.thread", "event_id": thread}
        return self._send(room_id, "m.room.message", content)

    def post(self, room_id: str, text: str, *, thread: str | None = None, file: tuple[str, bytes] | None = None) -> str:
        """With a file, under which the text then stands as its caption."""
        content: dict[str, Any] = {"msgtype": "m.text", "body": text}
        if file:
            media = self._url.replace("_matrix/client", "_matrix/media")
            headers = {**self._headers, "Content-Type": "image/png"}
            answer = requests.post(f"{media}/v3/upload", data=file[1], headers=headers, timeout=30)
            answer.raise_for_status()
            info = {"mimetype": "image/png", "size": len(file[1])}
            content |= {"msgtype": "m.image", "url": answer.json()["content_uri"], "filename": file[0], "info": info}
        if thread:
            content["m.relates_to"] = {"rel_type": "m.thread", "event_id": thread}
        return self._send(room_id, "m.room.message", content)

    def redact(self, room_id: str, event_id: str) -> None:
        path = f"v3/rooms/{quote(room_id)}/redact/{quote(event_id)}/{next(self._numbers)}"
        self._call("PUT", path, json={})

    def event(self, room_id: str, event_id: str) -> Event:
        return self._call("GET", f"v3/rooms/{quote(room_id)}/event/{quote(event_id)}")

    def reactions(self, room_id: str, event_id: str) -> dict[str, int]:
        """How many have put each emoji on it."""
        path = f"v1/rooms/{quote(room_id)}/relations/{quote(event_id)}/m.annotation/m.reaction"
        found = [one["content"]["m.relates_to"]["key"] for one in self._call("GET", path)["chunk"]]
        return {key: found.count(key) for key in sorted(set(found))}

    def checksum(self, uri: str) -> str:
        """SHA-256 of the bytes behind an mxc:// address."""
        address = f"{self._url}/v1/media/download/{uri.removeprefix('mxc://')}"
        answer = requests.get(address, headers=self._headers, timeout=30)
        answer.raise_for_status()
        return hashlib.sha256(answer.content).hexdigest()

    def display_name(self, user_id: str) -> str:
        return str(self._call("GET", f"v3/profile/{quote(user_id)}/displayname")["displayname"])

    def edit(self, room_id: str, event_id: str, text: str) -> str:
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": event_id}
        return self._send(room_id, "m.room.message", {**new, "m.new_content": new, "m.relates_to": relation})

    def react(self, room_id: str, event_id: str, emoji: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": emoji}
        return self._send(room_id, "m.reaction", {"m.relates_to": relation})

    def messages(self, room_id: str, limit: int = 200) -> list[Event]:
        """What is said in the room, newest first; an edited message with its newest text, a retracted one not at all."""
        found = self._call("GET", f"v3/rooms/{quote(room_id)}/messages", params={"dir": "b", "limit": limit})["chunk"]
        said = [event for event in found if event["type"] == "m.room.message" and event["content"]]
        edits: dict[str, dict[str, Any]] = {}
        for event in said:
            relation = event["content"].get("m.relates_to", {})
            if relation.get("rel_type") == "m.replace":
                edits.setdefault(relation["event_id"], event["content"]["m.new_content"])
        return [
            {**event, "content": {**event["content"], **edits.get(event["event_id"], {})}}
            for event in said
            if event["content"].get("m.relates_to", {}).get("rel_type") != "m.replace"
        ]

    def _send(self, room_id: str, kind: str, content: dict[str, Any]) -> str:
        path = f"v3/rooms/{quote(room_id)}/send/{kind}/{next(self._numbers)}"
        return str(self._call("PUT", path, json=content)["event_id"])

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = requests.request(method, f"{self._url}/{path}", headers=self._headers, timeout=30, **more)
        answer.raise_for_status()
        return dict(answer.json())
