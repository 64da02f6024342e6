"""The SCIM connector against a provider that keeps the standard, and against each lie that real ones tell."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.scim import changing, natives
from connectors.scim.connector import Scim
from landbridge.connector import Checkpoint, Complete, Connection, Failure, Finds, Record
from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    IncompleteRead,
    NotFound,
    RateLimited,
    RecordError,
    TransientError,
)
from landbridge.http import LocalThrottle, Retries
from landbridge.http import client as http_client
from landbridge.mapping import load_mapping
from landbridge.model import validate
from tests.connectors.reading import cursor_of, natives_of
from tests.connectors.scim_provider import BASE, RECORDING, TOKEN, Provider, answering, replaying
from tests.shared import SHARED

MAPPINGS = Path(__file__).parents[2] / "mappings" / "scim"
MARKER = "lb0123456789abcdef0123456789abcdef"
NEW = {
    "userName": "anna",
    "active": True,
    "name": {"givenName": "Anna", "familyName": None},
    "emails": [{"value": "anna@halbrueck.example", "primary": True}],
    "enterprise": {"employeeNumber": "E0003", "manager": None},
}


def connection(**extra: Any) -> Connection:
    return Connection("idp", "landbridge_scim", BASE, None, TOKEN, extra=extra)


@pytest.fixture
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    """Honest, or with these lies."""
    with answering(Provider(*getattr(request, "param", ()))) as found:
        yield found


def lying(*lies: str) -> Any:
    return pytest.mark.parametrize("provider", [lies], indirect=True)


@pytest.fixture
def scim(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scim]:
    without_waiting(monkeypatch)
    connector = Scim(Scim.Config.of(connection(page_size=5)))
    yield connector
    connector.close()


def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody really waits here."""
    monkeypatch.setattr(http_client.Client.__init__, "__kwdefaults__", {
        **http_client.Client.__init__.__kwdefaults__, "retries": Retries(sleep=lambda seconds: None),
    })  # fmt: skip


def crowd(provider: Provider, count: int = 12) -> set[str]:
    return {provider.add("Users", userName=f"user{number}", active=True) for number in range(count)}


# --- the standard ----------------------------------------------------------------------------------------------------


def test_every_mapping_example_holds_both_ways() -> None:
    for stream in Scim.streams():
        assert load_mapping(MAPPINGS / f"{stream}.yaml").run_examples() == []


def test_what_the_class_can_do() -> None:
    assert isinstance(Scim(Scim.Config.of(connection())), Finds)
    assert all(Scim.can_write("users", op) for op in ("create", "update", "disable", "enable", "delete"))
    assert all(Scim.can_write(stream, op) for stream in ("groups", "memberships") for op in ("create", "delete"))


@pytest.mark.parametrize("wrong", [{"tokens": "x"}, {"page_size": 0}, {"token_url": "https://x.example/token"}])
def test_a_wrong_connection_names_the_field_and_no_secret(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"tokens|page_size|token_url") as caught:
        Scim.Config.of(connection(**wrong))
    assert TOKEN not in str(caught.value)


def test_pages_are_read_to_the_end(provider: Provider, scim: Scim) -> None:
    users = crowd(provider)
    items = list(scim.read("users"))
    assert {item.key for item in items if isinstance(item, Record)} == users
    assert isinstance(items[-1], Complete)


def test_later_only_what_changed_is_read(provider: Provider, scim: Scim) -> None:
    crowd(provider, 20)
    cursor = cursor_of(scim, "users")
    provider.clock += 60
    scim.writer("users", "update")("u1", {"title": "Head of IT"}, MARKER)
    changed = natives_of(scim, "users", cursor)
    assert changed["u1"]["title"] == "Head of IT"
    assert len(changed) < 5
    assert not any(isinstance(item, Complete) for item in scim.read("users", cursor))


def test_a_cursor_that_is_not_ours_has_expired(scim: Scim) -> None:
    for cursor in ("x", {"since": "yesterday"}, {"since": "yesterday"}):
        with pytest.raises(ExpiredCursor):
            list(scim.read("users", cursor))


def test_what_a_provider_knows_but_leaves_out_is_null_and_of_the_rest_nothing_is_said(
    provider: Provider, scim: Scim
) -> None:
    provider.add("Users", userName="anna")
    (found,) = natives_of(scim, "users").values()
    assert found["title"] is None
    assert "locale" not in found
    assert "active" not in found


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


