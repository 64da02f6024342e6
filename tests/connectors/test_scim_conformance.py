"""SCIM against the conformance suite, on a real scim2-server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests

from connectors.scim.connector import Scim
from landbridge.connector import Stream
from landbridge.connector.items import Native
from landbridge.testing.conformance import Conformance, Harness
from sandbox.company import Company
from sandbox.scim import GROUP, USER
from sandbox.scim import Scim as Server
from tests.servers import brought_up

pytestmark = pytest.mark.server


class Empty(Server):
    def seed(self, company: Company) -> None:
        """Each list is read often here: it had better be short."""


class ScimHarness(Harness):
    connector = Scim
    mappings = Path(__file__).parents[2] / "mappings"
    exempt: ClassVar[dict[str, str]] = {
        "memberships": "a membership holds no text by which the suite could know it: test_scim_server.py",
    }
    many = 12

    @contextmanager
    def serve(self) -> Iterator[str]:
        with brought_up(Empty) as self.server:
            yield self.server.connections()["identities"]["host"]

    def config(self, url: str) -> dict[str, Any]:
        return {"host": url, "password": self.server.secret("token"), "page_size": 5}

    def add(self, stream: str, text: str) -> str:
        number = text.rpartition(" ")[2]
        body: Native = {"schemas": [GROUP], "displayName": text}
        if stream == "users":
            body = {"schemas": [USER], "userName": f"c{number}", "displayName": text}
        return str(self._ask("POST", stream.title(), json=body)["id"])

    def change(self, stream: str, key: str, text: str) -> None:
        change = {"op": "replace", "path": "displayName", "value": text}
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [change]}
        self._ask("PATCH", f"{stream.title()}/{key}", json=body)

    def remove(self, stream: str, key: str) -> None:
        self._ask("DELETE", f"{stream.title()}/{key}")

    def keys(self, stream: str) -> set[str]:
        return {str(one["id"]) for one in self._ask("GET", stream.title(), params={"count": 1000})["Resources"]}

    def native(self, stream: str, text: str) -> Native:
        if stream == "groups":
            return {"displayName": text}
        return {"userName": f"n{text.rpartition(' ')[2]}", "displayName": text, "active": True}

    def changes(self, stream: str, text: str) -> Native:
        return {"displayName": text}

    def items(self, stream: Stream) -> str | None:
        return "Resources"

    def worn_out(self, stream: str, cursor: Any) -> Any:
        return {"since": "yesterday"}

    def _ask(self, method: str, path: str, **options: Any) -> Native:
        headers = {"Authorization": f"Bearer {self.server.secret('token')}", "Content-Type": "application/scim+json"}
        answer = requests.request(method, f"{self.server.url}/{path}", headers=headers, timeout=10, **options)
        answer.raise_for_status()
        return dict(answer.json()) if answer.content else {}


class TestScim(Conformance):
    harness = ScimHarness
