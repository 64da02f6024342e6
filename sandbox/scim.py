"""scim2-server, an identity provider by the book (RFC 7643, RFC 7644): colleagues as users, departments as groups.

It keeps everything in memory: after each start the company is filled in anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import requests

from sandbox.company import Company, Person
from sandbox.processes import Process
from sandbox.system import Connections, Health, System

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
Json = dict[str, Any]


class Scim(System):
    name: ClassVar[str] = "scim"
    lock: ClassVar[str | None] = "scim.txt"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.facts().get('port', 0)}/v2"

    def start(self) -> None:
        if not self._process().running():
            self.port()
            self.secret("token")
        self._process().start(self._answers)

    def seed(self, company: Company) -> None:
        if self._ask("GET", "Users", params={"count": 0})["totalResults"]:
            return
        keys: dict[str, str] = {}
        for person in company.people:
            keys[person.number] = str(self._ask("POST", "Users", json=_user(person))["id"])
        for person in company.people:
            if person.manager:
                self._set_manager(keys[person.number], keys[person.manager])
        for department in company.departments:
            inside = [keys[person.number] for person in company.people if person.department == department.code]
            members = [{"value": key, "type": "User"} for key in inside]
            self._ask("POST", "Groups", json={"schemas": [GROUP], "displayName": department.name, "members": members})

    def stop(self) -> None:
        self._process().stop()

    def health(self) -> Health:
        if not self.installed():
            return Health("absent")
        return Health("up", f"scim2-server at {self.url}") if self._answers() else Health("down", "It does not answer.")

    def connections(self) -> Connections:
        token = self.secret("token")
        return {"identities": {"conn_type": "landbridge_scim", "host": self.url, "password": token, "extra": {}}}

    def _process(self) -> Process:
        facts = self.facts()
        command: list[str | Path] = [
            self.venv / "bin" / "scim2-server", "--port", str(facts.get("port", 0)),
            f"--bearer-token={facts.get('token', '')}",
        ]  # fmt: skip
        return Process(self.home, self.name, command)

    def _answers(self) -> bool:
        try:
            self._ask("GET", "ServiceProviderConfig")
        except requests.RequestException:
            return False
        return True

    def _set_manager(self, key: str, manager: str) -> None:
        change = {"op": "replace", "path": f"{ENTERPRISE}:manager", "value": {"value": manager}}
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [change]}
        self._ask("PATCH", f"Users/{key}", json=body)

    def _ask(self, method: str, path: str, **options: Any) -> Json:
        headers = {"Authorization": f"Bearer {self.facts().get('token', '')}", "Content-Type": "application/scim+json"}
        answer = requests.request(method, f"{self.url}/{path}", headers=headers, timeout=10, **options)
        answer.raise_for_status()
        return dict(answer.json()) if answer.content else {}


def _user(person: Person) -> Json:
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": person.user_name,
        "displayName": person.full_name,
        "name": {"formatted": person.full_name, "givenName": person.given, "familyName": person.family},
        "title": person.title,
        "emails": [{"value": person.email, "type": "work", "primary": True}],
        "phoneNumbers": [{"value": person.phone, "type": "work"}, {"value": person.mobile, "type": "mobile"}],
        "active": person.ends is None,
        ENTERPRISE: {"employeeNumber": person.number, "department": person.department},
    }
