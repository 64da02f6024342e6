"""What Microsoft documents, and what real tenants were recorded to answer, through the connectors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connectors.microsoft365 import accounts, chat, entra, sharepoint
from connectors.microsoft365.entra import Entra
from landbridge.connector import Gone
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.emulators.base import Reply, Request
from tests.connectors.microsoft365.conftest import Watched
from tests.connectors.microsoft365.contract import documented, problems_of
from tests.connectors.reading import natives_of
from tests.shared import SHARED

MAPPINGS = Path(__file__).parents[3] / "mappings"
Raw = dict[str, Any]
TEAM = {"id": "t", "displayName": "Contoso", "visibility": "Public"}

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="LANDBRIDGE_SHARED does not name the folder with the vendors' samples"
)

# mapping → what of the documentation is one, and the native made of it.
KINDS: dict[str, tuple[Callable[[Raw], bool], Callable[[Raw], Raw], int]] = {
    "entra/users": (
        lambda one: {"id", "userPrincipalName", "displayName"} <= one.keys(),
        lambda one: accounts.user(one, "contoso.com"),
        20,
    ),
    "entra/groups": (
        lambda one: {"id", "displayName", "groupTypes"} <= one.keys(),
        lambda one: entra.group(one),
        12,
    ),
    "teams/messages": (
        lambda one: one.get("messageType") == "message" and {"id", "body", "createdDateTime"} <= one.keys(),
        lambda one: chat.message(chat.placed("t/c", one)),
        40,
    ),
    "teams/channels": (
        lambda one: {"id", "displayName", "membershipType"} <= one.keys(),
        lambda one: chat.channel(TEAM, one, guests=False),
        10,
    ),
    "sharepoint/sites": (
        lambda one: {"id", "webUrl", "siteCollection"} <= one.keys(),
        lambda one: sharepoint.site(one),
        10,
    ),
    "sharepoint/documents": (
        lambda one: {"id", "name", "file", "size"} <= one.keys(),
        lambda one: sharepoint.document(one | {"site": "s"}),
        10,
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_documented_object_becomes_a_valid_claim(name: str) -> None:
    is_one, make, least = KINDS[name]
    mapping = load_mapping(MAPPINGS / f"{name}.yaml")
    found = [one for one in _objects() if is_one(one) and not _is_placeholder(one)]
    assert len(found) >= least
    for raw in found:
        assert validate(mapping.kind, mapping.into(make(raw)).claim)


def test_a_documented_round_of_groups(graph: Watched, entra: Entra) -> None:
    """Members come and go in one answer."""
    body = {
        "@odata.deltaLink": f"{graph.url}/v1.0/groups/delta?$deltatoken=x",
        "value": [
            {
                "id": "2e5807ce-58f3-4a94-9b37-ffff2e085957",
                "members@delta": [
                    {"@odata.type": "#microsoft.graph.user", "id": "632f", "@removed": {"reason": "deleted"}},
                    {"@odata.type": "#microsoft.graph.user", "id": "37de"},
                ],
            }
        ],
    }
    graph.script("groups/delta", Reply(body))
    items = list(entra.read("memberships"))
    assert [type(item).__name__ for item in items] == ["Gone", "Record", "Checkpoint", "Complete"]
    assert isinstance(items[0], Gone)


def test_recorded_tenants_are_read(graph: Watched, entra: Entra) -> None:
    users = [one for exchange in _recorded("azure", "users") for one in exchange["value"]]
    assert users
    graph.script("users/delta", _round(graph, "users", [one | {"userType": "Member"} for one in users]))
    assert set(natives_of(entra, "users")) == {one["id"] for one in users}
    groups = [one for exchange in _recorded("azure", "groups") for one in exchange["value"]]
    graph.script("groups/delta", _round(graph, "groups", groups))
    assert set(natives_of(entra, "groups")) == {one["id"] for one in groups}
    graph.exchanges.clear()  # these were no deltas


@pytest.mark.parametrize("tenant", ["azure", "microsoft-365", "microsoft-teams"])
def test_recorded_channels_and_members_make_natives(tenant: str) -> None:
    for body in _recorded(tenant, "channels"):
        assert all(chat.channel(TEAM, one, guests=False)["name"] for one in body["value"])
    for body in _recorded(tenant, "members"):
        assert not any(chat.is_guest(one, None) for one in body.get("value", []))


@pytest.mark.parametrize(
    ("method", "path", "body", "answer", "problem"),
    [
        ("GET", "/v1.0/userz", b"", {}, "no such path"),
        ("GET", "/v1.0/users?$selekt=id", b"", {"value": []}, "unknown to the contract"),
        ("POST", "/v1.0/users", b'{"displayName": 7}', {"id": "1"}, "displayName"),
        ("GET", "/v1.0/users", b"", {"value": [{"id": "1", "businessPhones": "one"}]}, "businessPhones"),
    ],
)
def test_the_check_finds_what_microsoft_would_not_know(
    method: str, path: str, body: bytes, answer: Raw, problem: str
) -> None:
    asked = Request(method, f"http://127.0.0.1:1{path}", {"Content-Type": "application/json"}, body)
    assert problem in problems_of([(asked, Reply(answer, 201 if body else 200))])[0]


def _round(graph: Watched, collection: str, rows: list[Raw]) -> Reply:
    return Reply({"value": rows, "@odata.deltaLink": f"{graph.url}/v1.0/{collection}/delta?$deltatoken=x"})


def _recorded(tenant: str, ending: str) -> list[Raw]:
    path = SHARED / "samples" / "graph" / f"jupiterone-graph-{tenant}" / "exchanges.jsonl"
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    asked = [one for one in found if one["url"].partition("?")[0].rstrip("/").endswith(ending) and one["status"] == 200]
    return [one["body"] if isinstance(one["body"], dict) else json.loads(one["body"]) for one in asked]


@cache
def _objects() -> tuple[Raw, ...]:
    """Every object in every documented answer that is valid JSON."""
    return tuple(one for pair in documented() for one in _within(_body(pair["response"].get("body"))))


def _body(body: Any) -> Any:
    try:
        return json.loads(body) if isinstance(body, str) else body
    except ValueError:
        return None


def _within(found: Any) -> Iterator[Raw]:
    if isinstance(found, list):
        for one in found:
            yield from _within(one)
    elif isinstance(found, dict):
        yield found
        for one in found.values():
            yield from _within(one)


def _is_placeholder(one: Raw) -> bool:
    """Where the documentation shows types or dots instead of values."""
    text = json.dumps(one)
    return "(timestamp)" in text or '"String' in text or "-value" in text or '"string"' in text
