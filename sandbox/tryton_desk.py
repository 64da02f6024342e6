"""What people do in Tryton, for the seed, the demo and the tests; each change is read back from the product."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.company import Department, Person
from sandbox.errors import SandboxError
from sandbox.tryton_client import TrytonClient

EMPLOYEE = (
    "start_date", "end_date", "given_name", "family_name", "title", "department.code", "supervisor.party.code",
    "party.code", "party.name", "party.email", "party.phone", "party.mobile", "active",
)  # fmt: skip
OPPORTUNITY = (
    "number", "description", "state", "amount", "party.name", "contact.name", "contact.value",
    "employee.party.code", "notes",
)  # fmt: skip
NOTE = ("message", "resource", "create_date", "create_uid.login", "create_uid.employee.party.code")
BUTTONS = {
    "lead": "lead", "opportunity": "opportunity", "converted": "convert", "lost": "lost", "cancelled": "cancel",
}  # fmt: skip


class HRDesk:
    """Employees are parties whose code is the employee number; the client needs the rights of `admin`."""

    def __init__(self, client: TrytonClient) -> None:
        self.client = client
        self._company = client.context["company"]

    def add_departments(self, departments: Iterable[Department]) -> None:
        known = {row["code"] for row in self.client.find("hr.department", [], ["code"])}
        new = [part for part in departments if part.code not in known]
        self.client.create(
            "hr.department", *({"code": part.code, "name": part.name, "company": self._company} for part in new)
        )

    def appoint_heads(self, departments: Iterable[Department]) -> None:
        for part in departments:
            found = self.client.one("hr.department", [["code", "=", part.code]], ["head"])
            self.client.write("hr.department", [found["id"]], {"head": self.employee(part.head)["id"]})

    def hire(self, *people: Person) -> list[dict[str, Any]]:
        """Those already employed are left as they are; managers may be among the new ones."""
        known = {row["party."]["code"] for row in self.client.find("company.employee", [], ["party.code"])}
        new = [person for person in people if person.number not in known]
        parties = self._parties(new)
        departments = {row["code"]: row["id"] for row in self.client.find("hr.department", [], ["code"])}
        self.client.create("company.employee", *(self._employee(person, parties, departments) for person in new))
        ids = self._ids()
        for person in new:
            if person.manager:
                self.client.write("company.employee", [ids[person.number]], {"supervisor": ids[person.manager]})
        return [self._checked(person.number, "party.code", person.number) for person in new]

    def rename(self, number: str, given: str, family: str, *, email: str | None = None) -> dict[str, Any]:
        """A new name, and with it the address that contains it; the old address is replaced."""
        row = self.employee(number)
        self.client.write("party.party", [row["party."]["id"]], {"name": f"{given} {family}"})
        self.client.write("company.employee", [row["id"]], {"given_name": given, "family_name": family})
        if email:
            domain = [["party", "=", row["party."]["id"]], ["type", "=", "email"]]
            mechanism = self.client.one("party.contact_mechanism", domain, ["value"])
            self.client.write("party.contact_mechanism", [mechanism["id"]], {"value": email})
        return self._checked(number, "party.name", f"{given} {family}")

    def move(
        self, number: str, department: str, *, title: str | None = None, manager: str | None = None
    ) -> dict[str, Any]:
        """To another department; title and manager stay when they are not named."""
        found = self.client.one("hr.department", [["code", "=", department]], ["code"])
        values: dict[str, Any] = {"department": found["id"]}
        if title:
            values["title"] = title
        if manager:
            values["supervisor"] = self.employee(manager)["id"]
        self.client.write("company.employee", [self.employee(number)["id"]], values)
        return self._checked(number, "department.code", department)

    def leave(self, number: str, last_day: date) -> dict[str, Any]:
        """Tryton counts the last day as a day at work: who shall be gone now left yesterday."""
        self.client.write("company.employee", [self.employee(number)["id"]], {"end_date": last_day})
        return self._checked(number, "end_date", last_day)

    def employee(self, number: str) -> dict[str, Any]:
        return self.client.one("company.employee", [["party.code", "=", number]], EMPLOYEE)

    def _parties(self, people: Sequence[Person]) -> dict[str, int]:
        """A party that an interrupted hire has left without employee is used again."""
        numbers = [person.number for person in people]
        left = {row["code"] for row in self.client.find("party.party", [["code", "in", numbers]], ["code"])}
        self.client.create("party.party", *(_party(person) for person in people if person.number not in left))
        found = self.client.find("party.party", [["code", "in", numbers]], ["code"])
        return {row["code"]: row["id"] for row in found}

    def _employee(self, person: Person, parties: dict[str, int], departments: dict[str, int]) -> dict[str, Any]:
        return {
            "party": parties[person.number],
            "company": self._company,
            "start_date": person.starts,
            "end_date": person.ends,
            "given_name": person.given,
            "family_name": person.family,
            "title": person.title,
            "department": departments[person.department],
        }

    def _ids(self) -> dict[str, int]:
        found = self.client.find("company.employee", [], ["party.code"])
        return {row["party."]["code"]: row["id"] for row in found}

    def _checked(self, number: str, field: str, expected: Any) -> dict[str, Any]:
        return _checked(self.employee(number), field, expected)


class SalesDesk:
    """Opportunities and their notes, written by whoever the client is logged in as."""

    def __init__(self, client: TrytonClient) -> None:
        self.client = client

    def count_from(self, number: int) -> None:
        """Tryton numbers opportunities itself and lets nobody write a number; only `admin` may set the counter."""
        sequence = self.client.one("ir.sequence", [["sequence_type.name", "=", "Sale Opportunity"]], ["name"])
        self.client.write("ir.sequence", [sequence["id"]], {"number_next": number})

    def open(
        self, subject: str, *, customer: str, contact: str, contact_email: str, owner: str, amount: Decimal
    ) -> dict[str, Any]:
        """A new lead; `owner` is an employee number."""
        party = self._customer(customer)
        employee = self.client.one("company.employee", [["party.code", "=", owner]], ["company.currency"])
        created = self.client.create("sale.opportunity", {
            "description": subject,
            "party": party,
            "contact": self._contact(party, contact, contact_email),
            "employee": employee["id"],
            "amount": amount,
            "company": self.client.context["company"],
            "currency": employee["company."]["currency"],
        })  # fmt: skip
        row = self.client.one("sale.opportunity", [["id", "=", created[0]]], OPPORTUNITY)
        return _checked(row, "description", subject)

    def set_state(self, number: str, state: str) -> dict[str, Any]:
        """Presses the buttons that lead there; a lead becomes an opportunity before it is converted."""
        row = self.opportunity(number)
        if row["state"] == "lead" and state == "converted":
            self.client.press("sale.opportunity", "opportunity", [row["id"]])
        if row["state"] != state:
            self.client.press("sale.opportunity", BUTTONS[state], [row["id"]])
        return _checked(self.opportunity(number), "state", state)

    def note(self, number: str, text: str) -> dict[str, Any]:
        resource = f"sale.opportunity,{self.opportunity(number)['id']}"
        created = self.client.create("ir.note", {"resource": resource, "message": text})
        return _checked(self.client.call("model.ir.note.read", created, NOTE)[0], "message", text)

    def opportunity(self, number: str) -> dict[str, Any]:
        return self.client.one("sale.opportunity", [["number", "=", number]], OPPORTUNITY)

    def notes(self, number: str) -> list[dict[str, Any]]:
        resource = f"sale.opportunity,{self.opportunity(number)['id']}"
        return self.client.find("ir.note", [["resource", "=", resource]], NOTE)

    def _customer(self, name: str) -> int:
        found = self.client.find("party.party", [["name", "=", name]], ["name"])
        return int(found[0]["id"] if found else self.client.create("party.party", {"name": name})[0])

    def _contact(self, party: int, name: str, email: str) -> int:
        domain = [["party", "=", party], ["type", "=", "email"], ["value", "=", email]]
        if found := self.client.find("party.contact_mechanism", domain, ["value"]):
            return int(found[0]["id"])
        values = {"party": party, "type": "email", "name": name, "value": email}
        return self.client.create("party.contact_mechanism", values)[0]


def _party(person: Person) -> dict[str, Any]:
    ways = {"email": person.email, "phone": person.phone, "mobile": person.mobile}
    mechanisms = [{"type": kind, "value": value} for kind, value in ways.items()]
    return {"code": person.number, "name": person.full_name, "contact_mechanisms": [["create", mechanisms]]}


def _checked(row: dict[str, Any], field: str, expected: Any) -> dict[str, Any]:
    """The product may accept a call and do something else, so what it now has is compared."""
    value: Any = row
    *nested, last = field.split(".")
    for name in nested:
        value = value[f"{name}."]
    if value[last] != expected:
        raise SandboxError(f"Tryton took the change, but {field} is not what was asked for.")
    return row
