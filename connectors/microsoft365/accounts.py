"""The tenant's accounts, as every connector of Microsoft 365 reads them: its own records refer to people by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.microsoft365 import people
from connectors.microsoft365.graph import DELTA, Graph, Json, removed
from landbridge.connector import Gone, Item, Record, Stream, reads

USER = "users/{user}"
WITH_MANAGER = {"$select": people.SELECT, "$expand": "manager($select=id)"}


class Accounts(Graph):
    """Accounts by delta."""

    users = Stream(
        "users/delta", ("id",), "person", DELTA, params={"$select": f"{people.SELECT},manager"}, reports_gone=True,
        gone=removed,
    )  # fmt: skip

    @property
    def domain(self) -> str:
        """What may be left out of sign-in names; empty: nothing."""
        return ""

    @reads(users)
    def read_users(self, cursor: Any) -> Iterator[Item]:
        """A round tells whole accounts; a later one leaves out the manager where only other things changed."""
        return self.changes(self.users, cursor, None if cursor is None else self._completed)

    def record_of(self, stream: Stream, raw: Json) -> Record | Gone:
        if stream is self.users and not removed(raw):
            return Record(stream.key_of(raw), people.user(raw, self.domain, people.manager_of(raw)))
        return super().record_of(stream, raw)

    def _completed(self, raw: Json) -> Iterator[Json]:
        """What the change itself says stands above what is fetched: another place of the directory may be behind."""
        told = {}
        if raw.get("id") and not raw.keys() & {"@removed", "manager@delta"}:
            found = self.client.find(USER, path_params={"user": raw["id"]}, params=WITH_MANAGER)
            told = found.part("", dict) if found else {}
        yield told | raw
