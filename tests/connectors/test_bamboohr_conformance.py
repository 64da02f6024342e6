"""BambooHR against the conformance suite, on the emulator of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from connectors.bamboohr.connector import BambooHR
from landbridge.connector import Stream
from landbridge.connector.items import Native
from landbridge.testing.conformance import Conformance, Harness
from sandbox.emulators.bamboohr import BambooHREmulator
from sandbox.emulators.base import serving

KEY = "api-key-conformance-0123456789"


class BambooHRHarness(Harness):
    connector = BambooHR
    mappings = Path(__file__).parents[2] / "mappings"
    exempt: ClassVar[dict[str, str]] = {
        "expired_cursor": "a cursor is a time, BambooHR itself expires none",
        "paging": "a report has one page",
        "departments.one_bad_record": "departments are options in a list of lists",
        "departments.unknown_fields_and_nulls": "departments are options in a list of lists",
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        self.emulator, self.numbers = BambooHREmulator(token=KEY), itertools.count(2)
        self.emulator.burst = 1_000_000
        with serving(self.emulator) as url:
            yield url

    def config(self, url: str) -> dict[str, Any]:
        return {"host": url, "password": KEY}

    def reset(self) -> None:
        self.emulator.employees.clear()
        self.emulator.departments.clear()
        self.emulator.put("1", displayName="Landbridge")

    def add(self, stream: str, text: str) -> str:
        key = str(next(self.numbers))
        if stream == "departments":
            self.emulator.departments[key] = text
            return text
        self.emulator.put(key, displayName=text)
        return key

    def change(self, stream: str, key: str, text: str) -> None:
        self.emulator.put(key, displayName=text)

    def remove(self, stream: str, key: str) -> None:
        if stream == "departments":
            self.emulator.departments = {id: name for id, name in self.emulator.departments.items() if name != key}
        else:
            self.emulator.remove(key)

    def backdate(self, stream: str, key: str, moment: datetime) -> bool:
        if stream == "departments":
            return False
        self.emulator.changes[key]["lastChanged"] = moment.isoformat(timespec="seconds")
        return True

    def keys(self, stream: str) -> set[str]:
        return set(self.emulator.employees if stream == "employees" else self.emulator.departments.values())

    def changes(self, stream: str, text: str) -> Native:
        return {"workPhone": text}

    def items(self, stream: Stream) -> str:
        return "employees" if stream.name == "employees" else ""


class TestBambooHR(Conformance):
    harness = BambooHRHarness
