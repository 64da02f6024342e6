"""Salesforce's REST API and Bulk API 2.0 queries: sign-in, SOQL, upsert by external id, recycle bin, allowance."""

from __future__ import annotations

import csv
import io
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from sandbox.company import Company
from sandbox.emulators.base import Emulator, Limits, Refused, Reply, Request, route
from sandbox.emulators.salesforce_soql import Row, refused, run
from sandbox.emulators.system import EmulatedSystem
from sandbox.system import Connections

DATA = "/services/data/v62.0"
MARKER = "Landbridge_Marker__c"
PREFIXES = {"User": "005", "Account": "001", "Contact": "003", "Case": "500", "CaseComment": "00a"}
_AUDIT = {"Id", "CreatedById", "CreatedDate", "SystemModstamp"}
FIELDS: dict[str, set[str]] = {
    "User": _AUDIT
    | {"Username", "FirstName", "LastName", "Name", "Email", "Phone", "MobilePhone", "Title", "EmployeeNumber", "IsActive",
       "ManagerId", "LanguageLocaleKey", "TimeZoneSidKey", "UserType"},
    "Account": _AUDIT | {"Name", "AccountNumber", "Description", "ParentId", "IsDeleted"},
    "Contact": _AUDIT
    | {"FirstName", "LastName", "Email", "Phone", "MobilePhone", "Title", "AccountId", "IsDeleted"},
    "Case": _AUDIT
    | {"CaseNumber", "Subject", "Description", "Status", "Priority", "OwnerId", "AccountId", "ContactId", "ClosedDate",
       "IsDeleted", MARKER},
    "CaseComment": _AUDIT | {"ParentId", "CommentBody", "IsPublished", "IsDeleted"},
}  # fmt: skip
_RIGHTS = ("queryable", "createable", "updateable", "deletable")
_STATUS = {"lead": "New", "opportunity": "Working", "converted": "Closed", "lost": "Closed"}


class Salesforce(EmulatedSystem):
    name: ClassVar[str] = "salesforce"
    emulator: ClassVar[str] = "sandbox.emulators.salesforce:SalesforceEmulator"
    connection: ClassVar[str] = "salesforce"

    def connections(self) -> Connections:
        made = super().connections()
        made[self.connection]["login"] = SalesforceEmulator.consumer_key
        return made


