"""The LDAP connector against a real slapd, seeded with the whole company."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ldap
import pytest
import yaml

from connectors.ldap.connector import Ldap
from landbridge.connector import Checkpoint, Complete, Failure, Record
from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    LandbridgeError,
    NotFound,
    ScopeError,
    TransientError,
)
from landbridge.http import LocalThrottle
from landbridge.mapping import load_mapping
from landbridge.model import validate
from landbridge.store import runs
from landbridge.store.hub import Hub
from landbridge.store.tables import record
from landbridge.sync import load_company, open_bridge
from landbridge.sync.read import read
from sandbox.company import halbrueck
from sandbox.photos import portrait
from sandbox.processes import free_port
from sandbox.slapd import BASE, GROUPS, PEOPLE, SERVICE, Slapd, person_dn
from tests.connectors.ldap_desk import (
    Desk,
    Strict,
    WithoutSyncprov,
    connector,
    cursor_of,
    dn,
    gone,
    natives,
    now,
)
from tests.connectors.ldap_wire import RECORDINGS, Recording, recorded, replayed
from tests.servers import brought_up

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
COMPANY = halbrueck()
Make = Callable[..., Ldap]


@pytest.fixture(scope="session")
def slapd() -> Iterator[Slapd]:
    with brought_up(Slapd) as system:
        yield system


@pytest.fixture(scope="session")
def strict() -> Iterator[Slapd]:
    with brought_up(Strict) as system:
        yield system


@pytest.fixture
def desk(slapd: Slapd) -> Iterator[Desk]:
    """What it adds below the people is removed after the test."""
    known = {person_dn(person) for person in COMPANY.people}
    desk = Desk(slapd)
    yield desk
    desk = Desk(slapd)  # a test may have restarted the server
    for name, _ in desk.ldap.search_s(BASE, ldap.SCOPE_SUBTREE, "(objectClass=inetOrgPerson)", ["uid"]):
        if name not in known:
            desk.delete(name)


# --- in full ---------------------------------------------------------------------------------------------------------


def test_the_account(slapd: Slapd) -> None:
    found = connector(slapd).check()
    assert (found.name, found.missing) == (SERVICE, ())
    assert "people: read by syncrepl. None of the first 60 shows preferredLanguage." in found.detail
    assert "groups: read by syncrepl." in found.detail


def test_everyone_with_all_that_the_directory_knows(slapd: Slapd) -> None:
    *items, last = connector(slapd).read("people")
    assert isinstance(last, Complete)
    assert isinstance(items[-1], Checkpoint)
    mapping = load_mapping(ROOT / "mappings" / "ldap" / "people.yaml")
    found = {key: validate("person", mapping.into(native).claim) for key, native in natives(items).items()}
    by_number = {claim["employee_number"]: (key, claim) for key, claim in found.items()}
    assert len(by_number) == 60
    for person in COMPANY.people:
        _, claim = by_number[person.number]
        assert claim["user_name"] == person.user_name
        assert claim["emails"] == [{"value": person.email, "primary": True}]
        assert claim["phones"] == [{"value": person.phone, "type": "work"}, {"value": person.mobile, "type": "mobile"}]
        assert (claim["name.given"], claim["name.family"]) == (person.given, person.family)
        manager = claim.get("manager")
        assert manager == (person.manager and {"stream": "people", "key": by_number[person.manager][0]})
    assert sum(claim["photo"] is not None for claim in found.values()) == 20


def test_groups(slapd: Slapd) -> None:
    *items, last = connector(slapd).read("groups")
    assert isinstance(last, Complete)
    mapping = load_mapping(ROOT / "mappings" / "ldap" / "groups.yaml")
    claims = [validate("group", mapping.into(native).claim) for native in natives(items).values()]
    assert {claim["code"]: claim["description"] for claim in claims} == {d.code: d.name for d in COMPANY.departments}


def test_a_photo_comes_whole_and_is_what_was_described(slapd: Slapd, desk: Desk) -> None:
    anna = COMPANY.people[0]
    directory = connector(slapd)
    photo = natives(list(directory.read("people")))[desk.key(person_dn(anna))]["jpegPhoto"]
    data = b"".join(directory.open(photo["url"]))
    assert data == portrait(anna.user_name)
    assert (photo["size"], photo["media_type"]) == (len(data), "image/jpeg")
    assert photo["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_large_photo_comes_in_pieces_and_a_missing_one_not_at_all(slapd: Slapd, desk: Desk) -> None:
    large = portrait("x") + bytes(150_000)
    key = desk.key(desk.add("large", jpegPhoto=large))
    pieces = list(connector(slapd).open(f"people/{key}#jpegPhoto"))
    assert len(pieces) == 3
    assert b"".join(pieces) == large
    desk.set(dn("large"), "jpegPhoto")
    for missing in (key, "00000000" + key[8:]):
        with pytest.raises(NotFound, match="not there"):
            connector(slapd).open(f"people/{missing}#jpegPhoto")


def test_one_bad_entry_stops_nobody(slapd: Slapd, desk: Desk) -> None:
    key = desk.key(desk.add("bad", audio=b"\xff\xfe"))
    items = list(connector(slapd, attributes=["audio"]).read("people"))
    [failure] = [item for item in items if isinstance(item, Failure)]
    assert (failure.key, str(failure.error)) == (key, "The attribute audio holds no text (UTF-8 was expected).")
    assert len(natives(items)) == 60
    assert isinstance(items[-1], Complete)


def test_photos_may_be_left_out(slapd: Slapd) -> None:
    assert not any(
        "jpegPhoto" in native for native in natives(list(connector(slapd, photos=False).read("people"))).values()
    )


# --- what changed ----------------------------------------------------------------------------------------------------


def test_nothing_new(slapd: Slapd) -> None:
    assert list(connector(slapd).read("people", now(slapd))) == []


def test_added_changed_renamed_deleted(slapd: Slapd, desk: Desk) -> None:
    keys = {uid: desk.key(desk.add(uid)) for uid in ("leaver", "mover", "bride")}
    cursor = now(slapd)
    keys["new"] = desk.key(desk.add("new", telephoneNumber=b"+49 30 1"))
    desk.set(dn("mover"), "telephoneNumber", b"+49 30 3", b"+49 30 2")
    desk.rename(dn("bride"), "łucja.o'neill-groß")
    desk.delete(dn("leaver"))
    items = list(connector(slapd).read("people", cursor))
    found = natives(items)
    assert set(found) == {keys["new"], keys["mover"], keys["bride"]}
    assert found[keys["mover"]]["telephoneNumber"] == ["+49 30 2", "+49 30 3"]
    assert found[keys["bride"]]["uid"] == ["łucja.o'neill-groß"]
    assert gone(items) == [keys["leaver"]]
    assert not any(isinstance(item, Complete) for item in items)
    assert list(connector(slapd).read("people", cursor_of(items))) == []


def test_what_is_read_again_has_not_changed(slapd: Slapd, desk: Desk) -> None:
    cursor = now(slapd)
    before = natives(list(connector(slapd).read("people")))
    desk.set(person_dn(COMPANY.people[3]), "description", b"nothing that is read")
    after = natives(list(connector(slapd).read("people", cursor)))
    assert len(after) == 1
    assert after.items() <= before.items()


def test_moved_out_of_the_people_is_gone_and_moved_back_is_there(slapd: Slapd, desk: Desk) -> None:
    name = desk.add("wanderer")
    key, cursor = desk.key(name), now(slapd)
    name = desk.rename(name, "wanderer", GROUPS)
    items = list(connector(slapd).read("people", cursor))
    assert (gone(items), natives(items)) == ([key], {})
    desk.rename(name, "wanderer")
    items = list(connector(slapd).read("people", cursor_of(items)))
    assert (gone(items), set(natives(items))) == ([], {key})


def test_a_restart_between_two_reads_loses_nothing(slapd: Slapd, desk: Desk) -> None:
    cursor = now(slapd)
    slapd.stop()
    with pytest.raises(TransientError):
        list(connector(slapd).read("people", cursor))
    slapd.start()
    assert list(connector(slapd).read("people", cursor)) == []
    desk = Desk(slapd)
    key = desk.key(desk.add("late"))
    assert set(natives(list(connector(slapd).read("people", cursor)))) == {key}


def test_a_lost_session_log_expires_the_cursor(slapd: Slapd, desk: Desk) -> None:
    """The server then says who is left; who has gone would have to be remembered here."""
    desk.add("leaver")
    cursor = now(slapd)
    desk.delete(dn("leaver"))
    slapd.stop()
    slapd.start()
    with pytest.raises(ExpiredCursor, match="not what was deleted"):
        list(connector(slapd).read("people", cursor))
    assert isinstance(list(connector(slapd).read("people"))[-1], Complete)


@pytest.mark.parametrize(
    "cookie",
    ["rid=000,csn=20010101000000.000000Z#000000#000#000000", "rid=000,csn=20990101000000.000000Z#000000#000#000000"],
)
def test_a_cookie_older_than_the_log_or_from_before_a_restore(slapd: Slapd, cookie: str) -> None:
    with pytest.raises(ExpiredCursor):
        list(connector(slapd).read("people", now(slapd) | {"cookie": cookie}))


def test_a_refresh_that_the_server_demands(strict: Slapd) -> None:
    cursor = {"cookie": "rid=000,csn=20010101000000.000000Z#000000#000#000000"}
    directory = connector(strict, people_filter="(uid=anna.mueller)")
    cursor |= {"search": directory._mark(directory.search(directory.people))}
    with pytest.raises(ExpiredCursor):
        list(directory.read("people", cursor))


def test_another_question_is_asked_in_full(slapd: Slapd) -> None:
    cursor = now(slapd)
    for changed in ({"attributes": ["o"]}, {"photos": False}, {"people": BASE}, {"syncrepl": False}):
        with pytest.raises(ExpiredCursor, match="another way"):
            list(connector(slapd, **changed).read("people", cursor))


def test_the_engine_finds_what_was_deleted_while_the_log_was_lost(slapd: Slapd, desk: Desk, tmp_path: Path) -> None:
    company = tmp_path / "company"
    (company / "config" / "flows").mkdir(parents=True)
    (company / "config" / "systems.yaml").write_text("systems: {directory: {connector: ldap}}\n")
    shutil.copytree(ROOT / "mappings" / "ldap", company / "mappings" / "ldap")
    names = {uid: desk.key(desk.add(uid)) for uid in ("leaver", "stayer")}
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    with open_bridge(load_company(company), lambda name: None, url) as bridge:  # type: ignore[arg-type,return-value]
        bridge._connectors["directory"] = connector(slapd)
        assert read(bridge, "directory", "people").counts["new"] == 62
        desk.delete(dn("leaver"))
        desk.set(dn("stayer"), "title", b"Cook")
        slapd.stop()
        with pytest.raises(TransientError):
            read(bridge, "directory", "people")
        slapd.start()
        report = read(bridge, "directory", "people")
        assert (report.counts["gone"], report.counts["changed"]) == (1, 1)
        assert report.warnings == ["The cursor had expired: read in full."]
        assert known(bridge.hub, names["leaver"]) is not None
        assert known(bridge.hub, names["stayer"]) is None
        assert not read(bridge, "directory", "people").moved


def known(hub: Hub, key: str) -> str | None:
    """Since when the record is gone."""
    with hub.begin() as conn:
        assert runs.cursor(conn, "directory", "people")
        return conn.execute(record.select().where(record.c.key == key)).one().gone_at  # type: ignore[no-any-return]


# --- without syncrepl ------------------------------------------------------------------------------------------------


class Counted(LocalThrottle):
    """Counts how often it was asked."""

    asked = 0

    def acquire(self, cost: float = 1.0) -> None:
        self.asked += 1


def test_pages(slapd: Slapd) -> None:
    directory = connector(slapd, syncrepl=False, page_size=7)
    directory.throttle = throttle = Counted()
    *items, last = directory.read("people")
    assert isinstance(last, Complete)
    assert not any(isinstance(item, Checkpoint) for item in items)
    assert natives(items) == natives(list(connector(slapd).read("people")))
    # Nine pages, the connection that reads them, and the one that looks managers up.
    assert throttle.asked == 11


def test_a_directory_that_offers_no_syncrepl() -> None:
    with brought_up(WithoutSyncprov) as system:
        directory = connector(system, page_size=25)
        assert "people: read in full each time, without syncrepl." in directory.check().detail
        *items, last = directory.read("people")
        assert len(natives(items)) == 60
        assert isinstance(last, Complete)
        assert not any(isinstance(item, Checkpoint) for item in items)
        cursor = {"cookie": "rid=000,csn=x", "search": directory._mark(directory.search(directory.people))}
        with pytest.raises(ExpiredCursor):
            list(directory.read("people", cursor))


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changed", [{"password": "wrong"}, {"login": f"cn=nobody,{BASE}"}])
def test_a_wrong_password_or_login(slapd: Slapd, changed: dict[str, str]) -> None:
    for call in (lambda: list(connector(slapd, **changed).read("people")), connector(slapd, **changed).check):
        with pytest.raises(AuthError, match=r"Signing in failed: Invalid credentials \(49\)") as caught:
            call()
        assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("syncrepl", [True, False])
@pytest.mark.parametrize("place", [f"ou=nowhere,{BASE}", "nonsense"])
def test_a_place_that_is_not_there(slapd: Slapd, place: str, syncrepl: bool) -> None:
    directory = connector(slapd, people=place, syncrepl=syncrepl)
    with pytest.raises(ScopeError, match="Reading people failed"):
        list(directory.read("people"))
    assert directory.check().missing == (f"people: read (objectClass=inetOrgPerson) below {place}",)


@pytest.mark.parametrize("syncrepl", [True, False])
def test_an_answer_cut_short_is_no_answer(strict: Slapd, syncrepl: bool) -> None:
    directory = connector(strict, syncrepl=syncrepl)
    items = []
    with pytest.raises(ScopeError, match="Lift the account's limits"):
        items.extend(directory.read("people"))
    assert not any(isinstance(item, Complete | Checkpoint) for item in items)
    assert directory.check().missing == ("people: searches without a limit of size",)


def test_nobody_in_sight_leaves_no_cursor(slapd: Slapd) -> None:
    directory = connector(slapd, people_filter="(uid=nobody)")
    assert list(directory.read("people")) == [Complete()]
    assert directory.check().missing == (f"people: read (uid=nobody) below {PEOPLE}",)


def test_a_filter_that_is_none(slapd: Slapd) -> None:
    with pytest.raises(ConfigError, match="Correct the filter"):
        list(connector(slapd, people_filter="(uid=").read("people"))


def test_the_server_goes_down_in_the_middle() -> None:
    with brought_up(Slapd) as system:
        items = connector(system, syncrepl=False, page_size=5).read("people")
        assert isinstance(next(items), Record)
        system.stop()
        with pytest.raises(TransientError):
            list(items)


def test_a_server_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", free_port(25000))) as silent:
        config = {"login": "cn=x", "password": "y", "base": BASE, "timeout": 0.2}
        directory = Ldap(Ldap.Config(host=f"ldap://127.0.0.1:{silent.getsockname()[1]}", **config))
        with pytest.raises(TransientError, match="Signing in failed"):
            list(directory.read("people"))


# --- recordings ------------------------------------------------------------------------------------------------------


def heard(directory: Ldap, cookie: str | None) -> list[Any]:
    """What a read says, without what depends on the address."""
    mark = directory._mark(directory.search(directory.people))
    try:
        items = list(directory.read("people", cookie and {"cookie": cookie, "search": mark}))
    except LandbridgeError as error:
        return [type(error), str(error)]
    return [item.cursor["cookie"] if isinstance(item, Checkpoint) else item for item in items]


def test_a_recording_says_what_the_server_said(slapd: Slapd, strict: Slapd, desk: Desk) -> None:
    recordings: dict[str, Recording] = {}

    def keep(name: str, cookie: str | None = None, system: Slapd = slapd, **changed: Any) -> None:
        changed = {"people_filter": "(|(uid=anna.mueller)(uid=uwe.tietjen)(uid=temp))"} | changed
        with recorded(system.facts()["port"]) as (host, recordings[name]):
            said = heard(connector(system, host=host, **changed), cookie)
        with replayed(recordings[name]) as host:
            assert heard(connector(system, host=host, **changed), cookie) == said

    desk.add("temp", title="Köchin".encode())
    keep("full")
    keep("paged", syncrepl=False, page_size=2)
    keep("refused", password="wrong")
    keep("forbidden", people=f"ou=nowhere,{BASE}")
    keep("cut short", system=strict, people_filter="(uid=*)", photos=False)
    keep("stale", "rid=000,csn=20010101000000.000000Z#000000#000#000000", strict)
    cookie = now(slapd)["cookie"]
    desk.delete(dn("temp"))
    desk.set(person_dn(COMPANY.people[2]), "title", b"Head of IT")
    keep("changes", cookie)
    slapd.stop()
    slapd.start()
    keep("present", cookie)
    if os.environ.get("LANDBRIDGE_RECORD"):
        RECORDINGS.write_text(json.dumps(recordings, indent=1) + "\n")


def test_the_tested_version() -> None:
    """`tried_against` in quality.yaml says the same."""
    quality = yaml.safe_load((ROOT / "connectors/ldap/quality.yaml").read_text())
    said = subprocess.run(["/usr/sbin/slapd", "-VV"], capture_output=True, text=True, check=False).stderr
    version = quality["tried_against"]["real server"].removeprefix("OpenLDAP ")
    assert f"slapd {version}" in said
