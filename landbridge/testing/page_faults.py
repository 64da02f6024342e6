"""Lists that are not what they seem: successes in valid JSON that a reader must not take for the truth.

`items` is where the list stands in the answer, as in `landbridge.http.Pages`: "users", "query.pages", or "" where the
answer is the list.
"""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from landbridge.http import get_path
from landbridge.testing.exchange import Asked, Fault, Reply, Server

List = list[Any]


def with_list(items: str, change: Callable[[List], List]) -> Fault:
    """The true answer with another list in it; answers without one pass as they are."""

    def changed(asked: Asked, server: Server) -> Reply:
        reply = server(asked)
        if reply.body.lstrip()[:1] not in (b"{", b"["):
            return reply
        body = reply.json()
        found = get_path(body, items)
        if not isinstance(found, list):
            return reply
        if not items:
            return reply.with_json(change(found))
        head, _, name = items.rpartition(".")
        get_path(body, head)[name] = change(found)
        return reply.with_json(body)

    return changed


def half(items: str = "") -> Fault:
    """Half a page: the other items are missing, all else says that the page is whole."""
    return with_list(items, lambda found: found[: len(found) // 2])


def empty(items: str = "") -> Fault:
    """An empty success: an account that may see nothing any more, a filter that lets nothing through."""
    return with_list(items, lambda found: [])


def shuffled(items: str = "", seed: int = 0) -> Fault:
    """The items in another order."""
    return with_list(items, lambda found: random.Random(seed).sample(found, len(found)))  # noqa: S311 (no secret)


def doubled(items: str = "") -> Fault:
    """Every item twice, as from a page that grew while it was read."""
    return with_list(items, lambda found: [*found, *found])


class Turning:
    """Pages that turn: after `pages` true ones the first of them comes again, then the second, without end.

    With `pages=1` the same page comes again and again; `by_path`: the pages of each path by themselves, where several
    lists are read; answers that have no list at `items` are no pages and pass. Use one for each read: it remembers what
    it has answered. A client that still asks after `most` answers is `endless`; it meets 508 from then on, so that a
    test can say so.
    """

    def __init__(
        self, pages: int = 1, *, by_path: bool = False, items: str | None = None, most: int | None = None
    ) -> None:
        self.endless = False
        self._pages, self._by_path, self._items, self._most = pages, by_path, items, most
        self._kept: dict[str, list[Reply]] = defaultdict(list)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, asked: Asked, server: Server) -> Reply:
        with self._lock:
            place = asked.path if self._by_path else ""
            kept, number = self._kept[place], self._counts[place]
            self._counts[place] += 1
            if self._most is not None and self._counts.total() > self._most:
                self.endless = True
                return Reply(508)
            if len(kept) == self._pages:
                return kept[number % self._pages]
            reply = server(asked)
            if self._is_page(reply):
                kept.append(reply)
            else:
                self._counts[place] -= 1
            return reply

    def _is_page(self, reply: Reply) -> bool:
        if self._items is None:
            return True
        is_json = reply.body.lstrip()[:1] in (b"{", b"[")
        return is_json and isinstance(get_path(reply.json(), self._items), list | dict)