class SalesforceEmulator(Emulator):
    """One organisation. `token` is the app's consumer secret; sessions are given out for it and end with `end_sessions`.

    `batch` records come in one answer; a Bulk job is asked for `delay` times before it is done.
    """

    name: ClassVar[str] = "salesforce"
    consumer_key: ClassVar[str] = "3MVG9-landbridge"
    verify: Callable[[str], bool] | None = None

    def __init__(self, *, token: str = "token", clock: Callable[[], float] = time.time) -> None:
        super().__init__(token=token, clock=clock)
        self.batch, self.delay, self.daily = 2000, 1, 15_000
        self.fields = {name: set(fields) for name, fields in FIELDS.items()}
        self.rights = {name: set(_RIGHTS) for name in FIELDS}
        self.objects: dict[str, dict[str, Row]] = {name: {} for name in FIELDS}
        self.sessions: set[str] = set()
        self.jobs: dict[str, Row] = {}
        self._cursors: dict[str, list[Row]] = {}
        self._limits, self._numbers = Limits(clock), itertools.count(1)
        self.me = self.add("User", Username="landbridge@halbrueck.example", Name="Landbridge", UserType="Standard")

    def seed(self, company: Company) -> None:
        users: dict[str, str] = {}
        accounts: dict[str, str] = {}
        for deal in company.opportunities:
            person = company.by_number[deal.owner]
            if deal.owner not in users:
                users[deal.owner] = self.add(
                    "User", Username=person.email, FirstName=person.given, LastName=person.family, Name=person.full_name,
                    Email=person.email, Phone=person.phone, Title=person.title, EmployeeNumber=person.number,
                    UserType="Standard", LanguageLocaleKey="de", TimeZoneSidKey="Europe/Berlin",
                )  # fmt: skip
            if deal.customer not in accounts:
                accounts[deal.customer] = self.add("Account", Name=deal.customer)
            given, _, family = deal.contact.partition(" ")
            contact = self.add(
                "Contact", FirstName=given, LastName=family, Email=deal.contact_email, AccountId=accounts[deal.customer]
            )
            case = self.add(
                "Case", Subject=deal.subject, OwnerId=users[deal.owner], AccountId=accounts[deal.customer], ContactId=contact,
                Status=_STATUS[deal.status],
            )  # fmt: skip
            for text in deal.notes:
                self.add("CaseComment", by=users[deal.owner], ParentId=case, CommentBody=text)

    # What people do in Salesforce's own pages

    def add(self, name: str, /, *, by: str = "", **said: Any) -> str:
        number = next(self._numbers)
        id, now = f"{PREFIXES[name]}Do0000{number:07}AAA", self.now()
        row = {
            **dict.fromkeys(FIELDS[name]),
            "Id": id,
            "CreatedById": by or getattr(self, "me", id),
            "CreatedDate": now,
        }
        blank = {
            "User": {"IsActive": True},
            "Case": {"CaseNumber": f"{number:08}", "Status": "New", "Priority": "Medium"},
            "CaseComment": {"IsPublished": False},
        }.get(name, {})
        self.objects[name][id] = {**row, **blank, **({} if name == "User" else {"IsDeleted": False})}
        self.change(name, id, **said)
        return id

    def change(self, name: str, id: str, /, **said: Any) -> None:
        row = self.objects[name][id]
        row |= {**said, "SystemModstamp": self.now()}
        if name == "Case":
            row["ClosedDate"] = (row["ClosedDate"] or self.now()) if row["Status"] == "Closed" else None

    def delete(self, name: str, id: str) -> None:
        """Into the recycle bin."""
        self.change(name, id, IsDeleted=True)

    def end_sessions(self) -> None:
        self.sessions.clear()

    def now(self) -> str:
        moment = datetime.fromtimestamp(self.clock(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "+0000")

    # Calls

    def admit(self, request: Request) -> Reply | None:
        if request.path == "/services/oauth2/token":
            return None
        if request.token not in self.sessions:
            return refused("INVALID_SESSION_ID", "Session expired or invalid", 401).reply
        if self._limits.wait("daily", self.daily, 86_400):
            return refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403).reply
        return None

    def unknown(self, request: Request) -> Reply:
        return refused("NOT_FOUND", "The requested resource does not exist", 404).reply

    @route("POST", "/services/oauth2/token")
    def sign_in(self, request: Request) -> Reply:
        form = request.form
        secret = form["grant_type"] == "client_credentials" and form.get("client_secret") == self.token
        if not (secret or (self.verify is not None and self.verify(form.get("assertion", "")))):
            raise Refused({"error": "invalid_grant", "error_description": "invalid credentials"}, 400)
        session = f"00Do0000!{next(self._numbers)}"
        self.sessions.add(session)
        return Reply({"access_token": session, "instance_url": request.origin, "token_type": "Bearer", "scope": "api"})

    @route("GET", DATA)
    def resources(self, request: Request) -> Reply:
        return Reply(
            {"sobjects": f"{DATA}/sobjects", "identity": f"https://login.salesforce.com/id/00Do0000/{self.me}"}
        )

    @route("GET", f"{DATA}/sobjects")
    def describe_global(self, request: Request) -> Reply:
        rows = [{"name": name, **{right: right in held for right in _RIGHTS}} for name, held in self.rights.items()]
        return Reply({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": rows})

    @route("GET", f"{DATA}/sobjects/{{object}}/describe")
    def describe(self, request: Request) -> Reply:
        fields = sorted(self.fields[request.values["object"]])
        return Reply({"name": request.values["object"], "fields": [{"name": field} for field in fields]})

    @route("GET", f"{DATA}/query")
    def query(self, request: Request) -> Reply:
        return self._batch(run(request.params["q"], self.objects, self.fields, deleted=False), 0)

    @route("GET", f"{DATA}/queryAll")
    def query_all(self, request: Request) -> Reply:
        return self._batch(run(request.params["q"], self.objects, self.fields, deleted=True), 0)

    @route("GET", f"{DATA}/query/{{locator}}")
    def query_more(self, request: Request) -> Reply:
        name, _, start = request.values["locator"].partition("-")
        if name not in self._cursors:
            raise refused("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._batch(self._cursors[name], int(start), name)

    @route("GET", f"{DATA}/sobjects/{{object}}/{{id}}")
    def get_row(self, request: Request) -> Reply:
        return Reply(self._shown(request.values["object"], self._one(request.values["object"], request.values["id"])))

    @route("POST", f"{DATA}/sobjects/{{object}}")
    def create(self, request: Request) -> Reply:
        self._check(request.values["object"], request.json)
        return Reply({"id": self.add(request.values["object"], **request.json), "success": True, "errors": []}, 201)

    @route("PATCH", f"{DATA}/sobjects/{{object}}/{{id}}")
    def update(self, request: Request) -> Reply:
        name, id = request.values["object"], request.values["id"]
        self._one(name, id)
        self._check(name, request.json)
        self.change(name, id, **request.json)
        return Reply(None, 204)

    @route("DELETE", f"{DATA}/sobjects/{{object}}/{{id}}")
    def remove(self, request: Request) -> Reply:
        self.delete(request.values["object"], self._one(request.values["object"], request.values["id"])["Id"])
        return Reply(None, 204)

    @route("GET", f"{DATA}/sobjects/{{object}}/{{field}}/{{value}}")
    def get_by_external_id(self, request: Request) -> Reply:
        found = self._by_external_id(request)
        if found is None:
            raise refused("NOT_FOUND", "The requested resource does not exist", 404)
        return Reply(self._shown(request.values["object"], found))

    @route("PATCH", f"{DATA}/sobjects/{{object}}/{{field}}/{{value}}")
    def upsert(self, request: Request) -> Reply:
        name, found = request.values["object"], self._by_external_id(request)
        self._check(name, request.json)
        if found:
            self.change(name, found["Id"], **request.json)
            return Reply({"id": found["Id"], "success": True, "errors": [], "created": False}, 200)
        id = self.add(name, **{request.values["field"]: request.values["value"]}, **request.json)
        return Reply({"id": id, "success": True, "errors": [], "created": True}, 201)

    @route("POST", f"{DATA}/jobs/query")
    def create_job(self, request: Request) -> Reply:
        asked = request.json
        rows = run(asked["query"], self.objects, self.fields, deleted=asked["operation"] == "queryAll")
        id = f"750Do0000{next(self._numbers):07}"
        self.jobs[id] = {"rows": rows, "asked": 0}
        return Reply({"id": id, "operation": asked["operation"], "state": "UploadComplete", "contentType": "CSV"})

    @route("GET", f"{DATA}/jobs/query/{{id}}")
    def get_job(self, request: Request) -> Reply:
        job = self.jobs[request.values["id"]]
        job["asked"] += 1
        state = "JobComplete" if job["asked"] > self.delay else "InProgress"
        return Reply({"id": request.values["id"], "state": job.get("state", state)})

    @route("GET", f"{DATA}/jobs/query/{{id}}/results")
    def get_results(self, request: Request) -> Reply:
        rows, start = self.jobs[request.values["id"]]["rows"], int(request.params.get("locator", "0"))
        end = start + min(int(request.params.get("maxRecords", self.batch)), self.batch)
        names = [name for name in (rows[0] if rows else {"Id": ""}) if name != "attributes"]
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, names, extrasaction="ignore", quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows[start:end])
        headers = {
            "Content-Type": "text/csv; charset=UTF-8",
            "Sforce-NumberOfRecords": str(len(rows[start:end])),
            "Sforce-Locator": str(end) if end < len(rows) else "null",
        }
        return Reply(text.getvalue().encode(), 200, headers)

    # Steps of the above

    def _batch(self, rows: list[Row], start: int, name: str = "") -> Reply:
        end, done = start + self.batch, start + self.batch >= len(rows)
        if not done and not name:
            name = f"01gDo0000{next(self._numbers):07}"
            self._cursors[name] = rows
        more = {} if done else {"nextRecordsUrl": f"{DATA}/query/{name}-{end}"}
        return Reply({"totalSize": len(rows), "done": done, "records": rows[start:end], **more})

    def _one(self, name: str, id: str) -> Row:
        row = self.objects[name].get(id)
        if row is None:
            raise refused("NOT_FOUND", "Provided ID does not exist", 404)
        if row.get("IsDeleted"):
            raise refused("ENTITY_IS_DELETED", "entity is deleted", 404)
        return row

    def _by_external_id(self, request: Request) -> Row | None:
        name, field, value = (request.values[key] for key in ("object", "field", "value"))
        if field not in self.fields[name]:
            told = f"Provided external ID field does not exist or is not accessible: {field}"
            raise refused("NOT_FOUND", told, 404)
        rows = self.objects[name].values()
        return next((row for row in rows if row.get(field) == value and not row.get("IsDeleted")), None)

    def _check(self, name: str, said: Row) -> None:
        for field in said:
            if field not in self.fields[name]:
                raise refused("INVALID_FIELD", f"No such column '{field}' on sobject of type {name}")
        for field, target in (("ParentId", "Case"), ("AccountId", "Account"), ("ContactId", "Contact")):
            if name in ("Case", "CaseComment") and said.get(field) and said[field] not in self.objects[target]:
                raise refused(
                    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "insufficient access rights on cross-reference id"
                )
        if len(said.get("CommentBody") or "") > 4000:
            raise refused("STRING_TOO_LONG", "Comments: data value too large")

    def _shown(self, name: str, row: Row) -> Row:
        return {
            "attributes": {"type": name},
            **{field: value for field, value in row.items() if field in self.fields[name]},
        }


def _cell(value: Any) -> str:
    """Bulk API writes times in another form than REST, and everything as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).replace("+0000", "Z")
