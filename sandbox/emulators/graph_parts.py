"""Microsoft Graph's common ground: its errors, its pages, and delta queries with tokens that end."""

from __future__ import annotations

import secrets
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sandbox.emulators.base import Refused, Reply, Request

Json = dict[str, Any]
# What a delta tells of one object since a place in the log (None: from the beginning); None: it is no more.
Shape = Callable[[str, int | None, Mapping[str, str]], Json | None]
WEEK = 7 * 86400.0
LISTS = frozenset({"businessPhones", "otherMails", "groupTypes"})


def error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Refused:
    """As Graph words it."""
    inner = {"date": "2026-08-17T07:00:00", "request-id": str(uuid.uuid4()), "client-request-id": str(uuid.uuid4())}
    return Refused({"error": {"code": code, "message": message, "innerError": inner}}, status, headers)


def not_there(what: str) -> Refused:
    message = f"Resource '{what}' does not exist or one of its queried reference-property objects are not present."
    return error(404, "Request_ResourceNotFound", message)


def stamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def selected(row: Json, request: Request) -> Json:
    """Only what `$select` asks for; what was never set is null."""
    names = [name for name in request.params.get("$select", "").split(",") if name]
    return (
        {name: row.get(name, [] if name in LISTS else None) for name in dict.fromkeys(["id", *names])} if names else row
    )


def listed(request: Request, rows: Iterable[Json], *, usual: int = 100, most: int = 999) -> Reply:
    """One page; the next link holds an opaque token."""
    top = int(request.params.get("$top") or usual)
    if not 1 <= top <= most:
        raise error(400, "Request_BadRequest", f"Invalid page size specified: '{top}'. Must be between 1 and {most}.")
    found, start = list(rows), int(request.params.get("$skiptoken", "m0")[1:])
    body: Json = {"value": found[start : start + top]}
    if start + top < len(found):
        kept = "".join(f"{name}={quote(value)}&" for name, value in request.params.items() if name != "$skiptoken")
        body["@odata.nextLink"] = f"{request.origin}{request.path}?{kept}$skiptoken=m{start + top}"
    return Reply(body)


@dataclass(frozen=True)
class Round:
    """A place in one round: what is left to tell, of what changed between two places of the log."""

    params: Mapping[str, str]
    since: int | None
    left: tuple[str, ...]
    until: int
    issued: float


class Deltas:
    """What changed in which order, and the tokens given out. `size` objects stand on a page.

    `replays` tells the last object of each page again on the next one, as Graph may.
    """

    def __init__(self, clock: Callable[[], float], lifetime: float = WEEK) -> None:
        self._clock, self._lifetime = clock, lifetime
        self._log: dict[str, list[str]] = defaultdict(list)
        self._rounds: dict[str, Round] = {}
        self.size, self.replays = 100, False

    def touch(self, collection: str, id: str) -> int:
        """Notes a change; its place in the log."""
        self._log[collection].append(id)
        return len(self._log[collection])

    def expire(self) -> None:
        """No token that was given out is known any more."""
        self._rounds.clear()

    def answer(
        self, request: Request, collection: str, there: Iterable[str], shape: Shape, *, name: str = "$deltatoken"
    ) -> Reply:
        """`name` is how the token of a delta link is called: drives say `token`."""
        params = {key.lower(): value for key, value in request.params.items()}
        token = params.get("$skiptoken") or params.get(name)
        log = self._log[collection]
        if token == "latest":
            found = Round(request.params, None, (), len(log), self._clock())
        elif token is None:
            found = Round(request.params, None, tuple(there), len(log), self._clock())
        else:
            found = self._known(request, token, name)
            if "$skiptoken" not in params:
                changed = tuple(dict.fromkeys(log[found.until :]))
                found = Round(found.params, found.until, changed, len(log), self._clock())
        return self._page(request, found, shape, name)

    def _known(self, request: Request, token: str, name: str) -> Round:
        found = self._rounds.get(token)
        if found is None or found.issued + self._lifetime < self._clock():
            location = {"Location": f"{request.origin}{request.path}?{name}="}
            raise error(410, "syncStateNotFound", "The sync state generation is not found.", location)
        return found

    def _page(self, request: Request, found: Round, shape: Shape, name: str) -> Reply:
        page, left = found.left[: self.size], found.left[self.size :]
        rows = [shape(id, found.since, found.params) or {"id": id, "@removed": {"reason": "deleted"}} for id in page]
        token = secrets.token_urlsafe(32)
        if self.replays and left and page:
            left = (page[-1], *left) if len(page) > 1 else left
        self._rounds[token] = Round(found.params, found.since, left, found.until, self._clock())
        link, key = ("@odata.nextLink", "$skiptoken") if left else ("@odata.deltaLink", name)
        return Reply({"value": rows, link: f"{request.origin}{request.path}?{key}={token}"})
