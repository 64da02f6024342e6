"""Reading HubSpot: everything, what changed, deletions, pipelines, what is not as it should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.hubspot.connector import HubSpot
from landbridge.connector import Complete, Failure, Record
from landbridge.errors import (
    ExpiredCursor,
    IncompleteRead,
)
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.company import halbrueck
from sandbox.emulators import hubspot as emulated
from sandbox.emulators.base import Reply
from sandbox.emulators.hubspot import HubSpotEmulator
from tests.connectors.hubspot.conftest import connection
from tests.connectors.reading import cursor_of, gone_of, natives_of, read

MAPPINGS = Path(__file__).parents[3] / "mappings" / "hubspot"
STREAMS = ("owners", "contacts", "companies", "tickets", "deals", "notes")


@pytest.mark.parametrize("stream", STREAMS)
def test_the_company_becomes_valid_claims(emulator: HubSpotEmulator, hubspot: HubSpot, stream: str) -> None:
    emulator.seed(halbrueck())
    mapping, found = load_mapping(MAPPINGS / f"{stream}.yaml"), natives_of(hubspot, stream)
    assert found
    for native in found.values():
        assert mapping.into(native).claim and validate(mapping.kind, mapping.into(native).claim)


def test_a_ticket_is_complete(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    first, second = emulator.add("companies", name="Old"), emulator.add("companies", name="Hansa")
    contact = emulator.add("contacts", email="h.behnke@hansa.example")
    key = emulator.add("tickets", subject="Ladders", hs_pipeline="0", hs_pipeline_stage="3")
    for company in (first, second):
        emulator.link("tickets", key, "companies", company)
    emulator.links["tickets", key, "companies"][first] = {339}  # another company, but not the primary one
    emulator.link("tickets", key, "contacts", contact)
    native = natives_of(hubspot, "tickets")[key]
    assert (native["company"], native["contact"], native["stage"]) == (second, contact, "Waiting on us")
    assert native["url"] == f"https://app.hubspot.com/contacts/24000001/record/0-5/{key}"
    # What moves without a visible change would make every reading look like news.
    assert not {"hs_lastmodifieddate", "updatedAt", "hs_merged_object_ids"} & native.keys()


def test_an_open_deal_has_no_end_yet(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    hoped = {"closedate": "2026-12-31T00:00:00Z", "pipeline": "default"}
    running = emulator.add("deals", dealname="A", dealstage="qualifiedtobuy", **hoped)
    won = emulator.add("deals", dealname="B", dealstage="closedwon", **hoped)
    found = natives_of(hubspot, "deals")
    assert (found[running]["closedate"], found[won]["closedate"]) == (None, "2026-12-31T00:00:00Z")


def test_who_was_deactivated_is_an_owner_still(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    keys = [emulator.add_owner(f"{number}@halbrueck.example") for number in range(130)]
    emulator.owners[3]["archived"] = True
    found = natives_of(hubspot, "owners")
    assert sorted(found) == sorted(keys)
    assert [key for key, native in found.items() if native["archived"]] == [keys[3]]


def test_a_full_read_goes_past_one_page(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    keys = {emulator.add("contacts", email=f"{number}@hansa.example") for number in range(250)}
    items = list(hubspot.read("contacts"))
    assert {item.key for item in items if isinstance(item, Record)} == keys
    assert isinstance(items[-1], Complete)


def test_the_limit_of_searches_is_never_met(
    emulator: HubSpotEmulator, hubspot: HubSpot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulated, "SEARCH_ENDS", 400)
    emulator.add("contacts", email="first@hansa.example")
    cursor = cursor_of(hubspot, "contacts")
    # A batch update: all at one time.
    moment = emulator.clock()
    emulator.clock = lambda: moment
    keys = {emulator.add("contacts", email=f"{number}@hansa.example") for number in range(950)}
    records, _, later = read(hubspot, "contacts", cursor)
    assert keys <= records.keys()
    assert all(int(json.loads(one.body).get("after", 0)) == 0 for one in emulator.asked("/search"))
    assert later["since"] > cursor["since"]


def test_a_page_out_of_order_is_not_trusted(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    for number in range(3):
        emulator.add("companies", name=f"{number}")
    cursor = cursor_of(hubspot, "companies")
    rows = list(reversed(emulator.objects["companies"].values()))
    emulator.script("/search", Reply({"total": 3, "results": rows}))
    with pytest.raises(IncompleteRead, match="order"):
        list(hubspot.read("companies", cursor))


def test_what_the_index_was_late_with_is_read_next_time(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    emulator.add("companies", name="A")
    cursor = cursor_of(hubspot, "companies")
    late, emulator.index_delay = emulator.add("companies", name="B"), 60
    assert late not in natives_of(hubspot, "companies", cursor)
    emulator.index_delay = 0
    assert late in natives_of(hubspot, "companies", cursor_of(hubspot, "companies", cursor))


def test_only_what_changed_is_read_again(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    now = emulator.clock()
    emulator.clock = lambda: now - 86_400
    old = [emulator.add("companies", name=f"{number}") for number in range(3)]
    emulator.clock = lambda: now
    new = emulator.add("companies", name="new")
    cursor = cursor_of(hubspot, "companies")
    emulator.change("companies", old[1], name="renamed")
    assert natives_of(hubspot, "companies", cursor).keys() == {old[1], new}


def test_what_was_deleted_or_merged_is_gone(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    kept, deleted, doubled = (emulator.add("contacts", email=f"{name}@hansa.example") for name in "abc")
    cursor = cursor_of(hubspot, "contacts")
    emulator.archive("contacts", deleted)
    emulator.merge("contacts", kept, doubled)
    assert sorted(gone_of(hubspot, "contacts", cursor)) == sorted((deleted, doubled))
    assert natives_of(hubspot, "contacts").keys() == {kept}


def test_the_recycle_bin_is_looked_into_now_and_then(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    key = emulator.add("contacts", email="a@hansa.example")
    seldom = HubSpot(HubSpot.Config.of(connection(hubspot.config.host, deletions_minutes=15)))
    cursor = cursor_of(seldom, "contacts")
    emulator.archive("contacts", key)
    assert gone_of(seldom, "contacts", cursor) == []
    aged = cursor | {"looked": "2026-01-01T00:00:00+00:00"}
    assert gone_of(seldom, "contacts", aged) == [key]
    assert cursor_of(seldom, "contacts", aged)["looked"] > cursor["looked"]
    seldom.close()


def test_only_the_wanted_pipelines_are_read(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    stays = emulator.add("tickets", subject="A", hs_pipeline="0", hs_pipeline_stage="1")
    moved = emulator.add("tickets", subject="B", hs_pipeline="0", hs_pipeline_stage="1")
    support = HubSpot(HubSpot.Config.of(connection(hubspot.config.host, pipelines=["0"])))
    cursor = cursor_of(support, "tickets")
    emulator.change("tickets", moved, hs_pipeline="7", hs_pipeline_stage="71")
    records, gone, _ = read(support, "tickets", cursor)
    assert (records.keys(), gone) == ({stays}, [moved])
    deal = emulator.add("deals", dealname="A", pipeline="default", dealstage="qualifiedtobuy")
    assert natives_of(support, "deals").keys() == {deal}, "a pipeline of tickets says nothing of deals"
    assert support.check().missing == ()
    support.close()
    wrong = HubSpot(HubSpot.Config.of(connection(hubspot.config.host, pipelines=["0", "8"])))
    assert wrong.check().missing == ("pipeline 8",)
    wrong.close()


@pytest.mark.parametrize("cursor", [{}, {"since": "yesterday", "looked": "today"}, {"after": "100"}, "x"])
def test_a_strange_cursor_is_expired(hubspot: HubSpot, cursor: Any) -> None:
    with pytest.raises(ExpiredCursor):
        list(hubspot.read("tickets", cursor))


@pytest.mark.parametrize("cursor", [None, {"since": "2026-01-01T00:00:00Z", "looked": "2099-01-01T00:00:00Z"}])
def test_one_bad_record_stops_nobody(emulator: HubSpotEmulator, hubspot: HubSpot, cursor: Any) -> None:
    good, bad = emulator.add("companies", name="A"), emulator.add("companies", name="B")
    held = emulator.objects["companies"]
    page = Reply({"total": 2, "results": [held[good], held[bad] | {"properties": None}]})
    emulator.script("/companies/search" if cursor else "/crm/v3/objects/companies", page)
    items = list(hubspot.read("companies", cursor))
    assert [item.key for item in items if isinstance(item, Record)] == [good]
    assert [item.key for item in items if isinstance(item, Failure)] == [bad]
