"""Streams that have changed, told to Airflow: an event of the stream's asset starts the flows that wait for it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from landbridge.connector import Connection
from landbridge.errors import ConfigError, LandbridgeError
from landbridge.http import BearerToken, Client, OffsetPages

# https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
ASSETS = OffsetPages(param="offset", items="assets", total="total_entries", size_param="limit", size=100)


class AssetEvents:
    """Airflow by its REST API (host, login and password of a connection); the login needs the role Op."""

    def __init__(self, connection: Connection, note: Callable[[str], None]) -> None:
        if not connection.host or not connection.login or not connection.password:
            raise ConfigError(
                f'Connection "{connection.id}" lacks the address, login or password of Airflow.',
                remedy="Say host (http://…), login and password.",
            )
        self._login = {"username": connection.login, "password": connection.password}
        self._sign_in = Client(connection.host)
        self._client = Client(connection.host, auth=BearerToken(self._token))
        self._ids: dict[str, int] = {}
        self._note = note

    def __call__(self, streams: Collection[str]) -> Collection[str]:
        """Tell of these ("chat/messages"); those that Airflow could not be told of."""
        left = set(streams)
        try:
            for stream in sorted(streams):
                if (id := self._id(stream)) is not None:
                    self._client.post("api/v2/assets/events", json={"asset_id": id, "extra": {"told": True}}, safe=True)
                left.discard(stream)
        except LandbridgeError as error:
            self._note(f"Airflow could not be told, which is tried again: {error}")
        return left

    def _id(self, stream: str) -> int | None:
        """None of what no DAG reads or waits for."""
        if stream not in self._ids:
            self._ids = {one["name"]: one["id"] for one in self._assets()}
        return self._ids.get(stream)

    def _assets(self) -> list[dict[str, Any]]:
        pages = self._client.pages("api/v2/assets", ASSETS, params={"uri_pattern": "landbridge://%"})
        return [one for page in pages for one in page.items]

    def _token(self) -> str:
        return self._sign_in.post("auth/token", json=self._login, safe=True).part("access_token", str)
