"""Paging by the last key, for systems that can be asked for what follows one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from landbridge.errors import IncompleteRead
from landbridge.http.pages import Headers, Next, Pages, Params, get_path


@dataclass(frozen=True, kw_only=True)
class KeysetPages(Pages):
    """Each page is a query of its own for what follows the last number at `key`, to the first empty page.

    What is deleted meanwhile moves no other out of sight, and a limit on the length of a list is never met. `query` makes
    the parameters: for None those of the first page, later those for what follows this key. It has to ask for the order.
    """

    query: Callable[[Any], dict[str, Any]] = field(repr=False)
    key: str = "id"

    def first(self) -> dict[str, Any]:
        return self.query(None)

    def next(self, params: Params, body: Any, headers: Headers, count: int) -> Next | None:
        keys = [get_path(item, self.key) for item in self.list_of(body, headers)]
        if not keys:
            return None
        if not str(keys[-1]).isdecimal():
            raise IncompleteRead(f"the last record of a page has no number at {self.key!r} to go on from.")
        # One without its key is one bad record, and somebody else's business.
        numbers = [int(key) for key in keys if str(key).isdecimal()]
        if numbers != sorted(numbers):
            # What is not in this order would be passed over by the next page.
            raise IncompleteRead(f"the records of a page are not in the order of their {self.key!r}.")
        return Next(self.query(keys[-1]))
