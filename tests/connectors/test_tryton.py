"""The Tryton connector without a server: recorded answers replayed, and what a server rarely does on demand."""

from __future__ import annotations

import copy
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses

from connectors.tryton.connector import Tryton
from landbridge.connector import Checkpoint, Complete, Connection, Failure, FindsAlike, Record
from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    LandbridgeError,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.mapping import load_mapping
from landbridge.model import validate
from tests.connectors.reading import natives_of
from tests.connectors.tryton_replay import (
    BASE,
    CONNECTION,
    KEY,
    MAPPINGS,
    RECORDED,
    STREAMS,
    Server,
    case_with_ours,
    domain_of,
)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "PUT"):
            mock.add_callback(method, re.compile(f"{BASE}/.*"), callback=server)
        yield server


@pytest.fixture
def tryton(server: Server) -> Iterator[Tryton]:
    connector = Tryton(Tryton.Config.of(CONNECTION))
    yield connector
    connector.close()


def test_what_the_class_can_do() -> None:
    assert tuple(sorted(Tryton.streams())) == tuple(sorted(STREAMS))
    assert [op for op in ("create", "update", "delete") if Tryton.can_write("notes", op)] == [
        "create", "update", "delete",
    ]  # fmt: skip
    assert not any(Tryton.can_write(stream, "create") for stream in ("employees", "departments", "opportunities"))
    assert isinstance(Tryton(Tryton.Config.of(CONNECTION)), FindsAlike)


@pytest.mark.parametrize("wrong", [{"databse": "erp"}, {"database": "a/b"}, {"application_key": None}])
def test_a_wrong_connection_names_the_field_and_no_secret(wrong: dict[str, Any]) -> None:
    extra = {**CONNECTION.extra, **wrong}
    with pytest.raises(ConfigError, match=next(iter(wrong))) as caught:
        Tryton.Config.of(Connection("crm", "landbridge_tryton", "http://tryton.example", extra=extra))
    assert KEY not in str(caught.value)


def test_every_mapping_example_holds_both_ways() -> None:
    mappings = {stream: load_mapping(MAPPINGS / f"{stream}.yaml") for stream in STREAMS}
    assert [problem for mapping in mappings.values() for problem in mapping.run_examples()] == []
    assert mappings["notes"].writable == {"space", "body"}


@pytest.mark.parametrize("stream", STREAMS)
def test_recorded_rows_become_valid_claims(server: Server, tryton: Tryton, stream: str) -> None:
    mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
    read = natives_of(tryton, stream)
    assert read
    for native in read.values():
        assert "__class__" not in json.dumps(native)
        assert validate(mapping.kind, mapping.into(native).claim)


def test_an_employee_is_complete(server: Server, tryton: Tryton) -> None:
    native = natives_of(tryton, "employees")["3"]
    assert native["user_name"] == "anna.mueller"
    assert (native["start_date"], native["end_date"], native["active"]) == ("2014-03-01", None, True)
    assert (native["party"]["code"], native["department"]["id"], native["supervisor"]["id"]) == ("E0003", 2, 1)
    server.rows["GET company.employee"][0]["party"]["email"] = None
    assert natives_of(tryton, "employees")["1"]["user_name"] is None


def test_an_opportunity_names_its_customer_and_is_linked_where_there_is_a_web_client(server: Server) -> None:
    server.rows["GET sale.opportunity"][0]["comment"] = "Zwei Lose."
    extra = {**CONNECTION.extra, "web_client": "https://erp.example/"}
    connector = Tryton(Tryton.Config.of(Connection("crm", "", "http://tryton.example", extra=extra)))
    native = natives_of(connector, "opportunities")["1"]
    connector.close()
    assert native["about"] == "Hansa Dachbau GmbH\n\nZwei Lose."
    assert native["url"] == "https://erp.example/#erp/model/sale.opportunity/1"
    # What moves without a visible change would make every reading look like news.
    assert not {"create_date", "write_date"} & (native.keys() | native["party"].keys() | native["employee"].keys())


