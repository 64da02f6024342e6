"""What is asked of Salesforce: objects and fields, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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


CHANGED = "SystemModstamp"
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
