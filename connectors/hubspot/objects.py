"""What is asked of HubSpot, objects with properties and associations as data; and its objects as flat records and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from landbridge.connector import Native
from landbridge.errors import RecordError

# By association, the id of the record that stands for it; `LINKED` is where we put them in what HubSpot says.
Linked = Mapping[str, str | None]
LINKED = "linked"
# Ids of records that were merged into this one and are no more.
MERGED = "hs_merged_object_ids"
OWNER = ("id", "email", "firstName", "lastName", "type", "archived")


@dataclass(frozen=True)
class Link:
    """An association shown as one field: of several, the one of `type` (the primary, and the one that is written)."""

    to: str
    type: int


@dataclass(frozen=True)
class CrmObject:
    """`changed` is the property by which changes are searched; `code` names the object in addresses of the web app."""

    name: str
    properties: tuple[str, ...]
    links: Mapping[str, Link] = field(default_factory=dict)
    changed: str = "hs_lastmodifieddate"
    code: str = ""
    pipeline: str = ""
    stage: str = ""

    def flat(self, raw: Native) -> Native:
        said, id = raw["properties"], raw["id"]
        native = {"id": str(id), **{name: said.get(name) for name in self.properties}, **raw[LINKED]}
        if native.pop("hs_is_closed", None) == "false":
            native["closedate"] = None  # until then it is when somebody hopes to close it
        return native

    def written(self, native: Native) -> dict[str, str]:
        """What of the native is a property that may be written; HubSpot empties one by an empty text."""
        return {name: "" if native[name] is None else str(native[name]) for name in self.properties if name in native}

    def born(self, native: Native) -> dict[str, str]:
        """The properties of a new one."""
        given = {name: value for name, value in self.written(native).items() if value}
        if self.name == "notes":
            if not given.get("hs_note_body") or not (native.get("ticket") or native.get("deal")):
                raise RecordError("A new note needs a text, and a ticket or a deal.")
            given.setdefault("hs_timestamp", datetime.now(UTC).isoformat(timespec="milliseconds"))
        return given

    def associations(self, native: Native) -> list[dict[str, Any]]:
        """Those of a new one."""
        links = [(native[name], link.type) for name, link in self.links.items() if native.get(name)]
        return [{"to": {"id": str(id)}, "types": [association(type)]} for id, type in links]


OBJECTS = {
    "contacts": CrmObject(
        "contacts",
        ("email", "firstname", "lastname", "jobtitle", "phone", "mobilephone", "hs_language", "associatedcompanyid"),
        changed="lastmodifieddate",
    ),
    "companies": CrmObject("companies", ("name", "domain", "description")),
    "tickets": CrmObject(
        "tickets",
        ("subject", "content", "hubspot_owner_id", "hs_ticket_priority", "hs_pipeline", "hs_pipeline_stage",
         "createdate", "closed_date"),
        {"company": Link("companies", 26), "contact": Link("contacts", 16)},
        code="0-5", pipeline="hs_pipeline", stage="hs_pipeline_stage",
    ),
    "deals": CrmObject(
        "deals",
        ("dealname", "description", "hubspot_owner_id", "hs_priority", "pipeline", "dealstage", "createdate",
         "closedate", "hs_is_closed"),
        {"company": Link("companies", 5), "contact": Link("contacts", 3)},
        code="0-3", pipeline="pipeline", stage="dealstage",
    ),
    "notes": CrmObject(
        "notes",
        ("hs_note_body", "hs_timestamp", "hubspot_owner_id"),
        {"ticket": Link("tickets", 228), "deal": Link("deals", 214)},
    ),
}  # fmt: skip

# The first scope of a stream decides whether the app is meant to use it at all.
SCOPES: dict[str, tuple[str, ...]] = {
    "owners": ("crm.objects.owners.read",),
    "contacts": ("crm.objects.contacts.read",),
    "companies": ("crm.objects.companies.read",),
    "tickets": ("tickets",),
    "deals": ("crm.objects.deals.read", "crm.objects.deals.write"),
    "notes": ("crm.objects.contacts.read", "crm.objects.contacts.write"),
}
# These carry the marker of what was written here.
MARKED = ("tickets", "deals", "notes")


def association(type: int) -> dict[str, Any]:
    return {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type}


def merged(rows: list[Native]) -> Iterator[Native]:
    """What was merged into these records, as HubSpot lists what was archived."""
    for raw in rows:
        ids = str((raw.get("properties") or {}).get(MERGED) or "").split(";")
        yield from ({"id": id, "archived": True} for id in ids if id and id != str(raw.get("id")))
