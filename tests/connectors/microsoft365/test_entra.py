"""Entra on the emulator: what it can do, and deltas that end."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.microsoft365.entra import Entra
from landbridge.connector import Checkpoint, Complete, Connection, Failure, Finds, Record
from landbridge.errors import ConfigError, ExpiredCursor, IncompleteRead, RateLimited, ScopeError
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.emulators.base import Reply
from sandbox.emulators.graph import CLIENT, TENANT
from sandbox.emulators.graph_directory import made_id
from tests.connectors.microsoft365.conftest import SECRET, Watched
from tests.connectors.reading import cursor_of, gone_of, natives_of, read

MAPPINGS = Path(__file__).parents[3] / "mappings" / "entra"
STREAMS = ("users", "groups", "memberships")
ANNA, LENA = made_id("anna.mueller"), made_id("lena.vogt")
ITS = made_id("ITS")


def test_what_the_class_can_do(entra: Entra) -> None:
    assert tuple(Entra.streams()) == STREAMS
    ops = ("create", "update", "disable", "enable", "delete")
    can = {stream: [op for op in ops if Entra.can_write(stream, op)] for stream in STREAMS}
    assert can == {
        "users": ["create", "update", "disable", "enable"],
        "groups": [],
        "memberships": ["create", "delete"],
    }
    assert isinstance(entra, Finds)


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"domian": "x"}, "domian"),
        ({"domain": None}, "domain"),
        ({"tenant": "a/b"}, "tenant"),
        ({"authority": "http://login.example"}, "authority"),
        ({"password": None}, "refresh_token"),
    ],
)
def test_a_wrong_connection_names_the_field_and_no_secret(extra: dict[str, str | None], named: str) -> None:
    given = {"tenant": TENANT, "domain": TENANT, **extra}
    secret = given.pop("password", SECRET)
    wrong = Connection("id", "landbridge_entra", None, CLIENT, secret, extra={k: v for k, v in given.items() if v})
    with pytest.raises(ConfigError, match=named) as caught:
        Entra.Config.of(wrong)
    assert SECRET not in str(caught.value)


def test_every_mapping_example_holds_both_ways() -> None:
    assert [problem for stream in STREAMS for problem in load_mapping(MAPPINGS / f"{stream}.yaml").run_examples()] == []


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_read_becomes_valid_claims(entra: Entra, stream: str) -> None:
    mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
    found = natives_of(entra, stream)
    assert found
    assert all(validate(mapping.kind, mapping.into(native).claim) for native in found.values())


def test_an_account_is_complete_and_steady(graph: Watched, entra: Entra) -> None:
    native = natives_of(entra, "users")[LENA]
    assert native["login"] == "lena.vogt"
    assert native["emails"] == ["lena.vogt@halbrueck.example"]
    assert native["manager"] == graph.users[LENA]["manager"]
    assert (native["costCenter"], native["guest"], native["preferredLanguage"]) == (None, False, None)
    graph.set_user(LENA, accountEnabled=True)
    assert natives_of(entra, "users")[LENA] == native


def test_pages_are_followed_to_the_delta_link(graph: Watched, entra: Entra) -> None:
    graph.deltas.size = 3
    *records, checkpoint, complete = entra.read("users")
    assert len(records) == len(graph.users)
    assert isinstance(checkpoint, Checkpoint) and isinstance(complete, Complete)
    graph.deltas.replays = True
    assert len(natives_of(entra, "users")) == len(graph.users)


def test_later_only_what_changed_is_told(graph: Watched, entra: Entra) -> None:
    cursor = cursor_of(entra, "users")
    before = natives_of(entra, "users")[LENA]
    assert list(entra.read("users", cursor))[:-1] == []
    graph.set_user(LENA, jobTitle="Head of everything")
    records, gone, cursor = read(entra, "users", cursor)
    assert {key: one.native for key, one in records.items()} == {LENA: before | {"jobTitle": "Head of everything"}}
    assert gone == []
    graph.set_user(LENA, accountEnabled=False)
    assert natives_of(entra, "users", cursor)[LENA]["accountEnabled"] is False


def test_a_change_counts_also_where_another_place_of_the_directory_is_behind(graph: Watched, entra: Entra) -> None:
    cursor = cursor_of(entra, "users")
    graph.set_user(LENA, jobTitle="new")
    graph.script(LENA, Reply({"id": LENA, "jobTitle": "old", "manager": {"id": ANNA}}))
    native = natives_of(entra, "users", cursor)[LENA]
    assert (native["jobTitle"], native["manager"]) == ("new", ANNA)


@pytest.mark.parametrize("for_good", [False, True])
def test_removed_accounts_are_gone(graph: Watched, entra: Entra, for_good: bool) -> None:
    users, members = cursor_of(entra, "users"), cursor_of(entra, "memberships")
    group = next(group for group, members in graph.members.items() if LENA in members)
    graph.remove_user(LENA, for_good=for_good)
    assert gone_of(entra, "users", users) == [LENA]
    assert gone_of(entra, "memberships", members) == [f'["{group}","{LENA}"]']
    assert LENA not in natives_of(entra, "users")


def test_members_come_and_go(graph: Watched, entra: Entra) -> None:
    key = f'["{ITS}","{ANNA}"]'
    assert key in natives_of(entra, "memberships")
    cursor = cursor_of(entra, "memberships")
    graph.move_member(ITS, ANNA, joins=False)
    records, gone, cursor = read(entra, "memberships", cursor)
    assert (records, gone) == ({}, [key])
    graph.move_member(ITS, ANNA, joins=True)
    assert list(natives_of(entra, "memberships", cursor)) == [key]


def test_devices_are_no_members(graph: Watched, entra: Entra) -> None:
    devices = [{"@odata.type": "#microsoft.graph.device", "id": "d"}]
    link = f"{graph.url}/v1.0/groups/delta?$deltatoken=x"
    graph.script("groups/delta", Reply({"value": [{"id": "g", "members@delta": devices}], "@odata.deltaLink": link}))
    assert natives_of(entra, "memberships") == {}


@pytest.mark.parametrize("stream", STREAMS)
def test_an_expired_token_means_to_read_in_full(graph: Watched, entra: Entra, stream: str) -> None:
    cursor = cursor_of(entra, stream)
    graph.deltas.expire()
    with pytest.raises(ExpiredCursor):
        list(entra.read(stream, cursor))
    assert graph.exchanges[-1][1].headers["Location"].endswith("/delta?$deltatoken=")
    with pytest.raises(ExpiredCursor):
        list(entra.read(stream, {"since": "another connector's"}))


@pytest.mark.parametrize(("status", "code"), [(400, "Directory_ExpiredPageToken"), (404, "syncStateNotFound")])
def test_other_words_for_an_expired_token(graph: Watched, entra: Entra, status: int, code: str) -> None:
    cursor = cursor_of(entra, "users")
    graph.script("users/delta", Reply({"error": {"code": code, "message": "…"}}, status))
    with pytest.raises(ExpiredCursor):
        list(entra.read("users", cursor))
    graph.exchanges.clear()


def test_a_week_is_the_life_of_a_token(graph: Watched, entra: Entra) -> None:
    cursor, now = cursor_of(entra, "users"), graph.clock()
    graph.deltas._clock = lambda: now + 8 * 86400
    with pytest.raises(ExpiredCursor):
        list(entra.read("users", cursor))


def test_a_round_without_its_end_is_not_whole(graph: Watched, entra: Entra) -> None:
    graph.script("users/delta", Reply({"value": []}))
    with pytest.raises(IncompleteRead):
        list(entra.read("users"))


def test_one_bad_account_stops_nobody(graph: Watched, entra: Entra) -> None:
    del graph.users[ANNA]["userPrincipalName"]
    items = list(entra.read("users"))
    assert [item.key for item in items if isinstance(item, Failure)] == [ANNA]
    assert len([item for item in items if isinstance(item, Record)]) == len(graph.users) - 1


def test_unknown_fields_and_nulls_are_taken_as_they_come(graph: Watched, entra: Entra) -> None:
    graph.users[ANNA] |= {"somethingNew": {"a": 1}, "businessPhones": None, "otherMails": None, "mail": None}
    assert natives_of(entra, "users")[ANNA]["emails"] == []
    graph.exchanges.clear()  # nulls that Microsoft does not document


@pytest.mark.parametrize("told", [True, False])
def test_a_rate_limit_is_waited_for_or_handed_on(graph: Watched, entra: Entra, told: bool) -> None:
    wait = {"Retry-After": "0"} if told else {}
    refused = Reply({"error": {"code": "TooManyRequests", "message": "…"}}, 429, wait)
    graph.script("groups/delta", refused)
    assert natives_of(entra, "groups")
    graph.script("groups/delta", *[Reply(refused.body, 429, {"Retry-After": "7200"})])
    with pytest.raises(RateLimited) as caught:
        list(entra.read("groups"))
    assert caught.value.after == 7200


def test_a_missing_right_is_a_scope_error(graph: Watched, entra: Entra) -> None:
    graph.rights_taken = {"groups"}
    with pytest.raises(ScopeError):
        list(entra.read("groups"))
    assert natives_of(entra, "users")
