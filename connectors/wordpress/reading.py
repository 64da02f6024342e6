"""How streams are read that tell little about their changes: what is asked for, and what follows from the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from connectors.wordpress.pages import FEW, NEWEST_FIRST, OLDEST_LAST
from landbridge.connector import Gone, Item, Native, ended, kept
from landbridge.errors import IncompleteRead
from landbridge.http import Page

# `any` leaves out the trash.
LIVE = "publish,future,draft,pending,private"
EVERY = f"{LIVE},trash"
# WordPress compares local times, and one hour a year comes twice.
LAG = timedelta(minutes=70)
# An empty success where more than this many were known is an error, not a mass deletion.
EMPTY_IS_ERROR_ABOVE = 10

# A stream's pages: (paging, **parameters).
Ask = Callable[..., Iterator[Page]]
Make = Callable[[Native], Item]


def posts(ask: Ask, newest: str, last: int) -> Iterator[Page]:
    """All posts where `newest` is empty, else those changed since then, and those newer than `last`."""
    if not newest:
        yield from ask(OLDEST_LAST, orderby="id", order="asc", status=LIVE)
        return
    since = f"{(datetime.fromisoformat(newest) - LAG).isoformat()}Z"
    yield from ask(OLDEST_LAST, orderby="modified", order="asc", status=EVERY, modified_after=since)
    # A scheduled post comes out without being modified.
    yield from ask(OLDEST_LAST, orderby="date", order="asc", status="publish", after=since)
    # A post written with an earlier date counts as modified then.
    for page in ask(FEW, orderby="id", order="desc", status=EVERY):
        yield page
        if min(_ids(page), default=0) <= last:
            return


def in_full(ask: Ask, make: Make) -> Iterator[Item]:
    window: list[int] = []
    for page in ask(OLDEST_LAST, orderby="id", order="asc"):
        yield from map(make, page.items)
        window = sorted({*window, *_ids(page)})[-NEWEST_FIRST.size :]
    yield from ended(None, {"id": max(window, default=0), "window": window})


def newest(ask: Ask, make: Make, cursor: Any) -> Iterator[Item]:
    """The newest page, compared with what it was at the last read, and all that is newer than that.

    One page is one answer: what is missing in it is gone, and not merely moved to the next.
    """
    known, last = kept(cursor, "window", list) or [], kept(cursor, "id", int) or 0
    window: list[int] | None = None
    for page in ask(NEWEST_FIRST, orderby="id", order="desc"):
        ids = _ids(page)
        if window is None:
            window = sorted(ids)
            if not ids and len(known) > EMPTY_IS_ERROR_ABOVE:
                raise IncompleteRead(f"Nothing came where more than {EMPTY_IS_ERROR_ABOVE} records were known.")
            lowest = 0 if page.last else window[0]
            yield from (Gone(str(id)) for id in known if id >= lowest and id not in ids)
        yield from map(make, page.items)
        if min(ids, default=0) <= last:
            break
    yield from ended(cursor, {"id": max([last, *(window or [])]), "window": window})


def _ids(page: Page) -> list[int]:
    return [raw["id"] for raw in page.items if isinstance(raw.get("id"), int)]
