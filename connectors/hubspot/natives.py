"""HubSpot's objects as flat records and back; no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.hubspot.objects import MERGED, CrmObject
from landbridge.connector import Native
from landbridge.errors import RecordError

# By association, the id of the record that stands for it.
Linked = Mapping[str, str | None]
LINKED = "linked"  # where we put them in what HubSpot says
OWNER = ("id", "email", "firstName", "lastName", "type", "archived")


def flat(kind: CrmObject, raw: Native) -> Native:
    said, id = raw["properties"], raw["id"]
    native = {"id": str(id), **{name: said.get(name) for name in kind.properties}, **raw[LINKED]}
    if native.pop("hs_is_closed", None) == "false":
        native["closedate"] = None  # until then it is when somebody hopes to close it
    return native


def merged(rows: list[Native]) -> Iterator[Native]:
    """What was merged into these records, as HubSpot lists what was archived."""
    for raw in rows:
        ids = str((raw.get("properties") or {}).get(MERGED) or "").split(";")
        yield from ({"id": id, "archived": True} for id in ids if id and id != str(raw.get("id")))


def properties(kind: CrmObject, native: Native) -> dict[str, str]:
    """What of the native is a property that may be written; HubSpot empties one by an empty text."""
    return {name: "" if native[name] is None else str(native[name]) for name in kind.properties if name in native}


def new_properties(kind: CrmObject, native: Native) -> dict[str, str]:
    given = {name: value for name, value in properties(kind, native).items() if value}
    if kind.name == "notes":
        if not given.get("hs_note_body") or not (native.get("ticket") or native.get("deal")):
            raise RecordError("A new note needs a text, and a ticket or a deal.")
        given.setdefault("hs_timestamp", datetime.now(UTC).isoformat(timespec="milliseconds"))
    return given


def associations(kind: CrmObject, native: Native) -> list[dict[str, Any]]:
    return [
        {"to": {"id": str(native[name])}, "types": [association(link.type)]}
        for name, link in kind.links.items()
        if native.get(name)
    ]


def association(type: int) -> dict[str, Any]:
    return {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type}


def preferred(targets: list[Native], type: int) -> str | None:
    """Of a record's associations the one of the type, else the oldest; None where there is none."""
    ids = sorted((type not in _types(target), int(target["toObjectId"])) for target in targets)
    return str(ids[0][1]) if ids else None


def _types(target: Native) -> set[int]:
    return {one["typeId"] for one in target["associationTypes"]}
