"""What all connectors of Microsoft 365 share: the connection, what refusals mean, and following changes by delta."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field

from landbridge.connector import Account, Connector, EntraSignIn
from landbridge.errors import (
    ExpiredCursor,
    LandbridgeError,
    RateLimited,
    RecordError,
    ScopeError,
)
from landbridge.http import Answer, Client, DeltaPages, ODataPages, get_path

Json = dict[str, Any]
GLOBAL = "https://graph.microsoft.com"
# Tokens that the service no longer knows; also said with 400 and 404.
EXPIRED = frozenset(
    {"syncstatenotfound", "syncstateinvalid", "resyncrequired", "directory_expiredpagetoken", "expireddeltatoken",
     "resyncchangesapplydifferences", "resyncchangesuploaddifferences"}
)  # fmt: skip


class GraphConfig(EntraSignIn):
    """One registered application of one tenant; it signs in as itself, as a person, or both."""

    host: str = Field(
        GLOBAL, pattern=r"^https?://[^/]+$", title="Address", examples=[GLOBAL],
        description="address of Microsoft Graph; another one in the national clouds",
    )  # fmt: skip


def refusal(answer: Answer) -> LandbridgeError | None:
    """What a status alone does not say."""
    if answer.status < 400:
        return None
    code = str(get_path(answer.json(), "error.code") or "").lower()
    inner = str(get_path(answer.json(), "error.innerError.code") or "").lower()
    if {code, inner} & EXPIRED:
        return ExpiredCursor(f"{answer.where}: the service does not know this position any more.")
    if code in ("toomanyrequests", "activitylimitreached") and answer.status != 429:
        return RateLimited(f"{answer.where}: too many requests.")
    if code == "request_resourcenotfound" and answer.status == 400:
        return RecordError(f"{answer.where}: what is referred to is not there.")
    return None


# Clocks differ; what is told twice is sorted out by its fingerprint.
SKEW = timedelta(minutes=10)
DELTA, LISTED = DeltaPages(), ODataPages()


def removed(raw: Json) -> bool:
    """How a delta says that an object is not there any more: accounts and groups, files.

    An account may be in the recycle bin for 30 days: either way nobody can sign in with it.
    """
    return "@removed" in raw or "deleted" in raw


def not_before(found: Json, native: Json) -> bool:
    """Was it said after what is looked for was due? Where nobody says when that was, anything may be it."""
    due = datetime.fromisoformat(str(native.get("created") or "2000-01-01T00:00:00Z"))
    return datetime.fromisoformat(found["created"]) >= due - SKEW


def share(address: str) -> str:
    """A file of SharePoint as Graph knows it by its address alone."""
    return f"shares/u!{base64.urlsafe_b64encode(address.encode()).decode().rstrip('=')}"


class Graph(Connector):
    """Calls as the application where it can sign in, else as the person."""

    Config: ClassVar[type[GraphConfig]] = GraphConfig
    config: GraphConfig

    def make_client(self) -> Client:
        return self._client()

    @cached_property
    def person(self) -> Client:
        """Calls as the person who has signed in: what Microsoft lets no application do."""
        return self._client(person=True)

    def _client(self, *, person: bool | None = None) -> Client:
        auth = self.config.bearer(person=person)
        return Client(f"{self.config.host}/v1.0", auth=auth, throttle=self.throttle, error_map=refusal)

    def shared(self, locator: str, limit: int) -> Iterator[bytes]:
        """The bytes of what `share` has named; SharePoint's own host sees no token."""
        named = {"share": locator.removeprefix("shares/")}
        return self.client.stream("shares/{share}/driveItem/content", path_params=named, limit=limit)

    def account(self, *asked: tuple[str, Json, str]) -> Account:
        """The tenant's name, and which of the calls `(path, params, permission)` are refused."""
        found = self._asked("organization", {"$select": "displayName"})
        name = get_path(found.json(), "value.0.displayName") if found else None
        missing = [] if found else ["Organization.Read.All"]
        missing += [permission for path, params, permission in asked if not self._asked(path, params)]
        as_whom = "the application" if self.config.has_application else "the person who has signed in"
        return Account(str(name or self.config.tenant), tuple(missing), f"As {as_whom}.", self.config.expires())

    def _asked(self, path: str, params: Json) -> Answer | None:
        """None where the account may not ask that."""
        try:
            return self.client.get(path, params=params)
        except ScopeError:
            return None
