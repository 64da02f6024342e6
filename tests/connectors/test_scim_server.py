"""The SCIM connector against a real scim2-server, seeded with the whole company."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.scim.connector import Scim
from connectors.scim.resources import CHANGED
from landbridge.connector import Complete, Record
from landbridge.connector.config import connection_from
from landbridge.errors import AuthError, NotFound, RecordError
from landbridge.http import Answer, Client
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.company import halbrueck
from sandbox.scim import Scim as Server
from tests.connectors.reading import cursor_of, natives_of
from tests.connectors.scim.provider import BASE, RECORDING, TOKEN, Recording, asked, replaying
from tests.servers import brought_up

pytestmark = pytest.mark.server

MAPPINGS = Path(__file__).parents[2] / "mappings" / "scim"
MARKER = "lb0123456789abcdef0123456789abcdef"
COMPANY = halbrueck()
NEW = {
    "userName": "lucja.oneill",
    "active": True,
    "name": {"givenName": "Łucja", "familyName": "O'Neill-Groß"},
    "emails": [{"value": "lucja.oneill@halbrueck.example", "primary": True}],
    "enterprise": {"employeeNumber": "E0099"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with brought_up(Server) as found:
        yield found


@pytest.fixture
def scim(server: Server) -> Iterator[Scim]:
    (connection,) = server.connections().values()
    connector = Scim(Scim.Config.of(connection_from("identities", connection | {"extra": {"page_size": 25}})))
    yield connector
    connector.close()


def test_the_whole_company_is_read_in_pages(scim: Scim) -> None:
    items = list(scim.read("users"))
    assert isinstance(items[-1], Complete)
    mapping = load_mapping(MAPPINGS / "users.yaml")
    found = [validate("person", mapping.into(item.native).claim) for item in items if isinstance(item, Record)]
    assert {claim["employee_number"] for claim in found} == {person.number for person in COMPANY.people}
    keys = {item.native["enterprise"]["employeeNumber"]: item.key for item in items if isinstance(item, Record)}
    managers = {claim["employee_number"]: claim["manager"] for claim in found}
    for person in COMPANY.people:
        assert managers[person.number] == ({"stream": "users", "key": keys[person.manager]} if person.manager else None)


def test_departments_and_who_works_there(scim: Scim) -> None:
    groups = natives_of(scim, "groups")
    assert {one["displayName"] for one in groups.values()} == {one.name for one in COMPANY.departments}
    assert len(natives_of(scim, "memberships")) == len(COMPANY.people)


def test_a_colleague_comes_changes_and_goes(scim: Scim) -> None:
    cursor = cursor_of(scim, "users")
    created = scim.writer("users", "create")(NEW, MARKER)
    key = created["id"]
    try:
        assert scim.find("users", NEW, MARKER) == created
        assert scim.writer("users", "create")(NEW, MARKER) == created
        with pytest.raises(RecordError, match="Another resource has this userName"):
            scim.writer("users", "create")(NEW | {"emails": [], "enterprise": {}}, f"{MARKER}2")
        changes = {"title": "Buyer", "phoneNumbers": [{"value": "+49 30 1", "type": "work"}],
                   "enterprise": {"costCenter": "4130", "manager": next(iter(natives_of(scim, "users")))}}  # fmt: skip
        changed = scim.writer("users", "update")(key, changes, MARKER)
        assert (changed["title"], changed["phoneNumbers"]) == ("Buyer", changes["phoneNumbers"])
        assert changed["enterprise"].items() >= changes["enterprise"].items()
        assert scim.writer("users", "update")(key, {"title": None}, MARKER)["title"] is None
        assert scim.disable_user(key, MARKER)["active"] is False
        assert natives_of(scim, "users", cursor)[key]["active"] is False
        assert scim.enable_user(key, MARKER)["active"] is True
    finally:
        scim.writer("users", "delete")(key, MARKER)
    assert key not in natives_of(scim, "users")
    with pytest.raises(NotFound):
        scim.writer("users", "update")(key, {"title": "x"}, MARKER)


def test_a_group_and_its_members(scim: Scim) -> None:
    user = next(iter(natives_of(scim, "users")))
    group = scim.writer("groups", "create")({"displayName": "Choir"}, MARKER)["id"]
    assert scim.find("groups", {"displayName": "Choir"}, MARKER) is not None
    scim.writer("memberships", "create")({"group": group, "user": user}, MARKER)
    assert scim.find("memberships", {"group": group, "user": user}, MARKER) is not None
    assert {"group": group, "user": user} in natives_of(scim, "memberships").values()
    assert scim.writer("groups", "update")(group, {"displayName": "Chor"}, MARKER)["displayName"] == "Chor"
    scim.writer("memberships", "delete")(json.dumps([group, user]), MARKER)
    assert scim.find("memberships", {"group": group, "user": user}, MARKER) is None
    scim.writer("groups", "delete")(group, MARKER)
    assert group not in natives_of(scim, "groups")


def test_somebody_elses_change_in_between_is_not_overwritten(
    scim: Scim, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = scim.writer("users", "create")(NEW, MARKER)["id"]
    look, token = scim.one, server.secret("token")

    def one(path: str, wanted: str) -> object:
        found = look(path, wanted)
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "path": "title", "value": "by somebody else"}]}  # fmt: skip
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
        requests.patch(f"{server.url}/Users/{key}", json=body, headers=headers, timeout=10).raise_for_status()
        return found

    with monkeypatch.context() as patched, pytest.raises(RecordError, match="meanwhile"):
        patched.setattr(scim, "one", one)
        scim.writer("users", "update")(key, {"title": "Buyer"}, MARKER)
    assert scim.one("Users", key)[0]["title"] == "by somebody else"
    scim.writer("users", "delete")(key, MARKER)


def test_check_and_a_wrong_token(scim: Scim, server: Server) -> None:
    assert scim.check().missing == ()
    wrong = connection_from("identities", {"conn_type": "landbridge_scim", "host": server.url, "password": "wrong"})
    with pytest.raises(AuthError):
        Scim(Scim.Config.of(wrong)).check()


def test_a_recording_says_what_the_server_said(scim: Scim, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """With LANDBRIDGE_RECORD=1 it is kept for scim/test_reading.py."""
    kept: Recording = {}
    heard = Client._answer

    def recorded(client: Client, *given: Any) -> Answer:
        answer = heard(client, *given)
        kept.setdefault(asked(answer.method, answer.url, server.url), []).append((answer.status, answer.text))
        return answer

    monkeypatch.setattr(Client, "_answer", recorded)
    said = [natives_of(scim, "groups"), natives_of(scim, "users")]
    time.sleep(1)
    cursor = {"since": (datetime.now(UTC) + CHANGED.lag).isoformat()}  # as if all had been there for long
    key = scim.writer("users", "create")(NEW, MARKER)["id"]
    scim.writer("users", "update")(key, {"title": "Buyer"}, MARKER)
    scim.disable_user(key, MARKER)
    said.append(natives_of(scim, "users", cursor))
    scim.writer("users", "delete")(key, MARKER)
    monkeypatch.undo()
    again = Scim(Scim.Config.of(connection_from("x", {"host": BASE, "password": TOKEN, "extra": {"page_size": 25}})))
    with replaying(kept):
        assert [natives_of(again, "groups"), natives_of(again, "users"), natives_of(again, "users", cursor)] == said
    if os.environ.get("LANDBRIDGE_RECORD"):
        RECORDING.write_text(json.dumps({"key": key, "cursor": cursor, "answers": kept}, ensure_ascii=False))
