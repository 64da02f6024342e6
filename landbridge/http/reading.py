"""The one paging loop, with the guards that keep a half or turning read from passing as a whole one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from landbridge.errors import IncompleteRead
from landbridge.http.answer import Answer
from landbridge.http.once import Once
from landbridge.http.pages import Next, Pages, absolute

Fetch = Callable[[Mapping[str, Any], str | None], Answer]


@dataclass(frozen=True)
class Page:
    """`cursor` resumes after this page; on the last page it is where a later read goes on, None where it cannot."""

    items: list[dict[str, Any]] = field(repr=False)
    cursor: str | None = field(repr=False)
    last: bool


def read_pages(
    fetch: Fetch, pages: Pages, *, params: Mapping[str, Any] | None = None, start: str | None = None
) -> Iterator[Page]:
    """All pages; `fetch` gets parameters and, where the system gave a complete link, that link instead."""
    fixed = dict(params or {})
    step, seen = Next.parse(start) if start is not None else (Next(pages.first()), 0)
    asked = {**fixed, **pages.first(), **step.params}
    guard = _Guard(seen)
    while True:
        answer = fetch({} if step.url else asked, step.url)
        body = pages.parsed(answer)
        try:
            items = pages.list_of(body, answer.headers)
            following = pages.next(asked, body, answer.headers, len(items))
            if following is None and pages.follows:
                raise IncompleteRead("the answer names neither a next page nor where a later read goes on.")
            guard.check(items, following, pages.declared(body, answer.headers))
            if items and not pages.alike:
                guard.check_page(items)
            step = absolute(following, answer.url) if following else Next(final=True)
        except IncompleteRead as error:
            raise IncompleteRead(f"{answer.where}: {error.args[0]}", remedy=error.remedy) from None
        yield Page(items, step.cursor(0 if step.final else guard.seen) if following else None, step.final)
        if step.final:
            return
        asked = {**fixed, **pages.first(), **step.params}


class _Guard:
    """Remembers what a read has met: the pages, the steps already taken, the items counted."""

    def __init__(self, seen: int) -> None:
        self.seen = seen
        self._pages = Once("the same page came twice; the system ignores the paging parameters.")
        self._steps = Once("the paging turns in a circle: a next page was named twice.")
        self._declared = 0

    def check(self, items: list[dict[str, Any]], following: Next | None, declared: int | None) -> None:
        self.seen += len(items)
        if declared is not None:
            self._check_total(declared, last=following is None or following.final)
        if following is not None and not following.final:
            self._steps.meet(following.cursor(0))

    def check_page(self, items: list[dict[str, Any]]) -> None:
        # Not only of the page before: where pages are numbered, two that take turns would be read for ever.
        self._pages.meet(orjson.dumps((len(items), items[0], items[-1]), default=str))

    def _check_total(self, declared: int, *, last: bool) -> None:
        # A total that shrinks under the read means that later items moved up, past the page boundary, unread.
        if declared < self._declared:
            raise IncompleteRead(f"the total fell from {self._declared} to {declared} items while reading.")
        self._declared = declared
        if last and self.seen < declared:
            raise IncompleteRead(f"{self.seen} items came of {declared} declared.")
