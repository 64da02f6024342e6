"""How a system pages, as plain values: from one answer to what is asked for next, without any I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import methodcaller
from typing import Any, ClassVar
from urllib.parse import urljoin

import orjson
from requests.utils import parse_header_links

from landbridge.errors import ExpiredCursor, IncompleteRead
from landbridge.http.shapes import NOT_THE_SYSTEM, mismatch, word_of

INDEX = re.compile(r"-?[0-9]+")
Params = Mapping[str, Any]
Headers = Mapping[str, str]


def get_path(found: Any, path: str) -> Any:
    """The value at `a.b.0.c`, None where a step is missing; a literal key such as `@odata.count` wins over steps."""
    if not path:
        return found
    if isinstance(found, Mapping) and path in found:
        return found[path]
    head, _, rest = path.partition(".")
    if isinstance(found, Mapping):
        return get_path(found[head], rest) if head in found else None
    if isinstance(found, Sequence) and not isinstance(found, str | bytes) and INDEX.fullmatch(head):
        index = int(head)
        return get_path(found[index], rest) if -len(found) <= index < len(found) else None
    return None


def getter(path: str) -> Callable[[Any], Any]:
    """`get_path` of one path for many objects, made for it once."""
    return partial(get_path, path=path) if "." in path or not path else methodcaller("get", path)


@dataclass(frozen=True)
class Next:
    """What to ask for: parameters over those of the stream, or a complete link.

    `final` says that nothing more is there now, but that a later read may go on from here.
    """

    params: Params = field(default_factory=dict, repr=False)
    url: str | None = field(default=None, repr=False)
    final: bool = False

    def cursor(self, seen: int) -> str:
        return orjson.dumps({"params": dict(self.params), "url": self.url, "seen": seen}).decode()

    @classmethod
    def parse(cls, cursor: str) -> tuple[Next, int]:
        """Back from a cursor, with how many items were seen before it; what we did not write counts as expired."""
        try:
            found = orjson.loads(cursor)
            params, url, seen = found["params"], found["url"], found["seen"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            params, url, seen = None, None, None
        if not isinstance(params, dict) or not isinstance(seen, int) or not isinstance(url, str | None):
            raise ExpiredCursor("The stored cursor is not one of this client.")
        return cls(params, url), seen


@dataclass(frozen=True, kw_only=True)
class Pages:
    """`items`: path of the list in the answer, empty where the answer is the list.

    `total`, `count_header`: path or header of the declared number of items, checked at the end.
    `optional`: the system leaves the list out when it is empty. `wrap`: items are bare ids, each becomes {wrap: id}.
    `follows`: the last page tells where a later read finds what has changed; without that the list is not whole.
    """

    items: str = ""
    total: str = ""
    count_header: str = ""
    optional: bool = False
    wrap: str = ""
    follows: bool = False
    # Two answers may name the same items, each saying something else of them; then only the next step tells a circle.
    alike: ClassVar[bool] = False

    def first(self) -> dict[str, Any]:
        """Parameters of the first request."""
        return {}

    def next(self, params: Params, body: Any, headers: Headers, count: int) -> Next | None:
        """What follows an answer with `count` items to a request with `params`; None where nothing does."""
        raise NotImplementedError

    def parsed(self, answer: Any) -> Any:
        """What `items` and the other paths are looked up in: an Answer's JSON, unless a system writes something else."""
        return answer.json()

    def list_of(self, body: Any, headers: Headers) -> list[dict[str, Any]]:
        found = get_path(body, self.items)
        if found is None and self._may_lack(body, headers):
            return []
        if isinstance(found, Mapping) and self.items:
            found = list(found.values())  # MediaWiki and others key a list by id
        if not isinstance(found, list):
            raise IncompleteRead(
                "expected {}, got {}.".format(*mismatch(list, self.items, found)), remedy=NOT_THE_SYSTEM
            )
        if self.wrap:
            return [{self.wrap: item} for item in found]
        if not all(type(item) is dict for item in found):
            place = f" at {self.items!r}" if self.items else ""
            raise IncompleteRead(f"expected objects in the list{place}, got other values.", remedy=NOT_THE_SYSTEM)
        return found

    def declared(self, body: Any, headers: Headers) -> int | None:
        """The total that the system states, None where none is configured."""
        if not self.total and not self.count_header:
            return None
        return _number(get_path(body, self.total) if self.total else headers.get(self.count_header),
                       self.total or self.count_header)  # fmt: skip

    def _may_lack(self, body: Any, headers: Headers) -> bool:
        return self.optional or self.declared(body, headers) == 0


def _number(value: Any, name: str) -> int:
    if isinstance(value, bool) or not str(value).isdecimal():
        raise IncompleteRead(f"expected a number in {name!r}, got {word_of(type(value))}.", remedy=NOT_THE_SYSTEM)
    return int(value)


