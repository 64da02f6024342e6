"""Writing to a provider that keeps the standard."""

from __future__ import annotations

import json

import pytest

from connectors.scim.connector import Scim
from landbridge.errors import NotFound, RecordError, TransientError
from tests.connectors.reading import natives_of
from tests.connectors.scim.acting import MARKER, NEW, somebody_else_changes
from tests.connectors.scim.provider import Provider


def test_a_user_from_the_first_day_to_the_last(provider: Provider, scim: Scim) -> None:
    created = scim.writer("users", "create")(NEW, MARKER)
    key = created["id"]
    assert provider.kept["Users"][key]["externalId"] == MARKER
    assert created["enterprise"]["employeeNumber"] == "E0003"
    changed = scim.writer("users", "update")(
        key, {"name": {"givenName": "Änne"}, "enterprise": {"costCenter": "7"}}, MARKER
    )
    assert (changed["name"], changed["enterprise"]["costCenter"]) == ({"givenName": "Änne"}, "7")
    assert scim.disable_user(key, MARKER)["active"] is False
    assert scim.enable_user(key, MARKER)["active"] is True
    scim.writer("users", "delete")(key, MARKER)
    scim.writer("users", "delete")(key, MARKER)
    assert provider.kept["Users"] == {}
    assert natives_of(scim, "users") == {}


def test_a_change_is_one_atomic_patch_of_what_differs_under_the_version_that_was_seen(
    provider: Provider, scim: Scim
) -> None:
    key = provider.add("Users", userName="anna", title="Cook", emails=[{"value": "a@halbrueck.example"}])
    version = provider.kept["Users"][key]["meta"]["version"]
    scim.writer("users", "update")(
        key, {"userName": "anna", "title": "Chef", "emails": [], "name": {"givenName": "Anna"}}, MARKER
    )
    (body,) = provider.bodies("PATCH")
    assert body["Operations"] == [
        {"op": "replace", "path": "title", "value": "Chef"},
        {"op": "remove", "path": "emails"},
        {"op": "replace", "path": "name.givenName", "value": "Anna"},
    ]
    assert next(asked for asked in provider.asked if asked.method == "PATCH").headers["If-Match"] == version
    before = len(provider.asked)
    scim.writer("users", "update")(key, {"title": "Chef"}, MARKER)
    assert [asked.method for asked in provider.asked[before:]] == ["GET"]


def test_a_change_by_somebody_else_in_between_is_a_conflict(
    provider: Provider, scim: Scim, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = provider.add("Users", userName="anna", title="Cook")
    somebody_else_changes(provider, key, scim, monkeypatch)
    with pytest.raises(RecordError, match="meanwhile"):
        scim.writer("users", "update")(key, {"title": "Chef"}, MARKER)
    assert provider.kept["Users"][key]["title"] == "Cook"


def test_groups_and_who_is_in_them(provider: Provider, scim: Scim) -> None:
    user, other = provider.add("Users", userName="anna"), provider.add("Users", userName="li")
    group = scim.writer("groups", "create")({"displayName": "IT"}, MARKER)["id"]
    nested = provider.add("Groups", displayName="Networks")
    provider.kept["Groups"][group]["members"] = [{"value": nested, "type": "Group"}, {"value": other}]
    assert scim.writer("memberships", "create")({"group": group, "user": user}, MARKER) == {
        "group": group,
        "user": user,
    }
    scim.writer("memberships", "create")({"group": group, "user": user}, MARKER)
    assert len(provider.kept["Groups"][group]["members"]) == 3
    found = natives_of(scim, "memberships")
    assert [(one["group"], one["user"]) for one in found.values()] == [(group, other), (group, user)]
    assert scim.find("memberships", {"group": group, "user": user}, MARKER) == {"group": group, "user": user}
    scim.writer("memberships", "delete")(json.dumps([group, user]), MARKER)
    assert [one["value"] for one in provider.kept["Groups"][group]["members"]] == [nested, other]
    assert scim.writer("groups", "update")(group, {"displayName": "Computers"}, MARKER)["displayName"] == "Computers"
    assert "members" not in natives_of(scim, "groups")[group]
    scim.writer("groups", "delete")(group, MARKER)
    scim.writer("memberships", "delete")(json.dumps([group, user]), MARKER)


def test_what_an_uncertain_attempt_has_left_is_found_by_our_marker(provider: Provider, scim: Scim) -> None:
    assert scim.find("users", NEW, MARKER) is None
    created = scim.writer("users", "create")(NEW, MARKER)
    assert scim.find("users", NEW, MARKER) == created
    assert scim.find("users", NEW | {"userName": "renamed"}, MARKER) == created
    assert scim.writer("users", "create")(NEW, MARKER) == created
    group = scim.writer("groups", "create")({"displayName": "IT"}, MARKER)
    assert scim.find("groups", {"displayName": "IT"}, MARKER) == group
    assert scim.find("memberships", {"group": "none", "user": "none"}, MARKER) is None


def test_a_creation_that_cannot_be_read_back_is_in_doubt(provider: Provider, scim: Scim) -> None:
    provider.down_after = "POST"
    with pytest.raises(TransientError) as caught:
        scim.writer("groups", "create")({"displayName": "IT"}, MARKER)
    assert caught.value.uncertain
    provider.down_after = ""
    assert scim.find("groups", {"displayName": "IT"}, MARKER) is not None


def test_a_name_that_somebody_else_has_is_no_success(provider: Provider, scim: Scim) -> None:
    provider.add("Users", userName="Anna", emails=[{"value": "another@halbrueck.example"}])
    with pytest.raises(RecordError, match="Another resource has this userName") as caught:
        scim.writer("users", "create")(NEW, MARKER)
    assert "anna" not in str(caught.value).lower().replace("another", "")


def test_a_record_that_is_not_there_is_not_found(scim: Scim) -> None:
    with pytest.raises(NotFound):
        scim.disable_user("nobody", MARKER)
