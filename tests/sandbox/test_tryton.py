"""Tryton, started for real: the life of the server, the seed, the rights of the two accounts, and changes by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from sandbox.company import Person, halbrueck
from sandbox.errors import SandboxError
from sandbox.supervisor import processes, stat_fields
from sandbox.tryton import Tryton
from sandbox.tryton_desk import HRDesk, SalesDesk
from tests import prepared
from tests.servers import steps_done

pytestmark = pytest.mark.server

COMPANY = halbrueck()
NEW = Person(
    "E0099", "Łucja", "O'Neill-Groß", "lucja.oneill", "lucja.oneill@halbrueck.example", "+49 30 23125 099",
    "+49 171 3920099", "Buyer", "SAL", "E0001", date(2026, 1, 1), None,
)  # fmt: skip


@pytest.fixture(scope="module")
def tryton(sandbox_home: Path) -> Iterator[Tryton]:
    system = Tryton(sandbox_home / "tryton")
    assert system.health().state == "absent"
    prepared.put([system])
    system.install()
    assert system.health().state == "down"
    system.start()
    system.seed(COMPANY)
    yield system
    system.stop()


def counts(tryton: Tryton) -> dict[str, int]:
    client = tryton.client()
    notes = sum(len(row["notes"]) for row in client.find("sale.opportunity", [], ["notes"]))
    models = (
        "hr.department",
        "party.party",
        "party.contact_mechanism",
        "res.user",
        "res.group",
        "sale.opportunity",
        "ir.model.access",
        "ir.rule.group",
    )
    return {"notes": notes, **{model: len(client.find(model, [], ["id"])) for model in models}}


def test_the_whole_company_is_there(tryton: Tryton) -> None:
    desk = HRDesk(tryton.client("hr"))
    for person in COMPANY.people:
        row = desk.employee(person.number)
        assert (row["party."]["name"], row["party."]["email"]) == (person.full_name, person.email)
        assert (row["party."]["phone"], row["party."]["mobile"]) == (person.phone, person.mobile)
        assert (row["title"], row["department."]["code"]) == (person.title, person.department)
        assert (row["supervisor."]["party."]["code"] if row["supervisor."] else None) == person.manager
        assert (row["start_date"], row["end_date"]) == (person.starts, person.ends)
        assert row["active"] == (not COMPANY.has_left(person, date.today()))
    heads = desk.client.find("hr.department", [], ["code", "name", "head.party.code"])
    assert {(row["code"], row["name"], row["head."]["party."]["code"]) for row in heads} == {
        (part.code, part.name, part.head) for part in COMPANY.departments
    }


def test_all_opportunities_with_their_notes_are_there(tryton: Tryton) -> None:
    desk = SalesDesk(tryton.client("crm"))
    for deal in COMPANY.opportunities:
        row = desk.opportunity(str(deal.number))
        assert (row["description"], row["state"], row["amount"]) == (deal.subject, deal.status, deal.amount)
        assert (row["party."]["name"], row["employee."]["party."]["code"]) == (deal.customer, deal.owner)
        assert (row["contact."]["name"], row["contact."]["value"]) == (deal.contact, deal.contact_email)
        notes = desk.notes(str(deal.number))
        assert [note["message"] for note in notes] == list(deal.notes)
        assert {note["create_uid."]["employee."]["party."]["code"] for note in notes} <= {deal.owner}


def test_an_interrupted_seed_is_completed_without_doubles(tryton: Tryton) -> None:
    before = counts(tryton)
    (tryton.home / "seed.done").unlink()
    tryton.seed(COMPANY)
    assert counts(tryton) == before


def test_the_connections_open_the_doors_they_are_for(tryton: Tryton) -> None:
    connections = tryton.connections()
    assert set(connections) == {"hr", "crm"}
    assert {one["conn_type"] for one in connections.values()} == {"landbridge_tryton"}
    assert connections["hr"]["host"].startswith("http://127.0.0.1:")
    for login, model in (("hr", "company.employee"), ("crm", "sale.opportunity")):
        one, key = connections[login], connections[login]["extra"]["application_key"]
        url = f"{one['host']}/{one['extra']['database']}/rest/model/{model}"
        answer = requests.get(url, params={"s": 3}, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        assert len(answer.json()) == 3
    assert (tryton.home / "facts.json").stat().st_mode & 0o777 == 0o600
    assert (tryton.home / "tryton.sqlite").stat().st_mode & 0o077 == 0


def test_hr_reads_employees_and_nothing_else(tryton: Tryton) -> None:
    client = tryton.client("hr")
    row = HRDesk(client).employee("E0002")
    for model, values in (("company.employee", {"title": "Boss"}), ("party.party", {"name": "Boss"})):
        with pytest.raises(SandboxError, match="not allowed"):
            client.write(model, [row["id"]], values)
    with pytest.raises(SandboxError, match="not allowed"):
        client.find("sale.opportunity", [], ["number"])


def test_crm_adds_notes_but_removes_only_its_own(tryton: Tryton) -> None:
    client = tryton.client("crm")
    desk = SalesDesk(client)
    before = [note["id"] for note in desk.notes("1")]
    ours = desk.note("1", "📌 Aus dem Chat: Käßner liefert früher.")
    with pytest.raises(SandboxError, match="not allowed"):
        client.delete("ir.note", [before[0]])
    with pytest.raises(SandboxError, match="not allowed"):
        client.write("party.party", [1], {"name": "Other Ltd"})
    client.delete("ir.note", [ours["id"]])
    assert [note["id"] for note in desk.notes("1")] == before


def test_the_rule_for_crm_keeps_nobody_else_from_removing_notes(tryton: Tryton) -> None:
    salesperson = COMPANY.by_number[COMPANY.opportunities[0].owner].user_name
    before = [note["id"] for note in SalesDesk(tryton.client()).notes("1")]
    for account in ("admin", salesperson):
        client = tryton.client(account)
        client.delete("ir.note", [SalesDesk(client).note("1", "Vertippt")["id"]])
    assert [note["id"] for note in SalesDesk(tryton.client()).notes("1")] == before


def test_people_come_change_and_go(tryton: Tryton) -> None:
    desk = HRDesk(tryton.client())
    desk.hire(NEW)
    assert desk.employee(NEW.number)["party."]["email"] == NEW.email
    renamed = desk.rename(NEW.number, "Łucja", "Groß", email="lucja.gross@halbrueck.example")
    assert (renamed["family_name"], renamed["party."]["email"]) == ("Groß", "lucja.gross@halbrueck.example")
    moved = desk.move(NEW.number, "ITS", title="Administrator", manager="E0003")
    assert (moved["title"], moved["supervisor."]["party."]["code"]) == ("Administrator", "E0003")
    assert desk.leave(NEW.number, date.today() - timedelta(days=1))["active"] is False


def test_an_opportunity_is_opened_noted_and_converted(tryton: Tryton) -> None:
    desk = SalesDesk(tryton.client(COMPANY.by_number[COMPANY.opportunities[0].owner].user_name))
    row = desk.open(
        "Leitern für die Werft", customer="Werft Süd GmbH", contact="Jörg Päßler",
        contact_email="paessler@werft.example", owner=COMPANY.opportunities[0].owner, amount=Decimal("990.50"),
    )  # fmt: skip
    assert row["state"] == "lead"
    assert int(row["number"]) > max(deal.number for deal in COMPANY.opportunities)
    assert desk.note(row["number"], "Erster Anruf 📞")["create_uid."]["login"] == desk.client.login
    assert desk.set_state(row["number"], "converted")["state"] == "converted"


def test_a_change_of_name_or_address_is_found_by_time(tryton: Tryton) -> None:
    """What a connector has to ask: a name or an address leaves the employee's own write date as it was."""
    desk = HRDesk(tryton.client())
    since = datetime.now(UTC)
    party = desk.employee("E0007")["party."]["id"]
    desk.client.write("party.party", [party], {"name": "Neuer Name"})
    own = ["OR", ["write_date", ">", since], ["create_date", ">", since]]
    nested = [*own, ["party.write_date", ">", since], ["party.contact_mechanisms.write_date", ">", since]]
    assert desk.client.find("company.employee", own, ["id"]) == []
    assert len(desk.client.find("company.employee", nested, ["id"])) == 1


def test_a_restart_does_nothing_again_and_nothing_is_left(tryton: Tryton) -> None:
    before = counts(tryton)
    tryton.stop()
    assert tryton.health().state == "down"
    assert not [pid for pid in processes() if _belongs(pid, tryton.home)]
    done = steps_done(tryton)
    tryton.install()
    tryton.start()
    tryton.seed(COMPANY)
    assert tryton.health().state == "up"
    assert counts(tryton) == before
    assert steps_done(tryton) == done != {}


def _belongs(pid: int, home: Path) -> bool:
    try:
        return bool(stat_fields(pid)) and str(home).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
