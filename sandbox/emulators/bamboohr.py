"""BambooHR's API as far as employees go: the report of all, what changed, photographs, and the fields of contact."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from sandbox.company import Company
from sandbox.emulators.base import Emulator, Limits, Refused, Reply, Request, route
from sandbox.emulators.system import EmulatedSystem

FIELDS = (
    "employeeNumber", "firstName", "lastName", "preferredName", "displayName", "jobTitle", "workEmail", "workPhone",
    "mobilePhone", "department", "division", "supervisorEId", "status", "employmentHistoryStatus", "hireDate",
    "terminationDate", "photoUploaded",
)  # fmt: skip
NO_DATE = "0000-00-00"
PICTURE = b"\xff\xd8\xff\xe0 a picture \xff\xd9"
Row = dict[str, Any]


class BambooHR(EmulatedSystem):
    name: ClassVar[str] = "bamboohr"
    emulator: ClassVar[str] = "sandbox.emulators.bamboohr:BambooHREmulator"
    connection: ClassVar[str] = "bamboohr"


class BambooHREmulator(Emulator):
    """One company. `hidden` fields are left out of reports without a word, as BambooHR does."""

    name: ClassVar[str] = "bamboohr"

    def __init__(self, *, token: str = "token", clock: Callable[[], float] = time.time) -> None:
        super().__init__(token=token, clock=clock)
        self.employees: dict[str, Row] = {}
        self.changes: dict[str, Row] = {}
        self.departments: dict[str, str] = {}
        self.hidden: set[str] = set()
        self.burst = 200
        self._limits = Limits(clock)

    def seed(self, company: Company) -> None:
        ids = {person.number: str(place) for place, person in enumerate(company.people, start=1)}
        names = {department.code: department.name for department in company.departments}
        self.departments = {str(18_000 + place): name for place, name in enumerate(names.values())}
        for person in company.people:
            left = Company.has_left(person, datetime.now(UTC).date())
            self.put(
                ids[person.number], employeeNumber=person.number, firstName=person.given, lastName=person.family,
                displayName=person.full_name, jobTitle=person.title, workEmail=person.email, workPhone=person.phone,
                mobilePhone=person.mobile, department=names[person.department], supervisorEId=ids.get(person.manager or ""),
                status="Inactive" if left else "Active", hireDate=person.starts.isoformat(),
                employmentHistoryStatus="Terminated" if left else "Full-Time",
                terminationDate=person.ends.isoformat() if person.ends else NO_DATE,
            )  # fmt: skip

    # What HR does in BambooHR's own pages

    def put(self, id: str, /, **said: Any) -> None:
        action = "Updated" if id in self.employees else "Inserted"
        blank = {**dict.fromkeys(FIELDS), "terminationDate": NO_DATE, "photoUploaded": False, "status": "Active"}
        self.employees[id] = {**self.employees.get(id, blank), **said}
        self._note(id, action)

    def remove(self, id: str) -> None:
        del self.employees[id]
        self._note(id, "Deleted")

    # Calls

    def admit(self, request: Request) -> Reply | None:
        pair = base64.b64encode(f"{self.token}:x".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {pair}":
            return Reply(b"", 401, {"Content-Type": "text/html; charset=UTF-8"})
        if wait := self._limits.wait("calls", self.burst, 60):
            return Reply(b"", 503, {"Content-Type": "text/html; charset=UTF-8", "Retry-After": str(int(wait) + 1)})
        return None

    @route("POST", "/api/v1/reports/custom")
    def report(self, request: Request) -> Reply:
        fields = [field for field in request.json["fields"] if field in FIELDS and field not in self.hidden]
        filters = request.json.get("filters") or {}
        ids = {str(id) for id in filters["employeeIds"]} if "employeeIds" in filters else set(self.employees)
        if since := (filters.get("lastChanged") or {}).get("value"):
            ids &= self._since(since).keys()
        rows = [
            {"id": id, **{field: row[field] for field in fields}} for id, row in self.employees.items() if id in ids
        ]
        shown = [{"id": field, "type": "text", "name": field} for field in fields]
        return Reply({"title": request.json.get("title", ""), "fields": shown, "employees": rows})

    @route("GET", "/api/v1/employees/changed")
    def changed(self, request: Request) -> Reply:
        found = self._since(request.params["since"])
        latest = max((one["lastChanged"] for one in found.values()), default=self._now())
        return Reply({"latest": latest, "employees": found or []})

    @route("GET", "/api/v1/employees/{id}")
    def get_employee(self, request: Request) -> Reply:
        id = request.values["id"]
        row = self._one("1" if id == "0" else id)
        wanted = request.params.get("fields", "firstName,lastName").split(",")
        return Reply({"id": "1" if id == "0" else id, **{field: row[field] for field in wanted if field in row}})

    @route("POST", "/api/v1/employees/{id}")
    def update(self, request: Request) -> Reply:
        self._one(request.values["id"])
        if wrong := request.json.get("workEmail", "") and "@" not in request.json["workEmail"]:
            raise Refused(None, 409, {"X-BambooHR-Error-Message": f"Invalid work e-mail address ({wrong})"})
        self.put(request.values["id"], **{field: value or None for field, value in request.json.items()})
        return Reply(None, 200)

    @route("GET", "/api/v1/employees/{id}/photo/{size}")
    def photo(self, request: Request) -> Reply:
        if not self._one(request.values["id"])["photoUploaded"]:
            raise Refused(None, 404)
        return Reply(PICTURE, 200, {"Content-Type": "image/jpeg"})

    @route("GET", "/api/v1/meta/lists")
    def lists(self, request: Request) -> Reply:
        options = [{"id": int(id), "archived": "no", "name": name} for id, name in self.departments.items()]
        return Reply(
            [
                {"fieldId": "17", "name": "Job Title", "alias": "jobTitle", "manageable": "yes", "multiple": "no", "options": []},
                {"fieldId": "4", "name": "Department", "alias": "department", "manageable": "yes", "multiple": "no",
                 "options": [*options, {"id": 1, "archived": "yes", "name": "Typing pool"}]},
            ]
        )  # fmt: skip

    # Steps of the above

    def _one(self, id: str) -> Row:
        if id not in self.employees:
            raise Refused(b"", 404)
        return self.employees[id]

    def _since(self, since: str) -> dict[str, Row]:
        after = datetime.fromisoformat(since)
        return {id: one for id, one in self.changes.items() if datetime.fromisoformat(one["lastChanged"]) >= after}

    def _now(self) -> str:
        return datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="seconds")

    def _note(self, id: str, action: str) -> None:
        self.changes[id] = {"id": id, "action": action, "lastChanged": self._now()}
