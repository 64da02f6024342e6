"""The LDAP connector without a network: natives, recorded answers, the connection."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from connectors.ldap import natives
from connectors.ldap.connector import Ldap
from landbridge.connector import Checkpoint, Complete, Connection, Gone, Record, registry
from landbridge.directory.session import Entry
from landbridge.errors import AuthError, ConfigError, ExpiredCursor, RecordError, ScopeError
from landbridge.errors import TransientError as Transient
from landbridge.mapping import load_mapping
from landbridge.model import validate
from tests.connectors.ldap_wire import RECORDINGS, replayed

ROOT = Path(__file__).parents[2]
A, B = "ae604ed2-7a41-1041-881f-815180ac78be", "ae6050ee-7a41-1041-8820-815180ac78be"
COOKIE = "rid=000,csn=20260101000000.000000Z#000000#000#000000"
EXTRA = {"base": "dc=example"}


def connection(host: str = "ldap://127.0.0.1:389", password: str | None = "pssst", **extra: Any) -> Connection:
    return Connection("directory", "landbridge_ldap", host, "cn=us,dc=example", password, extra=EXTRA | extra)


# --- natives ---------------------------------------------------------------------------------------------------------


def entry(**attributes: list[bytes]) -> Entry:
    return Entry(A, "uid=anna,dc=example", attributes)


def nobody(dn: str) -> str | None:
    return None


def test_values_are_sorted_texts_and_attributes_have_no_case() -> None:
    found = natives.texts(
        entry(MAIL=[b"z@example.org", "ä@example.org".encode()], uid=[b"anna"]), ("mail", "uid", "sn")
    )
    assert found == {
        "entryUUID": A,
        "dn": "uid=anna,dc=example",
        "mail": ["z@example.org", "ä@example.org"],
        "uid": ["anna"],
    }


def test_what_is_no_text_is_one_bad_record_that_does_not_name_the_value() -> None:
    with pytest.raises(RecordError, match="attribute cn holds no text") as caught:
        natives.texts(entry(cn=[b"Anna \xff"]), ("cn",))
    assert "Anna" not in str(caught.value)


@pytest.mark.parametrize(("data", "form"), [(b"\xff\xd8\xff\xe0.", "jpeg"), (b"\x89PNG\r\n\x1a\n.", "png")])
def test_a_photo_is_described_by_its_bytes(data: bytes, form: str) -> None:
    found = natives.photo(entry(jpegphoto=[data, b"\xff\xff later"]))
    assert found is not None
    assert (found["media_type"], found["size"], found["url"]) == (f"image/{form}", len(data), f"people/{A}#jpegPhoto")


@pytest.mark.parametrize("values", [[], [b""], [b"no picture"]])
def test_no_photo_is_null(values: list[bytes]) -> None:
    assert natives.person(entry(jpegPhoto=values), ("uid",), nobody, photos=True)["jpegPhoto"] is None


def test_photos_that_are_not_read_are_absent() -> None:
    assert "jpegPhoto" not in natives.person(entry(), ("uid",), nobody, photos=False)


def test_a_manager_who_is_not_there_is_null() -> None:
    found = natives.person(entry(manager=[b"uid=gone,dc=example"]), ("manager",), nobody, photos=False)
    assert found["manager"] == {"dn": "uid=gone,dc=example", "entryUUID": None}


@pytest.mark.parametrize("stream", ["people", "groups", "memberships"])
def test_mapping_examples(stream: str) -> None:
    assert load_mapping(ROOT / "mappings" / "ldap" / f"{stream}.yaml").run_examples() == []


# --- what slapd has answered ------------------------------------------------------------------------------------------


@pytest.fixture
def recorded(request: pytest.FixtureRequest) -> Iterator[Ldap]:
    """A directory that answers from the recording of this name."""
    with replayed(json.loads(RECORDINGS.read_text())[request.param]) as host:
        yield Ldap(Ldap.Config.of(connection(host, syncrepl=request.param != "paged")))


def since(directory: Ldap) -> dict[str, str]:
    return {"cookie": COOKIE, "search": directory._mark(directory.search(directory.people))}


@pytest.mark.parametrize("recorded", ["full", "paged"], indirect=True)
def test_a_recorded_read(recorded: Ldap) -> None:
    *items, last = recorded.read("people")
    assert isinstance(last, Complete)
    found = {item.native["uid"][0]: item.native for item in items if isinstance(item, Record)}
    assert set(found) == {"anna.mueller", "uwe.tietjen", "temp"}
    assert found["temp"]["title"] == ["Köchin"]
    assert found["anna.mueller"]["manager"]["entryUUID"] != found["anna.mueller"]["entryUUID"]
    mapping = load_mapping(ROOT / "mappings" / "ldap" / "people.yaml")
    claims = [validate("person", mapping.into(native).claim) for native in found.values()]
    assert [claim["name.family"] for claim in claims if claim.get("manager")] == ["Müller", "Tietjen"]


@pytest.mark.parametrize("recorded", ["changes"], indirect=True)
def test_recorded_changes(recorded: Ldap) -> None:
    record, gone, checkpoint = recorded.read("people", since(recorded))
    assert isinstance(record, Record)
    assert isinstance(gone, Gone)
    assert isinstance(checkpoint, Checkpoint)
    assert record.native["uid"] == ["anna.mueller"]
    assert checkpoint.cursor.keys() == {"cookie", "search"}


@pytest.mark.parametrize(
    ("recorded", "error"),
    [("present", ExpiredCursor), ("stale", ExpiredCursor), ("refused", AuthError), ("forbidden", ScopeError),
     ("cut short", ScopeError)],
    indirect=["recorded"],
)  # fmt: skip
def test_recorded_refusals(recorded: Ldap, error: type[Exception]) -> None:
    said: list[Any] = []
    with pytest.raises(error):
        said.extend(recorded.read("people", since(recorded)))
    assert not any(isinstance(item, Complete | Checkpoint) for item in said)


@pytest.mark.parametrize("message", ["1", "2"])
def test_an_answer_that_stops_in_the_middle_is_not_waited_for_for_ever(message: str) -> None:
    recording = json.loads(RECORDINGS.read_text())["full"]
    recording[0] |= {message: "30030201"}
    with replayed(recording) as host, pytest.raises(Transient, match="TIMEOUT"):
        list(Ldap(Ldap.Config.of(connection(host, timeout=0.2))).read("people"))


# --- the installation -------------------------------------------------------------------------------------------------


def test_without_python_ldap_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("connectors.ldap", "landbridge.directory"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ldap", None)
    entry_point = EntryPoint("ldap", "connectors.ldap.connector:Ldap", registry.GROUP)
    monkeypatch.setattr(registry, "_found", lambda: {"ldap": entry_point})
    with pytest.raises(ConfigError, match=r"python3-dev libldap-dev libsasl2-dev.*landbridge\[ldap\]"):
        registry.connector_class("ldap")
    monkeypatch.undo()
    assert importlib.import_module("connectors.ldap.connector").Ldap is Ldap


# --- the connection --------------------------------------------------------------------------------------------------


def test_config_refuses_unknown_keys() -> None:
    with pytest.raises(ConfigError, match="basis") as caught:
        Ldap.Config.of(connection(basis="dc=example"))
    assert "pssst" not in str(caught.value)


@pytest.mark.parametrize("password", [None, ""])
def test_no_password_would_be_an_anonymous_bind(password: str | None) -> None:
    with pytest.raises(ConfigError, match="password"):
        Ldap.Config.of(connection(password=password))


@pytest.mark.parametrize("host", ["ldap://directory.example", "ldap://10.0.0.1:389", "ldap://127.0.0.1.example"])
def test_no_password_in_the_open(host: str) -> None:
    with pytest.raises(ConfigError, match=r"allow_plaintext: .*unencrypted"):
        Ldap.Config.of(connection(host))
    assert Ldap.Config.of(connection(host, allow_plaintext=True)).host == host
    assert Ldap.Config.of(connection(host, start_tls=True)).server.encrypted


@pytest.mark.parametrize(
    "host", ["ldap://localhost", "ldap://[::1]", "ldap://127.0.0.1:20001", "ldap://[::1]:389", "ldaps://d.example"]
)
def test_loopback_and_ldaps_are_allowed(host: str) -> None:
    assert Ldap.Config.of(connection(host)).host == host


@pytest.mark.parametrize(
    "host",
    [
        "directory.example",
        "https://directory.example",
        "ldap://",
        "ldap://a/dc=x",
        "ldap://a:ldap",
        "ldap://a ldap://b",
    ],
)
def test_addresses_that_are_none(host: str) -> None:
    with pytest.raises(ConfigError, match="host"):
        Ldap.Config.of(connection(host))


def test_encrypted_twice_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"start_tls: ldaps:// is encrypted from the start"):
        Ldap.Config.of(connection("ldaps://d.example", start_tls=True))


def test_groups_need_a_place() -> None:
    with pytest.raises(ConfigError, match="Add the field groups"):
        list(Ldap(Ldap.Config.of(connection())).read("groups"))


@pytest.mark.parametrize(
    ("host", "extra"),
    [("ldap://127.0.0.1:1", {}), ("ldap://127.0.0.1:1", {"start_tls": True}), ("ldap://a..b", {"start_tls": True})],
)
def test_nothing_listens(host: str, extra: dict[str, bool]) -> None:
    """An outage is an error, never an empty directory, and says nothing of the account."""
    down = Ldap(Ldap.Config.of(connection(host, **extra)))
    for call in (lambda: list(down.read("people")), down.check, lambda: down.open(f"people/{A}#jpegPhoto")):
        with pytest.raises(Transient, match="Check host and port") as caught:
            call()
        assert "cn=us" not in str(caught.value)
        assert "pssst" not in repr(caught.value)


def test_another_way_of_reading_needs_a_full_read() -> None:
    for cursor in ({"cookie": COOKIE, "search": "other"}, {"since": "yesterday"}, "x"):
        with pytest.raises(ExpiredCursor, match="another way"):
            list(Ldap(Ldap.Config.of(connection())).read("people", cursor))


@pytest.mark.parametrize(
    "locator", ["", "people/x#jpegPhoto", f"people/{A}#userPassword", f"people/{A})(uid=*#jpegPhoto"]
)
def test_only_photographs_can_be_opened(locator: str) -> None:
    with pytest.raises(RecordError, match="no address of a photograph"):
        Ldap(Ldap.Config.of(connection())).open(locator)
