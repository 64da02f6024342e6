"""A help desk in HubSpot and a sales organisation in Salesforce share cases, and talk about them, through the hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.salesforce import bulk
from landbridge.connector import Connection
from landbridge.http import Retries
from landbridge.store import entities, records
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, Report, load_company, run_flow
from sandbox.emulators.base import serving
from sandbox.emulators.hubspot import HubSpotEmulator
from sandbox.emulators.salesforce import SalesforceEmulator

MAPPINGS = Path(__file__).parents[2] / "mappings"
CONFIG = {
    "systems.yaml": """
        systems:
          desk: {connector: hubspot, audience: company, rate: 1000/s}
          sales: {connector: salesforce, audience: company, rate: 1000/s}
    """,
    "flows/people.yaml": """
        flow: people
        purpose: Who works on cases is one person on both sides.
        kind: person
        from: {sales/users: {}, desk/owners: {creates: false}}
    """,
    "flows/companies.yaml": """
        flow: companies
        purpose: A customer is one company, whoever asks for it.
        kind: group
        from: {desk/companies: {}, sales/accounts: {creates: true}}
    """,
    "flows/customers.yaml": """
        flow: customers
        purpose: Who asks for something is known with the company that they work for.
        kind: person
        from: {desk/contacts: {}, sales/contacts: {creates: true}}
    """,
    "flows/cases.yaml": """
        flow: cases
        purpose: A ticket is a case, and what is said on one side is read on the other.
        kind: case
        from: {desk/tickets: {}}
        to: {sales/cases: {}}
        messages: {desk: {}, sales: {}}
    """,
    "policy.yaml": """
        exceptions:
          - {flow: cases, target: sales/cases, owner: sales, reason: one desk, until: 2099-01-01}
          - {flow: cases, target: sales/comments, owner: sales, reason: one desk, until: 2099-01-01}
          - {flow: cases, target: desk/notes, owner: sales, reason: one desk, until: 2099-01-01}
    """,
}


@dataclass
class World:
    bridge: Bridge
    desk: HubSpotEmulator
    sales: SalesforceEmulator

    def run(self, *flows: str) -> dict[str, Report]:
        return {flow: run_flow(self.bridge, flow) for flow in flows or ("people", "cases")}

    def employer(self, *contact: str) -> str | None:
        """The name of the company that a contact (system, stream, key) works for."""
        with self.bridge.hub.read() as conn:
            record = records.get(conn, *contact)
            person = entities.get(conn, str(record.entity)) if record else None
            company = entities.get(conn, person.data["organization"]) if person else None
            return company.data["name"] if company else None

    def written(self) -> list[str]:
        """What has been sent that changes something."""
        asked = [*self.desk.seen, *self.sales.seen]
        reading = ("/search", "/batch/read", "access-token-info", "oauth2/token", "/jobs/query")
        return [f"{one.method} {one.path}" for one in asked if one.method != "GET" and not one.path.endswith(reading)]

    def comments(self) -> list[str]:
        return [row["CommentBody"] for row in self.sales.objects["CaseComment"].values() if not row["IsDeleted"]]

    def notes(self) -> list[str]:
        return [row["properties"]["hs_note_body"] for row in self.desk.objects["notes"].values() if not row["archived"]]


@pytest.fixture
def world(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(bulk, "PATIENCE", Retries(attempts=50, sleep=lambda seconds: None))
    (tmp_path / "mappings").symlink_to(MAPPINGS)
    for name, text in CONFIG.items():
        file = tmp_path / "config" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    desk, sales = HubSpotEmulator(), SalesforceEmulator()
    desk.burst = desk.searches = 100_000
    with serving(desk) as desk_url, serving(sales) as sales_url:
        connections = {
            "desk": Connection("desk", "", desk_url, password="token", extra={"deletions_minutes": 0}),
            "sales": Connection("sales", "", sales_url, SalesforceEmulator.consumer_key, "token"),
        }
        bridge = Bridge(load_company(tmp_path), hub, connections.__getitem__)
        yield World(bridge, desk, sales)
        bridge.close()


def test_a_ticket_and_what_is_said_about_it_on_both_sides(world: World) -> None:
    desk, sales = world.desk, world.sales
    marcel = sales.add(
        "User", Name="Marcel Dubois", FirstName="Marcel", LastName="Dubois", Username="marcel", UserType="Standard",
        Email="marcel.dubois@halbrueck.example",
    )  # fmt: skip
    owner = desk.add_owner("marcel.dubois@halbrueck.example", "Marcel", "Dubois")
    ticket = desk.add("tickets", subject="Ladders", hs_pipeline="0", hs_pipeline_stage="1", hubspot_owner_id=owner)
    note = desk.add(
        "notes", hs_note_body="<p>Two <strong>lots</strong>.</p>", hs_timestamp=desk.now(), hubspot_owner_id=owner
    )
    desk.link("notes", note, "tickets", ticket)
    world.run()
    world.run()
    (case,) = sales.objects["Case"].values()
    assert (case["Subject"], case["OwnerId"], case["Status"]) == ("Ladders", marcel, "New")
    assert world.comments() == ["Marcel Dubois: Two lots."]

    # An answer goes the other way, and bears its author.
    answer = sales.add("CaseComment", by=marcel, ParentId=case["Id"], CommentBody="Both before October.")
    world.run()
    written = next(row for row in desk.objects["notes"].values() if row["id"] != note)
    assert written["properties"]["hs_note_body"] == "<p>Both before October.</p>"
    assert written["properties"]["hubspot_owner_id"] == owner
    assert desk.links["notes", written["id"], "tickets"].keys() == {ticket}

    # Edits, a new stage and a deletion follow.
    sales.change("CaseComment", answer, CommentBody="Both before November.")
    desk.change("tickets", ticket, subject="48 ladders", hs_pipeline_stage="3")
    desk.archive("notes", note)
    world.run()
    world.run()
    assert world.notes() == ["<p>Both before November.</p>"]
    assert world.comments() == ["Both before November."]
    assert (case["Subject"], case["Status"]) == ("48 ladders", "Waiting on us")

    # And then it is quiet.
    before = world.written()
    world.run()
    world.run()
    assert world.written() == before


def test_a_customers_people_are_known_with_their_company(world: World) -> None:
    desk, sales = world.desk, world.sales
    hansa, elbe = (desk.add("companies", name=name, domain=f"{name}.example") for name in ("Hansa", "Elbe"))
    contact = desk.add("contacts", lastname="Behnke", email="h.behnke@hansa.example", associatedcompanyid=hansa)
    account = sales.add("Account", Name="Nord")
    seller = sales.add("Contact", LastName="Timm", Email="timm@nord.example", AccountId=account)
    world.run("companies", "customers")
    assert world.employer("desk", "contacts", contact) == "Hansa"
    assert world.employer("sales", "contacts", seller) == "Nord"
    desk.change("contacts", contact, associatedcompanyid=elbe)
    world.run("companies", "customers")
    assert world.employer("desk", "contacts", contact) == "Elbe"