def test_who_wrote_a_note(server: Server, tryton: Tryton) -> None:
    notes = server.rows["GET sale.opportunity"][0]["notes"]
    ours, contractor = copy.deepcopy(notes[0]), copy.deepcopy(notes[0])
    ours |= {"id": 90, "create_uid": RECORDED["POST ir.note"]["create_uid"]}
    contractor |= {"id": 91, "create_uid": {"id": 44, "login": "c.jones", "name": "Cher Jones", "employee": None}}
    notes += [ours, contractor]
    read = natives_of(tryton, "notes")
    assert (read["1"]["create_uid"]["employee"]["id"], read["1"]["guest"]) == (17, None)
    assert (read["90"]["create_uid"]["employee"], read["90"]["guest"]) == (None, None)
    assert read["91"]["guest"] == "Cher Jones"
    assert {read[key]["opportunity"] for key in ("1", "90", "91")} == {1}


def test_all_pages_are_read_also_where_records_are_deleted_meanwhile(server: Server, tryton: Tryton) -> None:
    row = server.rows["GET company.employee"][0]
    server.rows["GET company.employee"] = everyone = [{**row, "id": number} for number in range(1, 251)]
    keys = []
    for item in tryton.read("employees"):
        if isinstance(item, Record):
            keys.append(item.key)
            if item.key == "100":
                del everyone[:50]  # by offset, the next page would begin 50 records too late
    assert keys == [str(number) for number in range(1, 251)]
    assert isinstance(item, Complete)
    assert len(server.seen) == 4


def test_reading_on_asks_for_what_moved_with_an_overlap(server: Server, tryton: Tryton) -> None:
    *_, checkpoint, complete = tryton.read("opportunities")
    assert isinstance(checkpoint, Checkpoint)
    assert isinstance(complete, Complete)
    items = list(tryton.read("opportunities", {"since": "2026-11-21T21:05:00.000000Z"}))
    assert not any(isinstance(item, Complete) for item in items)
    ((word, *clauses),) = domain_of(server.seen[2])
    assert word == "OR"
    assert [clause[0] for clause in clauses] == ["create_date", "write_date", "party.write_date", "employee.write_date"]
    assert {(clause[2]["hour"], clause[2]["minute"]) for clause in clauses} == {(20, 55)}


def test_the_cursor_never_goes_back_and_nothing_new_keeps_it(server: Server, tryton: Tryton) -> None:
    server.rows["GET sale.opportunity"] = []
    for stream in ("opportunities", "notes"):
        cursor = {"since": "2031-01-01T00:00:00.000000Z"}
        assert list(tryton.read(stream, cursor)) == [Checkpoint(cursor)]
        assert list(tryton.read(stream)) == [Complete()]


@pytest.mark.parametrize("cursor", [{"since": "yesterday"}, {"page": 7}, "x", {"since": None}])
def test_a_cursor_of_another_form_counts_as_expired(server: Server, tryton: Tryton, cursor: Any) -> None:
    with pytest.raises(ExpiredCursor):
        list(tryton.read("notes", cursor))


def test_people_and_departments_are_read_in_full_whatever_the_cursor(server: Server, tryton: Tryton) -> None:
    for stream in ("employees", "departments"):
        assert isinstance(list(tryton.read(stream, {"since": "2031-01-01T00:00:00Z"}))[-1], Complete)


def test_a_record_that_is_gone_is_not_in_a_complete_read(server: Server, tryton: Tryton) -> None:
    for stream, model in zip(STREAMS[:3], ("company.employee", "hr.department", "sale.opportunity"), strict=True):
        before = natives_of(tryton, stream)
        gone = server.rows[f"GET {model}"].pop()
        assert before.keys() - natives_of(tryton, stream).keys() == {str(gone["id"])}
    note = server.rows["GET sale.opportunity"][0]["notes"].pop()
    assert str(note["id"]) not in natives_of(tryton, "notes")


