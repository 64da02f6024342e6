"""The account, limits and secrets; and HubSpot's published contract and recordings of a test account."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
import responses

from connectors.hubspot.connector import HubSpot
from connectors.hubspot.errors import error_of
from landbridge.connector import Finds, Impersonates
from landbridge.errors import (
    AuthError,
    ConfigError,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.http import Answer
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.company import halbrueck
from sandbox.emulators.base import Reply, Request
from sandbox.emulators.hubspot import HubSpotEmulator
from tests.connectors.hubspot.conftest import TOKEN, connection
from tests.connectors.reading import cursor_of, natives_of
from tests.connectors.vendor import contract, exchanges, problems, recorded

MAPPINGS = Path(__file__).parents[3] / "mappings" / "hubspot"
STREAMS = ("owners", "contacts", "companies", "tickets", "deals", "notes")


def test_what_the_class_can_do(hubspot: HubSpot) -> None:
    assert tuple(sorted(HubSpot.streams())) == tuple(sorted(STREAMS))
    every = ("create", "update", "delete")
    written = {stream for stream in STREAMS if all(HubSpot.can_write(stream, op) for op in every)}
    assert written == {"tickets", "deals", "notes"}
    assert not any(HubSpot.can_write(stream, op) for stream in ("owners", "contacts", "companies") for op in every)
    assert isinstance(hubspot, Finds) and isinstance(hubspot, Impersonates)


@pytest.mark.parametrize(
    "wrong", [{"marker_propery": "x"}, {"marker_property": "Not A Name"}, {"deletions_minutes": -1}]
)
def test_a_wrong_connection_names_the_field_and_no_secret(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))) as caught:
        HubSpot.Config.of(connection("https://api.hubapi.com", **wrong))
    assert TOKEN not in str(caught.value)


def test_every_mapping_example_holds_both_ways() -> None:
    mappings = {stream: load_mapping(MAPPINGS / f"{stream}.yaml") for stream in STREAMS}
    assert [problem for mapping in mappings.values() for problem in mapping.run_examples()] == []
    assert mappings["notes"].writable == {"space", "author", "body", "sent_at"}


def test_check_names_the_account_and_what_it_lacks(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    account = hubspot.check()
    assert account.name == "HubSpot account 24000001" and account.missing == ()
    emulator.scopes.remove("crm.objects.deals.write")
    emulator.scopes.remove("crm.objects.owners.read")
    emulator.custom["tickets"].clear()
    again = HubSpot(hubspot.config).check()
    assert again.missing == ("crm.objects.deals.write", "property landbridge_marker of tickets")
    assert "owners" not in again.detail
    emulator.token = "another"
    with pytest.raises(AuthError):
        HubSpot(hubspot.config).check()


@pytest.mark.parametrize(("policy", "after"), [("SECONDLY", 1), ("TEN_SECONDLY_ROLLING", 10), ("DAILY", 3600)])
def test_each_limit_has_its_wait(policy: str, after: float) -> None:
    error = error_of(Answer(429, {}, json.dumps({"policyName": policy}).encode()))
    assert isinstance(error, RateLimited) and error.after == after
    html = Answer(429, {"Retry-After": "7"}, b"<html>")
    with pytest.raises(TransientError):
        error_of(html)  # no JSON: the client then goes by the status


def test_a_rate_limit_is_waited_for_or_handed_on(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    key = emulator.add("companies", name="A")
    passing = Reply({"policyName": "SECONDLY"}, 429, {"Retry-After": "0"})
    emulator.script("/crm/v3/objects/companies", passing, Reply(None, 477, {"Retry-After": "0"}))
    assert natives_of(hubspot, "companies").keys() == {key}
    emulator.script("/crm/v3/objects/companies", Reply({"policyName": "DAILY"}, 429))
    with pytest.raises(RateLimited, match="of this day") as caught:
        list(hubspot.read("companies"))
    assert caught.value.after == 3600


def test_a_missing_scope_is_named(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    context = {"requiredGranularScopes": ["crm.objects.contacts.read"]}
    refused = {"category": "MISSING_SCOPES", "errors": [{"message": "…", "context": context}]}
    emulator.script("/crm/v3/objects/contacts", Reply(refused, 403))
    with pytest.raises(ScopeError, match=r"crm\.objects\.contacts\.read"):
        list(hubspot.read("contacts"))


def test_no_secret_and_no_text_in_any_log(
    emulator: HubSpotEmulator, hubspot: HubSpot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hubspot.check()
    hubspot.writer("tickets", "create")({"subject": "Käßner ist krank"}, "marker-1")
    list(hubspot.read("tickets"))
    emulator.script("/crm/v3/objects/tickets", Reply({"category": "VALIDATION_ERROR", "message": "Käßner"}, 400))
    with pytest.raises(RecordError) as caught:
        list(hubspot.read("tickets"))
    shown = caplog.text + str(caught.value) + repr(hubspot.config)
    assert not any(secret in shown for secret in (TOKEN, "Käßner"))


def test_the_emulator_keeps_hubspots_limits() -> None:
    now = [1_000.0]
    emulator = HubSpotEmulator(token=TOKEN, clock=lambda: now[0])
    asked = Request("POST", "http://x/crm/v3/objects/tickets/search", {"Authorization": f"Bearer {TOKEN}"},
                    b'{"filterGroups": []}')  # fmt: skip
    replies = [emulator.answer(asked) for _ in range(6)]
    assert [reply.status for reply in replies if reply] == [200] * 5 + [429]
    now[0] += 1.1
    again = emulator.answer(asked)
    assert again and again.status == 200


def test_what_is_asked_and_answered_is_what_hubspot_publishes(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    described = contract("hubspot/hubspot-crm-from-sdk-12.0.json")
    seen = exchanges(emulator)
    emulator.seed(halbrueck())
    hubspot.check()
    for stream in STREAMS:
        list(hubspot.read(stream, cursor_of(hubspot, stream)))
    company, contact = (natives_of(hubspot, name).popitem()[0] for name in ("companies", "contacts"))
    ticket = hubspot.writer("tickets", "create")({"subject": "A", "company": company}, "marker-1")
    hubspot.writer("tickets", "update")(ticket["id"], {"contact": contact, "company": None, "stage": "Closed"}, "m")
    note = hubspot.writer("notes", "create")({"hs_note_body": "A", "ticket": ticket["id"]}, "marker-2")
    assert hubspot.find("notes", note, "marker-2") == note
    assert hubspot.find("tickets", ticket, "marker-1")
    hubspot.writer("notes", "delete")(note["id"], "m")
    hubspot.writer("tickets", "delete")(ticket["id"], "m")
    # The token's own description is documented apart from the CRM. HubSpot's SDKs take sorts for texts, which HubSpot
    # itself passes over in silence; its documentation has objects.
    found = problems(described, seen, leave=("access-token-info",))
    assert [problem for problem in found if "request body /sorts/0" not in problem] == []
    assert len({(request.method, re.sub(r"\d{5,}", "…", request.path)) for request, _ in seen}) > 30


def test_recorded_owners_become_valid_claims() -> None:
    held = {
        one["url"]: one
        for one in recorded("hubspot/jupiterone-graph-hubspot/exchanges.jsonl")
        if "/owners" in one["url"]
    }
    first, second = held.values()
    connector = HubSpot(HubSpot.Config.of(connection("https://api.hubapi.com")))
    with responses.RequestsMock() as mock:
        for body in (first["body"], second["body"], '{"results": []}'):
            mock.get("https://api.hubapi.com/crm/v3/owners/", body=body, content_type="application/json")
        found = natives_of(connector, "owners")
    connector.close()
    mapping = load_mapping(MAPPINGS / "owners.yaml")
    assert len(found) == 4
    for native in found.values():
        assert validate("person", mapping.into(native).claim)
