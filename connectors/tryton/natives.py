"""Which fields are read, and how Tryton's rows become complete natives."""

from __future__ import annotations

from typing import Any

EMPLOYEES, DEPARTMENTS, CASES, NOTES = "company.employee", "hr.department", "sale.opportunity", "ir.note"
ACCOUNT = "res.user"

EMPLOYEE = (
    "party.code", "party.name", "party.email", "party.phone", "party.mobile", "given_name", "family_name", "title",
    "department.id", "supervisor.id", "start_date", "end_date", "active",
)  # fmt: skip
DEPARTMENT = ("code", "name", "parent.id", "active")
OPPORTUNITY = (
    "number", "description", "comment", "state", "start_date", "end_date", "party.name", "employee.id",
    "employee.department.id",
)  # fmt: skip
NOTE = ("message", "create_date", "write_date", "create_uid.login", "create_uid.name", "create_uid.employee.id")
NESTED_NOTE = tuple(f"notes.{field}" for field in NOTE)
# Whichever of these moves may change an opportunity as it is read; they only find changes and are no part of it.
MOVED = ("create_date", "write_date", "party.write_date", "employee.write_date")
NOTE_MOVED = ("create_date", "write_date")
# Names of what modules may lack, to tell a missing module from a broken server.
KNOWN = frozenset({EMPLOYEES, DEPARTMENTS, CASES, NOTES, "department", "title", "given_name", "family_name", "notes"})

Row = dict[str, Any]


def employee(row: Row) -> Row:
    """Adds `user_name`, of which Tryton has none for those who do not work in it."""
    local, at, _ = str((row["party"] or {}).get("email") or "").partition("@")
    return {**row, "user_name": local.lower() if at else None}


def opportunity(row: Row, web_client: str | None) -> Row:
    """Adds `about`, the customer's name before the comment, and the address in the web client where there is one."""
    parts = [(row["party"] or {}).get("name"), row["comment"]]
    url = f"{web_client}/model/{CASES}/{row['id']}" if web_client else None
    return {**row, "about": "\n\n".join(part for part in parts if part), "url": url}


def note(row: Row, case: int, me: int) -> Row:
    """Adds the opportunity, and as `guest` the name of an author who is neither an employee nor this account."""
    author = row["create_uid"] or {}
    outside = bool(author) and author["employee"] is None and author["id"] != me
    return {**row, "opportunity": case, "guest": (author["name"] or author["login"]) if outside else None}


def case_of(row: Row) -> int:
    """The id behind a note's resource, `sale.opportunity,17`."""
    return int(str(row["resource"]).partition(",")[2])


def take_newest(row: Row, fields: tuple[str, ...]) -> str:
    """The latest of these times, which are taken out of the row; empty where it has none."""
    times = []
    for field in fields:
        outer, nested, name = field.rpartition(".")
        place = row[outer] if nested else row
        times.append(place.pop(name) if place else None)
    return max(filter(None, times), default="")
