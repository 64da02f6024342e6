"""A SCIM provider in memory that keeps the standard, except where it is told to lie."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import responses
from requests import PreparedRequest

BASE = "https://identity.example.org/scim/v2"
TOKEN = "a-token-that-nobody-may-see"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
COMPARISON = re.compile(r"^(?P<name>\S+) (?P<op>eq|ge) (?P<value>.+)$")
ONE_MEMBER = re.compile(r'^members\[value eq "(?P<value>[^"]+)"\]$')
Resource = dict[str, Any]
Answer = tuple[int, dict[str, str], str]


class Refusal(Exception):
    def __init__(self, status: int, kind: str = "") -> None:
        super().__init__(status)
        self.status, self.kind = status, kind


class Provider:
    """`lies` are words; which, says the code that tells them."""

    def __init__(self, *lies: str) -> None:
        self.lies = set(lies)
        self.kept: dict[str, dict[str, Resource]] = {"Users": {}, "Groups": {}}
        self.asked: list[PreparedRequest] = []
        self.clock = 0
        self.busy = 0  # requests that are still answered with 429
        self.down_after = ""  # the method after which nothing is answered any more

    def add(self, path: str, **attributes: Any) -> str:
        """A resource that is there already."""
        return str(self._create(path, attributes)["id"])

    def bodies(self, method: str) -> list[Any]:
        return [json.loads(asked.body or "null") for asked in self.asked if asked.method == method]

    def __call__(self, request: PreparedRequest) -> Answer:
        self.asked.append(request)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {}, ""
        if self.busy:
            self.busy -= 1
            return 429, {"Retry-After": "7"}, ""
        if self.down_after and any(asked.method == self.down_after for asked in self.asked[:-1]):
            return 503, {}, ""
        parts = urlsplit(str(request.url).removeprefix(BASE))
        path, _, key = parts.path.strip("/").partition("/")
        try:
            status, found = self._answer(request, path, key, parse_qs(parts.query))
        except Refusal as error:
            status, found = error.status, {"status": str(error.status), "scimType": error.kind}
        return status, {"Content-Type": "application/scim+json"}, "" if found is None else json.dumps(found)

    def _answer(self, request: PreparedRequest, path: str, key: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        if path == "ServiceProviderConfig":
            able = {"patch": "no patch" not in self.lies, "filter": "no filter" not in self.lies}
            return 200, {name: {"supported": said} for name, said in able.items()}
        if path == "Schemas":
            return 200, {"Resources": [{"id": "core", "attributes": [{"name": "userName"}, {"name": "title"}]}]}
        if request.method == "GET" and not key:
            return 200, self._listed(path, {name: values[-1] for name, values in query.items()})
        body = json.loads(request.body or "null")
        if request.method == "POST":
            created = self._create(path, body)
            return 201, None if "no body" in self.lies else self._shown(created)
        resource = self._found(path, key)
        version = request.headers.get("If-Match")
        if version not in (None, resource["meta"]["version"]) and "stale" not in self.lies:
            raise Refusal(412)
        match request.method:
            case "PATCH":
                self._patch(resource, body["Operations"])
                return 204, None
            case "PUT":
                kept = {"id": key, "meta": resource["meta"]}
                resource.clear()
                resource |= body | kept
                self._touch(resource)
                return 200, self._shown(resource)
            case "DELETE":
                del self.kept[path][key]
                return 204, None
        return 200, self._shown(resource)

    def _found(self, path: str, key: str) -> Resource:
        if key not in self.kept[path]:
            raise Refusal(404)
        return self.kept[path][key]

    def _create(self, path: str, body: Resource) -> Resource:
        taken = (str(one.get("userName")).lower() for one in self.kept[path].values())
        if path == "Users" and body["userName"].lower() in taken:
            raise Refusal(500) if "500" in self.lies else Refusal(409, "uniqueness")
        self.clock += 1
        key = f"{path[0].lower()}{self.clock}"
        resource = {**body, "id": key, "meta": {}}
        if "external id dropped" in self.lies:
            resource.pop("externalId", None)
        self.kept[path][key] = resource
        self._touch(resource)
        return resource

    def _touch(self, resource: Resource) -> None:
        self.clock += 1
        resource["meta"] = {
            "version": f'W/"{self.clock}"',
            "lastModified": f"2026-01-01T{self.clock // 60:02}:{self.clock % 60:02}:00Z",
        }

    def _patch(self, resource: Resource, operations: list[Any]) -> None:
        if {"no patch", "patch refused"} & self.lies:
            raise Refusal(501)
        if "patch ignored" in self.lies:
            return
        for operation in operations:
            self._apply(resource, operation)
        self._touch(resource)

    def _apply(self, resource: Resource, operation: Any) -> None:
        path, value = operation["path"], operation.get("value")
        members = resource.get("members", [])
        if one := ONE_MEMBER.match(path):
            if "removal by value" not in self.lies:
                resource["members"] = [member for member in members if member["value"] != one["value"]]
        elif path == "members" and operation["op"] == "add":
            resource["members"] = members + value
        elif path == "members" and operation["op"] == "remove":
            gone = {member["value"] for member in value or members}
            resource["members"] = [member for member in members if member["value"] not in gone]
        else:
            urn, _, last = path.rpartition(":")
            holder = resource.setdefault(urn, {}) if urn else resource
            *steps, name = last.split(".")
            for step in steps:
                holder = holder.setdefault(step, {})
            if operation["op"] == "remove":
                holder.pop(name, None)
            else:
                holder[name] = value

    def _listed(self, path: str, query: dict[str, str]) -> Any:
        rows = [row for row in self.kept[path].values() if self._matches(row, query.get("filter"))]
        start, count = int(query.get("startIndex", 1)), int(query.get("count", 100))
        start = 1 if "start ignored" in self.lies else start
        count = 10_000 if "count ignored" in self.lies else min(count, 3 if "capped" in self.lies else count)
        page = rows[start - 1 : start - 1 + count]
        total = len(page) if "total of the page" in self.lies else len(rows)
        total += 2 if "total too high" in self.lies else 0
        shown = [self._shown(row) for row in page]
        if "no members in lists" in self.lies or query.get("excludedAttributes") == "members":
            shown = [{name: value for name, value in row.items() if name != "members"} for row in shown]
        return {"schemas": [LIST], "totalResults": total, "Resources": shown} if shown else {"totalResults": total}

    def _matches(self, row: Resource, text: str | None) -> bool:
        if text is None or "filter ignored" in self.lies:
            return True
        if "filter refused" in self.lies:
            raise Refusal(400, "invalidFilter")
        if "filter finds nothing" in self.lies:
            return False
        asked = COMPARISON.match(text)
        assert asked, text
        found: Any = row
        for step in asked["name"].split("."):
            found = (found or {}).get(step)
        wanted = json.loads(asked["value"])
        return str(found).lower() == wanted.lower() if asked["op"] == "eq" else str(found) >= wanted

    def _shown(self, resource: Resource) -> Resource:
        found = dict(resource)
        if "booleans as texts" in self.lies and "active" in found:
            found["active"] = str(found["active"])
        return (
            {name.upper(): value for name, value in found.items()} | {"id": found["id"]}
            if "capitals" in self.lies
            else found
        )


@contextmanager
def answering(provider: Provider) -> Iterator[Provider]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            mock.add_callback(method, re.compile(f"{re.escape(BASE)}/.*"), callback=provider)
        yield provider


RECORDING = Path(__file__).parents[1] / "recordings" / "scim.json"
# By "METHOD /path?query" below the base address: what was answered, in order.
Recording = dict[str, list[tuple[int, str]]]


@contextmanager
def replaying(recording: Recording) -> Iterator[None]:
    """Answers as recorded; the last answer of an address is given again and again."""
    left = {asked: list(answers) for asked, answers in recording.items()}

    def answer(request: PreparedRequest) -> Answer:
        answers = left[asked(str(request.method), str(request.url), BASE)]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        return status, {"Content-Type": "application/scim+json"}, body

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            mock.add_callback(method, re.compile(f"{re.escape(BASE)}/.*"), callback=answer)
        yield


def asked(method: str, url: str, base: str) -> str:
    return f"{method} {unquote(url).removeprefix(base)}"
