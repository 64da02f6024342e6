"""The source of all contenders: pages from disk over HTTP, in a process of its own.

GET  /users?page=3                pages, with X-Total-Pages and a Link to the next one; no Link after the last
GET  /users?since=2026-01-02…     what changed after that moment; nothing, unless changes were made
POST /users/changes?count=100     100 records, spread over all, change now

python -m benchmarks.server PORT kind=folder:count …
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from benchmarks.data import MAKERS
from benchmarks.pages import PAGE, PageSet
from benchmarks.serving import JsonHandler, Server


class Source:
    """What is served, and what has changed since it was rendered."""

    def __init__(self, sets: dict[str, PageSet]) -> None:
        self.sets = sets
        self._lock = threading.Lock()
        self._changed: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in sets}
        self._version = 0

    def change(self, kind: str, count: int) -> int:
        """Give `count` records, spread over all, a newer version; how many differ from what was rendered."""
        total = self.sets[kind].count
        with self._lock:
            self._version += 1
            for number in range(0, total, max(1, total // count)):
                self._changed[kind][number] = MAKERS[kind](number, self._version)
            return len(self._changed[kind])

    def since(self, kind: str, moment: str) -> list[dict[str, Any]]:
        with self._lock:
            return [native for native in self._changed[kind].values() if native["updated_at"] > moment]


class Handler(JsonHandler):
    source: Source

    def do_GET(self) -> None:  # noqa: N802
        url = urlsplit(self.path)
        kind, asked = url.path.strip("/"), parse_qs(url.query)
        pages = self.source.sets.get(kind)
        if pages is None:
            self.answer(404, b"{}")
            return
        page = int(asked.get("page", ["1"])[0])
        if since := asked.get("since", [""])[0]:
            found = self.source.since(kind, since)
            total = -(-len(found) // PAGE)
            body = orjson.dumps(found[(page - 1) * PAGE : page * PAGE])
        else:
            total = pages.pages
            body = pages.path(page).read_bytes() if page <= total else b"[]"
        self.answer(200, body, self._paging(kind, page, total, since))

    def do_POST(self) -> None:  # noqa: N802
        url = urlsplit(self.path)
        kind, _, what = url.path.strip("/").partition("/")
        self.body()
        if kind not in self.source.sets or what != "changes":
            self.answer(404, b"{}")
            return
        count = self.source.change(kind, int(parse_qs(url.query)["count"][0]))
        self.answer(200, orjson.dumps({"changed": count}))

    def _paging(self, kind: str, page: int, total: int, since: str) -> dict[str, str]:
        headers = {"X-Total-Pages": str(total)}
        if page < total:
            host = self.headers.get("Host", "")
            more = f"&since={since.replace('+', '%2B')}" if since else ""
            headers["Link"] = f'<http://{host}/{kind}?page={page + 1}{more}>; rel="next"'
        return headers


def main(arguments: list[str]) -> None:
    port, *described = arguments
    sets = {}
    for one in described:
        kind, _, where = one.partition("=")
        folder, _, count = where.rpartition(":")
        sets[kind] = PageSet(Path(folder), kind, int(count))
    Handler.source = Source(sets)
    Server(("127.0.0.1", int(port)), Handler).serve_while_wanted()


if __name__ == "__main__":
    main(sys.argv[1:])
