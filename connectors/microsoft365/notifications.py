"""Change notifications: Microsoft calls us when something has changed, where and for as long as it was asked to.

https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson
from pydantic import Field

from connectors.microsoft365.graph import LISTED, Graph, GraphConfig, Json
from landbridge.connector import Heard, News, Pushed, if_there
from landbridge.errors import AuthError, ConfigError, RecordError, ScopeError, TransientError
from landbridge.http import Throttle

ALL, ONE = "subscriptions", "subscriptions/{id}"
# For how long is asked (Teams allows three days), what is left when a subscription is renewed, and how often is looked
# what is wanted and what is still there.
LIFE, LEFT, LOOK = timedelta(hours=24), timedelta(hours=12), timedelta(hours=6)
# When is looked again where all was refused.
REFUSED = timedelta(minutes=5)
# So many are asked for before what has come meanwhile is taken.
AT_ONCE = 20
NEVER = datetime.min.replace(tzinfo=UTC)


class NotifiedConfig(GraphConfig):
    """It can be told of changes where Microsoft reaches an address of it."""

    notification_url: str | None = Field(
        None, pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])",
        description="public address of what `landbridge watch --http` takes for this system",
    )  # fmt: skip


@dataclass(frozen=True)
class Subscription:
    id: str
    until: datetime


class Notified(Graph):
    """What is told has to bear a secret of this process; what an earlier one has asked for is taken back first."""

    config: NotifiedConfig
    # The stream that is told of, and the changes: accounts are updated where they are made, too.
    told_stream: ClassVar[str]
    told_changes: ClassVar[str] = "created,updated,deleted"

    def __init__(self, config: Any, throttle: Throttle | None = None) -> None:
        super().__init__(config, throttle)
        self._secret = secrets.token_urlsafe(32)
        # By resource; those that were refused are wanted again after the next look.
        self._wanted: list[str] = []
        self._subscriptions: dict[str, Subscription] = {}
        # `_gap`: something has changed, or may have, that no news name.
        self._look_at, self._gap = NEVER, False
        # What Microsoft says of a subscription, by its id; other threads hear it.
        self._events: deque[tuple[str, str]] = deque()

    # Steps of a connector

    def resources(self) -> Iterable[str]:
        """What is to be told of, as Graph calls it."""
        raise NotImplementedError

    def news_of(self, resource: str) -> News | None:
        """What is to be read again where a resource has changed; None: the stream, from where reading stands."""
        return None

    # What is made of them

    @property
    def address(self) -> str | None:
        return self.config.notification_url

    def subscribe(self) -> Sequence[News]:
        now = datetime.now(UTC)
        self._hear(now)
        if self._look_at <= now:
            self._look()
            self._look_at = now + LOOK
        due = [one for one in self._wanted if self._until(one) - now < LEFT]
        try:
            for resource in due[:AT_ONCE]:
                self._ask(resource, now + LIFE)
        except TransientError as error:
            if error.uncertain:  # whether there is one more, only Microsoft knows
                self._look_at = NEVER
            raise
        if len(due) > AT_ONCE or not self._gap:
            return ()
        self._gap = False
        return (News(self.told_stream),)

    def receive(self, pushed: Pushed) -> Heard:
        if token := pushed.params.get("validationToken"):  # before a subscription is made
            return Heard(answer=token)
        told = [one for one in _told(pushed.body) if self._bears_secret(one)]
        if not told:
            raise AuthError("What came as a notification does not bear the secret that Microsoft was told.")
        of_life = [one for one in told if "lifecycleEvent" in one]
        self._events += ((str(one.get("subscriptionId")), str(one["lifecycleEvent"])) for one in of_life)
        found = [self.news_of(str(one.get("resource"))) for one in told if one not in of_life]
        # A stream may take longer than the three seconds that Microsoft waits. If this process dies before it is read,
        # the next one begins by reading it.
        if None in found:
            self._gap = True
        return Heard(tuple(dict.fromkeys(news for news in found if news)))

    # Steps of the above

    def _bears_secret(self, one: Json) -> bool:
        return secrets.compare_digest(str(one.get("clientState")).encode(), self._secret.encode())

    def _until(self, resource: str) -> datetime:
        return self._subscriptions[resource].until if resource in self._subscriptions else NEVER

    def _hear(self, now: datetime) -> None:
        """What was removed is asked for anew; what is to be reauthorized is renewed, whenever it would end; what was not
        told is read.
        """
        by_id = {one.id: resource for resource, one in self._subscriptions.items()}
        while self._events:
            id, event = self._events.popleft()
            if event == "missed":
                self._gap = True
            elif event == "subscriptionRemoved" and id in by_id:
                self._subscriptions.pop(by_id[id], None)
            elif event == "reauthorizationRequired" and id in by_id:
                self._subscriptions[by_id[id]] = Subscription(id, now)

    def _look(self) -> None:
        """What Microsoft knows no more is forgotten; what it has and nobody wants (any more) is taken back."""
        if self.address is None:
            raise ConfigError(
                f"Microsoft cannot be asked to tell what changes in {self.system}.",
                remedy="Say notification_url in the connection, or name the systems to listen to without this one.",
            )
        self._wanted = list(self.resources())
        there = {one["id"] for one in self.client.items(ALL, LISTED) if one.get("notificationUrl") == self.address}
        known = self._subscriptions.items()
        self._subscriptions = {of: one for of, one in known if one.id in there and of in self._wanted}
        for id in there - {one.id for one in self._subscriptions.values()}:
            self.client.remove(ONE, path_params={"id": id})

    def _ask(self, resource: str, until: datetime) -> None:
        """What is refused keeps nothing else from being told; where all is, that is an error."""
        lasts = {"expirationDateTime": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
        try:
            id = self._renewed(resource, lasts) or self._made(resource, lasts)
        except (RecordError, ScopeError) as error:
            self._subscriptions.pop(resource, None)
            self._wanted.remove(resource)
            if not self._wanted:
                self._look_at = datetime.now(UTC) + REFUSED
                raise TransientError(
                    f"Microsoft will not tell what changes in {self.system}: {error}",
                    remedy="Does it reach notification_url from outside, and has the account the rights to read?",
                ) from error
        else:
            self._subscriptions[resource] = Subscription(id, until)

    def _renewed(self, resource: str, lasts: Json) -> str | None:
        """None where there is no subscription (any more)."""
        known = self._subscriptions.get(resource)
        if known is None or not if_there(self.client.patch, ONE, path_params={"id": known.id}, json=lasts, safe=True):
            return None
        return known.id

    def _made(self, resource: str, lasts: Json) -> str:
        to = dict.fromkeys(("notificationUrl", "lifecycleNotificationUrl"), self.address)
        body = {"resource": resource, "changeType": self.told_changes, "clientState": self._secret, **to, **lasts}
        made = self.client.post(ALL, json=body).part("id", str)
        self._gap = True
        return made


def _told(body: bytes) -> list[Json]:
    """The notifications of one request. Raises RecordError."""
    try:
        found = orjson.loads(body)["value"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        found = None
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise RecordError("A notification has not the form of Microsoft's.")
    return found
