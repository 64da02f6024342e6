"""Change notifications of the Graph emulator: subscriptions that end, and requests to whoever asked for them."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import requests

from sandbox.emulators.base import Emulator, Reply, Request, route
from sandbox.emulators.graph_parts import Json, error, listed

SUBSCRIPTION = "/v1.0/subscriptions/{subscription}"
APPLICATION = {"applicationId": str(uuid.uuid4()), "creatorId": str(uuid.uuid4()), "latestSupportedTlsVersion": "v1_2"}
HOUR = 3600.0
DAYS = 24 * HOUR


class Notifications(Emulator):
    """Each change is told by a request of its own; nothing is said a second time."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.subscriptions: dict[str, Json] = {}

    def notify(self, followed: str, change: str, resource: str, kind: str) -> None:
        """To everybody who has asked for changes of this kind."""
        for row in list(self._there()):
            if row["resource"].strip("/") == followed and change in row["changeType"].split(","):
                data = {"@odata.type": kind, "@odata.id": resource, "id": re.findall("[^/()']+", resource)[-1]}
                told = {"changeType": change, "resource": resource, "resourceData": data}
                self._send(row["notificationUrl"], row, told)

    def warn(self, subscription: str, event: str) -> None:
        """That something becomes of it: missed, reauthorizationRequired, subscriptionRemoved."""
        row = self.subscriptions[subscription]
        if event == "subscriptionRemoved":
            del self.subscriptions[subscription]
        self._send(row["lifecycleNotificationUrl"], row, {"lifecycleEvent": event})

    @route("GET", "/v1.0/subscriptions")
    def list_subscriptions(self, request: Request) -> Reply:
        return listed(request, [row | {"clientState": None} for row in self._there()])

    @route("POST", "/v1.0/subscriptions")
    def subscribe(self, request: Request) -> Reply:
        sent: Json = request.json
        if missing := {"changeType", "expirationDateTime", "notificationUrl", "resource"} - sent.keys():
            raise error(400, "InvalidRequest", f"{min(missing)} is a required property.")
        of_teams = sent["resource"].strip("/").startswith("teams/")
        if of_teams and any(row["resource"] == sent["resource"] for row in self._there()):
            raise error(403, "Forbidden", "Has reached its limit of '1' TEAMS subscriptions for the resource.")
        self._until(sent["resource"], sent)
        for url in dict.fromkeys((sent["notificationUrl"], sent.get("lifecycleNotificationUrl"))):
            if url and not _answers(url):
                raise error(400, "ValidationError", "Subscription validation request failed.")
        made = {"id": str(uuid.uuid4()), **APPLICATION, **sent}
        self.subscriptions[made["id"]] = made
        return Reply(made, 201)

    @route("PATCH", SUBSCRIPTION)
    def renew(self, request: Request) -> Reply:
        row = self._subscription(request)
        self._until(row["resource"], row | request.json)
        row["expirationDateTime"] = request.json["expirationDateTime"]
        return Reply(row)

    @route("DELETE", SUBSCRIPTION)
    def unsubscribe(self, request: Request) -> Reply:
        row = self._subscription(request)
        del self.subscriptions[row["id"]]
        return Reply(status=204)

    # Steps of the above

    def _there(self) -> Iterator[Json]:
        now = self.clock()
        self.subscriptions = {id: row for id, row in self.subscriptions.items() if _ends(row) > now}
        return iter(self.subscriptions.values())

    def _subscription(self, request: Request) -> Json:
        found = {row["id"]: row for row in self._there()}.get(request.values["subscription"])
        if found is None:
            raise error(404, "ResourceNotFound", "The object was not found.")
        return found

    def _until(self, resource: str, wanted: Json) -> None:
        """Refuses what ends too late: it is for three days in Teams, and for 29 in the directory."""
        seconds = _ends(wanted) - self.clock()
        if not 0 < seconds <= (29 if resource.strip("/") == "users" else 3) * DAYS:
            raise error(400, "InvalidRequest", "Subscription expiration is not within the allowed range.")
        if seconds > HOUR and not wanted.get("lifecycleNotificationUrl"):
            raise error(400, "InvalidRequest", "lifecycleNotificationUrl is a required property.")

    def _send(self, url: str, row: Json, told: Json) -> None:
        common = {"subscriptionId": row["id"], "subscriptionExpirationDateTime": row["expirationDateTime"]}
        one = {**common, "clientState": row.get("clientState"), "tenantId": APPLICATION["creatorId"], **told}
        threading.Thread(target=_post, args=(url, {"value": [one]}), daemon=True).start()


def _ends(row: Json) -> float:
    return datetime.fromisoformat(row["expirationDateTime"]).timestamp()


def _answers(url: str) -> bool:
    """Does whoever listens there want to be told?"""
    token = f"Validation: Testing client application reachability for subscription Request-Id: {uuid.uuid4()}"
    try:
        reply = requests.post(url, params={"validationToken": token}, timeout=10)
    except requests.RequestException:
        return False
    return reply.ok and reply.text == token and reply.headers["Content-Type"].startswith("text/plain")


def _post(url: str, body: Json) -> None:
    with suppress(requests.RequestException):  # whoever does not answer is told no more
        requests.post(url, json=body, timeout=60)
