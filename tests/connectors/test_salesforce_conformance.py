"""Salesforce against the conformance suite, on the emulator of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from connectors.salesforce.connector import Salesforce
from connectors.salesforce.objects import OBJECTS
from landbridge.connector import Stream
from landbridge.connector.items import Native
from landbridge.testing.conformance import Conformance, Harness
from sandbox.emulators.base import serving
from sandbox.emulators.salesforce import SalesforceEmulator

SECRET = "consumer-secret-conformance-0123456789"
NAMED = {"users": "Name", "accounts": "Name", "contacts": "LastName", "cases": "Subject", "comments": "CommentBody"}


class SalesforceHarness(Harness):
    connector = Salesforce
    mappings = Path(__file__).parents[2] / "mappings"
    many: ClassVar[int] = 7
    exempt: ClassVar[dict[str, str]] = {
        "expired_cursor": "a cursor is a time, Salesforce itself expires none",
        "users.deletion": "users are never deleted in Salesforce",
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        self.emulator = SalesforceEmulator(token=SECRET)
        self.emulator.batch = 3
        self.emulator.daily = 10**9
        with serving(self.emulator) as url:
            yield url

    def config(self, url: str) -> dict[str, Any]:
        return {"host": url, "login": SalesforceEmulator.consumer_key, "password": SECRET, "bulk": False}

    def reset(self) -> None:
        for held in self.emulator.objects.values():
            for key in [key for key in held if key != self.emulator.me]:
                del held[key]
        self.case = self.emulator.add("Case", Subject="Case")

    def add(self, stream: str, text: str) -> str:
        more = {"users": {"UserType": "Standard"}, "comments": {"ParentId": self.case}}.get(stream, {})
        return self.emulator.add(OBJECTS[stream].name, **{NAMED[stream]: text, **more})

    def change(self, stream: str, key: str, text: str) -> None:
        self.emulator.change(OBJECTS[stream].name, key, **{NAMED[stream]: text})

    def remove(self, stream: str, key: str) -> None:
        self.emulator.delete(OBJECTS[stream].name, key)

    def backdate(self, stream: str, key: str, moment: datetime) -> bool:
        self.emulator.objects[OBJECTS[stream].name][key]["SystemModstamp"] = moment.isoformat(timespec="milliseconds")
        return True

    def keys(self, stream: str) -> set[str]:
        return {key for key, row in self.emulator.objects[OBJECTS[stream].name].items() if not row.get("IsDeleted")}

    def native(self, stream: str, text: str) -> Native:
        return {NAMED[stream]: text, **({"ParentId": self.case} if stream == "comments" else {})}

    def changes(self, stream: str, text: str) -> Native:
        return {NAMED[stream]: text}

    def items(self, stream: Stream) -> str:
        return "records"

    def path(self, stream: Stream) -> str:
        return "*/query*"


class TestSalesforce(Conformance):
    harness = SalesforceHarness
