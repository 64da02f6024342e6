"""Writing tickets, deals and notes, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.hubspot.connector import HubSpot
from landbridge.errors import (
    ConfigError,
    NotFound,
    RecordError,
    TransientError,
)
from sandbox.emulators.hubspot import HubSpotEmulator
from tests.connectors.reading import natives_of, read

MAPPINGS = Path(__file__).parents[3] / "mappings" / "hubspot"
STREAMS = ("owners", "contacts", "companies", "tickets", "deals", "notes")


def test_a_ticket_is_written_and_reads_the_same_later(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    hansa, elbe = (emulator.add("companies", name=name) for name in ("Hansa", "Elbe"))
    buyer, owner = emulator.add("contacts", email="a@hansa.example"), emulator.add_owner("m@halbrueck.example")
    native = {"subject": "Wärmedämmung 🏠", "content": "Two lots.", "company": hansa, "contact": buyer,
              "hubspot_owner_id": owner, "stage": "Waiting on contact", "hs_ticket_priority": "HIGH"}  # fmt: skip
    written = hubspot.writer("tickets", "create")(native, "marker-1")
    assert natives_of(hubspot, "tickets")[written["id"]] == written
    assert {name: written[name] for name in native} == native
    changed = hubspot.writer("tickets", "update")(
        written["id"], {"stage": "Closed", "company": elbe, "contact": None}, "marker-2"
    )
    assert (changed["company"], changed["contact"], changed["stage"]) == (elbe, None, "Closed")
    assert changed["closed_date"]
    assert natives_of(hubspot, "tickets")[written["id"]] == changed
    hubspot.writer("tickets", "delete")(written["id"], "marker-3")
    hubspot.writer("tickets", "delete")(written["id"], "marker-3")
    assert written["id"] not in natives_of(hubspot, "tickets")
    with pytest.raises(NotFound):
        hubspot.writer("tickets", "update")(written["id"], {"subject": "too late"}, "marker-4")


def test_a_ticket_begins_in_the_first_stage(hubspot: HubSpot) -> None:
    assert hubspot.writer("tickets", "create")({"subject": "A"}, "marker-1")["stage"] == "New"
    with pytest.raises(RecordError, match="Waiting on contact"):
        hubspot.writer("tickets", "create")({"subject": "B", "stage": "Abgelehnt"}, "marker-2")


def test_a_deal_is_written(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    written = hubspot.writer("deals", "create")({"dealname": "Ladders", "stage": "Qualified To Buy"}, "marker-1")
    assert (
        hubspot.writer("deals", "update")(written["id"], {"dealname": "48 ladders"}, "marker-2")["dealname"]
        == "48 ladders"
    )
    assert natives_of(hubspot, "deals")[written["id"]]["stage"] == "Qualified To Buy"
    hubspot.writer("deals", "delete")(written["id"], "marker-3")
    assert natives_of(hubspot, "deals") == {}


def test_a_note_is_written_by_its_author_on_its_ticket(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    ticket = emulator.add("tickets", subject="A", hs_pipeline="0", hs_pipeline_stage="1")
    owner = emulator.add_owner("m@halbrueck.example")
    native = {"hs_note_body": "<p>Käßner liefert früher.</p>", "hs_timestamp": "2026-05-04T09:12:33.915Z",
              "hubspot_owner_id": owner, "ticket": ticket}  # fmt: skip
    written = hubspot.writer("notes", "create")(native, "marker-1")
    records, _, _ = read(hubspot, "notes")
    assert records[written["id"]].native == written == {**native, "id": written["id"], "deal": None}
    assert records[written["id"]].marker == "marker-1"
    assert (
        hubspot.writer("notes", "update")(written["id"], {"hs_note_body": "<p>Doch nicht.</p>"}, "m")["ticket"]
        == ticket
    )
    hubspot.writer("notes", "delete")(written["id"], "m")
    assert natives_of(hubspot, "notes") == {}
    for wrong in ({"hs_note_body": "x"}, {"ticket": ticket, "hs_note_body": ""}):
        with pytest.raises(RecordError, match="needs a"):
            hubspot.writer("notes", "create")(wrong, "marker-2")


@pytest.mark.parametrize("stream", ["tickets", "deals", "notes"])
def test_after_an_uncertain_outcome_it_is_found_and_not_written_twice(
    emulator: HubSpotEmulator, hubspot: HubSpot, stream: str
) -> None:
    ticket = emulator.add("tickets", subject="Case", hs_pipeline="0", hs_pipeline_stage="1")
    native = {"tickets": {"subject": "A"}, "deals": {"dealname": "A"}}.get(
        stream, {"hs_note_body": "A", "ticket": ticket}
    )
    emulator.index_delay = 600  # what was just written is in no search
    assert hubspot.find(stream, native, "marker-1") is None
    emulator.lose(f"/crm/v3/objects/{stream}")
    with pytest.raises(TransientError) as caught:
        hubspot.writer(stream, "create")(native, "marker-1")
    assert caught.value.uncertain
    found = hubspot.find(stream, native, "marker-1")
    assert found and natives_of(hubspot, stream)[found["id"]] == found
    assert len(emulator.asked(f"/crm/v3/objects/{stream}", "POST")) == 1
    assert hubspot.find(stream, native, "marker-2") is None


def test_hubspot_itself_refuses_a_second_ticket_with_the_same_mark(hubspot: HubSpot) -> None:
    hubspot.writer("tickets", "create")({"subject": "A"}, "marker-1")
    with pytest.raises(RecordError):
        hubspot.writer("tickets", "create")({"subject": "A"}, "marker-1")


def test_without_the_markers_property_the_remedy_is_told(emulator: HubSpotEmulator, hubspot: HubSpot) -> None:
    emulator.custom["tickets"].clear()
    with pytest.raises(ConfigError, match="marker_property"):
        hubspot.writer("tickets", "create")({"subject": "A"}, "marker-1")
