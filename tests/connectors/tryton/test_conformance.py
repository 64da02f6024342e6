"""Tryton against the conformance suite, on a real server with an administrator at work in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, ClassVar

import pytest

from connectors.tryton import connector as module
from connectors.tryton.connector import Tryton
from landbridge.connector import Stream
from landbridge.connector.items import Native
from landbridge.testing import faults
from landbridge.testing.conformance import Conformance, Harness
from landbridge.testing.exchange import Fault
from sandbox import tryton as sandbox
from tests.connectors.tryton.reading import MAPPINGS
from tests.servers import brought_up

pytestmark = pytest.mark.server

MODELS = {
    "departments": "hr.department", "employees": "company.employee", "opportunities": "sale.opportunity",
    "notes": "ir.note",
}  # fmt: skip
# By which field a person knows a record.
NAMED = {"departments": "name", "employees": "title", "opportunities": "description", "notes": "message"}


def says(message: str) -> Fault:
    """Tryton's own way of refusing."""
    return faults.refuse(400, json.dumps({"status": 400, "message": message, "description": ""}).encode())


class TrytonHarness(Harness):
    connector = Tryton
    mappings = MAPPINGS.parent
    exempt: ClassVar[dict[str, str]] = {
        "expired_cursor": "a cursor is a time, Tryton itself expires none",
        "notes.cursor": "Tryton lets nobody change a note: test_tryton_server.py reads on after new ones",
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        with brought_up(sandbox.Tryton) as self.tryton, pytest.MonkeyPatch.context() as patch:
            # So that a few records are several pages.
            patch.setattr(module, "PAGE", 10)
            self.admin = self.tryton.client()
            self.case = self._opportunity("Conformance")
            yield self.tryton.facts()["url"]
            self.admin.close()

    def config(self, url: str) -> dict[str, Any]:
        account = self.tryton.connections()["crm"]
        return {"host": url, "login": account["login"], **account["extra"]}

    def add(self, stream: str, text: str) -> str:
        if stream == "notes":
            note = {"resource": f"sale.opportunity,{self.case}", "message": text}
            return str(self.admin.create("ir.note", note)[0])
        company = self.admin.context["company"]
        if stream == "departments":
            code = f"C{text.rpartition(' ')[2]}"
            return str(self.admin.create("hr.department", {"code": code, "name": text, "company": company})[0])
        if stream == "employees":
            return str(self._employee(text, company))
        return str(self._opportunity(text))

    def change(self, stream: str, key: str, text: str) -> None:
        self.admin.write(MODELS[stream], [int(key)], {NAMED[stream]: text})

    def remove(self, stream: str, key: str) -> None:
        if stream == "opportunities":
            self.admin.press("sale.opportunity", "cancel", [int(key)])
        self.admin.delete(MODELS[stream], [int(key)])

    def keys(self, stream: str) -> set[str]:
        if stream == "notes":
            return {str(id) for row in self.admin.find("sale.opportunity", [], ["notes"]) for id in row["notes"]}
        return {str(row["id"]) for row in self.admin.find(MODELS[stream], [], ["id"])}

    def native(self, stream: str, text: str) -> Native:
        return {"opportunity": self.case, "message": text}

    def changes(self, stream: str, text: str) -> Native:
        return {"message": text}

    # How Tryton says it

    def path(self, stream: Stream) -> str:
        """Notes are read through their opportunities."""
        return f"*/{MODELS['opportunities' if stream.name == 'notes' else stream.name]}*"

    def items(self, stream: Stream) -> str | None:
        return None if stream.name == "notes" else ""

    def forbidden(self) -> Fault:
        return says('You are not allowed to access "Sale Opportunity".')

    def refused(self) -> Fault:
        return says('The value for field "Message" in "Note" is not valid.')

    # Steps of the above

    def _employee(self, text: str, company: int) -> int:
        party = self.admin.create("party.party", {"name": text})[0]
        work = {"party": party, "company": company, "start_date": date(2026, 1, 1), "title": text}
        return self.admin.create("company.employee", work)[0]

    def _opportunity(self, text: str) -> int:
        company = self.admin.context["company"]
        employee = self.admin.find("company.employee", [], ["company.currency"])[0]
        made = {"description": text, "company": company, "currency": employee["company."]["currency"]}
        return self.admin.create("sale.opportunity", {**made, "employee": employee["id"]})[0]


class TestTryton(Conformance):
    harness = TrytonHarness
