"""A real slapd as tests need it: told otherwise, asked through the connector, and somebody who works in it."""

from __future__ import annotations

from typing import Any, ClassVar

import ldap

from connectors.ldap.connector import Ldap
from landbridge.connector import Checkpoint, Gone, Record
from landbridge.connector.config import connection_from
from sandbox.slapd import CONFIGURATION, PEOPLE, SERVICE, Slapd

BEFORE_SYNCPROV = CONFIGURATION.index("dn: olcOverlay=syncprov")
Items = list[Any]


class WithoutSyncprov(Slapd):
    configuration: ClassVar[str] = CONFIGURATION[:BEFORE_SYNCPROV]


class Strict(Slapd):
    """Demands a refresh where it cannot follow a cookie, and cuts the account's searches short."""

    configuration: ClassVar[str] = (
        CONFIGURATION.replace("size=unlimited", "size=20") + "olcSpReloadHint: TRUE\n"
    )  # fmt: skip


def connector(system: Slapd, **changed: Any) -> Ldap:
    """Words change the connection: host, login, password, or its extra."""
    data = system.connections()["directory"]
    data = {name: changed.pop(name, value) for name, value in data.items()}
    return Ldap(Ldap.Config.of(connection_from("directory", data | {"extra": data["extra"] | changed})))


class Desk:
    """Somebody who works in the directory."""

    def __init__(self, system: Slapd) -> None:
        data = system.connections()["directory"]
        self.ldap = ldap.initialize(data["host"])
        self.ldap.simple_bind_s(SERVICE, data["password"])

    def add(self, uid: str, **attributes: bytes) -> str:
        entry = {"objectClass": b"inetOrgPerson", "cn": uid.encode(), "sn": uid.encode()} | attributes
        self.ldap.add_s(dn(uid), [(name, [value]) for name, value in entry.items()])
        return dn(uid)

    def set(self, name: str, attribute: str, *values: bytes) -> None:
        self.ldap.modify_s(name, [(ldap.MOD_REPLACE, attribute, list(values) or None)])

    def rename(self, name: str, uid: str, into: str = PEOPLE) -> str:
        self.ldap.rename_s(name, f"uid={uid}", into)
        return f"uid={uid},{into}"

    def delete(self, name: str) -> None:
        self.ldap.delete_s(name)

    def key(self, name: str) -> str:
        [(_, found)] = self.ldap.search_s(name, ldap.SCOPE_BASE, attrlist=["entryUUID"])
        return str(found["entryUUID"][0].decode())


def dn(uid: str) -> str:
    return f"uid={uid},{PEOPLE}"


def natives(items: Items) -> dict[str, dict[str, Any]]:
    return {item.key: item.native for item in items if isinstance(item, Record)}


def gone(items: Items) -> list[str]:
    return [item.key for item in items if isinstance(item, Gone)]


def cursor_of(items: Items) -> Any:
    [cursor] = [item.cursor for item in items if isinstance(item, Checkpoint)]
    return cursor


def now(system: Slapd) -> Any:
    return cursor_of(list(connector(system).read("people")))
