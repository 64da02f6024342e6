"""What merging leaves out: messages that were read before it was known that their space is closed, or who has said them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from landbridge.store.held_records import HeldRecord, HeldRecords
from landbridge.sync.company import Company
from landbridge.sync.private import Allowed, Spaces, allowed
from landbridge.sync.refs import is_ref


class Withheld:
    """For one batch; `ids` are the records of which nothing is to be kept."""

    def __init__(self, conn: Connection, company: Company) -> None:
        self._conn, self._company = conn, company
        self.ids: list[int] = []
        self._allowed: dict[str, Allowed] = {}
        self._spaces: dict[str, Spaces] = {}

    def load(self, rows: Iterable[HeldRecord]) -> None:
        """Look up together the spaces of these new records."""
        by_system: dict[str, list[HeldRecord]] = {}
        for row in rows:
            if row.kind == "message":
                by_system.setdefault(row.system, []).append(row)
        for system, some in by_system.items():
            self._of(system).load(self._conn, system, (row.claim for row in some))

    def has(self, row: HeldRecord, known: HeldRecords) -> bool:
        """Is this new record one of them? Then it is noted."""
        if row.kind != "message" or not (
            self._of(row.system).closed(row.system, row.claim) or self._left_out(row, known)
        ):
            return False
        self.ids.append(row.id)
        return True

    def _left_out(self, row: HeldRecord, known: HeldRecords) -> bool:
        author, place, found = row.claim.get("author"), row.claim.get("space"), self._allowed[row.system]
        if not found.opted_out or not is_ref(author) or not is_ref(place) or place["key"] not in found.named:
            return False
        return known.linked_to((row.system, author["stream"], author["key"])) in found.opted_out

    def _of(self, system: str) -> Spaces:
        if system not in self._spaces:
            self._allowed[system] = allowed(self._conn, self._company, system)
            self._spaces[system] = Spaces(self._allowed[system])
        return self._spaces[system]