def test_one_bad_record_stops_nobody(server: Server, tryton: Tryton) -> None:
    del server.rows["GET hr.department"][1]["id"]
    assert [type(item) for item in tryton.read("departments")] == [Record, Failure, Record, Complete]
    server.rows["GET company.employee"][1]["party"]["email"] = ["two", "addresses"]
    server.rows["GET sale.opportunity"][1]["party"] = None
    assert natives_of(tryton, "employees")["3"]["user_name"] is None
    assert natives_of(tryton, "opportunities")["2"]["about"] == ""


def test_a_field_that_the_account_may_not_read_is_no_empty_field(server: Server, tryton: Tryton) -> None:
    for row in server.rows["GET company.employee"]:
        del row["party"]
    with pytest.raises(ScopeError, match=r"company\.employee.*party\.code"):
        list(tryton.read("employees"))
    for row in server.rows["GET sale.opportunity"]:
        for note in row["notes"]:
            del note["create_uid"]
    with pytest.raises(ScopeError, match="create_uid"):
        list(tryton.read("notes"))


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("no access", ScopeError),
        ("search", ScopeError),
        ("rule", RecordError),
        ("gone", NotFound),
        ("not found", NotFound),
    ],
)
def test_what_a_refusal_means(server: Server, tryton: Tryton, refusal: str, error: type[LandbridgeError]) -> None:
    server.refuses(refusal)
    with pytest.raises(error) as caught:
        list(tryton.read("departments"))
    assert type(caught.value) is error
    assert "Integration" not in str(caught.value)


def test_a_module_that_is_not_activated_stops_the_run(server: Server, tryton: Tryton) -> None:
    for text in (
        "&#39;hr.department&#39;",
        "type object &#39;company.employee&#39; has no attribute &#39;department&#39;",
    ):
        server.script.append((500, {"Content-Type": "text/html"}, f"<h1>Internal Server Error</h1>\n<p>{text}</p>"))
        with pytest.raises(ConfigError, match=r"does not know .*department"):
            list(tryton.read("departments"))


def test_a_refused_key_and_a_key_of_somebody_else(server: Server, tryton: Tryton) -> None:
    server.script.append((401, {"Content-Type": "text/html"}, "<h1>Unauthorized</h1>"))
    with pytest.raises(AuthError) as caught:
        tryton.check()
    assert KEY not in str(caught.value)
    server.rows["GET res.user"][0]["login"] = "anna.mueller"
    with pytest.raises(AuthError, match="another user") as caught:
        tryton.check()
    assert "anna" not in str(caught.value)


def test_check_names_the_account_and_what_it_lacks(server: Server, tryton: Tryton) -> None:
    account = tryton.check()
    assert (account.name, account.missing) == ("crm", ())
    server.rows["POST ir.model.access/get_access"]["ir.note"]["create"] = 0
    assert tryton.check().missing == ("ir.note: create",)
    server.rows["POST ir.model.access/get_access"]["sale.opportunity"]["read"] = 0
    account = tryton.check()
    assert (account.missing, account.detail) == ((), "May read employees, departments.")


def test_a_rate_limit_is_waited_for_or_handed_on(server: Server, tryton: Tryton) -> None:
    server.script.append((429, {"Retry-After": "0"}, ""))
    assert natives_of(tryton, "departments")
    server.script.append((429, {"Retry-After": "600"}, ""))
    with pytest.raises(RateLimited) as caught:
        list(tryton.read("departments"))
    assert caught.value.after == 600


def test_a_new_note_is_sent_once_and_found_after_an_uncertain_outcome(server: Server, tryton: Tryton) -> None:
    native = {"opportunity": 1, "message": RECORDED["POST ir.note"]["message"]}
    server.script.append(requests.ConnectionError("broken"))
    with pytest.raises(TransientError) as caught:
        tryton.create_note(native, "marker-1")
    assert caught.value.uncertain
    assert len(server.asked("POST")) == 1
    assert next(tryton.alike("notes", native), None) is None
    server.rows["GET sale.opportunity"] = [case_with_ours()]
    found = next(tryton.alike("notes", native), None)
    assert found == tryton.create_note(native, "marker-1")
    asked = [domain_of(request)[:2] for request in server.asked("GET")]
    assert [["notes.message", "=", native["message"]], ["id", "=", 1]] in asked


