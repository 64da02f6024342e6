"""What all connectors of Microsoft 365 share: the connection, what refusals mean, and following changes by delta."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field

from landbridge.connector import Account, Connector, EntraSignIn, if_allowed
from landbridge.errors import ExpiredCursor, LandbridgeError, RateLimited, RecordError
from landbridge.http import Answer, Client, DeltaPages, Meaning, Meanings, ODataPages, get_path

Json = dict[str, Any]
GLOBAL = "https://graph.microsoft.com"
MEANINGS = Meanings(
    # Also said with 400 and 404.
    Meaning(ExpiredCursor, "syncstatenotfound syncstateinvalid resyncrequired directory_expiredpagetoken expireddeltatoken"
            " resyncchangesapplydifferences resyncchangesuploaddifferences",
            "the service does not know this position any more."),
    Meaning(RateLimited, "toomanyrequests activitylimitreached", "too many requests."),
)  # fmt: skip


class GraphConfig(EntraSignIn):
    """One registered application of one tenant; it signs in as itself, as a person, or both."""

    host: str = Field(
        GLOBAL, pattern=r"^https?://[^/]+$", title="Address", examples=[GLOBAL],
        description="address of Microsoft Graph; another one in the national clouds",
    )  # fmt: skip


def refusal(answer: Answer) -> LandbridgeError | None:
    """By its words, in whatever letters; None leaves it to the status."""
    if answer.status < 400:
        return None
    inner, code = (str(get_path(answer.json(), f"error.{at}") or "").lower() for at in ("innerError.code", "code"))
    if code == "request_resourcenotfound" and answer.status == 400:
        return RecordError(f"{answer.where}: what is referred to is not there.")
    return MEANINGS.of(answer, inner) or MEANINGS.of(answer, code)


DELTA, LISTED = DeltaPages(), ODataPages()


def removed(raw: Json) -> bool:
    """How a delta says that an object is not there any more: accounts and groups, files.

    An account may be in the recycle bin for 30 days: either way nobody can sign in with it.
    """
    return "@removed" in raw or "deleted" in raw


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
        found = if_allowed(self.client.get, "organization", params={"$select": "displayName"})
        name = get_path(found.json(), "value.0.displayName") if found else None
        missing = [] if found else ["Organization.Read.All"]
        for path, params, permission in asked:
            if if_allowed(self.client.get, path, params=params) is None:
                missing.append(permission)
        as_whom = "the application" if self.config.has_application else "the person who has signed in"
        return Account(str(name or self.config.tenant), tuple(missing), f"As {as_whom}.", self.config.expires())
