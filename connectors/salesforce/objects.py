"""What is asked of Salesforce, objects and fields as data; and its records in one form, whichever interface they came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from landbridge.connector import Native

CHANGED = "SystemModstamp"
USER = "005"  # how ids of users begin; an owner may also be a queue
_TRUTH = {"true": True, "false": False}
_BOOLEANS = frozenset({"IsActive", "IsPublished", "IsDeleted"})


@dataclass(frozen=True)
class SObject:
    """`deletable`: has IsDeleted, and its deleted records stay in the recycle bin."""

    name: str
    fields: tuple[str, ...]
    deletable: bool = True
    written: tuple[str, ...] = ()

    def soql(self, marker: str = "", *, where: str = "", last: str = "") -> str:
        """The query for records with all fields; `where` and `last` are SOQL of our own making."""
        deleted = ("IsDeleted",) if self.deletable else ()
        fields = ("Id", *self.fields, *((marker,) if marker else ()), *deleted, CHANGED)
        condition = ("WHERE", where) if where else ()
        return " ".join(filter(None, ("SELECT", ", ".join(fields), "FROM", self.name, *condition, last)))

    def plain(self, raw: Native) -> Native:
        """Bulk API writes texts only, with nothing for null; REST writes JSON, with times of another form."""
        native = {"Id": str(raw["Id"]), **{name: _value(name, raw[name]) for name in self.fields}}
        if self.name == "Case":
            native["owner"] = native["OwnerId"] if str(native["OwnerId"]).startswith(USER) else None
        return native

    def written_of(self, native: Native) -> Native:
        """What of the native may be written, by the names of Salesforce's fields."""
        given = {**native, "OwnerId": native["owner"]} if native.get("owner") else native
        return {name: given[name] for name in self.written if name in given}


OBJECTS = {
    "users": SObject(
        "User",
        ("Username", "FirstName", "LastName", "Name", "Email", "Phone", "MobilePhone", "Title", "EmployeeNumber",
         "IsActive", "ManagerId", "LanguageLocaleKey", "TimeZoneSidKey", "UserType"),
        deletable=False,
    ),
    "accounts": SObject("Account", ("Name", "AccountNumber", "Description", "ParentId")),
    "contacts": SObject("Contact", ("FirstName", "LastName", "Email", "Phone", "MobilePhone", "Title", "AccountId")),
    "cases": SObject(
        "Case",
        ("CaseNumber", "Subject", "Description", "Status", "Priority", "OwnerId", "AccountId", "ContactId", "CreatedDate",
         "ClosedDate"),
        written=("Subject", "Description", "Status", "Priority", "OwnerId", "AccountId", "ContactId"),
    ),
    "comments": SObject(
        "CaseComment",
        ("ParentId", "CommentBody", "IsPublished", "CreatedById", "CreatedDate"),
        written=("ParentId", "CommentBody", "IsPublished"),
    ),
}  # fmt: skip
# Rights by stream, as describeGlobal names them.
NEEDS = {
    stream: tuple(
        f"{kind.name}: {right}"
        for right in ("queryable", *(("createable", "updateable", "deletable") if kind.written else ()))
    )
    for stream, kind in OBJECTS.items()
}


def literal(text: str) -> str:
    """A text in SOQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def moment(time: datetime) -> str:
    """A time in SOQL, which knows no quotes there; the plus of an offset would be a blank in an address."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_deleted(raw: Native) -> bool:
    return _value("IsDeleted", raw.get("IsDeleted")) is True


def _value(name: str, value: Any) -> Any:
    if value == "" or value is None:
        return None
    if name in _BOOLEANS:
        return _TRUTH.get(str(value).lower(), value)
    return str(value).replace("+0000", "Z") if name.endswith("Date") else value
