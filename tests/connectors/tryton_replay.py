"""A Tryton that answers what a real one was recorded to answer."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from landbridge.connector import Connection

MAPPINGS = Path(__file__).parents[2] / "mappings" / "tryton"
RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recordings" / "tryton.json").read_text())
KEY = "f00df00d" * 8
BASE = "http://tryton.example/erp/rest/model"
CONNECTION = Connection(
    "crm", "landbridge_tryton", "http://tryton.example", "crm", extra={"database": "erp", "application_key": KEY}
)
STREAMS = ("employees", "departments", "opportunities", "notes")


class Server:
    """Answers as recorded; `rows` may be changed, `script` is answered first, `seen` is what was asked."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = copy.deepcopy(RECORDED)
        self.script: list[tuple[int, dict[str, str], str] | Exception] = []
        self.seen: list[requests.PreparedRequest] = []

    def __call__(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        self.seen.append(request)
        if self.script:
            answer = self.script.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        parts = urlsplit(str(request.url))
        found = self.rows[f"{request.method} {parts.path.partition('/rest/model/')[2]}"]
        if request.method == "GET" and isinstance(found, list):
            query = parse_qs(parts.query)
            after = max((clause[2] for clause in decode(query["d"][0]) if clause[:2] == ["id", ">"]), default=0)
            found = [row for row in found if row.get("id", 1) > after][: int(query["s"][0])]
        return 200, {"Content-Type": "application/json"}, json.dumps(found)

    def refuses(self, name: str) -> None:
        refusal = RECORDED["refusals"][name]
        self.script.append((refusal["status"], {"Content-Type": refusal["type"]}, refusal["body"]))

    def asked(self, method: str) -> list[requests.PreparedRequest]:
        return [request for request in self.seen if request.method == method]


def decode(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text))


def domain_of(request: requests.PreparedRequest) -> Any:
    return decode(parse_qs(urlsplit(str(request.url)).query)["d"][0])


def case_with_ours(id: int = 15, message: str = RECORDED["POST ir.note"]["message"]) -> dict[str, Any]:
    case = copy.deepcopy(RECORDED["GET sale.opportunity"][0])
    # The same words by somebody else are not ours.
    case["notes"].append({**case["notes"][0], "id": id + 1, "message": message})
    case["notes"].append({**RECORDED["POST ir.note"], "id": id, "message": message})
    return case
