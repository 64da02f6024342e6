"""Paging that loses nothing while people delete."""

from __future__ import annotations

from dataclasses import dataclass

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
        if params[self.size_param] == 1:
            # Hidden items count too, so this may name a page that turns out empty, never one too few.
            total = int(headers.get(TOTAL, 0))
            return Next({self.param: -(-total // self.size), self.size_param: self.size}) if total > 1 else None
        page = int(params[self.param])
        return Next({self.param: page - 1, self.size_param: self.size}) if page > 1 else None


OLDEST_LAST = LastPageFirst()
NEWEST_FIRST = NumberedPages(total_header=PAGES)
FEW = NumberedPages(total_header=PAGES, size=10)
