"""Paging that loses nothing while people delete."""

from __future__ import annotations

from dataclasses import dataclass

from landbridge.errors import IncompleteRead
from landbridge.http import Next, NumberedPages
from landbridge.http.pages import Headers, Params

PAGES = "X-WP-TotalPages"
TOTAL = "X-WP-Total"


@dataclass(frozen=True, kw_only=True)
class LastPageFirst(NumberedPages):
    """From the last page to the first of a list in ascending order, after one small request for how many there are.

    What is deleted meanwhile moves only what was already read; the other way round, the first item of the next page
    would move onto the page before it, unread, and count as gone.
    """

    total_header: str = PAGES

    def first(self) -> dict[str, int]:
        return {self.param: 1, self.size_param: 1}

    def next(self, params: Params, body: object, headers: Headers, count: int) -> Next | None:
        total = _total(headers)
        if params[self.size_param] == 1:
            # Hidden items count too, so this may name a page that turns out empty, never one too few.
            return Next({self.param: -(-total // self.size), self.size_param: self.size}) if total > 1 else None
        page = int(params[self.param])
        return Next({self.param: page - 1, self.size_param: self.size}) if page > 1 else None


def _total(headers: Headers) -> int:
    """Without it (a proxy took it away, or answered itself) the list would seem to end here, and the rest to be gone."""
    found = headers.get(TOTAL, "")
    if not found.isdecimal():
        raise IncompleteRead(f"expected a number in {TOTAL!r}; a proxy may have taken it away.")
    return int(found)


OLDEST_LAST = LastPageFirst()
NEWEST_FIRST = NumberedPages(total_header=PAGES)
FEW = NumberedPages(total_header=PAGES, size=10)
