"""A stand-in for Synapse that answers as recorded; a test may change its state or script the next answers."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import requests

from landbridge.connector import Connection

RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "recordings" / "matrix.json").read_text())
ROOM: str = RECORDED["room"]
IDS: dict[str, str] = RECORDED["ids"]
TOKEN, ADMIN_TOKEN = "as-f00df00d-f00df00d", "syt_c0ffee_c0ffee"
BOT = "@landbridge:halbrueck.example"
Reply = tuple[int, dict[str, str], str]
ROUTES: list[tuple[str, str]] = []


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    return status, headers, json.dumps(body)


def refused(status: int, code: str, **more: Any) -> Reply:
    return reply({"errcode": code, "error": "@anna.mueller:halbrueck.example may not do this.", **more}, status)


class Server:
    """`script` is answered first, path by path; `seen` is what was asked."""

    def __init__(self) -> None:
        found = copy.deepcopy(RECORDED)
        self.accounts: dict[str, Any] = {row["name"]: row for row in (found["account"], found["bot"])}
        self.state: dict[str, list[Any]] = {ROOM: found["state"]}
        self.events: dict[str, list[Any]] = {ROOM: found["messages"]}
        self.listed: list[Any] = []
        self.news: dict[str, Any] = {}
        self.pruned: dict[str, Any] = {IDS["gone_reaction"]: found["fetch_event"]["event"]}
        self.script: dict[str, list[Reply | Exception]] = {}
        self.seen: list[requests.PreparedRequest] = []

    def __call__(self, request: requests.PreparedRequest) -> Reply:
        self.seen.append(request)
        parts = urlsplit(str(request.url))
        params = {name: values[0] for name, values in parse_qs(parts.query).items()}
        for path, answers in self.script.items():
            if path in unquote(parts.path) and answers:
                answer = answers.pop(0)
                if isinstance(answer, Exception):
                    raise answer
                return answer
        for pattern, name in ROUTES:
            if match := re.fullmatch(pattern, parts.path):
                answer_to: Callable[..., Reply] = getattr(self, name)
                return answer_to(request, params, *map(unquote, match.groups()))
        return refused(404, "M_UNRECOGNIZED")

    def asked(self, method: str, part: str = "") -> list[requests.PreparedRequest]:
        return [one for one in self.seen if one.method == method and part in unquote(str(one.url))]

    def whoami(self, request: Any, params: Any) -> Reply:
        return reply({"user_id": params["user_id"], "is_guest": False})

    def users(self, request: Any, params: Any) -> Reply:
        start, limit = int(params.get("from", 0)), int(params["limit"])
        rows = sorted(self.accounts.values(), key=lambda row: row["name"])
        more = {"next_token": str(start + limit)} if start + limit < len(rows) else {}
        return reply({"users": rows[start : start + limit], "total": len(rows), **more})

    def user(self, request: Any, params: Any, name: str) -> Reply:
        return reply(self.accounts[name]) if name in self.accounts else refused(404, "M_NOT_FOUND")

    def all_rooms(self, request: Any, params: Any) -> Reply:
        return reply({"rooms": self.listed, "total_rooms": len(self.listed), "offset": 0})

    def joined_rooms(self, request: Any, params: Any) -> Reply:
        return reply({"joined_rooms": list(self.state)})

    def join(self, request: Any, params: Any, room: str) -> Reply:
        self.state[room], self.events[room] = copy.deepcopy(RECORDED["state"]), []
        return reply({"room_id": room})

    def member(self, request: Any, params: Any, room: str, user: str) -> Reply:
        return refused(403, "M_FORBIDDEN")

    def join_rules(self, request: Any, params: Any, room: str) -> Reply:
        return reply({"join_rule": "public"})

    def room_state(self, request: Any, params: Any, room: str) -> Reply:
        return reply(self.state[room]) if room in self.state else refused(403, "M_FORBIDDEN")

    def joined_members(self, request: Any, params: Any, room: str) -> Reply:
        members = (one["state_key"] for one in self.state[room] if one["type"] == "m.room.member")
        return reply({"joined": {member: {"display_name": "Somebody"} for member in members}})

    def sync(self, request: Any, params: Any) -> Reply:
        return reply({"next_batch": "s2", **(self.news if "since" in params else {})})

    def messages(self, request: Any, params: Any, room: str) -> Reply:
        if room not in self.state:
            return refused(403, "M_FORBIDDEN")
        events = self.events[room][:: 1 if params["dir"] == "f" else -1]
        start, limit = int(params.get("from", "t0").lstrip("ts")), int(params["limit"])
        chunk = events[start : start + limit]
        return reply({"chunk": chunk, "start": f"t{start}", **({"end": f"t{start + limit}"} if chunk else {})})

    def event(self, request: Any, params: Any, room: str, event: str) -> Reply:
        found = next((one for one in self.events.get(room, ()) if one["event_id"] == event), None)
        return reply(found) if found else refused(404, "M_NOT_FOUND")

    def relations(self, request: Any, params: Any, room: str, event: str, relation: str, kind: str) -> Reply:
        wanted = {"rel_type": relation, "event_id": event}
        found = [one for one in self.events[room] if one["type"] == kind]
        chunk = [one for one in found if wanted.items() <= (one["content"].get("m.relates_to") or {}).items()]
        start, limit = int(params.get("from", 0)), int(params["limit"])
        more = {"next_batch": str(start + limit)} if start + limit < len(chunk) else {}
        return reply({"chunk": chunk[start : start + limit], **more})

    def fetch_event(self, request: Any, params: Any, event: str) -> Reply:
        known = {one["event_id"]: one for events in self.events.values() for one in events} | self.pruned
        return reply({"event": known[event]}) if event in known else refused(404, "M_NOT_FOUND")

    def send(self, request: Any, params: Any, room: str, transaction: str) -> Reply:
        event = {
            "type": "m.room.message", "event_id": f"${transaction}", "sender": params["user_id"], "room_id": room,
            "content": json.loads(request.body), "origin_server_ts": int(params.get("ts", 1)), "unsigned": {},
        }  # fmt: skip
        self.events[room].append(event)
        return reply({"event_id": event["event_id"]})

    def profile(self, request: Any, params: Any, user: str) -> Reply:
        return reply({"displayname": "Siobhán O'Brien"})


_C, _A = "/_matrix/client/v3", "/_synapse/admin"
ROUTES += [
    (f"{_C}/account/whoami", "whoami"), (f"{_A}/v2/users", "users"), (f"{_A}/v2/users/([^/]+)", "user"),
    (f"{_A}/v1/rooms", "all_rooms"), (f"{_A}/v1/fetch_event/([^/]+)", "fetch_event"),
    (f"{_C}/joined_rooms", "joined_rooms"), (f"{_C}/join/([^/]+)", "join"), (f"{_C}/sync", "sync"),
    (f"{_C}/rooms/([^/]+)/state", "room_state"), (f"{_C}/rooms/([^/]+)/state/m.room.member/([^/]+)", "member"),
    (f"{_C}/rooms/([^/]+)/joined_members", "joined_members"),
    (f"{_C}/rooms/([^/]+)/state/m.room.join_rules", "join_rules"),
    (f"{_C}/rooms/([^/]+)/messages", "messages"), (f"{_C}/rooms/([^/]+)/event/([^/]+)", "event"),
    (f"{_C}/rooms/([^/]+)/send/m.room.message/([^/]+)", "send"),
    ("/_matrix/client/v1/rooms/([^/]+)/relations/([^/]+)/([^/]+)/([^/]+)", "relations"),
    (f"{_C}/profile/([^/]+)/displayname", "profile"),
]  # fmt: skip


MAPPINGS = Path(__file__).parents[3] / "mappings" / "matrix"
STREAMS = ("memberships", "messages", "rooms", "users")
EXTRA = {"server_name": "halbrueck.example", "admin_token": ADMIN_TOKEN}
CONNECTION = Connection("chat", "landbridge_matrix", "http://chat.example", BOT, TOKEN, extra=EXTRA)
ANNA, LUKASZ, SIOBHAN, ZOE = (
    f"@{name}:halbrueck.example" for name in ("anna.mueller", "lukasz.wisniewski", "siobhan.obrien", "zoe.oezguer")
)


def key(name: str) -> str:
    return f"{ROOM}/{IDS[name]}"


def told(*events: Any, limited: bool = False, state: tuple[Any, ...] = ()) -> dict[str, Any]:
    timeline = {"events": list(events), "limited": limited, "prev_batch": "s1"}
    return {"rooms": {"join": {ROOM: {"timeline": timeline, "state": {"events": list(state)}}}}}


def event_of(server: Server, name: str) -> Any:
    return next(event for event in server.events[ROOM] if event["event_id"] == IDS[name])


def member(user: str) -> dict[str, Any]:
    return {"type": "m.room.member", "state_key": user, "sender": user, "content": {"membership": "join"}}


def state(kind: str, **content: Any) -> dict[str, Any]:
    return {"type": kind, "state_key": "", "sender": BOT, "content": content}
