"""BambooHR's employees as it says them; no I/O."""

from __future__ import annotations

from landbridge.connector import Native

FIELDS = (
    "employeeNumber", "firstName", "lastName", "preferredName", "displayName", "jobTitle", "workEmail", "workPhone",
    "mobilePhone", "department", "division", "supervisorEId", "status", "employmentHistoryStatus", "hireDate",
    "terminationDate", "photoUploaded",
)  # fmt: skip
WRITABLE = ("workEmail", "workPhone", "mobilePhone")
NO_DATE = "0000-00-00"


def employee(raw: Native, fields: list[str]) -> Native:
    """Without the days that are none, the supervisor's id as text, and with the photograph as an attachment."""
    native = {"id": str(raw["id"]), **{name: raw.get(name) for name in fields}}
    for name in {"hireDate", "terminationDate"} & native.keys():
        native[name] = None if native[name] in ("", NO_DATE) else native[name]
    if native.get("supervisorEId"):
        native["supervisorEId"] = str(native["supervisorEId"])
    if "photoUploaded" in native:
        has = str(native.pop("photoUploaded")).lower() in ("true", "yes", "1")
        native["photo"] = {"media_type": "image/jpeg", "url": native["id"]} if has else None
    return native


def department(raw: Native) -> Native:
    return {"id": raw["id"], "name": raw["name"]}
