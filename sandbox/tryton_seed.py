"""Fills an empty Tryton: company, users with their rights, employees, opportunities and notes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sandbox.company import Company, Opportunity, Person
from sandbox.tryton_client import TrytonClient
from sandbox.tryton_desk import HRDesk, SalesDesk

# Tryton lets everybody read and change what no rule names, parties above all: the rules below take that away.
READ = {"perm_read": True, "perm_write": False, "perm_create": False, "perm_delete": False}
WRITE = {**READ, "perm_write": True}
ADD_AND_REMOVE = {**READ, "perm_create": True, "perm_delete": True}
RIGHTS: dict[str, dict[str, dict[str, bool]]] = {
    "Integration HR": {"party.party": READ, "ir.note": READ, "ir.attachment": READ},
    # A note is a change of what it is attached to: who may not write an opportunity may not write a note on it either.
    "Integration CRM": {
        "party.party": READ,
        "sale.opportunity": WRITE,
        "ir.note": ADD_AND_REMOVE,
        "ir.attachment": READ,
    },
}
ACCOUNTS = {"hr": ("Integration HR",), "crm": ("Integration CRM",)}
SALESPERSON = ("Sales", "Sale Opportunity")


def seed(admin: TrytonClient, company: Company, facts: Mapping[str, Any]) -> None:
    """Each step leaves alone what is there, so an interrupted seed is completed by the next."""
    _company(admin, company.name)
    admin.refresh_context()
    hr = HRDesk(admin)
    hr.add_departments(company.departments)
    hr.hire(*company.people)
    hr.appoint_heads(company.departments)
    for group, rights in RIGHTS.items():
        _group(admin, group, rights)
    _own_notes_only(admin, "Integration CRM", "crm")
    for login, groups in ACCOUNTS.items():
        _user(admin, login, f"Landbridge ({login.upper()})", facts["passwords"][login], groups)
    for person in owners(company):
        user = _user(admin, person.user_name, person.full_name, facts["passwords"][person.user_name], SALESPERSON)
        employee = hr.employee(person.number)["id"]
        admin.write("res.user", [user], {"employees": [["add", [employee]]], "employee": employee})
    _opportunities(admin, company, facts)


def owners(company: Company) -> list[Person]:
    """The salespeople, who work in Tryton themselves: their notes are theirs."""
    return [company.by_number[number] for number in sorted({deal.owner for deal in company.opportunities})]


def application_key(client: TrytonClient) -> str:
    """The user's key to Tryton's REST interface, which needs no session and may be cancelled by itself."""
    domain = [["user", "=", client.user_id], ["application", "=", "rest"], ["state", "=", "validated"]]
    _ensure(client, "res.user.application", domain, {"user": client.user_id, "application": "rest"})
    return str(client.one("res.user.application", domain, ["key"])["key"])


def _company(admin: TrytonClient, name: str) -> None:
    currency = _ensure(admin, "currency.currency", [["code", "=", "EUR"]], {
        "name": "Euro", "code": "EUR", "numeric_code": "978", "symbol": "€", "digits": 2, "rounding": Decimal("0.01"),
    })  # fmt: skip
    party = _ensure(admin, "party.party", [["name", "=", name]], {"name": name})
    company = _ensure(admin, "company.company", [["party", "=", party]], {"party": party, "currency": currency})
    admin.write("res.user", [admin.user_id], {"companies": [["add", [company]]], "company": company})


def _group(admin: TrytonClient, name: str, rights: Mapping[str, Mapping[str, bool]]) -> None:
    group = _ensure(admin, "res.group", [["name", "=", name]], {"name": name})
    for model, allowed in rights.items():
        domain = [["model", "=", model], ["group", "=", group]]
        _ensure(admin, "ir.model.access", domain, {"model": model, "group": group, **allowed})


def _own_notes_only(admin: TrytonClient, group: str, login: str) -> None:
    """A message withdrawn in chat is withdrawn here too, but never a salesperson's note."""
    _may_delete_notes(admin, f"{login} removes its own notes only", group, [["create_uid.login", "=", login]])
    # Tryton counts administrators among all groups, so this rule would hold for them alone; one that fits suffices.
    _may_delete_notes(admin, "Salespeople remove any note", "Sale Opportunity", [])


def _may_delete_notes(admin: TrytonClient, name: str, group: str, domain: list[Any]) -> None:
    members = admin.one("res.group", [["name", "=", group]], ["name"])["id"]
    _ensure(admin, "ir.rule.group", [["name", "=", name]], {
        "name": name, "model": "ir.note", "groups": [["add", [members]]],
        "rules": [["create", [{"domain": json.dumps(domain)}]]], "global_p": False, "default_p": False,
        "perm_read": False, "perm_write": False, "perm_create": False, "perm_delete": True,
    })  # fmt: skip


def _user(admin: TrytonClient, login: str, name: str, password: str, groups: Iterable[str]) -> int:
    found = admin.find("res.group", [["name", "in", list(groups)]], ["name"])
    company = admin.context["company"]
    return _ensure(admin, "res.user", [["login", "=", login]], {
        "login": login,
        "name": name,
        "password": password,
        "groups": [["add", [group["id"] for group in found]]],
        "companies": [["add", [company]]],
        "company": company,
    })  # fmt: skip


def _opportunities(admin: TrytonClient, company: Company, facts: Mapping[str, Any]) -> None:
    desks = {person.number: SalesDesk(TrytonClient.of(facts, person.user_name)) for person in owners(company)}
    counter = SalesDesk(admin)
    for deal in sorted(company.opportunities, key=lambda one: one.number):
        if not admin.find("sale.opportunity", [["number", "=", str(deal.number)]], ["number"]):
            counter.count_from(deal.number)
        _opportunity(desks[deal.owner], deal)


def _opportunity(desk: SalesDesk, deal: Opportunity) -> None:
    number = str(deal.number)
    if not desk.client.find("sale.opportunity", [["number", "=", number]], ["number"]):
        desk.open(
            deal.subject,
            customer=deal.customer,
            contact=deal.contact,
            contact_email=deal.contact_email,
            owner=deal.owner,
            amount=deal.amount,
        )
    for text in deal.notes[len(desk.notes(number)) :]:
        desk.note(number, text)
    desk.set_state(number, deal.status)


def _ensure(admin: TrytonClient, model: str, domain: list[Any], values: Mapping[str, Any]) -> int:
    found = admin.find(model, domain, ["id"])
    return int(found[0]["id"] if found else admin.create(model, values)[0])
