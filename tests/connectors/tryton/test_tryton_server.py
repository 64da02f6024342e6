"""What the Tryton connector reads from a real Tryton, and what it sees of its changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
import yaml

from connectors.tryton import connector as module
from connectors.tryton import rest
from connectors.tryton.connector import Tryton
from landbridge.connector import Checkpoint, Record
from landbridge.errors import AuthError, ScopeError
from sandbox import tryton as sandbox
from sandbox.company import Person
from sandbox.tryton_desk import HRDesk, SalesDesk
from tests.connectors.tryton.reading import COMPANY, MAPPINGS, Make, claims, in_full

pytestmark = pytest.mark.server

NEW = Person(
    "E0099", "Łucja", "O'Neill-Groß", "lucja.oneill", "Lucja.ONeill@halbrueck.example", "+49 30 23125 099",
    "+49 171 3920099", "Buyer", "SAL", "E0001", date(2026, 1, 1), None,
)  # fmt: skip


def person(connector: Tryton, number: str) -> dict[str, Any]:
    return next(one for one in claims(connector, "employees").values() if one["employee_number"] == number)


def cursor_of(connector: Tryton, stream: str) -> Any:
    return next(item.cursor for item in connector.read(stream) if isinstance(item, Checkpoint))


def changed(connector: Tryton, stream: str, cursor: Any) -> set[str]:
    return {item.key for item in connector.read(stream, cursor) if isinstance(item, Record)}


@pytest.mark.parametrize("account", ["hr", "crm"])
def test_each_account_has_what_it_needs(make: Make, account: str) -> None:
    found = make(account).check()
    assert (found.name, found.missing) == (account, ())
    assert ("notes" in found.detail) == (account == "crm")


def test_the_tested_version(system: sandbox.Tryton) -> None:
    """`tried_against` in quality.yaml says the same."""
    asked = {"id": 1, "method": "common.server.version", "params": []}
    version = requests.post(f"{system.facts()['url']}/rpc/", json=asked, timeout=5).json()["result"]
    quality = yaml.safe_load((MAPPINGS.parents[1] / "connectors/tryton/quality.yaml").read_text())
    assert quality["tried_against"]["real server"] == f"Tryton {version}"


@pytest.mark.parametrize("account", ["hr", "crm"])
def test_the_whole_company_is_read_by_both_accounts(make: Make, account: str) -> None:
    connector = make(account)
    departments, people = claims(connector, "departments"), claims(connector, "employees")
    assert {one["code"]: one["name"] for one in departments.values()} == {
        part.code: part.name for part in COMPANY.departments
    }
    assert {one["employee_number"] for one in people.values()} == COMPANY.by_number.keys()
    for claim in people.values():
        known = COMPANY.by_number[claim["employee_number"]]
        assert claim["display_name"] == claim["name.formatted"] == known.full_name
        assert (claim["name.given"], claim["name.family"], claim["title"]) == (known.given, known.family, known.title)
        assert claim["user_name"] == known.user_name
        assert claim["emails"] == [{"value": known.email, "primary": True}]
        assert [(one["type"], one["value"]) for one in claim["phones"]] == [
            ("work", known.phone), ("mobile", known.mobile),
        ]  # fmt: skip
        assert departments[claim["department"]["key"]]["code"] == known.department
        manager = claim["manager"] and people[claim["manager"]["key"]]["employee_number"]
        assert manager == known.manager
        assert claim["employment.starts"] == known.starts.isoformat()
        assert claim["active"] is not COMPANY.has_left(known, date.today())


def test_opportunities_and_their_notes_refer_to_records_of_the_same_account(crm: Tryton) -> None:
    people, departments = claims(crm, "employees"), claims(crm, "departments")
    cases, notes = claims(crm, "opportunities"), claims(crm, "notes")
    by_number = {deal.number: deal for deal in COMPANY.opportunities}
    for key, claim in cases.items():
        deal = by_number[int(claim["number"])]
        owner = COMPANY.by_number[deal.owner]
        assert (claim["subject"], claim["status"], claim["description"]) == (deal.subject, deal.status, deal.customer)
        assert people[claim["owner"]["key"]]["employee_number"] == deal.owner
        assert departments[claim["team"]["key"]]["code"] == owner.department
        mine = [note for note in notes.values() if note["space"] == {"stream": "opportunities", "key": key}]
        assert {people[note["author"]["key"]]["employee_number"] for note in mine} <= {deal.owner}
        assert len(mine) == len(deal.notes)
        assert all(note["sent_at"] and note["guest"] is None for note in mine)
    assert len(cases) == len(by_number)


def test_hr_may_not_read_opportunities(hr: Tryton) -> None:
    for stream in ("opportunities", "notes"):
        with pytest.raises(ScopeError):
            list(hr.read(stream))


def test_small_pages_hold_the_same(crm: Tryton, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = {stream: in_full(crm, stream) for stream in crm.streams()}
    monkeypatch.setattr(module, "PAGE", 3)
    assert {stream: in_full(crm, stream) for stream in crm.streams()} == at_once


def test_a_wrong_key_and_a_foreign_login(make: Make) -> None:
    wrong = make("hr", application_key="0" * 64)
    with pytest.raises(AuthError) as caught:
        wrong.check()
    assert "0" * 64 not in str(caught.value)
    foreign = make("hr")
    foreign.config = foreign.config.model_copy(update={"login": "admin"})
    with pytest.raises(AuthError, match="another user"):
        foreign.check()


def test_people_come_move_and_marry_and_the_next_reading_shows_it(hr: Tryton, desk: HRDesk) -> None:
    desk.hire(NEW)
    hired = person(hr, NEW.number)
    assert (hired["user_name"], hired["active"], hired["name.family"]) == ("lucja.oneill", True, "O'Neill-Groß")
    desk.rename(NEW.number, "Łucja", "Groß", email="lucja.gross@halbrueck.example")
    married = person(hr, NEW.number)
    assert (married["display_name"], married["emails"][0]["value"]) == ("Łucja Groß", "lucja.gross@halbrueck.example")
    desk.move(NEW.number, "ITS", title="Administrator", manager="E0003")
    moved = person(hr, NEW.number)
    assert (moved["title"], moved["employee_number"]) == ("Administrator", NEW.number)
    assert moved["department"] != hired["department"]
    assert moved["manager"] == {"stream": "employees", "key": str(desk.employee("E0003")["id"])}


def test_a_leaver_is_inactive_the_day_after_the_end_date_though_nothing_is_written(
    hr: Tryton, desk: HRDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.now(UTC).date()
    desk.leave("E0042", today)
    before = person(hr, "E0042")
    assert (before["active"], before["employment.ends"]) == (True, today.isoformat())
    after = today + timedelta(days=1)
    tomorrow = {"__class__": "date", "year": after.year, "month": after.month, "day": after.day}
    monkeypatch.setitem(rest.CONTEXT, "date", tomorrow)  # the server's own word for "as if it were that day"
    hr.close()
    del hr.client
    assert person(hr, "E0042") == before | {"active": False}


def test_who_left_yesterday_is_inactive_and_who_begins_tomorrow_is_not_active_yet(hr: Tryton, desk: HRDesk) -> None:
    today = datetime.now(UTC).date()
    desk.leave("E0041", today - timedelta(days=1))
    assert person(hr, "E0041")["active"] is False
    desk.client.write("company.employee", [desk.employee("E0040")["id"]], {"start_date": today + timedelta(days=1)})
    assert person(hr, "E0040")["active"] is False


def test_what_is_deleted_or_closed_is_missing_from_the_next_reading(
    crm: Tryton, hr: Tryton, desk: HRDesk, system: sandbox.Tryton
) -> None:
    admin, owner = system.client(), COMPANY.opportunities[0].owner
    admin.create("hr.department", {"code": "TMP", "name": "Temporary", "company": 1})
    desk.hire(replace(NEW, number="E0098", department="MKT", email="kim@halbrueck.example", manager=None))
    sales = SalesDesk(system.client(COMPANY.by_number[owner].user_name))
    lead = sales.open(
        "Kurz", customer="Kurz & Klein", contact="K", contact_email="k@kurz.example", owner=owner, amount=Decimal("1")
    )
    note = sales.note(lead["number"], "Nur kurz")
    before = {stream: claims(crm, stream) for stream in crm.streams()}

    department = admin.one("hr.department", [["code", "=", "TMP"]], ["code"])["id"]
    admin.write("hr.department", [department], {"active": False})
    assert str(department) not in claims(hr, "departments")
    admin.delete("hr.department", [department])
    employee = desk.employee("E0098")["id"]
    admin.delete("company.employee", [employee])
    sales.client.delete("ir.note", [note["id"]])
    assert str(note["id"]) not in in_full(crm, "notes")
    sales.set_state(lead["number"], "cancelled")
    admin.delete("sale.opportunity", [lead["id"]])
    gone = {stream: before[stream].keys() - in_full(crm, stream).keys() for stream in crm.streams()}
    assert gone == {
        "departments": {str(department)}, "employees": {str(employee)}, "opportunities": {str(lead["id"])},
        "notes": {str(note["id"])},
    }  # fmt: skip


def test_reading_on_sees_what_makes_an_opportunity_look_different(
    crm: Tryton, desk: HRDesk, system: sandbox.Tryton, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OVERLAP", timedelta(0))
    cursor, admin = cursor_of(crm, "opportunities"), system.client()
    assert changed(crm, "opportunities", cursor) == set()
    rows = admin.find("sale.opportunity", [], ["party", "employee", "employee.party.code", "state"])
    party = rows[0]["party"]
    admin.write("party.party", [party], {"name": "Hansa Dachbau SE"})
    assert changed(crm, "opportunities", cursor) == {str(row["id"]) for row in rows if row["party"] == party}
    cursor = cursor_of(crm, "opportunities")
    desk.move(rows[1]["employee."]["party."]["code"], "MKT")
    of_owner = {str(row["id"]) for row in rows if row["employee"] == rows[1]["employee"]}
    assert changed(crm, "opportunities", cursor) == of_owner
    cursor = cursor_of(crm, "opportunities")
    lead = next(row for row in rows if row["state"] == "lead")
    admin.press("sale.opportunity", "lost", [lead["id"]])
    assert changed(crm, "opportunities", cursor) == {str(lead["id"])}
    lost = claims(crm, "opportunities")[str(lead["id"])]
    assert (lost["status"], lost["closed_at"][:10]) == ("lost", date.today().isoformat())


def test_reading_on_sees_new_notes(crm: Tryton, system: sandbox.Tryton, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OVERLAP", timedelta(0))
    cursor = cursor_of(crm, "notes")
    assert changed(crm, "notes", cursor) == set()
    mine = system.client(COMPANY.by_number[COMPANY.opportunities[0].owner].user_name)
    new = SalesDesk(mine).note("1", "Angebot geprüft 👍")["id"]
    assert str(new) in changed(crm, "notes", cursor)
