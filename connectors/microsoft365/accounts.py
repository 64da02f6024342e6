"""The tenant's accounts, as every connector of Microsoft 365 reads them: its own records refer to people by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.microsoft365 import people
from connectors.microsoft365.graph import Graph, Json, shaped
from landbridge.connector import Gone, Item, Record, Stream, reads
from landbridge.errors import NotFound

USER = "users/{user}"
WITH_MANAGER = {"$select": people.SELECT, "$expand": "manager($select=id)"}


class Accounts(Graph):
    """Accounts by delta."""

    users = Stream("users/delta", ("id",), "person", params={"$select": f"{people.SELECT},manager"}, reports_gone=True)

    @property
    def domain(self) -> str:
        """What may be left out of sign-in names; empty: nothing."""
        return ""

    @reads(users)
    def read_users(self, cursor: Any) -> Iterator[Item]:
        """A round tells whole accounts; a later one leaves out the manager where only other things changed."""

        def items(raw: Json) -> Iterator[Item]:
            yield removed(raw) or shaped(raw.get("id"), lambda: self._changed_user(raw, whole=cursor is None))

        return self.changes(self.users.path, self.users.params, cursor, items)

    def _changed_user(self, raw: Json, *, whole: bool) -> Item:
        """What the change itself says stands above what is fetched: another place of the directory may be behind."""
        if not whole and "manager@delta" not in raw:
            try:
                answer = self.client.get(USER, path_params={"user": raw["id"]}, params=WITH_MANAGER)
                raw = answer.part("", dict) | raw
            except NotFound:
                pass
        return Record(str(raw["id"]), people.user(raw, self.domain, people.manager_of(raw)))


def removed(raw: Json) -> Gone | None:
    """`changed`: in the recycle bin for 30 days; `deleted`: for good. Either way nobody can sign in any more."""
    return Gone(str(raw["id"])) if "@removed" in raw and raw.get("id") else None
