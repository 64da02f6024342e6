"""HubSpot against the conformance suite, on the emulator of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.hubspot import connector as module
from connectors.hubspot.connector import HubSpot
from landbridge.connector import Stream
from landbridge.connector.items import Native
from landbridge.testing.conformance import Conformance, Harness
from sandbox.emulators.base import serving
from sandbox.emulators.hubspot import HubSpotEmulator

TOKEN = "pat-eu1-conformance-0123456789"
# By what a record is known, and what else it needs.
NAMED = {
    "contacts": "firstname",
    "companies": "name",
    "tickets": "subject",
    "deals": "dealname",
    "notes": "hs_note_body",
}
PLACED = {
    "tickets": {"hs_pipeline": "0", "hs_pipeline_stage": "1"},
    "deals": {"pipeline": "default", "dealstage": "qualifiedtobuy"},
}


class HubSpotHarness(Harness):
    connector = HubSpot
    mappings = Path(__file__).parents[3] / "mappings"
    many: ClassVar[int] = 7
    exempt: ClassVar[dict[str, str]] = {
        "expired_cursor": "a cursor is a time, HubSpot itself expires none",
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        self.emulator = HubSpotEmulator(token=TOKEN)
        self.emulator.burst = self.emulator.searches = 1_000_000
        with serving(self.emulator) as url, pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "PAGES", replace(module.PAGES, size=3))
            yield url

    def config(self, url: str) -> dict[str, Any]:
        return {"host": url, "password": TOKEN, "deletions_minutes": 0}

    def reset(self) -> None:
        self.emulator.owners.clear()
        for held in self.emulator.objects.values():
            held.clear()
        self.ticket = self.emulator.add("tickets", subject="Case", **PLACED["tickets"])

    def add(self, stream: str, text: str) -> str:
        if stream == "owners":
            return self.emulator.add_owner(f"{len(self.emulator.owners)}@halbrueck.example", text)
        key = self.emulator.add(stream, **{NAMED[stream]: text, **PLACED.get(stream, {})})
        if stream == "notes":
            self.emulator.change(stream, key, hs_timestamp=self.emulator.now())
            self.emulator.link("notes", key, "tickets", self.ticket)
        return key

    def change(self, stream: str, key: str, text: str) -> None:
        if stream == "owners":
            next(one for one in self.emulator.owners if one["id"] == key)["firstName"] = text
        else:
            self.emulator.change(stream, key, **{NAMED[stream]: text})

    def remove(self, stream: str, key: str) -> None:
        if stream == "owners":
            self.emulator.owners[:] = [one for one in self.emulator.owners if one["id"] != key]
        else:
            self.emulator.archive(stream, key)

    def backdate(self, stream: str, key: str, moment: datetime) -> bool:
        if stream == "owners":
            return False
        row, text = self.emulator.objects[stream][key], moment.isoformat()
        row["updatedAt"] = row["properties"]["hs_lastmodifieddate"] = row["properties"]["lastmodifieddate"] = text
        return True

    def keys(self, stream: str) -> set[str]:
        if stream == "owners":
            return {one["id"] for one in self.emulator.owners}
        return {key for key, row in self.emulator.objects[stream].items() if not row["archived"]}

    def native(self, stream: str, text: str) -> Native:
        return {NAMED[stream]: text, **({"ticket": self.ticket} if stream == "notes" else {})}

    def changes(self, stream: str, text: str) -> Native:
        return {NAMED[stream]: text}

    def items(self, stream: Stream) -> str:
        return "results"


class TestHubSpot(Conformance):
    harness = HubSpotHarness