@dataclass(frozen=True)
class SinglePage(Pages):
    """Everything in one answer."""

    def next(self, params: Params, body: Any, headers: Headers, count: int) -> Next | None:
        return None


@dataclass(frozen=True)
class CursorPages(Pages):
    """The answer names a token for the next page at `path`; `more` is the path of a flag that says whether one is.

    A token without more is where a later read goes on (events, changes). `items.-1.id` names the last item's id.
    """

    param: str
    path: str
    more: str = ""
    size_param: str = ""
    size: int = 100

    def first(self) -> dict[str, Any]:
        return {self.size_param: self.size} if self.size_param else {}

    def next(self, params: Params, body: Any, headers: Headers, count: int) -> Next | None:
        token = get_path(body, self.path)
        wanted = not self.more or bool(get_path(body, self.more))
        if token is None or token is False or token == "":
            if self.more and wanted:
                raise IncompleteRead(f"{self.more!r} announces another page, but {self.path!r} names none.")
            return None
        return Next({self.param: token}, final=not wanted)


@dataclass(frozen=True)
class NumberedPages(Pages):
    """Page 1, 2, 3 … to the number of pages in `total_header`, else to the first empty page.

    A short page is no end: systems cap the size below what was asked, or leave out what the account may not see.
    """

    param: str = "page"
    size_param: str = "per_page"
    size: int = 100
    total_header: str = ""
    start: int = 1

    def first(self) -> dict[str, Any]:
        return {self.param: self.start, **({self.size_param: self.size} if self.size_param else {})}

    def next(self, params: Params, body: Any, headers: Headers, count: int) -> Next | None:
        page = int(params[self.param])
        if self.total_header:
            pages = _number(headers.get(self.total_header), self.total_header)
            return Next({self.param: page + 1}) if page - self.start + 1 < pages else None
        return Next({self.param: page + 1}) if count else None


@dataclass(frozen=True)
class OffsetPages(Pages):
    """Items from an offset on, to the declared total, else to the first empty page.

    It goes on by what came, not by what was asked for: a system that caps the size would be read with holes.
    """

    param: str = "offset"
    size_param: str = "limit"
    size: int = 100
    start: int = 0

    def first(self) -> dict[str, Any]:
        return {self.param: self.start, **({self.size_param: self.size} if self.size_param else {})}

    def next(self, params: Params, body: Any, headers: Headers, count: int) -> Next | None:
        offset = int(params[self.param]) + count
        total = self.declared(body, headers)
        if not count or (total is not None and offset - self.start >= total):
            return None
        return Next({self.param: offset})


@dataclass(frozen=True)
class LinkPages(Pages):
    """A link to the next page: in the Link header (RFC 8288), or at `path` in the answer."""

    rel: str = "next"
    path: str = ""
    size_param: str = ""
    size: int = 100

    def first(self) -> dict[str, Any]:
        return {self.size_param: self.size} if self.size_param else {}

    def next(self, params: Params, body: Any, headers: Headers, count: int) -> Next | None:
        link = get_path(body, self.path) if self.path else self._in_header(headers.get("Link", ""))
        return Next(url=str(link)) if link else None

    def _in_header(self, header: str) -> str | None:
        links = parse_header_links(header) if header else []
        return next((link["url"] for link in links if self.rel in link.get("rel", "").split()), None)


@dataclass(frozen=True)
class ODataPages(Pages):
    """OData and Microsoft Graph; a delta link is where a later read goes on."""

    items: str = "value"

    def next(self, params: Params, body: Any, headers: Headers, count: int) -> Next | None:
        following, delta = get_path(body, "@odata.nextLink"), get_path(body, "@odata.deltaLink")
        if following:
            return Next(url=following)
        return Next(url=delta, final=True) if delta else None


@dataclass(frozen=True)
class DeltaPages(ODataPages):
    """A round of changes, as OData's delta links follow them. It may tell the same twice."""

    follows: bool = True
    alike: ClassVar[bool] = True


@dataclass(frozen=True)
class ContinuePages(Pages):
    """MediaWiki: the `continue` object is merged into the next request; a query without hits has no list."""

    path: str = "continue"
    alike: ClassVar[bool] = True

    def next(self, params: Params, body: Any, headers: Headers, count: int) -> Next | None:
        following = get_path(body, self.path)
        return Next(following) if following else None

    def _may_lack(self, body: Any, headers: Headers) -> bool:
        return super()._may_lack(body, headers) or (isinstance(body, Mapping) and "batchcomplete" in body)


def absolute(step: Next, url: str) -> Next:
    """The step with its link made complete against the address of the answer that held it."""
    try:
        return Next(step.params, urljoin(url, step.url), step.final) if step.url else step
    except ValueError:
        pass  # its text is the link
    raise IncompleteRead("the link to the next page is no address.")
