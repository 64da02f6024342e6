"""What a new HubSpot account has: properties, pipelines, kinds of association."""

from __future__ import annotations

from typing import Any

COMMON = {
    "hs_object_id",
    "createdate",
    "hs_createdate",
    "hs_lastmodifieddate",
    "hubspot_owner_id",
    "hs_merged_object_ids",
}
PROPERTIES: dict[str, set[str]] = {
    "contacts": COMMON
    | {
        "email",
        "firstname",
        "lastname",
        "jobtitle",
        "phone",
        "mobilephone",
        "hs_language",
        "lastmodifieddate",
        "associatedcompanyid",
    },
    "companies": COMMON | {"name", "domain", "description"},
    "tickets": COMMON | {"subject", "content", "hs_ticket_priority", "hs_pipeline", "hs_pipeline_stage", "closed_date"},
    "deals": COMMON
    | {"dealname", "description", "hs_priority", "pipeline", "dealstage", "closedate", "hs_is_closed", "amount"},
    "notes": COMMON | {"hs_note_body", "hs_timestamp", "hs_attachment_ids"},
}
REQUIRED = {"tickets": {"subject", "hs_pipeline_stage"}, "deals": {"dealstage"}, "notes": {"hs_timestamp"}}
# Both directions of each kind of association; the first one is what "primary" or the plain one is.
TYPES: dict[tuple[str, str], tuple[int, int]] = {
    ("tickets", "companies"): (26, 25),
    ("tickets", "contacts"): (16, 15),
    ("deals", "companies"): (5, 6),
    ("deals", "contacts"): (3, 4),
    ("notes", "tickets"): (228, 227),
    ("notes", "deals"): (214, 213),
}
CLOSED = {"4", "closedwon", "closedlost"}
_MADE = "2026-01-05T08:00:00.000Z"


def _pipeline(id: str, label: str, stages: dict[str, str]) -> dict[str, Any]:
    made = {"createdAt": _MADE, "updatedAt": _MADE, "archived": False}
    shown = [
        {
            "id": stage,
            "label": name,
            "displayOrder": place,
            **made,
            "metadata": {"isClosed": str(stage in CLOSED).lower()},
        }
        for place, (stage, name) in enumerate(stages.items())
    ]
    return {"id": id, "label": label, "displayOrder": 0, **made, "stages": shown}


PIPELINES = {
    "tickets": [
        _pipeline(
            "0", "Support Pipeline",
            {"1": "New", "2": "Waiting on contact", "3": "Waiting on us", "4": "Closed"},
        )
    ],
    "deals": [
        _pipeline(
            "default", "Sales Pipeline",
            {"appointmentscheduled": "Appointment Scheduled", "qualifiedtobuy": "Qualified To Buy",
             "closedwon": "Closed Won", "closedlost": "Closed Lost"},
        )
    ],
}  # fmt: skip