def somebody_else_changes(provider: Provider, key: str, scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the change."""
    look = scim.one

    def one(path: str, wanted: str) -> Any:
        found = look(path, wanted)
        if "displayName" not in provider.kept["Users"][key]:
            provider.kept["Users"][key]["displayName"] = "Anna by somebody else"
            provider._touch(provider.kept["Users"][key])
        return found

    monkeypatch.setattr(scim, "one", one)


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


def test_one_bad_record_stops_nobody(provider: Provider, scim: Scim) -> None:
    bad = provider.add("Users", userName="bad", active="perhaps")
    good = provider.add("Users", userName="good", active="False")
    items = list(scim.read("users"))
    assert [item.key for item in items if isinstance(item, Failure)] == [bad]
    assert [item.native["active"] for item in items if isinstance(item, Record) and item.key == good] == [False]


def test_a_rate_limit_is_waited_for_or_handed_on(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    without_waiting(monkeypatch)
    slept: list[float] = []
    scim = Scim(Scim.Config.of(connection()), LocalThrottle(clock=lambda: sum(slept), sleep=slept.append))
    provider.busy = 1
    monthly = provider.add("Users", userName="anna")
    assert list(natives_of(scim, "users")) == [monthly]
    assert sum(slept) == pytest.approx(7)
    provider.busy = 99
    with pytest.raises(RateLimited):
        scim.disable_user(monthly, MARKER)


def test_check_says_what_may_be_read(provider: Provider, scim: Scim) -> None:
    assert scim.check().missing == ()
    assert "patch and filter" in scim.check().detail
    del provider.kept["Groups"]
    with pytest.raises(AuthError):
        Scim(Scim.Config.of(Connection("idp", "landbridge_scim", BASE, None, "wrong"))).check()


def test_no_secret_and_nobody_in_any_log(provider: Provider, scim: Scim, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        scim.writer("users", "create")(NEW, MARKER)
        provider.lies.add("500")
        with pytest.raises((RecordError, TransientError)) as caught:
            scim.writer("users", "create")(NEW | {"emails": [], "enterprise": {}}, f"{MARKER}2")
        list(scim.read("users"))
    said = caplog.text + repr(caught.value) + repr(scim.config)
    assert TOKEN not in said
    assert "anna@" not in said


# --- lies ------------------------------------------------------------------------------------------------------------


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


# --- what scim2-server has answered ----------------------------------------------------------------------------------


def test_a_recorded_read() -> None:
    recorded = json.loads(RECORDING.read_text())
    scim = Scim(Scim.Config.of(connection(page_size=25)))
    with replaying(recorded["answers"]):
        people, groups = natives_of(scim, "users"), natives_of(scim, "groups")
        mapping = load_mapping(MAPPINGS / "users.yaml")
        claims = [validate("person", mapping.into(native).claim) for native in people.values()]
        assert len({claim["employee_number"] for claim in claims}) == len(people) == 60
        assert "Logistics" in {native["displayName"] for native in groups.values()}
        (changed,) = natives_of(scim, "users", recorded["cursor"]).values()
        assert (changed["id"], changed["title"], changed["active"]) == (recorded["key"], "Buyer", False)


# --- the standard's own examples -------------------------------------------------------------------------------------

EXAMPLES = SHARED / "contracts" / "scim"


def example(name: str) -> Any:
    if not SHARED.is_dir():
        pytest.skip("LANDBRIDGE_SHARED does not name the folder with the examples of RFC 7643 and 7644")
    return json.loads((EXAMPLES / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["8.1-user-minimal", "8.2-user-full", "8.3-enterprise_user"])
def test_the_users_of_rfc_7643_become_valid_claims(name: str) -> None:
    raw = example(f"rfc7643-{name}")
    mapped = load_mapping(MAPPINGS / "users.yaml").into(natives.user(raw))
    claim = validate("person", mapped.claim)
    assert claim["user_name"] == raw["userName"]
    if "enterprise" in name:
        assert claim["employee_number"] == "701984"
        assert claim["manager"] == {"stream": "users", "key": "26118915-6090-4610-87e4-49d8ca9f808d"}


def test_the_group_of_rfc_7643_and_its_members() -> None:
    raw = example("rfc7643-8.4-group")
    assert natives.group(raw) == {"id": raw["id"], "displayName": "Tour Guides"}
    assert natives.members(raw) == [member["value"] for member in raw["members"]]


def test_a_removal_has_the_form_of_rfc_7644(provider: Provider, scim: Scim) -> None:
    (operation,) = example("rfc7644-3.5.2.2-patch_op-remove_one_member")["Operations"]
    group = provider.add("Groups", members=[{"value": "2819c223-7f76-...413861904646"}])
    scim.writer("memberships", "delete")(json.dumps([group, "2819c223-7f76-...413861904646"]), MARKER)
    assert provider.bodies("PATCH")[0]["Operations"] == [operation]
