"""What is asked of HubSpot: objects, their properties and associations, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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


# Ids of records that were merged into this one and are no more.
MERGED = "hs_merged_object_ids"

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
