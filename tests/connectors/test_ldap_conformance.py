"""LDAP against the conformance suite, on a real slapd: by syncrepl, and page by page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import ldap
import pytest

from connectors.ldap.connector import Ldap
from landbridge.connector.items import Native
from landbridge.testing.conformance import Conformance, Harness
from sandbox.slapd import GROUPS, PEOPLE, SERVICE, Slapd
from tests.servers import brought_up

pytestmark = pytest.mark.server

EXEMPT = {
    "unknown_fields_and_nulls": "a directory sends the attributes that were asked for, and none without a value",
    "memberships": "a membership holds no text by which the suite could know it: test_ldap_writing.py asks about them",
}


class LdapHarness(Harness):
    connector = Ldap
    mappings = Path(__file__).parents[2] / "mappings"
    exempt: ClassVar[dict[str, str]] = EXEMPT
    extra: ClassVar[dict[str, Any]] = {"disabled_by": "employeeType=former"}

    @contextmanager
    def serve(self) -> Iterator[str]:
        with brought_up(Slapd) as self.slapd:
            self.connection = self.slapd.connections()["directory"]
            self.desk = ldap.initialize(self.connection["host"])
            self.desk.simple_bind_s(SERVICE, self.connection["password"])
            self.known: dict[str, str] = {}
            yield self.connection["host"]

    def config(self, url: str) -> dict[str, Any]:
        account = {name: self.connection[name] for name in ("login", "password")}
        return {"host": url, **account, **self.connection["extra"], **self.extra}

    def add(self, stream: str, text: str) -> str:
        number = text.rpartition(" ")[2]
        name, entry = f"uid=c{number},{PEOPLE}", {"objectClass": "inetOrgPerson", "cn": text, "sn": "Person"}
        if stream == "groups":
            name, entry = (
                f"cn=c{number},{GROUPS}",
                {"objectClass": "groupOfNames", "description": text, "member": SERVICE},
            )
        self.desk.add_s(name, [(attribute, [value.encode()]) for attribute, value in entry.items()])
        [(_, found)] = self.desk.search_s(name, ldap.SCOPE_BASE, attrlist=["entryUUID"])
        key = str(found["entryUUID"][0].decode())
        self.known[key] = name
        return key

    def change(self, stream: str, key: str, text: str) -> None:
        self.desk.modify_s(
            self.known[key], [(ldap.MOD_REPLACE, "description" if stream == "groups" else "cn", [text.encode()])]
        )

    def remove(self, stream: str, key: str) -> None:
        self.desk.delete_s(self.known[key])

    def keys(self, stream: str) -> set[str]:
        place, kind = (GROUPS, "groupOfNames") if stream == "groups" else (PEOPLE, "inetOrgPerson")
        found = self.desk.search_s(place, ldap.SCOPE_SUBTREE, f"(objectClass={kind})", ["entryUUID"])
        return {entry["entryUUID"][0].decode() for _, entry in found}

    def native(self, stream: str, text: str) -> Native:
        name = f"n{text.rpartition(' ')[2]}"
        if stream == "groups":
            return {"cn": [name], "description": [text]}
        return {"uid": [name], "displayName": [text], "sn": ["Person"], "employeeNumber": [name.upper()]}

    def changes(self, stream: str, text: str) -> Native:
        return {"description" if stream == "groups" else "displayName": [text]}

    def worn_out(self, stream: str, cursor: Any) -> Any:
        """Of a search that asked for something else."""
        return {**cursor, "search": "another"}


class PagedHarness(LdapHarness):
    """A directory that offers no syncrepl."""

    extra: ClassVar[dict[str, Any]] = {"disabled_by": "employeeType=former", "syncrepl": False, "page_size": 7}


class TestLdap(Conformance):
    harness = LdapHarness


class TestPagedLdap(Conformance):
    harness = PagedHarness
