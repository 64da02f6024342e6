"""A connection, a new colleague, and what somebody does at the provider meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.scim.connector import Scim
from landbridge.connector import Connection
from landbridge.http import Retries
from landbridge.http import client as http_client
from tests.connectors.scim.provider import BASE, TOKEN, Provider

MAPPINGS = Path(__file__).parents[3] / "mappings" / "scim"
MARKER = "lb0123456789abcdef0123456789abcdef"
NEW = {
    "userName": "anna",
    "active": True,
    "name": {"givenName": "Anna", "familyName": None},
    "emails": [{"value": "anna@halbrueck.example", "primary": True}],
    "enterprise": {"employeeNumber": "E0003", "manager": None},
}


def connection(**extra: Any) -> Connection:
    return Connection("idp", "landbridge_scim", BASE, None, TOKEN, extra=extra)


def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody really waits here."""
    monkeypatch.setattr(http_client.Client.__init__, "__kwdefaults__", {
        **http_client.Client.__init__.__kwdefaults__, "retries": Retries(sleep=lambda seconds: None),
    })  # fmt: skip


def crowd(provider: Provider, count: int = 12) -> set[str]:
    return {provider.add("Users", userName=f"user{number}", active=True) for number in range(count)}


def somebody_else_changes(provider: Provider, key: str, scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the change."""
    look = scim.one

    def one(path: str, wanted: str) -> Any:
        found = look(path, wanted)
        if "displayName" not in provider.kept["Users"][key]:
            provider.kept["Users"][key]["displayName"] = "Anna by somebody else"
            provider._touch(provider.kept["Users"][key])
        return found

    monkeypatch.setattr(scim, "one", one)
