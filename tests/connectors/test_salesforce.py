"""The Salesforce connector against the emulator, and recorded exchanges of a developer organisation."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import responses
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.salesforce.connector import Salesforce
from landbridge.connector import Complete, Connection, Failure, Finds, FindsAlike, Record
from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.http import Retries
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.company import halbrueck
from sandbox.emulators.base import Reply, serving
from sandbox.emulators.salesforce import DATA, MARKER, SalesforceEmulator
from tests.connectors.reading import cursor_of, gone_of, natives_of, read
from tests.connectors.vendor import recorded

MAPPINGS = Path(__file__).parents[2] / "mappings" / "salesforce"
STREAMS = ("users", "accounts", "contacts", "cases", "comments")
SECRET = "consumer-secret-0123456789"
SAMPLES = "salesforce/jupiterone-graph-salesforce/exchanges.jsonl"


@pytest.fixture
def emulator() -> SalesforceEmulator:
    return SalesforceEmulator(token=SECRET)


@pytest.fixture
def salesforce(emulator: SalesforceEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Salesforce]:
    monkeypatch.setattr("connectors.salesforce.bulk.PATIENCE", Retries(attempts=50, sleep=lambda seconds: None))
    with serving(emulator) as url:
        connector = Salesforce(Salesforce.Config.of(connection(url)))
        yield connector
        connector.close()


def connection(url: str, **extra: Any) -> Connection:
    login = SalesforceEmulator.consumer_key
    return Connection("crm", "landbridge_salesforce", url, login, extra.pop("password", SECRET), extra=extra)


def test_what_the_class_can_do(salesforce: Salesforce) -> None:
    assert tuple(sorted(Salesforce.streams())) == tuple(sorted(STREAMS))
    every = ("create", "update", "delete")
    written = {stream for stream in STREAMS if all(Salesforce.can_write(stream, op) for op in every)}
    assert written == {"cases", "comments"}
    assert not any(Salesforce.can_write(stream, op) for stream in ("users", "accounts", "contacts") for op in every)
    assert isinstance(salesforce, Finds) and isinstance(salesforce, FindsAlike)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"marker": "x"}, "marker"), ({"version": "latest"}, "version"), ({"password": ""}, "private_key"),
     ({"username": "a", "private_key": "b"}, "either")],
)  # fmt: skip
def test_a_wrong_connection_names_the_field_and_no_secret(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        Salesforce.Config.of(connection("https://acme.my.salesforce.com", **wrong))
    assert SECRET not in str(caught.value)


def test_every_mapping_example_holds_both_ways() -> None:
    mappings = {stream: load_mapping(MAPPINGS / f"{stream}.yaml") for stream in STREAMS}
    assert [problem for mapping in mappings.values() for problem in mapping.run_examples()] == []
    assert mappings["comments"].writable == {"space", "body"}
    assert mappings["cases"].writable == {
        "subject", "description", "customer", "contact", "owner", "status", "priority",
    }  # fmt: skip


def test_check_names_the_account_and_what_it_lacks(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    account = salesforce.check()
    assert (account.name, account.missing) == ("landbridge@halbrueck.example", ())
    emulator.rights["Case"].remove("deletable")
    del emulator.rights["Contact"]
    emulator.fields["Case"].remove(MARKER)
    emulator.fields["User"].remove("EmployeeNumber")
    again = salesforce.check()
    assert again.missing == ("Case: deletable", "User.EmployeeNumber", f"Case.{MARKER}")
    assert "contacts" not in again.detail
    emulator.token = "another"
    emulator.end_sessions()
    with pytest.raises(AuthError):
        salesforce.check()


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("stream", STREAMS)
def test_the_company_becomes_the_same_valid_claims_either_way(
    emulator: SalesforceEmulator, salesforce: Salesforce, stream: str, bulk: bool
) -> None:
    emulator.seed(halbrueck())
    connector = Salesforce(salesforce.config.model_copy(update={"bulk": bulk}))
    mapping, found = load_mapping(MAPPINGS / f"{stream}.yaml"), natives_of(connector, stream)
    assert found
    for native in found.values():
        assert validate(mapping.kind, mapping.into(native).claim)
    # What is read in full by one interface is no news when it is read again by the other.
    cursor = {"since": "2000-01-01T00:00:00Z"}
    assert natives_of(connector, stream, cursor) == found
    connector.close()


def test_a_queue_is_no_owner(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    queued, held = (
        emulator.add("Case", Subject="A", OwnerId="00GDo000000JMzUMAW"),
        emulator.add("Case", OwnerId=emulator.me),
    )
    found = natives_of(salesforce, "cases")
    assert (found[queued]["owner"], found[held]["owner"]) == (None, emulator.me)
    assert found[held]["url"].endswith(f"/lightning/r/Case/{held}/view")
    # What moves without a visible change would make every reading look like news.
    assert not {"SystemModstamp", "IsDeleted", MARKER} & found[held].keys()


def test_whose_comment_it_is(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    case, colleague = emulator.add("Case", Subject="A"), emulator.add("User", Name="Marcel")
    theirs = emulator.add("CaseComment", by=colleague, ParentId=case, CommentBody="Two lots.")
    ours = emulator.add("CaseComment", ParentId=case, CommentBody="Anna Müller: Three lots.")
    records, _, _ = read(salesforce, "comments")
    assert (records[theirs].native["author"], records[theirs].marker) == (colleague, None)
    assert (records[ours].native["author"], records[ours].marker) == (None, f"own {ours}")


def test_a_bulk_read_waits_for_its_job_and_goes_past_one_page(
    emulator: SalesforceEmulator, salesforce: Salesforce
) -> None:
    texts = ['He said "two", then\nleft', "Käßner, 🏠", "", "=1+1"]
    keys = {emulator.add("Account", Name=text or "x", Description=text or None): text for text in texts}
    keys |= {emulator.add("Account", Name=f"{number}"): "" for number in range(250)}
    emulator.batch, emulator.delay = 100, 7
    items = list(salesforce.read("accounts"))
    found = {item.key: item.native["Description"] for item in items if isinstance(item, Record)}
    assert found == {key: text or None for key, text in keys.items()}
    assert isinstance(items[-1], Complete)
    assert len(emulator.asked("/results")) == 3
    assert len(emulator.asked("/query", "GET")) == 0


def test_a_bulk_job_that_fails_says_so(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    emulator.add("Account", Name="A")
    create = emulator.create_job

    def failing(request: Any) -> Reply:
        reply = create(request)
        emulator.jobs[reply.body["id"]]["state"] = "Failed"
        return reply

    emulator.create_job = failing  # type: ignore[method-assign]
    with pytest.raises(RecordError, match="Failed"):
        list(salesforce.read("accounts"))


def test_a_rest_read_goes_past_one_page(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    connector = Salesforce(salesforce.config.model_copy(update={"bulk": False}))
    keys = {emulator.add("Account", Name=f"{number}") for number in range(250)}
    emulator.batch = 100
    assert natives_of(connector, "accounts").keys() == keys
    connector.close()


def test_only_what_changed_is_read_again(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    now = emulator.clock()
    emulator.clock = lambda: now - 86_400
    old = [emulator.add("Account", Name=f"{number}") for number in range(3)]
    emulator.clock = lambda: now
    new = emulator.add("Account", Name="new")
    cursor = cursor_of(salesforce, "accounts")
    emulator.change("Account", old[1], Name="renamed")
    assert natives_of(salesforce, "accounts", cursor).keys() == {old[1], new}
    later = cursor_of(salesforce, "accounts", cursor)
    assert later["since"] >= cursor["since"]


def test_what_lies_in_the_recycle_bin_is_gone(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    kept, deleted = emulator.add("Case", Subject="A"), emulator.add("Case", Subject="B")
    cursor = cursor_of(salesforce, "cases")
    emulator.delete("Case", deleted)
    assert gone_of(salesforce, "cases", cursor) == [deleted]
    assert natives_of(salesforce, "cases").keys() == {kept}


@pytest.mark.parametrize("cursor", [{}, {"since": "yesterday"}, "x"])
def test_a_strange_cursor_is_expired(salesforce: Salesforce, cursor: Any) -> None:
    with pytest.raises(ExpiredCursor):
        list(salesforce.read("cases", cursor))


def test_one_bad_record_stops_nobody(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    good = emulator.add("Account", Name="A")
    row = emulator.objects["Account"][good]
    bad = {"Id": "001Do00000Bad", "SystemModstamp": row["SystemModstamp"]}
    emulator.script("/queryAll", Reply({"totalSize": 2, "done": True, "records": [row, bad]}))
    items = list(salesforce.read("accounts", {"since": "2026-01-01T00:00:00Z"}))
    assert [item.key for item in items if isinstance(item, Record)] == [good]
    assert [item.key for item in items if isinstance(item, Failure)] == ["001Do00000Bad"]


def test_a_case_is_written_and_reads_the_same_later(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    account, contact = emulator.add("Account", Name="Hansa"), emulator.add("Contact", LastName="Behnke")
    native = {"Subject": "Wärmedämmung 🏠", "Description": "Two lots.", "Status": "New", "Priority": "High",
              "owner": emulator.me, "AccountId": account, "ContactId": contact}  # fmt: skip
    written = salesforce.create_case(native, "marker-1")
    records, _, _ = read(salesforce, "cases")
    assert records[written["Id"]].native == written
    assert records[written["Id"]].marker == "marker-1"
    assert {name: written[name] for name in native} == native
    changed = salesforce.writer("cases", "update")(written["Id"], {"Status": "Closed", "ContactId": None}, "marker-2")
    assert (changed["Status"], changed["ContactId"]) == ("Closed", None)
    assert changed["ClosedDate"]
    assert natives_of(salesforce, "cases")[written["Id"]] == changed
    salesforce.writer("cases", "delete")(written["Id"], "marker-3")
    salesforce.writer("cases", "delete")(written["Id"], "marker-3")
    assert natives_of(salesforce, "cases") == {}
    with pytest.raises(NotFound):
        salesforce.writer("cases", "update")(written["Id"], {"Subject": "too late"}, "marker-4")


def test_a_comment_is_written(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    case = emulator.add("Case", Subject="A")
    written = salesforce.create_comment({"ParentId": case, "CommentBody": "Anna: Käßner liefert früher."}, "marker-1")
    assert natives_of(salesforce, "comments") == {written["Id"]: written}
    assert (written["author"], written["IsPublished"]) == (None, False)
    changed = salesforce.writer("comments", "update")(
        written["Id"], {"CommentBody": "Anna: Doch nicht.", "ParentId": case}, "m"
    )
    assert natives_of(salesforce, "comments") == {written["Id"]: changed}
    salesforce.writer("comments", "delete")(written["Id"], "m")
    assert natives_of(salesforce, "comments") == {}
    for wrong in ({"CommentBody": "x"}, {"ParentId": case, "CommentBody": ""}):
        with pytest.raises(RecordError, match="needs a case"):
            salesforce.create_comment(wrong, "marker-2")


def test_a_case_whose_answer_is_lost_is_made_once(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    emulator.lose("/marker-1")
    written = salesforce.create_case({"Subject": "A"}, "marker-1")  # asked again at once: the external id makes it safe
    assert natives_of(salesforce, "cases") == {written["Id"]: written}
    assert salesforce.find("cases", {"Subject": "A"}, "marker-1") == written
    assert salesforce.find("cases", {"Subject": "A"}, "marker-2") is None


def test_a_comment_whose_answer_is_lost_is_found_by_its_text(
    emulator: SalesforceEmulator, salesforce: Salesforce
) -> None:
    case, colleague = emulator.add("Case", Subject="O'Brien"), emulator.add("User", Name="Marcel")
    native = {"ParentId": case, "CommentBody": "Anna: it's 'two'."}
    emulator.add("CaseComment", by=colleague, ParentId=case, CommentBody=native["CommentBody"])  # not ours
    assert next(salesforce.alike("comments", native), None) is None
    emulator.lose("/sobjects/CaseComment")
    with pytest.raises(TransientError) as caught:
        salesforce.create_comment(native, "marker-1")
    assert caught.value.uncertain
    found = next(salesforce.alike("comments", native), None)
    assert found and natives_of(salesforce, "comments")[found["Id"]] == found
    assert len(emulator.asked("/sobjects/CaseComment", "POST")) == 1
    # Somebody else said the same later: which of them is meant, the engine knows.
    second = emulator.add("CaseComment", ParentId=case, CommentBody=native["CommentBody"])
    assert [one["Id"] for one in salesforce.alike("comments", native)] == [second, found["Id"]]
    assert list(salesforce.alike("cases", {"Subject": "A"})) == [] and salesforce.find("comments", native, "m") is None


def test_a_comment_that_cannot_be_read_back_leaves_a_doubt(
    emulator: SalesforceEmulator, salesforce: Salesforce, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(stream: Any, key: str) -> Any:
        raise TransientError("down")

    native = {"ParentId": emulator.add("Case", Subject="A"), "CommentBody": "Anna: two."}
    monkeypatch.setattr(salesforce, "_one", fails)
    with pytest.raises(TransientError) as caught:
        salesforce.create_comment(native, "marker-1")
    assert caught.value.uncertain


def test_an_ended_session_is_renewed_and_not_told(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    key = emulator.add("Account", Name="A")
    cursor = cursor_of(salesforce, "accounts")
    emulator.end_sessions()
    assert natives_of(salesforce, "accounts", cursor).keys() == {key}
    emulator.end_sessions()
    assert natives_of(salesforce, "accounts").keys() == {key}


def test_a_signed_statement_signs_in(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

    def verify(statement: str) -> bool:
        told = jwt.decode(statement, key.public_key(), algorithms=["RS256"], audience="https://login.salesforce.com")
        return (told["iss"], told["sub"]) == (SalesforceEmulator.consumer_key, "landbridge@halbrueck.example")

    emulator.verify = verify
    extra = {"username": "landbridge@halbrueck.example", "private_key": pem}
    signing = Salesforce(Salesforce.Config.of(connection(salesforce.config.host, password=None, **extra)))
    assert signing.check().name == "landbridge@halbrueck.example"
    assert "client_secret" not in emulator.asked("/services/oauth2/token")[-1].form
    signing.close()
    torn = Salesforce(
        Salesforce.Config.of(connection("https://x.example", password=None, **extra | {"private_key": pem[:99]}))
    )
    with pytest.raises(ConfigError, match="private key") as caught:
        torn.check()
    assert pem[30:60] not in str(caught.value)


def test_a_used_up_allowance_is_handed_on(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    cursor = {"since": "2026-01-01T00:00:00Z"}
    assert natives_of(salesforce, "cases", cursor) == {}
    emulator.daily = len(emulator.seen)
    with pytest.raises(RateLimited, match="REQUEST_LIMIT_EXCEEDED") as caught:
        for _ in range(3):
            list(salesforce.read("cases", cursor))
    assert caught.value.after == 3600


def test_a_rate_limit_is_waited_for(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    busy = [
        {
            "errorCode": "REQUEST_LIMIT_EXCEEDED",
            "message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        }
    ]
    emulator.script("/queryAll", Reply(busy, 503, {"Retry-After": "0.01"}))
    emulator.script("/queryAll", Reply([{"errorCode": "QUERY_TIMEOUT", "message": "…"}], 400))
    assert natives_of(salesforce, "cases", {"since": "2026-01-01T00:00:00Z"}) == {}


def test_a_hidden_field_is_an_error_and_not_an_empty_one(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    emulator.fields["Account"].remove("AccountNumber")
    with pytest.raises(ScopeError, match="AccountNumber"):
        list(salesforce.read("accounts"))
    emulator.fields["Case"].remove("Priority")
    with pytest.raises(ScopeError, match="Priority"):
        salesforce.writer("cases", "update")(emulator.add("Case", Subject="A"), {"Subject": "B"}, "marker-1")


def test_without_the_markers_field_the_remedy_is_told(emulator: SalesforceEmulator, salesforce: Salesforce) -> None:
    emulator.fields["Case"].remove(MARKER)
    with pytest.raises(ConfigError, match="marker_field"):
        salesforce.create_case({"Subject": "A"}, "marker-1")


@pytest.mark.parametrize(
    ("code", "error"),
    [("INSUFFICIENT_ACCESS_OR_READONLY", RecordError), ("MALFORMED_QUERY", ConfigError), ("ENTITY_IS_DELETED", NotFound),
     ("FIELD_CUSTOM_VALIDATION_EXCEPTION", RecordError), ("API_DISABLED_FOR_ORG", ConfigError)],
)  # fmt: skip
def test_what_a_refusal_means(
    emulator: SalesforceEmulator, salesforce: Salesforce, code: str, error: type[Exception]
) -> None:
    emulator.script(f"{DATA}/sobjects/Case/500", Reply([{"errorCode": code, "message": "Käßner"}], 400))
    with pytest.raises(error) as caught:
        salesforce.writer("cases", "update")("500", {"Subject": "x"}, "m")
    assert "Käßner" not in str(caught.value)


def test_no_secret_and_no_text_in_any_log(
    emulator: SalesforceEmulator, salesforce: Salesforce, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    salesforce.check()
    salesforce.create_case({"Subject": "Käßner ist krank"}, "marker-1")
    list(salesforce.read("cases"))
    with pytest.raises(RecordError) as caught:
        salesforce.create_case({"Subject": "Käßner", "AccountId": "nobody"}, "marker-2")
    shown = caplog.text + str(caught.value) + repr(salesforce.config)
    assert not any(secret in shown for secret in (SECRET, "Käßner", *emulator.sessions))


def test_recorded_users_become_valid_claims_after_a_recorded_end_of_a_session() -> None:
    held = list(recorded(SAMPLES))
    users = next(one for one in held if one["status"] == 200 and one["url"].endswith("FROM%20User"))
    ended = next(one for one in held if one["status"] == 401)
    host = "https://acme.my.salesforce.com"
    connector = Salesforce(Salesforce.Config.of(connection(host)))
    with responses.RequestsMock() as mock:
        for session in ("first", "second"):
            mock.post(f"{host}/services/oauth2/token", json={"access_token": session, "token_type": "Bearer"})
        mock.get(f"{host}{DATA}/queryAll", status=401, body=ended["body"], content_type="application/json")
        mock.get(f"{host}{DATA}/queryAll", body=users["body"], content_type="application/json")
        found = natives_of(connector, "users", {"since": "2020-01-01T00:00:00Z"})
    connector.close()
    mapping = load_mapping(MAPPINGS / "users.yaml")
    claims = [validate("person", mapped.claim) for native in found.values() if (mapped := mapping.into(native)).claim]
    assert len(found) == 7
    assert claims and all(claim["user_name"] for claim in claims)


def test_a_recorded_description_shows_every_field_of_users() -> None:
    described = next(one for one in recorded(SAMPLES) if one["url"].endswith("/User/describe") and one["status"] == 200)
    host = "https://acme.my.salesforce.com"
    connector = Salesforce(Salesforce.Config.of(connection(host)))
    with responses.RequestsMock() as mock:
        mock.post(f"{host}/services/oauth2/token", json={"access_token": "session", "token_type": "Bearer"})
        mock.get(f"{host}{DATA}/sobjects/User/describe", body=described["body"], content_type="application/json")
        assert connector.hidden(Salesforce.users) == []
    connector.close()
