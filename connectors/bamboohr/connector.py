"""BambooHR as HR: employees with all that a report can hold of them, their departments and their photographs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field, SecretStr

from connectors.bamboohr import natives
from connectors.bamboohr.natives import FIELDS, WRITABLE
from landbridge.connector import (
    Account,
    ConnectionConfig,
    Connector,
    Gone,
    Item,
    Native,
    Stream,
    ended,
    kept,
    lists,
    makes,
    reads,
    writes,
)
from landbridge.errors import NotFound, ScopeError
from landbridge.http import Answer, Basic, Client

LAG = timedelta(minutes=15)
RIGHTS = "Give the key's access level the fields that connectors/bamboohr/README.md lists."


class BambooHRConfig(ConnectionConfig):
    """`host` is the company's own address."""

    host: str = Field(title="Company address", examples=["https://acme.bamboohr.com"])
    login: None = None
    password: SecretStr = Field(title="API key", description="API key of Landbridge's own user")
    leave_out: list[str] = Field([], description="fields that are not to be read, e.g. mobilePhone")
    future: bool = Field(
        False, description="read values that are entered for a later day, and who begins then, already now"
    )


class BambooHR(Connector):
    """One company's BambooHR, as far as the access level of the key's user allows."""

    system = "bamboohr"
    Config = BambooHRConfig
    config: BambooHRConfig

    employees = Stream("reports/custom", ("id",), "person", reports_gone=True)
    departments = Stream("meta/lists", ("name",), "group", native=natives.department)

    def make_client(self) -> Client:
        key = self.config.password.get_secret_value()
        return Client(f"{self.config.host.rstrip('/')}/api/v1", auth=Basic(key, "x"), throttle=self.throttle)

    @property
    def _fields(self) -> list[str]:
        return [field for field in FIELDS if field not in self.config.leave_out]

    def check(self) -> Account:
        """Whose key it is, by the employee 0 that stands for its owner, and which fields its access level hides."""
        name, ids = "a user who is no employee", []
        if me := self.client.find("employees/0", params={"fields": "displayName"}):
            name, ids = str(me.part("", dict).get("displayName") or me.part("id", str)), [int(me.part("id", str))]
        missing = self._hidden(self._report({"employeeIds": ids} if ids else {}))
        return Account(name, tuple(f"field {field}" for field in missing))

    @reads(employees)
    def read_employees(self, cursor: Any) -> Iterator[Item]:
        """One report holds all. Who leaves or begins does so by the calendar, without a change: so in full once a day."""
        today, latest = datetime.now(UTC).date().isoformat(), kept(cursor, "since", datetime)
        filters: Native = {}
        if latest:
            since = (latest - LAG).isoformat(timespec="seconds")
            changes = self._changes(since)
            yield from (Gone(str(one["id"])) for one in changes if one["action"] == "Deleted")
            latest = max([latest, *(datetime.fromisoformat(one["lastChanged"]) for one in changes)])
            if kept(cursor, "day", str) == today:
                filters = {"lastChanged": {"value": since, "includeNull": "no"}}
        else:
            latest = datetime.now(UTC)
        answer = self._report(filters)
        if hidden := self._hidden(answer):
            # Taken for absence, that would empty what is known.
            raise ScopeError(f"BambooHR hides the fields {', '.join(hidden)}.", remedy=RIGHTS)
        yield from (self.item(self.employees, raw) for raw in answer.part("employees", list))
        yield from ended(cursor, {"since": latest.isoformat(), "day": today})

    @lists(departments)
    def all_departments(self) -> Iterator[Native]:
        """Known by their names, which is all that an employee says of them."""
        found = self.client.get(self.departments.path, params={"format": "json"}).part("", list)
        for options in (one["options"] for one in found if one.get("alias") == "department"):
            yield from (option for option in options if option.get("archived") != "yes")

    @makes(employees)
    def employee(self, raw: Native) -> Native:
        return natives.employee(raw, self._fields)

    @writes(employees, "update")
    def update_employee(self, key: str, changes: Native, marker: str) -> Native:
        """What IT gives out and HR does not know: addresses and telephone numbers."""
        data = {name: changes[name] or "" for name in WRITABLE if name in changes}
        if data:
            self.client.post("employees/{key}", path_params={"key": key}, json=data, safe=True)
        answer = self._report({"employeeIds": [int(key)]})
        found = next((raw for raw in answer.part("employees", list) if str(raw["id"]) == key), None)
        if found is None:
            raise NotFound("The employee is not there any more.")
        return natives.employee(found, self._fields)

    def open(self, locator: str) -> Iterator[bytes]:
        """The photograph of the employee with this id."""
        return self.client.stream("employees/{key}/photo/original", path_params={"key": locator})

    def _changes(self, since: str) -> list[Native]:
        answer = self.client.get("employees/changed", params={"since": since})
        # Where there are none, PHP makes a list of what else is an object.
        found = answer.part("", dict).get("employees") or {}
        return list(found.values())

    def _report(self, filters: Native) -> Answer:
        body = {"title": "Landbridge", "fields": self._fields, "filters": filters}
        params = {"format": "json", "onlyCurrent": str(not self.config.future).lower()}
        return self.client.post(self.employees.path, params=params, json=body, safe=True)

    def _hidden(self, answer: Answer) -> list[str]:
        shown = {str(field.get("id")) for field in answer.part("fields", list)}
        return [field for field in self._fields if field not in shown]
