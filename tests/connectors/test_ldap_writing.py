"""Writing into a real slapd: people, groups and members, looked at by somebody who works in the directory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import ldap
import pytest

from connectors.ldap.connector import Ldap
from connectors.ldap.writing import MAX_PHOTO
from landbridge.connector import Complete, Finds, HasFiles
from landbridge.errors import ConfigError, NotFound, RecordError, ScopeError, TransientError
from sandbox.company import halbrueck
from sandbox.photos import portrait
from sandbox.slapd import BASE, GROUPS, PEOPLE, SERVICE, Slapd, person_dn
from tests.connectors.ldap_desk import connector
from tests.connectors.ldap_wire import recorded
from tests.connectors.reading import cursor_of, gone_of, natives_of
from tests.servers import brought_up

pytestmark = pytest.mark.server

COMPANY = halbrueck()
ANNA, UWE = COMPANY.people[0], COMPANY.people[1]
MARKER = "lb0"
NEW: dict[str, Any] = {
    "uid": ["łucja+o,neill"], "employeeNumber": ["E0099"], "givenName": ["Łucja"], "sn": ["O'Neill-Groß"],
    "displayName": ["Łucja O'Neill-Groß"], "mail": ["lucja@halbrueck.example"], "mobile": [None], "title": ["Buyer"],
}  # fmt: skip


@pytest.fixture(scope="module")
def slapd() -> Iterator[Slapd]:
    with brought_up(Slapd) as system:
        yield system


@pytest.fixture
def directory(slapd: Slapd) -> Iterator[Ldap]:
    found = connector(slapd, disabled_by="employeeType=former")
    yield found
    for key in natives_of(found, "people").keys() - {key_of(slapd, person_dn(person)) for person in COMPANY.people}:
        found.writer("people", "delete")(key, MARKER)


def desk(slapd: Slapd) -> Any:
    data = slapd.connections()["directory"]
    found = ldap.initialize(data["host"])
    found.simple_bind_s(SERVICE, data["password"])
    return found


def entry(slapd: Slapd, dn: str) -> dict[str, list[bytes]]:
    [(_, found)] = desk(slapd).search_s(dn, ldap.SCOPE_BASE, attrlist=["*", "entryUUID"])
    return dict(found)


def key_of(slapd: Slapd, dn: str) -> str:
    return entry(slapd, dn)["entryUUID"][0].decode()


def test_what_the_class_can_do() -> None:
    assert all(Ldap.can_write("people", op) for op in ("create", "update", "disable", "enable", "delete"))
    assert all(Ldap.can_write("groups", op) for op in ("create", "update", "delete"))
    assert all(Ldap.can_write("memberships", op) for op in ("create", "delete"))
    assert issubclass(Ldap, Finds)
    assert issubclass(Ldap, HasFiles)


def test_a_colleague_comes_and_what_was_written_is_no_news(slapd: Slapd, directory: Ldap) -> None:
    manager = key_of(slapd, person_dn(ANNA))
    created = directory.create_person(NEW | {"manager": {"entryUUID": manager}}, MARKER)
    found = entry(slapd, created["dn"])
    assert (found["cn"], found["sn"]) == (["Łucja O'Neill-Groß".encode()], ["O'Neill-Groß".encode()])
    assert found["manager"] == [person_dn(ANNA).encode()]
    assert "mobile" not in found
    assert created["active"] is True
    assert natives_of(directory, "people")[created["entryUUID"]] == created


def test_a_change_of_several_attributes_and_of_the_name(slapd: Slapd, directory: Ldap) -> None:
    created = directory.create_person(NEW, MARKER)
    key, cursor = created["entryUUID"], cursor_of(directory, "people")
    changes = {"uid": ["lucja"], "title": [None], "mail": ["b@halbrueck.example", "a@halbrueck.example"],
               "manager": {"entryUUID": key_of(slapd, person_dn(UWE))}}  # fmt: skip
    changed = directory.writer("people", "update")(key, changes, MARKER)
    assert changed["dn"] == f"uid=lucja,{PEOPLE}"
    assert (changed["entryUUID"], changed["uid"], "title" in changed) == (key, ["lucja"], False)
    assert changed["mail"] == ["a@halbrueck.example", "b@halbrueck.example"]
    assert natives_of(directory, "people", cursor) == {key: changed}
    assert directory.writer("people", "update")(key, {"manager": {"entryUUID": None}, "uid": ["lucja"]}, MARKER)[
        "uid"
    ] == ["lucja"]
    assert "manager" not in entry(slapd, changed["dn"])


def test_a_leaver_is_disabled_comes_back_and_goes_for_good(slapd: Slapd, directory: Ldap) -> None:
    key = directory.create_person(NEW, MARKER)["entryUUID"]
    for _ in range(2):
        assert directory.disable_person(key, MARKER)["active"] is False
    assert natives_of(directory, "people")[key]["active"] is False
    for _ in range(2):
        assert directory.enable_person(key, MARKER)["active"] is True
    cursor = cursor_of(directory, "people")
    for _ in range(2):
        directory.writer("people", "delete")(key, MARKER)
    assert gone_of(directory, "people", cursor) == [key]
    with pytest.raises(NotFound):
        directory.disable_person(key, MARKER)


def test_nobody_is_disabled_by_guess(slapd: Slapd) -> None:
    plain = connector(slapd)
    assert not any("active" in native for native in natives_of(plain, "people").values())
    with pytest.raises(ConfigError, match="Add disabled_by"):
        plain.disable_person(key_of(slapd, person_dn(ANNA)), MARKER)


def test_a_photograph_is_written_and_removed(slapd: Slapd, directory: Ldap) -> None:
    picture = portrait("lucja")
    directory.open_file = lambda attachment: iter([picture[:100], picture[100:]])
    photo = {"name": "x.jpg", "url": "chat:7", "media_type": "image/jpeg", "size": len(picture)}
    created = directory.create_person(NEW | {"jpegPhoto": photo}, MARKER)
    assert created["jpegPhoto"]["sha256"] == hashlib.sha256(picture).hexdigest()
    assert b"".join(directory.open(created["jpegPhoto"]["url"])) == picture
    key = created["entryUUID"]
    assert directory.writer("people", "update")(key, {"jpegPhoto": None}, MARKER)["jpegPhoto"] is None
    directory.open_file = lambda attachment: iter([bytes(MAX_PHOTO), b"."])
    with pytest.raises(RecordError, match="at most 1 MB"):
        directory.writer("people", "update")(key, {"jpegPhoto": photo}, MARKER)


def test_an_uncertain_attempt_is_found_and_a_taken_name_is_not_taken_over(slapd: Slapd, directory: Ldap) -> None:
    assert directory.find("people", NEW, MARKER) is None
    created = directory.create_person(NEW, MARKER)
    assert directory.find("people", NEW, MARKER) == created
    assert directory.create_person(NEW, MARKER) == created
    other = NEW | {"employeeNumber": ["E0100"], "mail": ["another@halbrueck.example"]}
    assert directory.find("people", other, MARKER) is None
    with pytest.raises(RecordError, match="Another entry of people has this uid") as caught:
        directory.create_person(other, MARKER)
    assert "neill" not in str(caught.value)


def test_what_the_directory_does_not_take_is_one_record_set_aside(slapd: Slapd, directory: Ldap) -> None:
    key = directory.create_person(NEW, MARKER)["entryUUID"]
    for changes in ({"sn": [None]}, {"nonsense": ["x"]}, {"title": ["x", "x"]}):
        with pytest.raises(RecordError, match="Changing one of people failed"):
            directory.writer("people", "update")(key, changes, MARKER)
    with pytest.raises(RecordError, match="needs uid"):
        directory.create_person({"sn": ["x"]}, MARKER)
    with pytest.raises(ScopeError):
        connector(slapd, people=f"ou=services,{BASE}").create_person(NEW, MARKER)


def test_an_answer_that_does_not_come_leaves_it_open_whether_it_was_written(slapd: Slapd) -> None:
    """The server takes the entry, and its answer is lost on the way."""
    port = slapd.facts()["port"]
    with recorded(port, lose="3") as (host, _):
        lost = connector(slapd, host=host, timeout=0.3)
        with pytest.raises(TransientError) as caught:
            lost.create_group({"cn": ["Lost"], "description": ["x"]}, MARKER)
    assert caught.value.uncertain
    directory = connector(slapd)
    found = directory.find("groups", {"cn": ["Lost"]}, MARKER)
    assert found is not None
    directory.writer("groups", "delete")(found["entryUUID"], MARKER)


def test_groups_and_who_is_in_them(slapd: Slapd, directory: Ldap) -> None:
    before = natives_of(directory, "memberships")
    assert len(before) == len(COMPANY.people)
    group = directory.create_group({"cn": ["Chor"], "description": [None]}, MARKER)
    key, user = group["entryUUID"], key_of(slapd, person_dn(ANNA))
    member = {"group": key, "user": user}
    assert natives_of(directory, "memberships") == before
    assert directory.find("memberships", member, MARKER) is None
    for _ in range(2):
        assert directory.writer("memberships", "create")(member, MARKER) == member
    assert directory.find("memberships", member, MARKER) == member
    assert member in natives_of(directory, "memberships").values()
    renamed = directory.writer("groups", "update")(key, {"cn": ["Choir"], "description": ["sings"]}, MARKER)
    assert (renamed["dn"], renamed["description"]) == (f"cn=Choir,{GROUPS}", ["sings"])
    for _ in range(2):
        directory.writer("memberships", "delete")(json.dumps([key, user]), MARKER)
    assert natives_of(directory, "memberships") == before
    directory.writer("groups", "delete")(key, MARKER)
    assert directory.find("memberships", member, MARKER) is None


def test_the_last_member_of_a_group_may_leave(slapd: Slapd, directory: Ldap) -> None:
    key = directory.create_group({"cn": ["Chor"]}, MARKER)["entryUUID"]
    user, dn = key_of(slapd, person_dn(ANNA)), f"cn=Chor,{GROUPS}"
    directory.writer("memberships", "create")({"group": key, "user": user}, MARKER)
    desk(slapd).modify_s(dn, [(ldap.MOD_DELETE, "member", [SERVICE.encode()])])
    directory.writer("memberships", "delete")(json.dumps([key, user]), MARKER)
    assert entry(slapd, dn)["member"] == [SERVICE.encode()]
    directory.writer("groups", "delete")(key, MARKER)


def test_members_of_a_large_group_and_of_one_with_groups_in_it(slapd: Slapd, directory: Ldap) -> None:
    everyone = [person_dn(person).encode() for person in COMPANY.people]
    members = [*everyone, f"cn=ITS,{GROUPS}".encode(), f"uid=gone,{PEOPLE}".encode()]
    dn = f"cn=All\\, (really) *,{GROUPS}"
    desk(slapd).add_s(
        dn, [("objectClass", [b"groupOfUniqueNames"]), ("cn", [b"All, (really) *"]), ("uniqueMember", members)]
    )
    key = key_of(slapd, dn)
    found = [one["user"] for one in natives_of(directory, "memberships").values() if one["group"] == key]
    assert len(found) == len(set(found)) == len(COMPANY.people)
    assert isinstance(list(directory.read("memberships"))[-1], Complete)
    directory.writer("memberships", "delete")(json.dumps([key, found[0]]), MARKER)
    assert directory.find("memberships", {"group": key, "user": found[0]}, MARKER) is None
    directory.writer("groups", "delete")(key, MARKER)


@pytest.mark.parametrize("key", ["5b1c8a1e-0000-103c-8000-000000000000", "[1]", "7"])
def test_a_membership_of_another_kind_of_key_is_refused(directory: Ldap, key: str) -> None:
    with pytest.raises(RecordError, match="a list of a place and a person"):
        directory.writer("memberships", "delete")(key, "marker")
