"""The BambooHR connector against the emulator, BambooHR's published contract, and a recorded report."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses

from connectors.bamboohr.connector import BambooHR
from connectors.bamboohr.natives import FIELDS
from landbridge.connector import Complete, Connection, Failure, HasFiles, Record
from landbridge.errors import AuthError, ConfigError, ExpiredCursor, NotFound, RateLimited, RecordError, ScopeError
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.company import halbrueck
from sandbox.emulators.bamboohr import PICTURE, BambooHREmulator
from sandbox.emulators.base import Reply, serving
from tests.connectors.reading import cursor_of, gone_of, natives_of
from tests.connectors.vendor import contract, exchanges, problems, recorded

MAPPINGS = Path(__file__).parents[2] / "mappings" / "bamboohr"
STREAMS = ("employees", "departments")
KEY = "0123456789abcdef-key"


@pytest.fixture
def emulator() -> BambooHREmulator:
    emulator = BambooHREmulator(token=KEY)
    emulator.seed(halbrueck())
    return emulator


@pytest.fixture
def hr(emulator: BambooHREmulator) -> Iterator[BambooHR]:
    with serving(emulator) as url:
        connector = BambooHR(BambooHR.Config.of(connection(url)))
        yield connector
        connector.close()


def connection(url: str, **extra: Any) -> Connection:
    return Connection("hr", "landbridge_bamboohr", url, password=KEY, extra=extra)


def test_what_the_class_can_do(hr: BambooHR) -> None:
    assert tuple(sorted(BambooHR.streams())) == tuple(sorted(STREAMS))
    assert [op for op in ("create", "update", "delete", "disable") if BambooHR.can_write("employees", op)] == ["update"]
    assert isinstance(hr, HasFiles)


@pytest.mark.parametrize("wrong", [{"leaveout": ["x"]}, {"future": "perhaps"}])
def test_a_wrong_connection_names_the_field_and_no_secret(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))) as caught:
        BambooHR.Config.of(connection("https://acme.bamboohr.com", **wrong))
    assert KEY not in str(caught.value)


def test_every_mapping_example_holds_both_ways() -> None:
    mappings = {stream: load_mapping(MAPPINGS / f"{stream}.yaml") for stream in STREAMS}
    assert [problem for mapping in mappings.values() for problem in mapping.run_examples()] == []
    assert mappings["employees"].writable == {"emails", "phones"}


def test_check_names_the_account_and_the_fields_it_lacks(emulator: BambooHREmulator, hr: BambooHR) -> None:
    account = hr.check()
    assert (account.name, account.missing) == (emulator.employees["1"]["displayName"], ())
    emulator.hidden = {"hireDate", "mobilePhone"}
    assert hr.check().missing == ("field mobilePhone", "field hireDate")
    emulator.script("/employees/0", Reply(b"", 404))
    assert hr.check().name == "a user who is no employee"
    emulator.token = "another"
    with pytest.raises(AuthError):
        hr.check()


@pytest.mark.parametrize("stream", STREAMS)
def test_the_company_becomes_valid_claims(hr: BambooHR, stream: str) -> None:
    mapping, found = load_mapping(MAPPINGS / f"{stream}.yaml"), natives_of(hr, stream)
    assert len(found) == len(halbrueck().people if stream == "employees" else halbrueck().departments)
    for native in found.values():
        assert validate(mapping.kind, mapping.into(native).claim)


def test_who_has_left_is_read_as_inactive(emulator: BambooHREmulator, hr: BambooHR) -> None:
    emulator.put("7", status="Inactive", terminationDate="2026-01-31")
    native = natives_of(hr, "employees")["7"]
    claim = load_mapping(MAPPINGS / "employees.yaml").into(native).claim
    assert (claim["active"], str(claim["employment.ends"])) == (False, "2026-01-31")


def test_a_full_read_is_one_request_and_complete(emulator: BambooHREmulator, hr: BambooHR) -> None:
    for number in range(1000, 2500):
        emulator.put(str(number), firstName="Anna", lastName=str(number))
    items = list(hr.read("employees"))
    assert len([item for item in items if isinstance(item, Record)]) == len(emulator.employees)
    assert isinstance(items[-1], Complete)
    assert len(emulator.seen) == 1


def test_only_what_changed_is_read_again(emulator: BambooHREmulator, hr: BambooHR) -> None:
    for one in emulator.changes.values():
        one["lastChanged"] = "2026-01-01T00:00:00+00:00"
    cursor = cursor_of(hr, "employees")
    emulator.put("5", jobTitle="Head of Ladders")
    emulator.remove("9")
    assert natives_of(hr, "employees", cursor).keys() == {"5"}
    assert gone_of(hr, "employees", cursor) == ["9"]
    later = cursor_of(hr, "employees", cursor)
    emulator.changes.clear()  # then BambooHR answers [] where it otherwise answers {…}
    assert natives_of(hr, "employees", later) == {}


def test_once_a_day_all_are_read_for_the_calendar(emulator: BambooHREmulator, hr: BambooHR) -> None:
    for one in emulator.changes.values():
        one["lastChanged"] = "2026-01-01T00:00:00+00:00"
    cursor = cursor_of(hr, "employees")
    emulator.employees["5"]["status"] = "Inactive"  # at midnight: nobody changed anything
    assert "5" not in natives_of(hr, "employees", cursor)
    assert natives_of(hr, "employees", cursor | {"day": "2026-01-01"})["5"]["status"] == "Inactive"


@pytest.mark.parametrize("cursor", [{}, {"since": "soon", "day": "2026-01-01"}, {"since": "2026-01-01T00:00:00Z"}, "x"])
def test_a_strange_cursor_is_expired(hr: BambooHR, cursor: Any) -> None:
    with pytest.raises(ExpiredCursor):
        list(hr.read("employees", cursor))


def test_a_hidden_field_is_an_error_and_not_an_empty_one(emulator: BambooHREmulator, hr: BambooHR) -> None:
    emulator.hidden = {"mobilePhone"}
    with pytest.raises(ScopeError, match="mobilePhone"):
        list(hr.read("employees"))
    without = BambooHR(BambooHR.Config.of(connection(hr.config.host, leave_out=["mobilePhone", "photoUploaded"])))
    native = natives_of(without, "employees")["3"]
    assert not {"mobilePhone", "photo"} & native.keys()
    assert "photo" not in load_mapping(MAPPINGS / "employees.yaml").into(native).claim
    without.close()


def test_one_bad_record_stops_nobody(emulator: BambooHREmulator, hr: BambooHR) -> None:
    fields = [{"id": field} for field in FIELDS]
    emulator.script("/reports/custom", Reply({"fields": fields, "employees": [{"firstName": "who?"}, {"id": "4"}]}))
    items = list(hr.read("employees"))
    assert [item.key for item in items if isinstance(item, Record)] == ["4"]
    assert len([item for item in items if isinstance(item, Failure)]) == 1


def test_what_it_gives_out_is_written_and_reads_the_same_later(emulator: BambooHREmulator, hr: BambooHR) -> None:
    written = hr.update_employee("5", {"workEmail": "käßner@halbrueck.example", "mobilePhone": None}, "marker-1")
    assert (written["workEmail"], written["mobilePhone"]) == ("käßner@halbrueck.example", None)
    assert natives_of(hr, "employees")["5"] == written
    with pytest.raises(NotFound):
        hr.update_employee("999", {"workPhone": "1"}, "marker-2")
    with pytest.raises(RecordError):
        hr.update_employee("5", {"workEmail": "no address"}, "marker-3")


def test_an_update_whose_answer_is_lost_is_made_once(emulator: BambooHREmulator, hr: BambooHR) -> None:
    emulator.lose("/employees/5")
    assert hr.update_employee("5", {"workPhone": "+49 30 23125 777"}, "marker-1")["workPhone"] == "+49 30 23125 777"
    assert emulator.employees["5"]["workPhone"] == "+49 30 23125 777"


def test_a_photograph_is_streamed(emulator: BambooHREmulator, hr: BambooHR) -> None:
    emulator.put("5", photoUploaded=True)
    photo = natives_of(hr, "employees")["5"]["photo"]
    assert b"".join(hr.open(photo["url"])) == PICTURE
    assert natives_of(hr, "employees")["6"]["photo"] is None
    with pytest.raises(NotFound):
        list(hr.open("6"))


def test_a_rate_limit_is_waited_for_or_handed_on(emulator: BambooHREmulator, hr: BambooHR) -> None:
    emulator.script("/meta/lists", Reply(b"", 503, {"Retry-After": "0"}))
    assert natives_of(hr, "departments")
    emulator.script("/meta/lists", Reply(b"", 429, {"Retry-After": "600"}))
    with pytest.raises(RateLimited) as caught:
        list(hr.read("departments"))
    assert caught.value.after == 600


def test_no_secret_and_no_person_in_any_log(
    emulator: BambooHREmulator, hr: BambooHR, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hr.check()
    list(hr.read("employees"))
    with pytest.raises(RecordError) as caught:
        hr.update_employee("5", {"workEmail": "Käßner"}, "marker-1")
    shown = caplog.text + str(caught.value) + repr(hr.config)
    assert not any(secret in shown for secret in (KEY, "Käßner", emulator.employees["5"]["lastName"]))


def test_what_is_asked_and_answered_is_what_bamboohr_publishes(emulator: BambooHREmulator, hr: BambooHR) -> None:
    described = contract("bamboohr/bamboohr-public.yaml")
    seen = exchanges(emulator)
    emulator.put("5", photoUploaded=True)
    hr.check()
    for stream in STREAMS:
        cursor = cursor_of(hr, stream)
        list(hr.read(stream, cursor))
    hr.update_employee("5", {"workPhone": "1"}, "m")
    list(hr.open("5"))
    # It says that every value is a text; recorded reports hold null, true and false.
    found = [problem for problem in problems(described, seen) if "response /employees/" not in problem]
    assert found == []
    assert len({(request.method, request.path) for request, _ in seen}) == 6


def test_a_recorded_report_becomes_valid_claims() -> None:
    path = "bamboohr/jupiterone-graph-bamboohr/exchanges.jsonl"
    report = next(one for one in recorded(path) if "reports/custom" in one["url"])
    connector = BambooHR(BambooHR.Config.of(connection("https://acme.bamboohr.com", leave_out=["supervisorEId"])))
    with responses.RequestsMock() as mock:
        mock.post(
            "https://acme.bamboohr.com/api/v1/reports/custom", body=report["body"], content_type="application/json"
        )
        found = natives_of(connector, "employees")
    connector.close()
    mapping = load_mapping(MAPPINGS / "employees.yaml")
    claims = [validate("person", mapping.into(native).claim) for native in found.values()]
    assert len(claims) == 103
    assert {claim["active"] for claim in claims} == {True, False}
    assert all(claim.get("employment.ends") for claim in claims if not claim["active"])
