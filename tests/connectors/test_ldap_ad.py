"""Active Directory, as far as that can be tried without one: DirSync, keys, names, ranges and the account's bits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import pytest

from connectors.ldap.connector import Ldap
from landbridge.connector import Checkpoint, Complete, Connection
from landbridge.errors import ConfigError, ExpiredCursor, IncompleteRead, ScopeError
from tests.connectors import ldap_ad
from tests.connectors.ldap_ad import PEOPLE, ROOT, ActiveDirectory, guid_of, running
from tests.connectors.reading import cursor_of, gone_of, natives_of

GROUPS = f"OU=Groups,{ROOT}"


@pytest.fixture
def ad() -> ActiveDirectory:
    found = ActiveDirectory()
    for number in range(7):
        found.user(f"User{number}")
    found.user("Service", f"OU=Services,{ROOT}")
    found.add(f"CN=PC7,{PEOPLE}", objectClass=[b"user", b"computer"], objectCategory=b"computer")
    return found


@pytest.fixture
def directory(ad: ActiveDirectory) -> Iterator[Ldap]:
    with running(ad) as host:
        yield connect(host)


def connect(host: str, **changed: Any) -> Ldap:
    extra = {"directory": "active_directory", "base": ROOT, "people": PEOPLE, "groups": GROUPS} | changed
    return Ldap(Ldap.Config.of(Connection("ad", "landbridge_ldap", host, f"CN=us,{ROOT}", "pssst", extra=extra)))


def dn(name: str) -> str:
    return f"CN={name},{PEOPLE}"


def test_everyone_under_the_standards_names(ad: ActiveDirectory, directory: Ldap) -> None:
    *items, last = directory.read("people")
    assert isinstance(last, Complete)
    assert isinstance(items[-1], Checkpoint)
    found = natives_of(directory, "people")
    assert {native["uid"][0] for native in found.values()} == {f"user{number}" for number in range(7)}
    one = found[guid_of(ad, dn("User3"))]
    assert (one["dn"], one["active"]) == (dn("User3"), True)


def test_what_changed_and_who_is_gone(ad: ActiveDirectory, directory: Ldap) -> None:
    keys = {name: guid_of(ad, dn(name)) for name in ("User0", "User1", "User2", "User3")}
    cursor = cursor_of(directory, "people")
    assert natives_of(directory, "people", cursor) == {}
    ad.set(dn("User0"), title=b"Cook")
    ad.move(dn("User1"), f"CN=User1,OU=Former,{ROOT}")
    ad.delete(dn("User2"))
    ad.move(dn("User3"), dn("Married"))
    new = ad.user("User8", userAccountControl=b"66050")
    found = natives_of(directory, "people", cursor)
    assert found.keys() == {keys["User0"], keys["User3"], new}
    assert (found[keys["User0"]]["title"], found[keys["User3"]]["dn"]) == (["Cook"], dn("Married"))
    assert found[new]["active"] is False
    assert sorted(gone_of(directory, "people", cursor)) == sorted([keys["User1"], keys["User2"]])
    later = cursor_of(directory, "people", cursor)
    assert gone_of(directory, "people", later) == []
    ad.move(f"CN=User1,OU=Former,{ROOT}", dn("User1"))
    assert natives_of(directory, "people", later).keys() == {keys["User1"]}


def test_a_cookie_that_is_not_known_has_expired(ad: ActiveDirectory, directory: Ldap) -> None:
    cursor = cursor_of(directory, "people")
    with pytest.raises(ExpiredCursor):
        list(directory.read("people", cursor | {"cookie": "Zm9yZWlnbg=="}))


def test_without_the_right_to_follow_nothing_is_complete(ad: ActiveDirectory, directory: Ldap) -> None:
    ad.forbidden = True
    with pytest.raises(ScopeError):
        list(directory.read("people"))
    with running(ad) as host:
        pages = connect(host, syncrepl=False)
        assert len(natives_of(pages, "people")) == 7
        assert cursor_of(pages, "people") is None


def test_an_answer_that_does_not_say_whether_there_is_more_is_no_answer(ad: ActiveDirectory, directory: Ldap) -> None:
    ad.no_control = True
    with pytest.raises(IncompleteRead):
        list(directory.read("people"))


def test_somebody_is_disabled_by_one_bit(ad: ActiveDirectory, directory: Ldap) -> None:
    key = guid_of(ad, dn("User0"))
    for _ in range(2):
        assert directory.disable_person(key, "m")["active"] is False
    assert ad.entries[dn("User0")]["userAccountControl"] == [b"66050"]
    for _ in range(2):
        assert directory.enable_person(key, "m")["active"] is True
    assert ad.entries[dn("User0")]["userAccountControl"] == [b"66048"]


def test_changes_are_written_under_microsofts_names(ad: ActiveDirectory, directory: Ldap) -> None:
    key = guid_of(ad, dn("User0"))
    picture = b"\xff\xd8\xff\xe0 picture"
    directory.open_file = lambda attachment: iter([picture])
    changes = {"uid": ["renamed"], "title": ["Cook"], "jpegPhoto": {"url": "chat:1"},
               "manager": {"entryUUID": guid_of(ad, dn("User1"))}}  # fmt: skip
    found = directory.writer("people", "update")(key, changes, "m")
    assert (found["uid"], found["title"], found["manager"]["dn"]) == (["renamed"], ["Cook"], dn("User1"))
    assert ad.entries[dn("User0")]["sAMAccountName"] == [b"renamed"]
    assert ad.entries[dn("User0")]["thumbnailPhoto"] == [picture]
    assert b"".join(directory.open(found["jpegPhoto"]["url"])) == picture


def test_new_accounts_are_left_to_those_who_set_passwords(directory: Ldap) -> None:
    with pytest.raises(ConfigError, match="password"):
        directory.create_person({"uid": ["x"]}, "m")


def test_groups_and_members_beyond_the_first_range(ad: ActiveDirectory, directory: Ldap) -> None:
    ad.add(f"OU=Groups,{ROOT}", objectClass=b"organizationalUnit")
    group = directory.create_group({"cn": ["Choir"]}, "m")["entryUUID"]
    entry = ad.entries[f"CN=Choir,{GROUPS}" if f"CN=Choir,{GROUPS}" in ad.entries else f"cn=Choir,{GROUPS}"]
    assert entry["sAMAccountName"] == [b"Choir"]
    users = [guid_of(ad, dn(f"User{number}")) for number in range(7)]
    for user in users:
        directory.writer("memberships", "create")({"group": group, "user": user}, "m")
    assert [one["user"] for one in natives_of(directory, "memberships").values()] == users
    directory.writer("memberships", "delete")(json.dumps([group, users[5]]), "m")
    assert directory.find("memberships", {"group": group, "user": users[5]}, "m") is None
    assert directory.find("memberships", {"group": group, "user": users[6]}, "m") is not None


@pytest.mark.parametrize("after", ["again", "nothing"])
def test_ranges_that_do_not_end_are_no_list_of_members(
    ad: ActiveDirectory, directory: Ldap, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """Whoever comes after the first range would have left the group."""
    group = directory.create_group({"cn": ["Choir"]}, "m")["entryUUID"]
    for number in range(7):
        directory.writer("memberships", "create")({"group": group, "user": guid_of(ad, dn(f"User{number}"))}, "m")
    real = ldap_ad._ranged

    def broken(entry: ldap_ad.Entry, wanted: list[str]) -> ldap_ad.Entry:
        asked_on = any(";range=" in one for one in wanted)
        return real(entry, [one.partition(";")[0] for one in wanted] if after == "again" else wanted[asked_on:])

    monkeypatch.setattr(ldap_ad, "_ranged", broken)
    items: list[Any] = []
    with pytest.raises(IncompleteRead):
        items.extend(islice(directory.read("memberships"), 100))
    assert not any(isinstance(item, Complete) for item in items)


def test_what_comes_again_and_again_is_an_error_and_not_an_endless_read(ad: ActiveDirectory, directory: Ldap) -> None:
    """Changes, and pages: the directory names what follows, and gives the same again."""
    ad.turning = True
    with (
        running(ad) as host,
        closing(connect(host, syncrepl=False).read("people")) as items,
        pytest.raises(IncompleteRead, match="same page"),
    ):
        list(islice(items, 1_000))
    with pytest.raises(IncompleteRead, match="cookie came twice"):
        list(islice(directory.read("people"), 1_000))
