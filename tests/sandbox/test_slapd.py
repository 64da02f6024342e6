"""A real slapd with the company in it; changes and deletions can be followed by cookie (RFC 4533)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import supervisor
from sandbox.company import halbrueck
from sandbox.slapd import BASE, GROUPS, PEOPLE, Slapd
from tests.servers import running

ldap = pytest.importorskip("ldap", reason="python-ldap is not installed")
syncrepl = pytest.importorskip("ldap.syncrepl")

pytestmark = pytest.mark.server
company = halbrueck()


@pytest.fixture(scope="module")
def slapd(sandbox_home: Path) -> Iterator[Slapd]:
    with running(Slapd(sandbox_home / "slapd")) as system:
        yield system


def connect(slapd: Slapd, kind: Any = None) -> Any:
    directory = slapd.connections()["directory"]
    connection = (kind or ldap.ldapobject.SimpleLDAPObject)(directory["host"])
    connection.simple_bind_s(directory["login"], directory["password"])
    return connection


def people(slapd: Slapd, condition: str = "(objectClass=inetOrgPerson)") -> dict[str, dict[str, list[bytes]]]:
    return dict(connect(slapd).search_s(PEOPLE, ldap.SCOPE_ONELEVEL, condition, ["*", "memberOf"]))


def test_everyone_is_there_with_what_the_directory_knows_best(slapd: Slapd) -> None:
    found = people(slapd)
    assert len(found) == 60
    anna = found[f"uid=anna.mueller,{PEOPLE}"]
    assert anna["sn"] == ["Müller".encode()]
    assert anna["employeeNumber"] == [b"E0003"]
    assert anna["telephoneNumber"] == [b"+49 30 23125 003"]
    assert anna["mobile"] == [b"+49 171 3920003"]
    assert anna["manager"] == [f"uid=friederike.halbrueck,{PEOPLE}".encode()]
    assert anna["memberOf"] == [f"cn=ITS,{GROUPS}".encode()]


def test_twenty_have_a_photograph_of_their_own(slapd: Slapd) -> None:
    photos = [entry["jpegPhoto"][0] for entry in people(slapd, "(jpegPhoto=*)").values()]
    assert len(photos) == len(set(photos)) == 20
    assert all(photo.startswith(b"\xff\xd8\xff\xe0") and photo.endswith(b"\xff\xd9") for photo in photos)


def test_departments_are_groups(slapd: Slapd) -> None:
    groups = dict(connect(slapd).search_s(GROUPS, ldap.SCOPE_ONELEVEL))
    assert len(groups) == 8
    assert sum(len(group["member"]) for group in groups.values()) == 60


def test_nobody_reads_without_signing_in(slapd: Slapd) -> None:
    anonymous = ldap.initialize(slapd.connections()["directory"]["host"])
    with pytest.raises(ldap.NO_SUCH_OBJECT):
        anonymous.search_s(BASE, ldap.SCOPE_SUBTREE)


class Follower(syncrepl.SyncreplConsumer, ldap.ldapobject.SimpleLDAPObject):  # type: ignore[misc, name-defined]
    """Collects what one refresh brings."""

    def follow(self, cookie: str | None) -> str:
        self.cookie, self.seen, self.gone, self.alive = cookie, [], [], []
        search = self.syncrepl_search(PEOPLE, ldap.SCOPE_ONELEVEL, mode="refreshOnly", cookie=cookie)
        while self.syncrepl_poll(search, timeout=10):
            pass
        return str(self.cookie)

    def syncrepl_set_cookie(self, cookie: str) -> None:
        self.cookie = cookie

    def syncrepl_get_cookie(self) -> str | None:
        return self.cookie

    def syncrepl_entry(self, dn: str, attributes: dict[str, list[bytes]], uuid: str) -> None:
        self.seen.append((dn.split(",")[0], uuid))

    def syncrepl_delete(self, uuids: list[str]) -> None:
        self.gone.extend(uuids)

    def syncrepl_present(self, uuids: list[str] | None, refreshDeletes: bool = False) -> None:
        self.alive.extend(uuids or [])


def test_a_cookie_brings_changes_and_deletions(slapd: Slapd) -> None:
    writer, follower = connect(slapd), connect(slapd, Follower)
    entry = {"objectClass": b"inetOrgPerson", "cn": b"Temp", "sn": b"Temp"}
    writer.add_s(f"uid=temp,{PEOPLE}", [(name, [value]) for name, value in entry.items()])
    cookie = follower.follow(None)
    uuid = dict(follower.seen)["uid=temp"]
    assert len(follower.seen) == 61
    cookie = follower.follow(cookie)
    assert (follower.seen, follower.gone, follower.alive) == ([], [], [])
    writer.delete_s(f"uid=temp,{PEOPLE}")
    writer.modify_s(f"uid=uwe.tietjen,{PEOPLE}", [(ldap.MOD_REPLACE, "title", [b"Driver"])])
    follower.follow(cookie)
    assert [name for name, _ in follower.seen] == ["uid=uwe.tietjen"]
    assert follower.gone == [uuid]


def test_seeding_again_and_after_an_interruption_adds_nothing(slapd: Slapd) -> None:
    slapd.seed(company)
    (slapd.home / "seed.done").unlink()
    slapd.seed(company)
    assert len(people(slapd)) == 60


def test_it_comes_back_with_all_it_had_and_leaves_no_process(slapd: Slapd) -> None:
    pid, _ = slapd._process()._recorded()
    servers = supervisor.descendants(pid)
    assert servers
    slapd.stop()
    assert slapd.health().state == "down"
    assert not [each for each in (pid, *servers) if supervisor.started(each)]
    slapd.start()
    assert slapd.health().state == "up"
    assert len(people(slapd)) == 60


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: it runs as ourselves")
def test_it_does_not_run_as_root(slapd: Slapd) -> None:
    pid, _ = slapd._process()._recorded()
    assert [Path(f"/proc/{each}").stat().st_uid for each in supervisor.descendants(pid)] == [65534]
