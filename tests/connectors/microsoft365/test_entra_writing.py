"""Entra on the emulator: accounts and members that Landbridge writes."""

from __future__ import annotations

import logging

import pytest

from connectors.microsoft365.entra import Entra
from landbridge.errors import NotFound, RecordError, ScopeError, TransientError
from sandbox.emulators.graph_directory import made_id
from tests.connectors.microsoft365.conftest import SECRET, Watched, connection
from tests.connectors.reading import cursor_of, natives_of

ANNA, LENA = made_id("anna.mueller"), made_id("lena.vogt")
NEW = {
    "login": "nora.neu", "displayName": "Nora Neu", "givenName": "Nora", "surname": "Neu", "employeeId": "E0900",
    "emails": ["nora.neu@halbrueck.example"], "manager": ANNA,
}  # fmt: skip


def test_a_new_account(graph: Watched, entra: Entra) -> None:
    cursor = cursor_of(entra, "users")
    made = entra.create_user(NEW, "marker")
    assert graph.users[made["id"]]["userPrincipalName"] == "nora.neu@halbrueck.example"
    assert graph.users[made["id"]]["manager"] == ANNA
    assert "passwordProfile" not in made
    assert natives_of(entra, "users", cursor) == {made["id"]: made}


def test_an_account_is_made_once_and_found_after_an_uncertain_outcome(graph: Watched, entra: Entra) -> None:
    graph.lose("/v1.0/users")
    with pytest.raises(TransientError) as caught:
        entra.create_user(NEW, "marker")
    assert caught.value.uncertain
    assert len(graph.asked("/v1.0/users", "POST")) == 1
    found = entra.find("users", NEW, "marker")
    assert found is not None and found["employeeId"] == "E0900"
    assert entra.find("users", NEW | {"login": "nobody"}, "marker") is None
    somebody_else = {"login": "nora.neu", "employeeId": "E0901", "emails": ["other@halbrueck.example"]}
    assert entra.find("users", somebody_else, "marker") is None


def test_an_account_whose_manager_cannot_be_set_is_there_all_the_same(graph: Watched, entra: Entra) -> None:
    made = entra.create_user(NEW | {"manager": "00000000-0000-0000-0000-000000000000"}, "marker")
    assert made["manager"] is None
    assert made["id"] in graph.users


@pytest.mark.parametrize("login", ["", "nora neu", "jürgen"])
def test_a_name_that_entra_refuses_is_not_sent(graph: Watched, entra: Entra, login: str) -> None:
    with pytest.raises(RecordError):
        entra.create_user(NEW | {"login": login}, "marker")
    assert graph.asked("/v1.0/users", "POST") == []


def test_an_update_is_read_back(graph: Watched, entra: Entra) -> None:
    changed = entra.update_user(LENA, {"jobTitle": "Lead", "mobilePhone": "", "businessPhone": ""}, "marker")
    assert (changed["jobTitle"], changed["mobilePhone"], changed["businessPhone"]) == ("Lead", None, None)
    assert entra.update_user(LENA, {"manager": None}, "marker")["manager"] is None
    assert entra.update_user(LENA, {"manager": None}, "marker")["manager"] is None
    assert entra.update_user(LENA, {"manager": ANNA}, "marker")["manager"] == ANNA
    with pytest.raises(NotFound):
        entra.update_user("00000000-0000-0000-0000-000000000000", {"jobTitle": "x"}, "marker")


def test_a_leaver_can_do_nothing_any_more_and_may_come_back(graph: Watched, entra: Entra) -> None:
    assert entra.disable_user(LENA, "marker")["accountEnabled"] is False
    assert graph.sessions_ended == [LENA]
    assert entra.enable_user(LENA, "marker")["accountEnabled"] is True


def test_what_we_write_is_no_news(graph: Watched, entra: Entra) -> None:
    cursor = cursor_of(entra, "users")
    written = entra.update_user(LENA, {"jobTitle": "Lead"}, "marker")
    assert natives_of(entra, "users", cursor) == {LENA: written}


def test_members_are_added_and_removed_once(graph: Watched, entra: Entra) -> None:
    sales = next(group for group in graph.groups if LENA not in graph.members[group])
    wanted = {"group": sales, "user": LENA}
    assert entra.find("memberships", wanted, "marker") is None
    for _ in range(2):
        assert entra.writer("memberships", "create")(wanted, "marker") == wanted
    assert graph.members[sales].count(LENA) == 1
    assert entra.find("memberships", wanted, "marker") == wanted
    for _ in range(2):
        entra.writer("memberships", "delete")(f'["{sales}","{LENA}"]', "marker")
    assert LENA not in graph.members[sales]
    graph.groups[sales]["membershipRule"] = "user.department -eq 'x'"
    with pytest.raises(ScopeError):
        entra.writer("memberships", "create")(wanted, "marker")
    with pytest.raises(RecordError):
        entra.writer("memberships", "create")({"group": sales}, "marker")
    assert entra.find("memberships", wanted | {"group": "00000000-0000-0000-0000-000000000000"}, "marker") is None


def test_no_secret_in_logs_and_errors(graph: Watched, entra: Entra, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    natives_of(entra, "users")
    entra.create_user(NEW, "marker")
    with pytest.raises(NotFound) as caught:
        entra.update_user("lena.vogt@halbrueck.example.nobody", {"jobTitle": "x"}, "marker")
    told = caplog.text + str(caught.value)
    for hidden in (SECRET, *graph.access, "nora", "lena.vogt", "passwordProfile"):
        assert hidden not in told
    assert SECRET not in repr(connection(graph, "entra"))
