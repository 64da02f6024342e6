"""A WordPress that answers with recorded records."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from landbridge.connector import Connection

MAPPINGS = Path(__file__).parents[3] / "mappings" / "wordpress"
RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "recordings" / "wordpress.json").read_text())
SITE = "https://intranet.example"
SECRET = "abcd EFGH ijkl MNOP"
CONNECTION = Connection("intranet", "landbridge_wordpress", SITE, "landbridge", SECRET)
STREAMS = ("posts", "comments", "users")
Answer = tuple[int, dict[str, str], str]


class Site:
    """Pages, filters and finds as WordPress does; `script` is answered first, `seen` is what was asked."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {stream: copy.deepcopy(RECORDED[stream]) for stream in STREAMS}
        self.me = copy.deepcopy(RECORDED["me"])
        self.script: list[Answer | Exception] = []
        self.seen: list[requests.PreparedRequest] = []

    def __call__(self, request: requests.PreparedRequest) -> Answer:
        self.seen.append(request)
        if self.script:
            answer = self.script.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        parts = urlsplit(str(request.url))
        stream, _, key = parts.path.rpartition("/wp/v2/")[2].partition("/")
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if key == "me":
            return reply(self.me)
        if request.method == "GET" and not key:
            return self.listed(stream, asked)
        found = next((row for row in self.rows[stream] if str(row["id"]) == key), None) or {}
        if request.method == "POST":
            sent = json.loads(request.body or b"{}")
            return reply({**found, **sent, "content": {"raw": sent.get("content", "")}} if stream != "users" else found)
        return reply(found)

    def listed(self, stream: str, asked: dict[str, str]) -> Answer:
        assert asked["context"] == "edit"
        word = asked.get("search", "")
        rows = [row for row in self.rows[stream] if word in json.dumps(row)]
        if stream == "comments" and asked.get("status") == "approve":
            rows = [row for row in rows if row["status"] == "approved"]
        rows.sort(key=lambda row: row["id"], reverse=asked.get("order") == "desc")
        size, page = int(asked.get("per_page", 10)), int(asked.get("page", 1))
        headers = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(-(-len(rows) // size))}
        return reply(rows[(page - 1) * size : page * size], headers)

    def refuses(self, name: str) -> None:
        refusal = RECORDED["refusals"][name]
        self.script.append((refusal["status"], refusal["headers"], refusal["body"]))

    def asked(self, method: str) -> list[requests.PreparedRequest]:
        return [request for request in self.seen if request.method == method]

    def sent(self) -> dict[str, Any]:
        return dict(json.loads(self.asked("POST")[-1].body or b"{}"))

    def many(self, stream: str, last: int) -> None:
        self.rows[stream] = [RECORDED[stream][0] | {"id": id} for id in range(1, last + 1)]


def reply(body: Any, headers: dict[str, str] | None = None) -> Answer:
    return 200, {"Content-Type": "application/json", **(headers or {})}, json.dumps(body)
