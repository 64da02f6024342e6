"""The connector against each lie that real providers tell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.scim import changing, natives
from connectors.scim.connector import Scim
from landbridge.connector import Checkpoint, Complete, Record
from landbridge.errors import ExpiredCursor, IncompleteRead, RecordError
from tests.connectors.reading import natives_of
from tests.connectors.scim.acting import MARKER, NEW, connection, crowd, somebody_else_changes
from tests.connectors.scim.provider import Provider


def lying(*lies: str) -> Any:
    return pytest.mark.parametrize("provider", [lies], indirect=True)


@pytest.mark.parametrize(
    "provider",
    [("count ignored",), ("capped",), ("total of the page",), ("total of the page", "capped"), ("count ignored", "start ignored")],
    indirect=True,
)  # fmt: skip
def test_nobody_is_lost_between_pages(provider: Provider, scim: Scim) -> None:
    users = crowd(provider)
    items = list(scim.read("users"))
    assert {item.key for item in items if isinstance(item, Record)} == users
    assert isinstance(items[-1], Complete)


@pytest.mark.parametrize("provider", [("start ignored",), ("total too high",)], indirect=True)
def test_what_cannot_be_a_whole_list_is_no_list(provider: Provider, scim: Scim) -> None:
    crowd(provider)
    with pytest.raises(IncompleteRead):
        list(scim.read("users"))


@lying("total too high")
def test_a_total_that_is_wrong_can_be_left_out(provider: Provider) -> None:
    users = crowd(provider)
    assert set(natives_of(Scim(Scim.Config.of(connection(exact_totals=False, page_size=5))), "users")) == users


@lying("booleans as texts")
def test_false_as_a_text_is_false(provider: Provider, scim: Scim) -> None:
    key = scim.writer("users", "create")(NEW, MARKER)["id"]
    assert scim.disable_user(key, MARKER)["active"] is False
    assert natives_of(scim, "users")[key]["active"] is False


@lying("capitals")
def test_names_of_attributes_have_no_case(provider: Provider, scim: Scim) -> None:
    key = provider.add("Users", userName="anna", active=False, name={"GIVENNAME": "Anna"})
    found = natives_of(scim, "users")[key]
    assert (found["userName"], found["active"], found["name"]) == ("anna", False, {"givenName": "Anna"})
    created = scim.writer("users", "create")(NEW | {"userName": "li"}, MARKER)
    assert scim.find("users", NEW | {"userName": "li"}, MARKER) == created


@pytest.mark.parametrize("provider", [("filter ignored",), ("filter refused",), ("no filter",)], indirect=True)
def test_without_a_filter_the_whole_list_is_looked_through(provider: Provider, scim: Scim) -> None:
    crowd(provider)
    created = scim.writer("users", "create")(NEW, MARKER)
    crowd_of_groups = provider.add("Groups", displayName="other")
    assert scim.find("users", NEW, MARKER) == created
    assert scim.find("users", NEW | {"userName": "nobody"}, f"{MARKER}x") is None
    assert crowd_of_groups


@pytest.mark.parametrize("provider", [("filter refused",), ("filter finds nothing",)], indirect=True)
def test_changes_that_cannot_be_asked_for_mean_a_full_read(provider: Provider, scim: Scim) -> None:
    crowd(provider)
    with pytest.raises(ExpiredCursor):
        list(scim.read("users", {"since": "2026-01-01T00:10:00Z"}))


@lying("no filter")
def test_where_nothing_is_filtered_every_read_is_in_full(provider: Provider, scim: Scim) -> None:
    crowd(provider)
    assert not any(isinstance(item, Checkpoint) for item in scim.read("users"))


@lying("500")
def test_an_error_500_for_a_name_that_is_taken(provider: Provider, scim: Scim) -> None:
    created = scim.writer("users", "create")(NEW, MARKER)
    assert scim.writer("users", "create")(NEW, MARKER) == created
    with pytest.raises(RecordError, match="Another resource has this userName"):
        scim.writer("users", "create")(NEW | {"emails": [], "enterprise": {}}, f"{MARKER}2")


@lying("external id dropped")
def test_without_a_marker_the_name_and_an_address_tell(provider: Provider, scim: Scim) -> None:
    created = scim.writer("users", "create")(NEW, MARKER)
    assert scim.find("users", NEW, MARKER) == created
    assert scim.find("users", NEW | {"emails": [], "enterprise": {}}, MARKER) is None


@lying("no body")
def test_a_creation_that_answers_nothing_is_looked_up(provider: Provider, scim: Scim) -> None:
    assert scim.writer("users", "create")(NEW, MARKER)["userName"] == "anna"


@pytest.mark.parametrize("provider", [("no patch",), ("patch refused",)], indirect=True)
def test_where_there_is_no_patch_the_whole_is_put_and_the_rest_kept(provider: Provider, scim: Scim) -> None:
    key = provider.add("Users", schemas=[natives.USER], userName="anna", title="Cook", nickName="Anni")
    assert scim.disable_user(key, MARKER)["active"] is False
    scim.writer("users", "update")(key, {"title": None, "enterprise": {"manager": "u7"}}, MARKER)
    (_, body) = provider.bodies("PUT")
    assert (body["nickName"], "title" in body, "meta" in body) == ("Anni", False, False)
    assert body[natives.ENTERPRISE] == {"manager": {"value": "u7"}}
    assert body["schemas"] == [natives.USER, natives.ENTERPRISE]
    group = provider.add("Groups", displayName="IT", members=[{"value": "u9"}])
    scim.writer("memberships", "create")({"group": group, "user": key}, MARKER)
    scim.writer("memberships", "delete")(json.dumps([group, "u9"]), MARKER)
    assert [one["value"] for one in provider.kept["Groups"][group]["members"]] == [key]


@lying("patch ignored")
def test_a_success_without_effect_is_none(provider: Provider, scim: Scim) -> None:
    key = provider.add("Users", userName="anna", active=True, title="Cook")
    group = provider.add("Groups", displayName="IT", members=[{"value": "u9"}])
    with pytest.raises(RecordError, match="active is as before"):
        scim.disable_user(key, MARKER)
    with pytest.raises(RecordError, match="title is as before"):
        scim.writer("users", "update")(key, {"title": "Chef"}, MARKER)
    with pytest.raises(RecordError, match="the group is as before"):
        scim.writer("memberships", "create")({"group": group, "user": key}, MARKER)
    with pytest.raises(RecordError, match="the group is as before"):
        scim.writer("memberships", "delete")(json.dumps([group, "u9"]), MARKER)


@lying("stale")
def test_where_versions_are_not_minded_a_patch_still_leaves_alone_what_somebody_else_changed(
    provider: Provider, scim: Scim, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = provider.add("Users", userName="anna", title="Cook")
    somebody_else_changes(provider, key, scim, monkeypatch)
    found = scim.writer("users", "update")(key, {"title": "Chef"}, MARKER)
    assert (found["title"], found["displayName"]) == ("Chef", "Anna by somebody else")


@lying("removal by value")
def test_members_are_removed_in_the_form_that_the_provider_knows(provider: Provider, scim: Scim) -> None:
    group = provider.add("Groups", displayName="IT", members=[{"value": "u8"}, {"value": "u9"}])
    scim.writer("memberships", "delete")(json.dumps([group, "u9"]), MARKER)
    assert [one["value"] for one in provider.kept["Groups"][group]["members"]] == ["u8"]


@lying("no members in lists")
def test_members_that_lists_leave_out_are_asked_for(provider: Provider, scim: Scim) -> None:
    group = provider.add("Groups", displayName="IT", members=[{"value": "u8"}])
    provider.add("Groups", displayName="empty")
    assert list(natives_of(scim, "memberships").values()) == [{"group": group, "user": "u8"}]


def test_a_value_in_another_form_is_the_providers_own_affair() -> None:
    wanted: changing.Changes = {("emails",): [{"value": "Anna@X.example"}], ("phoneNumbers",): [{"value": "+49 30 1"}]}
    after = {"emails": [{"value": "anna@x.example", "type": "work"}], "phoneNumbers": [{"value": "+49301"}]}
    assert changing.lost({}, after, wanted) == []
    assert changing.lost(after, after, wanted) == ["phoneNumbers"]