def test_what_is_written_reads_the_same_later_and_is_no_news(server: Server, tryton: Tryton) -> None:
    written = tryton.create_note({"opportunity": 1, "message": "as recorded"}, "m")
    sent = json.loads(server.asked("POST")[0].body or "")
    assert sent == {"resource": "sale.opportunity,1", "message": "as recorded"}
    server.rows["GET sale.opportunity"] = [case_with_ours()]
    items = {item.key: item for item in tryton.read("notes") if isinstance(item, Record)}
    assert items[str(written["id"])].native == written
    assert items[str(written["id"])].marker
    assert items["1"].marker is None


def test_an_edited_note_is_replaced_in_one_transaction(server: Server, tryton: Tryton) -> None:
    server.rows["GET ir.note/15"] = {"id": 15, "resource": "sale.opportunity,1"}
    server.rows["PUT sale.opportunity/1"] = {"id": 1, "number": "1"}
    server.rows["GET sale.opportunity"] = [case_with_ours(20, "neu")]
    edited = tryton.update_note("15", {"message": "neu"}, "m")
    assert (edited["id"], edited["message"], edited["opportunity"]) == (20, "neu", 1)
    sent = [json.loads(request.body or "")["notes"] for request in server.asked("PUT")]
    assert sent == [[["create", [{"message": "neu"}]], ["delete", [15]]]]


@pytest.mark.parametrize("refusal", ["not found", "gone"])
def test_an_edit_that_was_applied_though_its_answer_was_lost_is_not_made_twice(
    server: Server, tryton: Tryton, refusal: str
) -> None:
    server.rows["GET ir.note/15"] = {"id": 15, "resource": "sale.opportunity,1"}
    server.rows["GET sale.opportunity"] = [case_with_ours(20, "neu")]
    server.refuses(refusal)
    assert tryton.update_note("15", {"message": "neu"}, "m")["id"] == 20
    assert server.asked("PUT") == []
    server.rows["GET sale.opportunity"] = [case_with_ours(14, "neu")]  # as old as the one that was to be replaced
    server.refuses(refusal)
    with pytest.raises(NotFound):
        tryton.update_note("15", {"message": "neu"}, "m")


def test_a_withdrawn_note_may_be_gone_already(server: Server, tryton: Tryton) -> None:
    server.rows["GET ir.note/15"] = {"id": 15, "resource": "sale.opportunity,1"}
    server.rows["PUT sale.opportunity/1"] = {"id": 1, "number": "1"}
    tryton.delete_note("15", "m")
    assert [json.loads(request.body or "")["notes"] for request in server.asked("PUT")] == [[["delete", [15]]]]
    for refusal in ("not found", "gone"):
        server.refuses(refusal)
        tryton.delete_note("15", "m")


@pytest.mark.parametrize("native", [{"opportunity": 1}, {"opportunity": 1, "message": ""}, {"message": "x"}])
def test_an_empty_or_homeless_note_is_not_sent(server: Server, tryton: Tryton, native: dict[str, Any]) -> None:
    with pytest.raises(RecordError, match="opportunity and a text"):
        tryton.create_note(native, "m")
    assert server.seen == []


def test_no_secret_and_no_text_in_any_log(server: Server, tryton: Tryton, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tryton.check()
    tryton.create_note({"opportunity": 1, "message": "Käßner ist krank"}, "m")
    server.refuses("rule")
    with pytest.raises(RecordError) as caught:
        list(tryton.read("employees"))
    logged = caplog.text + str(caught.value) + repr(tryton.config)
    assert not any(secret in logged for secret in (KEY, "Käßner", "K%C3%A4", "Halbr"))
