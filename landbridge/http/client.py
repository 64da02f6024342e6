"""The client that every connector gets: one call in, one whole answer or one named error out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import requests
from requests.auth import AuthBase

from landbridge.errors import (
    AuthError,
    LandbridgeError,
    NotFound,
    RateLimited,
    RecordError,
    TransientError,
)
from landbridge.http.answer import Answer, error_of, page_for_people, skew_of
from landbridge.http.auth import Renews
from landbridge.http.call import Call, Listing, Options, call, filled, limit_of
from landbridge.http.pages import Pages
from landbridge.http.reading import Page, read_pages
from landbridge.http.redaction import shown
from landbridge.http.retry import USUAL, Retries, retrying
from landbridge.http.throttle import Limit, LocalThrottle, Throttle
from landbridge.http.transport import Transport

T = TypeVar("T")
log = logging.getLogger("landbridge.http")
MEGABYTE = 2**20
DEFAULTS = {"User-Agent": "Landbridge", "Accept": "application/json"}
_latest = threading.local()


def latest_request() -> str:
    """What this thread has asked last and got an answer to, as messages name it; empty where it asked nothing."""
    return str(getattr(_latest, "where", ""))


class Client:
    """Safe for threads. `hosts` are further hosts of the same system, such as its file server, that may see credentials.

    `error_map` is asked first about every answer, successes too; None leaves it to the status. `limits` are those of kinds
    of calls, by `path` or `METHOD path`, beside the one that all calls share; a call that is refused for coming too soon
    holds up only those of its kind. A Content-Type among `headers` is that of the JSON which is sent. `params` go with
    every call but those to a complete link, unless the call itself says another value.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: AuthBase | None = None,
        throttle: Throttle | None = None,
        timeout: tuple[float, float] = (5, 60),
        retries: Retries = USUAL,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        verify: bool | str = True,
        error_map: Callable[[Answer], LandbridgeError | None] | None = None,
        limits: Mapping[str, Limit] | None = None,
        hosts: Collection[str] = (),
        marker_header: str = "Idempotency-Key",
        max_answer: int = 128 * MEGABYTE,
    ) -> None:
        own = {**DEFAULTS, **(headers or {})}
        self._json_type = own.pop("Content-Type", "application/json")
        self._transport = Transport(base_url, auth=auth, hosts=hosts, headers=own, timeout=timeout, verify=verify)
        self._auth, self._throttle = auth, throttle or LocalThrottle()
        self._timeout, self._retries, self._error_map = timeout, retries, error_map
        self._marker_header, self._max_answer = marker_header, max_answer
        self._params = dict(params or {})
        # May be changed while the client is used, by who learns of another limit.
        self.limits = dict(limits or {})
        # Seconds that the system's clock is ahead of ours, by the Date of its last answer.
        self.skew: float | None = None

    def get(self, path: str, **options: Unpack[Options]) -> Answer:
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Unpack[Options]) -> Answer:
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Unpack[Options]) -> Answer:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Unpack[Options]) -> Answer:
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[Options]) -> Answer:
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[Options]) -> Answer:
        return self.request("DELETE", path, **options)

    def find(self, path: str, **options: Unpack[Options]) -> Answer | None:
        """GET; None where nothing is there."""
        try:
            return self.get(path, **options)
        except NotFound:
            return None

    def remove(self, path: str, **options: Unpack[Options]) -> None:
        """DELETE; that it is gone already is what was wanted."""
        try:
            self.delete(path, **options)
        except NotFound:
            pass

    def request(self, method: str, path: str, **options: Unpack[Options]) -> Answer:
        """Any method; `path` lies below the base address, or is a complete link of the same system."""
        made = self._call(method, path, options)
        return self._repeat(made, lambda: self._whole(made))

    def items(
        self, path: str, pages: Pages, *, most: int | None = None, **options: Unpack[Listing]
    ) -> Iterator[dict[str, Any]]:
        """What stands on all pages, or on the first `most`."""
        for page in islice(self.pages(path, pages, **options), most):
            yield from page.items

    def pages(self, path: str, pages: Pages, **options: Unpack[Listing]) -> Iterator[Page]:
        """All pages from `start` on. With `json`, a search by POST: the paging parameters go into its body."""
        params, json = options.get("params"), options.get("json")

        def fetch(asked: Mapping[str, Any], link: str | None) -> Answer:
            told: Options = {"headers": options.get("headers"), "path_params": options.get("path_params"), "safe": True}
            told["cost"] = options.get("cost", 1.0)
            if json is None:
                told["params"] = asked
            elif not link:
                told |= {"params": params, "json": asked}
            made = self._call("GET" if json is None or link else "POST", path, told, link=link)
            return self._repeat(made, lambda: self._parsed(made, pages))

        return read_pages(fetch, pages, params=params if json is None else json, start=options.get("start"))

    def stream(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        path_params: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = 100 * MEGABYTE,
    ) -> Iterator[bytes]:
        """A file in pieces, at most `limit` bytes. Other hosts may be redirected to, they see no credentials."""
        options: Options = {
            "params": params,
            "path_params": path_params,
            "headers": {"Accept": "*/*", **(headers or {})},
        }
        made = self._call("GET", path, options, elsewhere=True)
        response = self._repeat(made, lambda: self._opened(made))
        try:
            if int(response.headers.get("Content-Length") or 0) > limit:
                raise _too_big(made, limit)
            taken = 0
            for piece in self._transport.pieces(made, response):
                taken += len(piece)
                if taken > limit:
                    raise _too_big(made, limit)
                yield piece
        finally:
            response.close()

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _call(
        self, method: str, path: str, options: Options, *, link: str | None = None, elsewhere: bool = False
    ) -> Call:
        if self._params and not link and "://" not in path:
            options = {**options, "params": {**self._params, **(options.get("params") or {})}}
        values = options.get("path_params")
        where = shown(method, self._transport.address(path))
        url = self._transport.address(link or filled(path, values), where=where)
        limit = limit_of(self.limits, method, path, options, self._throttle)
        return call(
            method, url, where, options, marker_header=self._marker_header, json_type=self._json_type,
            elsewhere=elsewhere, limit=limit,
        )  # fmt: skip

    def _repeat(self, made: Call, attempt: Callable[[], T]) -> T:
        doubt = False

        def once() -> T:
            nonlocal doubt
            try:
                return self._renewed(made, attempt)
            except TransientError as error:
                doubt = error.uncertain = doubt or error.uncertain
                raise

        repeater = retrying(self._retries, repeatable=made.repeatable, rewindable=made.rewindable)
        try:
            return repeater(once)
        except RecordError as error:
            # After an attempt that may have been applied, "exists already" or "changed meanwhile" may be our own
            # doing; "not found" after a delete is its success, which the caller can tell best.
            if not doubt or isinstance(error, NotFound):
                raise
            raise TransientError(f"{error} An earlier attempt may have been applied.", uncertain=True) from error

    def _renewed(self, made: Call, attempt: Callable[[], T]) -> T:
        if not isinstance(self._auth, Renews) or not made.rewindable:
            return attempt()
        used = self._auth.secret()
        try:
            return attempt()
        except AuthError:
            if not self._auth.renew(used):
                raise
        return attempt()

    def _whole(self, made: Call) -> Answer:
        self._admit(made)
        began = time.monotonic()
        response = self._transport.send(made)
        self.skew = skew_of(response.headers)
        return self._judged(made, self._answer(made, response, began))

    def _parsed(self, made: Call, pages: Pages) -> Answer:
        answer = self._whole(made)
        pages.parsed(answer)  # here, so that HTML instead of JSON on one page of thousands is simply asked for again
        return answer

    def _opened(self, made: Call) -> requests.Response:
        self._admit(made)
        began = time.monotonic()
        response = self._transport.send(made)
        if response.status_code != 200:
            self._judged(made, self._answer(made, response, began))
        return response

    def _admit(self, made: Call) -> None:
        if made.limit is not None:
            made.limit.acquire(made.cost)
        self._throttle.acquire(made.cost)

    def _judged(self, made: Call, answer: Answer) -> Answer:
        error = self._mapped(answer) or error_of(answer) or page_for_people(answer)
        if error is None:
            return answer
        if isinstance(error, RateLimited):
            (made.limit or self._throttle).limited(error.after)
        raise error

    def _mapped(self, answer: Answer) -> LandbridgeError | None:
        try:
            return self._error_map(answer) if self._error_map else None
        except TransientError:
            # A map reads the JSON; a gateway's 429 or 502 has none, and its status says more than that.
            if answer.status < 400:
                raise
        return None

    def _answer(self, made: Call, response: requests.Response, began: float) -> Answer:
        body = self._transport.body(made, response, self._max_answer)
        status, elapsed = response.status_code, time.monotonic() - began
        log.debug("%s: %d, %d bytes in %.3f s", made.where, status, len(body), elapsed)
        _latest.where = made.where
        return Answer(status, response.headers, body, str(response.url), elapsed, made.method, made.where)


def _too_big(made: Call, limit: int) -> RecordError:
    return RecordError(f"{made.where}: the file is larger than the {limit} bytes that this system may send.")
