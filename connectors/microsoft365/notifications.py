"""Change notifications: Microsoft calls us when something has changed, where and for as long as it was asked to.

https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from connectors.microsoft365.graph import LISTED, Graph, GraphConfig, Json
from landbridge.connector import Heard, News, NotificationUrl, Pushed, Subscribed
from landbridge.errors import AuthError, RecordError

ALL, ONE = "subscriptions", "subscriptions/{id}"


class NotifiedConfig(GraphConfig):
    """It can be told of changes where Microsoft reaches an address of it."""

    notification_url: NotificationUrl = None


class Notified(Subscribed, Graph):
    """Asks for a day; Teams allows three."""

    config: NotifiedConfig
    # The changes that are told of: accounts are updated where they are made, too.
    told_changes: ClassVar[str] = "created,updated,deleted"

    def news_of(self, resource: str) -> News | None:
        """What is to be read again where a resource has changed; None: the stream, from where reading stands."""
        return None

    def there(self) -> Iterator[str]:
        every = self.client.items(ALL, LISTED)
        return (one["id"] for one in every if one.get("notificationUrl") == self.address)

    def made(self, resource: str, until: datetime) -> str:
        to = dict.fromkeys(("notificationUrl", "lifecycleNotificationUrl"), self.address)
        body = {
            "resource": resource,
            "changeType": self.told_changes,
            "clientState": self.secret,
            **to,
            **_lasts(until),
        }
        return self.client.post(ALL, json=body).part("id", str)

    def renewed(self, id: str, until: datetime) -> None:
        self.client.patch(ONE, path_params={"id": id}, json=_lasts(until), safe=True)

    def removed(self, id: str) -> None:
        self.client.remove(ONE, path_params={"id": id})

    def receive(self, pushed: Pushed) -> Heard:
        if token := pushed.params.get("validationToken"):  # before a subscription is made
            return Heard(answer=token)
        told = [one for one in _told(pushed) if self.is_ours(one.get("clientState"))]
        if not told:
            raise AuthError("What came as a notification does not bear the secret that Microsoft was told.")
        news = [self._news(one) for one in told]
        return Heard(tuple(dict.fromkeys(one for one in news if one)))

    def _news(self, one: Json) -> News | None:
        id, event = str(one.get("subscriptionId")), one.get("lifecycleEvent")
        if event == "subscriptionRemoved":
            self.told_of_end(id)
        elif event == "reauthorizationRequired":
            self.told_to_renew(id)
        elif event is None and (found := self.news_of(str(one.get("resource")))):
            return found
        elif event in (None, "missed"):
            # A stream may take longer than the three seconds that Microsoft waits. If this process dies before it is
            # read, the next one begins by reading it.
            self.told_too_little()
        return None


def _lasts(until: datetime) -> Json:
    return {"expirationDateTime": f"{until:%Y-%m-%dT%H:%M:%SZ}"}


def _told(pushed: Pushed) -> list[Json]:
    """The notifications of one request. Raises RecordError."""
    found = pushed.part("value", list)
    if not found or not all(isinstance(one, dict) for one in found):
        raise RecordError("A notification has not the form of Microsoft's.")
    return found
